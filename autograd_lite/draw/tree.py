"""A view of the graph as a tree of text, for terminals: the loss at the root, what it was computed from below it."""

from __future__ import annotations

import math

import numpy as np

from ..describe import constant_name, kind, printable, summary, title
from ..node import Leaf
from ..several import SEVERAL
from .parts import Group
from .view import Edge, View


class Text(str):
    """Text that a prompt shows as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def tree(view: View, values: bool) -> Text:
    """The boxes of a view, one a line, each under the first that takes it; where it is taken again, by its number."""
    takers: dict[str, int] = {}
    below: dict[str, list[Edge]] = {}
    for edge in view.edges:
        takers[edge.tail] = takers.get(edge.tail, 0) + 1
        below.setdefault(edge.head, []).append(edge)
    shared = {key: f"#{k}" for k, key in enumerate([key for key in view.items if takers.get(key, 0) > 1], 1)}
    roots = [key for key in reversed(view.items) if not takers.get(key)]
    lines: list[tuple[str, str]] = []
    seen: set[str] = set()
    stack: list[tuple[str, str, str, Edge | None]] = [("", "", key, None) for key in reversed(roots)]
    while stack:
        branch, indent, key, by = stack.pop()
        if by is not None and key not in view.items:
            array = np.asarray(by.source)
            facts = f"{kind(array.shape, array.dtype)}, constant"
            lines.append((f"{branch}{constant_name(by.taker, by.slot)}", facts))
            continue
        name = f"{branch}{_name(view, key)}" + (f" {shared[key]}" if key in shared else "")
        if key in seen:
            lines.append((name, "(above)"))
            continue
        seen.add(key)
        lines.append((name, _facts(view, key, values)))
        inner = below.get(key, [])
        for k, taken in reversed(list(enumerate(inner))):
            end = k == len(inner) - 1
            stack.append(
                (f"{indent}{'└─ ' if end else '├─ '}", f"{indent}{'   ' if end else '│  '}", taken.tail, taken)
            )
    width = max(len(name) for name, _ in lines)
    return Text("\n".join(f"{name.ljust(width)} {facts}".rstrip() for name, facts in lines))


def _name(view: View, key: str) -> str:
    item = view.items[key]
    times = view.times(key) * math.prod(group.times for group in view.frames(key))
    if isinstance(item, Group):
        name = item.title or "part"
    elif isinstance(item.node, Leaf):
        name = view.name_of(item)
    else:
        owner = view.owner_of(item)
        name = f"{title(item)}  [{owner}]" if owner else title(item)
    return " ".join(printable(f"{name}  × {times:,}" if times > 1 else name).split())


def _facts(view: View, key: str, values: bool) -> str:
    box, mark = view.box_of(key), view.mark_of(key)
    facts = [kind(box.shape, box.node.dtype)]
    if values and box.node.dtype is not SEVERAL:
        facts.append(f"value {summary(box.value)}")
        facts += [f"grad {summary(box.grad)}"] if box.grad is not None else []
    if mark:
        note = "; ".join(line.strip() for line in mark.note.splitlines())
        facts.append(f"<- {mark.kind}: {note}" if note else f"<- {mark.kind}")
    return printable("  ".join(facts))
