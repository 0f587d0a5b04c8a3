"""The boxes of a graph as nested parts: what one call of a module or a named scope recorded is a group.

Parts stand in the order in which they were recorded, so a group's boxes are neighbours. Leaves are no parts: a picture
puts them where they are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..flow import Box
from ..node import Leaf, Node
from ..scopes import Call, calls

DEEPEST = 12  # nested frames; a function that calls itself may have thousands


@dataclass(eq=False)
class Group:
    """A part made of parts: `path` and `kind` say what was called; "" for a run of parts that is repeated.

    A closed group is shown as one box; one that is repeated stands for `times` equal ones, up to the one at `last`.
    """

    path: str = ""
    kind: str = ""
    parts: list[Box | Group] = field(default_factory=list)
    times: int = 1
    last: str = ""
    closed: bool = False

    @property
    def title(self) -> str:
        """Such as `layers.0 Linear`, and how often it is repeated."""
        path = f"{self.path} … {self.last}" if self.last and self.last != self.path else self.path
        name = f"{path}  {self.kind}" if path and self.kind else path or self.kind
        return f"{name}  × {self.times:,}".strip() if self.times > 1 else name


def boxes_in(part: Box | Group) -> Iterable[Box]:
    """The boxes of a part, in order."""
    return _boxes_of(part) if isinstance(part, Group) else (part,)


def _boxes_of(group: Group) -> Iterator[Box]:
    stack: list[Box | Group] = [group]
    while stack:
        part = stack.pop()
        if isinstance(part, Group):
            stack.extend(reversed(part.parts))
        else:
            yield part


def grouped(boxes: Iterable[Box], depth: int | None = None) -> tuple[Group, dict[Node, str]]:
    """The boxes that ops computed, in the groups they were recorded in; those nested deeper than `depth` are closed.

    A group that holds one box only needs no frame: such boxes are returned with the title that it would have had.
    """
    ops = [box for box in boxes if not isinstance(box.node, Leaf)]
    root = Group()
    if not ops:
        return root, {}
    found = calls(ops[0].node.order, ops[-1].node.order)
    names = _paths([call.what for call in found])
    stack: list[tuple[Group, int]] = [(root, ops[-1].node.order + 1)]
    waiting = found[::-1]
    for box in ops:
        time = box.node.order
        while stack[-1][1] < time:
            stack.pop()
        while waiting and waiting[-1].start < time:
            call = waiting.pop()
            if call.end > time and len(stack) <= DEEPEST:
                group = _group_for(call, names)
                stack[-1][0].parts.append(group)
                stack.append((group, call.end))
        stack[-1][0].parts.append(box)
    alone = _without_frames_of_one(root)
    _close(root, depth)
    return root, alone


def _without_frames_of_one(root: Group) -> dict[Node, str]:
    groups = [root]
    for group in groups:  # the list grows while it is read: outer groups first
        groups += [part for part in group.parts if isinstance(part, Group)]
    alone: dict[Node, str] = {}
    for group in reversed(groups):
        for k, part in enumerate(group.parts):
            if isinstance(part, Group) and len(part.parts) == 1 and isinstance(part.parts[0], Box):
                only = group.parts[k] = part.parts[0]
                alone[only.node] = part.title if only.node not in alone else f"{part.title}: {alone[only.node]}"
    return alone


def _group_for(call: Call, names: dict[int, str]) -> Group:
    if isinstance(call.what, str):
        return Group(call.what)
    return Group(names.get(id(call.what), ""), type(call.what).__name__)


def _close(root: Group, depth: int | None) -> None:
    stack: list[tuple[Group, int]] = [(root, 0)]
    while stack:
        group, level = stack.pop()
        for part in group.parts:
            if isinstance(part, Group):
                part.closed = depth is not None and level >= depth
                stack.append((part, level + 1))


def _paths(things: list[Any]) -> dict[int, str]:
    """For each module among `things`, by id, the path of attributes that leads to it from one that is nobody's part."""
    modules = {id(thing): thing for thing in things if not isinstance(thing, str)}
    owned: dict[int, dict[int, str]] = {key: _parts_of(module, modules) for key, module in modules.items()}
    inner = {part for parts in owned.values() for part in parts}
    names: dict[int, str] = {}
    stack = [(key, "") for key in modules if key not in inner][::-1]
    while stack:
        key, path = stack.pop()
        if key not in names:
            names[key] = path
            stack.extend([(part, f"{path}.{name}" if path else name) for part, name in reversed(owned[key].items())])
    return names


def _parts_of(module: Any, modules: dict[int, Any]) -> dict[int, str]:
    """The modules that are attributes of `module`, or stand in its lists and dicts, with their names."""
    found: dict[int, str] = {}
    stack: list[tuple[str, Any]] = [("", module)]
    while stack:
        path, item = stack.pop()
        if item is not module and id(item) in modules:
            found.setdefault(id(item), path)
            continue
        parts: Any = ()
        if item is module:
            parts = getattr(item, "__dict__", {}).items()
        elif isinstance(item, dict):
            parts = item.items()
        elif isinstance(item, (list, tuple)):
            parts = enumerate(item)
        stack.extend(reversed([(f"{path}.{key}" if path else str(key), part) for key, part in parts]))
    return found
