"""What a picture shows of a graph: which boxes, in which frames, and the edges between them.

The same view is written as DOT (dot.py) and as a tree of text (tree.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..describe import constant_name, is_number, leaf_names, parameter_names, slot
from ..errors import ArgumentError
from ..flow import Box, Graph
from ..node import Leaf, Node
from ..ops.shape import broadcast_to, sum_to
from ..trace import traced_input
from .folding import fold
from .parts import Group, boxes_in, grouped
from .styles import Mark, worst

LARGEST = 2000  # boxes; beyond that no layout is readable
FOLDED_FROM, CONSTANTS_UP_TO = 12, 24  # boxes of ops, unless the caller says


@dataclass(frozen=True)
class Edge:
    """From what is shown as `tail` to `head`: input `slot` of the box `taker`, from `source`, a Node or a constant."""

    tail: str
    head: str
    source: Any
    taker: Box
    slot: int


class View:
    """The shown boxes and closed groups by their keys ("n3", "g1"), in order, and the edges between them.

    Parameters
    ----------
    depth: how many levels of modules and scopes are open; all if None.
    folded: whether repeats are shown once; if None, in a graph that is not small.
    constants, broadcasting: whether arrays that want no gradient, and ops that only copy or add up what broadcasting
        copied, are shown; constants, if None, in a small graph.
    marks: what is known of nodes.
    since: the time when the backward pass began, where that is in the graph.

    Raises
    ------
    ArgumentError (a TypeError) if more than 2,000 boxes would be left.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        depth: int | None = None,
        folded: bool | None = None,
        constants: bool | None = None,
        broadcasting: bool = False,
        marks: Mapping[Node, Mark] | None = None,
        since: float = math.inf,
    ):
        self.graph, self.marks = graph, dict(marks or {})
        self._number = {box.node: k for k, box in enumerate(graph)}
        last = graph[-1].node if since == math.inf else None  # a gradient is named, even where its last box is hidden
        self._hidden = {box.node for box in graph if not broadcasting and box.node is not last and _only_copies(box)}
        self.root, self.alone = grouped([box for box in graph if box.node not in self._hidden], depth)
        folded = sum(1 for _ in self._shown_parts()) >= FOLDED_FROM if folded is None else folded
        folds = fold(self.root, self.inputs_of, self.marks, since) if folded else {}
        few = sum(1 for _ in self._shown_parts()) <= CONSTANTS_UP_TO
        self.constants = few if constants is None else constants
        self._stands_for = {gone: _end(folds, gone) for gone in folds}
        self.parameters, self._names = parameter_names(graph), leaf_names(graph)
        self.items: dict[str, Box | Group] = {}
        self._key: dict[Node, str] = {}
        self._inside: dict[str, list[Group]] = {}  # the open frames around what is shown
        self._show()
        self.edges = list(self._edges())
        self.last_of = self._last_of()

    # -- boxes -------------------------------------------------------------------------------------------

    def inputs_of(self, box: Box) -> Sequence[Any]:
        """The inputs of a box, Nodes or constants; what is hidden is passed by."""
        if not self._hidden:
            return box.node.inputs
        return [self._source(i) for i in box.node.inputs]

    def _source(self, i: Any) -> Any:
        while isinstance(i, Node) and i in self._hidden:
            i = next(j for j in i.inputs if isinstance(j, Node))
        return i

    def _shown_parts(self) -> Iterator[Box | Group]:
        """Boxes and closed groups, in order."""
        stack: list[Box | Group] = [self.root]
        while stack:
            part = stack.pop()
            if isinstance(part, Group) and not part.closed:
                stack.extend(reversed(part.parts))
            else:
                yield part

    def _show(self) -> None:
        stack: list[tuple[Box | Group, list[Group]]] = [(self.root, [])]
        parts: list[tuple[str, Box | Group]] = []
        closed = 0
        while stack:
            part, around = stack.pop()
            if isinstance(part, Group) and not part.closed:
                inside = [*around, part] if part is not self.root else []
                stack.extend([(inner, inside) for inner in reversed(part.parts)])
                continue
            if isinstance(part, Group):
                key, closed = f"g{closed}", closed + 1
            else:
                key = f"n{self._number[part.node]}"
            parts.append((key, part))
            self._inside[key] = around
            for box in boxes_in(part):
                self._key[box.node] = key
        self._show_leaves(dict(parts))
        self.items |= parts
        if len(self.items) > LARGEST:
            raise ArgumentError(
                f"draw: {len(self.items):,} boxes are more than {LARGEST:,}, and no layout of them would be readable."
                " Leave fold= at None, so that repeats are shown once; close modules and scopes by depth=0; name the"
                " parts of a loop by ag.named_scope; draw a smaller part; or print(ag.Graph(loss)) for a table"
            )

    def _show_leaves(self, parts: Mapping[str, Box | Group]) -> None:
        """Leaves, each in the innermost frame around all that take it; parameters of a closed module are inside it."""
        takers: dict[Node, dict[str, None]] = {}
        for gone, kept in list(self._stands_for.items()):
            for leaf, other in zip(self._inputs(gone), self._inputs(kept), strict=True):
                if isinstance(leaf, Leaf) and isinstance(other, Leaf):
                    first, last = sorted([self._shown(leaf), self._shown(other)], key=lambda node: node.order)
                    if first is not last:
                        self._stands_for[last] = first
        for box in self.graph:
            if box.node in self._hidden:
                continue
            for i in self.inputs_of(box):
                if isinstance(i, Leaf):
                    takers.setdefault(self._shown(i), {})[self._key[self._shown(box.node)]] = None
        for box in self.graph:
            leaf = box.node
            if not isinstance(leaf, Leaf) or leaf in self._stands_for:
                continue
            keys = list(takers.get(leaf, ()))
            only = parts[keys[0]] if len(keys) == 1 else None
            if isinstance(only, Group) and leaf in self.parameters:
                self._key[leaf] = keys[0]
                continue
            key = self._key[leaf] = f"n{self._number[leaf]}"
            self.items[key] = box
            frames = _common([self._inside[k] for k in keys])
            named = [k for k, group in enumerate(frames) if group.path or group.kind]
            if named and leaf not in self.parameters:  # it was passed in from outside
                frames = frames[: named[0]]
            self._inside[key] = frames

    def _inputs(self, node: Node) -> Sequence[Any]:
        return self.inputs_of(self.graph[self._number[node]])

    def _shown(self, node: Node) -> Node:
        return _end(self._stands_for, node)

    def key_of(self, node: Node) -> str | None:
        """The key of what shows this node; None where it is hidden."""
        node = self._source(node)
        return self._key.get(self._shown(node))

    def _last_of(self) -> dict[Node, Node]:
        """For a node that stands for repeats of it, the last of them."""
        last: dict[Node, Node] = {}
        for gone in self._stands_for:
            kept = self._shown(gone)
            if kept not in last or gone.order > last[kept].order:
                last[kept] = gone
        return last

    # -- edges -------------------------------------------------------------------------------------------

    def _edges(self) -> Iterator[Edge]:
        """Each once; what goes from one repeat to the next, and what stays inside a closed group, is not shown. Of the
        constants in there those are that its first box takes, such as the data that a network was called with."""
        rank = {key: k for k, key in enumerate(self.items)}
        seen: set[Any] = set()
        for box in self.graph:
            if box.node in self._hidden or isinstance(box.node, Leaf):
                continue
            head = self._key[self._shown(box.node)]
            for k, i in enumerate(self.inputs_of(box)):
                if isinstance(i, Node):
                    tail = self._key[self._shown(i)]
                    seen_as = (tail, head, k if isinstance(self.items[head], Box) else None)
                    if rank[tail] < rank[head] and seen_as not in seen:
                        seen.add(seen_as)
                        yield Edge(tail, head, i, box, k)
                elif (
                    self.constants and box is next(iter(boxes_in(self.items[head]))) and not is_number(i) and np.ndim(i)
                ):
                    yield Edge(f"{head}c{k}", head, i, box, k)

    def box_of(self, key: str) -> Box:
        """The box whose value is shown: of a closed group the last one."""
        item = self.items[key]
        return item if isinstance(item, Box) else list(boxes_in(item))[-1]

    # -- frames and words --------------------------------------------------------------------------------

    def frames(self, key: str) -> list[Group]:
        """The open groups around what is shown as `key`, outer first."""
        return [group for group in self._inside[key] if not is_run_of_one(group)]

    def times(self, key: str) -> int:
        """How many boxes or groups are shown as this one, by repeats that have no frame."""
        item, inside = self.items[key], self._inside[key]
        if isinstance(item, Group):
            return 1  # its title says it
        return inside[-1].times if inside and is_run_of_one(inside[-1]) and item in inside[-1].parts else 1

    def name_of(self, box: Box) -> str:
        """A leaf's name, or the path of attributes that leads to it; for one that stands for several, both ends."""
        leaves = [box.node, self.last_of.get(box.node, box.node)]
        return " … ".join(dict.fromkeys(self._names[leaf] for leaf in leaves))

    def owner_of(self, box: Box) -> str:
        """The module or scope that recorded this box and nothing else, if any."""
        first = self.alone.get(box.node, "")
        last = self.alone.get(self.last_of.get(box.node, box.node), "")
        return first if first == last else f"{first.split('  ')[0]} … {last}"

    def slot_of(self, taker: Box, k: int) -> str:
        """The name of input k of a box, if it is not clear from the names of what the inputs come from."""
        inputs = enumerate(self.inputs_of(taker))
        unclear = [j for j, i in inputs if not is_number(i) and not self._named(taker, j, i)]
        return slot(taker, k) if len(unclear) > 1 and k in unclear else ""

    def _named(self, taker: Box, k: int, source: Any) -> bool:
        """Whether the title of an input begins with the name it has in the op's formula, as W1 does."""
        if not isinstance(source, Node):
            return constant_name(taker, k) == slot(taker, k)
        item = self.items.get(self.key_of(source) or "")
        leaf = isinstance(item, Box) and isinstance(item.node, Leaf)
        return leaf and self.name_of(item).startswith(slot(taker, k) or " ")  # type: ignore[arg-type]

    def mark_of(self, key: str) -> Mark | None:
        """The worst mark of the boxes that are shown as this one."""
        return worst(self._marks_by_key().get(key, []))

    def _marks_by_key(self) -> dict[str, list[Mark]]:
        if not hasattr(self, "_marked"):
            self._marked: dict[str, list[Mark]] = {}
            for node, mark in self.marks.items():
                key = self.key_of(node) if node in self._number else None
                if key is not None:
                    self._marked.setdefault(key, []).append(mark)
        return self._marked


def is_run_of_one(group: Group) -> bool:
    """Whether a group is one box (with its leaves) that is repeated: the box says how often, without a frame."""
    return not group.path and not group.kind and len(group.parts) == 1


def _only_copies(box: Box) -> bool:
    """Whether a box only copies entries into a larger shape, sums such copies up, or passes an argument on."""
    op, inputs = box.op, [i for i in box.node.inputs if isinstance(i, Node)]
    if op is None or len(inputs) != 1 or inputs[0].dtype != box.node.dtype:
        return False
    grows = op.view and bool(op.linear) and np.prod(box.shape) > np.prod(inputs[0].shape)
    return bool(op in (broadcast_to, sum_to, traced_input) or grows)


def _end(links: Mapping[Node, Node], node: Node) -> Node:
    while node in links:
        node = links[node]
    return node


def _common(paths: list[list[Group]]) -> list[Group]:
    """The frames that all of `paths` begin with."""
    common = []
    for groups in zip(*paths, strict=False):
        if any(group is not groups[0] for group in groups):
            break
        common.append(groups[0])
    return common
