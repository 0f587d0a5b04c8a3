"""Repeats: consecutive parts of the same structure, such as ten equal layers, are shown once, as "× 10".

Parts have the same structure if their ops, shapes and dtypes agree and each takes its inputs from the same distance;
which leaf or which number it takes may differ, and the first of a run may take other inputs than the copy before it.
Equal structures get equal numbers, and runs of a period p are found by comparing the numbers with themselves moved on
by p.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..describe import is_number
from ..flow import Box
from ..node import Leaf, Node
from .parts import Group, boxes_in
from .styles import Mark

FEWEST = 3  # repeats that are worth folding
LONGEST = 400  # parts in what is repeated


def fold(root: Group, inputs_of: Any, marks: dict[Node, Mark], since: float) -> dict[Node, Node]:
    """Fold the repeats in `root`, in place; for each node that is not shown any more, the node that stands for it.

    `inputs_of(box)` gives the inputs that are shown; a box with a mark differs from one without. What is recorded from
    `since` on runs backward through what was recorded before, at distances that change.
    """

    def facts_of(box: Box) -> Any:
        node = box.node
        return node.op, node.shape, node.dtype, marks[node].kind if node in marks else ""

    def near(i: Node, box: Box) -> bool:
        return i.order >= since or box.node.order < since

    stands_for: dict[Node, Node] = {}
    groups = [root]
    for group in groups:  # the list grows while it is read: outer groups first
        groups += [part for part in group.parts if isinstance(part, Group)]
    numbers: dict[Any, int] = {}
    inner: dict[Group, Any] = {}
    structure: dict[Group, list[int]] = {}
    for group in reversed(groups):
        structure[group] = _structures(group, inputs_of, facts_of, near, inner, numbers)
        inner[group] = numbers.setdefault((group.kind or group.path, *structure[group]), len(numbers))
    for group in groups:
        _fold_parts(group, structure[group], list(numbers), stands_for)
    return stands_for


def _structures(group: Group, inputs_of: Any, facts_of: Any, near: Any, inner: Any, numbers: Any) -> list[int]:
    """For each part of a group the number of its structure."""
    home: dict[Node, tuple[int, int]] = {}
    for k, part in enumerate(group.parts):
        inside = list(boxes_in(part))
        for place, box in enumerate(inside, -len(inside)):  # from the end: outputs of parts of any length are -1
            home[box.node] = (k, place)
    return [
        numbers.setdefault(_structure(k, part, home, inputs_of, facts_of, near, inner), len(numbers))
        for k, part in enumerate(group.parts)
    ]


def _structure(k: int, part: Box | Group, home: Any, inputs_of: Any, facts_of: Any, near: Any, inner: Any) -> Any:
    found: list[Any] = [inner[part] if isinstance(part, Group) else -1]
    for box in boxes_in(part):
        if box is part:
            found.append(facts_of(box))
        for i in inputs_of(box):
            if isinstance(i, Node) and i in home and near(i, box):
                other, place = home[i]
                if other != k:
                    found.append((k - other, i.shape, place))
            else:
                found.append(("number" if is_number(i) else "given", np.shape(i)))
    return tuple(found)


def _fold_parts(group: Group, structure: list[int], keys: list[Any], stands_for: dict[Node, Node]) -> None:
    """Put each run of repeated parts of `group` into a group with `times`; what repeats inside one copy is folded in
    turn."""
    waiting = [(group, structure)]
    while waiting:
        group, structure = waiting.pop()
        heads = np.array([_takes_a_leaf(part) for part in group.parts], bool)
        runs = _runs(np.array(structure, dtype=np.intp), heads)
        parts: list[Box | Group] = []
        place = 0
        for start, period, times, slack in runs:
            for first in range(start, start + slack + 1):
                if first - period >= place and _begins(first, period, structure, keys):
                    start, times = first - period, times + 1
                    break
            parts += group.parts[place:start]
            place = start + period * times
            copies = group.parts[start:place]
            shown = copies[:period]
            for k in range(period, len(copies)):
                for kept, gone in zip(boxes_in(copies[k % period]), boxes_in(copies[k]), strict=True):
                    stands_for[gone.node] = kept.node
            repeat = Group(parts=shown, times=times)
            only, last = shown[0], copies[-1]
            if period == 1 and isinstance(only, Group) and isinstance(last, Group):
                repeat = only
                repeat.times, repeat.last = times, last.path
            elif period > 1:
                waiting.append((repeat, structure[start : start + period]))
            parts.append(repeat)
        group.parts = parts + group.parts[place:]


def _begins(start: int, period: int, structure: list[int], keys: list[Any]) -> bool:
    """Whether the parts before a run are one more copy, but that they take from elsewhere what the others take from
    the copy before them, as the first layer does."""

    def from_before(x: Any, y: Any, offset: int) -> bool:
        given = isinstance(x, tuple) and (x[0] == "given" or (isinstance(x[0], int) and x[0] > offset))
        return given and isinstance(y, tuple) and isinstance(y[0], int) and y[0] > offset and bool(x[1] == y[1])

    for offset in range(period):
        first, second = (keys[structure[k + offset]] for k in (start - period, start))
        if len(first) != len(second):
            return False
        if not all(x == y or from_before(x, y, offset) for x, y in zip(first, second, strict=True)):
            return False
    return True


def _takes_a_leaf(part: Box | Group) -> bool:
    return any(isinstance(i, Leaf) for box in boxes_in(part) for i in box.node.inputs)


def _runs(numbers: Any, heads: Any) -> list[tuple[int, int, int, int]]:
    """(start, period, times, slack) of the repeats to fold, in order, none overlapping another; a run could as well
    start up to `slack` places later.

    What saves most is taken first; of equal ones that which starts at one of the `heads`, as a layer does at its
    weights.
    """
    n = len(numbers)
    best, period, slack = np.zeros(n, np.intp), np.zeros(n, np.intp), np.zeros(n, np.intp)
    for p in range(1, min(LONGEST, n // FEWEST) + 1):
        same = numbers[p:] == numbers[:-p]
        ends = np.append(np.flatnonzero(~same), n - p)  # where the run of equal numbers that holds a place ends
        places = np.arange(n - p)
        length = ends[np.searchsorted(ends, places)] - places
        saved = length // p * p
        better = (saved > best[: n - p]) & (saved >= (FEWEST - 1) * p)
        best[: n - p][better], period[: n - p][better], slack[: n - p][better] = saved[better], p, (length % p)[better]
    taken = np.zeros(n, bool)
    found = []
    for start in np.lexsort((~heads, -best)):
        if not best[start]:
            break
        end = start + best[start] + period[start]
        if not taken[start] and not taken[end - 1]:
            others = np.flatnonzero(taken[end : end + slack[start]])
            room = int(others[0] if len(others) else slack[start])
            taken[start : end + room] = True
            found.append((int(start), int(period[start]), int(best[start] // period[start] + 1), room))
    return sorted(found)
