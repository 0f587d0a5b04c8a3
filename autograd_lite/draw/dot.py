"""A view of the graph as DOT: boxes and frames, forward edges, and backward edges with the gradient that they carry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import numpy as np

from ..backprop import fitted
from ..describe import SMALL, constant_name, kind, magnitude, size, summary, title
from ..flow import Box
from ..node import Leaf, Node
from ..several import SEVERAL
from .cells import heatmap, label, text
from .parts import Group, boxes_in
from .picture import Picture
from .styles import BPROP, CLUSTER, CONSTANT, FONT, FPROP, LEAF, MARKS, OP, QUIET, TEXT
from .view import Edge, View, is_run_of_one

THIN, THICK = 0.8, 4.0  # pens of the smallest and the largest gradient
IN_FULL = 3  # entries of a gradient that are written at its edge; of a larger one its shape and size
WIDEST = 38  # characters of a line of numbers
SPINE = "5"  # weight of edges between ops: they stand in line, and their leaves beside them


class Dot:
    """Writes `view` into `picture`.

    `values` is False (shapes only), True or "heatmap"; `backward` says whether gradients and backward edges are shown;
    boxes recorded from the time `since` on are in the colour of the backward pass.
    """

    def __init__(self, view: View, values: bool | str, backward: bool, since: float = math.inf):
        self.view, self.values, self.backward, self.since = view, values, backward, since
        self.picture = Picture("flow", format="svg")
        self._sent: dict[Box, list[Any]] = {}

    def write(self) -> Picture:
        """The picture."""
        picture = self.picture
        picture.attr(rankdir="BT", bgcolor="transparent", nodesep="0.3", ranksep="0.4", fontname=FONT)
        picture.attr("node", fontname=FONT, fontsize="13", fontcolor=TEXT, shape="box", margin="0.16,0.05")
        picture.attr("edge", color=FPROP, fontcolor=QUIET, arrowsize="0.7", fontname=FONT, fontsize="9")
        self._boxes()
        for edge in self.view.edges:
            if edge.tail not in self.view.items:  # outside of all frames: a constant is what somebody passed in
                self._constant(edge)
        gradients = [self._sent_along(edge) if self.backward else None for edge in self.view.edges]
        pens = _pens([g for g in gradients if g is not None])
        for edge, g in zip(self.view.edges, gradients, strict=True):
            self._forward(edge)
            if g is not None:
                self._backward(edge, g, pens)
        return picture

    # -- boxes -------------------------------------------------------------------------------------------

    def _boxes(self) -> None:
        """Boxes and leaves inside their frames; DOT nests them as they are nested, without recursion here."""
        by_frame: dict[Group | None, list[str]] = {}
        for key in self.view.items:
            frames = self.view.frames(key)
            by_frame.setdefault(frames[-1] if frames else None, []).append(key)
        stack: list[Any] = [self.view.root]
        frame = 0
        while stack:
            part = stack.pop()
            if isinstance(part, str):
                self.picture.body.append(part)
                continue
            framed = part is not self.view.root and not is_run_of_one(part)
            if framed:
                self.picture.body.append(f"\tsubgraph cluster_{frame} {{\n")
                frame += 1
                run = not part.path and not part.kind
                self.picture.attr(
                    label=label([text(part.title or f"× {part.times:,}", color=QUIET, points=11, bold=True)]),
                    style="rounded,dashed" if run else "rounded,filled",
                    fillcolor=CLUSTER,
                    color=QUIET,
                    labeljust="l",
                    margin="10",
                    penwidth="0.8",
                )
                stack.append("\t}\n")
            if framed or part is self.view.root:
                for key in by_frame.get(part if framed else None, ()):
                    self._box(key)
            stack.extend([p for p in reversed(part.parts) if isinstance(p, Group) and not p.closed])

    def _box(self, key: str) -> None:
        box, mark = self.view.box_of(key), self.view.mark_of(key)
        leaf = isinstance(box.node, Leaf)
        rows = self._head(key)
        if self.values and box.node.dtype is not SEVERAL:  # several outputs have boxes of their own
            later = box.node.order >= self.since
            rows += self._shown("" if later else "value", box.value, BPROP if later else FPROP)
            if self.backward and box.grad is not None:
                rows += self._shown("grad", box.grad, BPROP) + self._last_gradient(box)
        if mark and mark.note:
            color = MARKS[mark.kind].color
            lines = mark.note.splitlines()
            width = max(map(len, lines))
            rows += [text(line.ljust(width), color=color, points=11, bold=True, fixed=len(lines) > 1) for line in lines]
        look = MARKS[mark.kind] if mark else None
        fill = look.fill if look and mark and mark.kind != "note" else LEAF if leaf else OP
        self.picture.node(
            key,
            label(rows),
            style="rounded,filled" if leaf else "filled",
            fillcolor=fill,
            color=look.color if look else self._color(box),
            penwidth=f"{look.pen:g}" if look else "1",
        )

    def _head(self, key: str) -> list[str]:
        """What it is, and its shape and dtype."""
        item, times = self.view.items[key], self.view.times(key)
        repeated = f"  × {times:,}" if times > 1 else ""
        if isinstance(item, Group):
            inside = list(boxes_in(item))
            rows = [
                text(item.title or "part", bold=True),
                text(_contents(inside, self.view.parameters), color=QUIET, points=10),
            ]
            return [*rows, _kind(inside[-1])]
        leaf = isinstance(item.node, Leaf)
        name = self.view.name_of(item) if leaf else title(item)
        owner = "" if leaf else self.view.owner_of(item)
        rows = [text(owner, color=QUIET, points=10)] if owner else []
        return [*rows, text(f"{name}{repeated}", bold=True), _kind(item)]

    def _shown(self, what: str, value: Any, color: str) -> list[str]:
        cells = heatmap(value) if self.values == "heatmap" else None
        rows = [text(line, color=color, points=10) for line in _lines(f"{what} {summary(value)}".strip())]
        return [*rows, cells] if cells else rows

    def _last_gradient(self, box: Box) -> list[str]:
        """How the size of the gradient changes from the first to the last of the boxes that this one stands for."""
        last: Any = self.view.last_of.get(box.node)
        g = self.view.graph._sums.get(last) if last is not None else None
        if g is None or box.node.dtype is SEVERAL:
            return []
        return [text(f"rms grad {magnitude(box.grad):.2g} … {magnitude(g):.2g}", color=BPROP, points=10)]

    def _constant(self, edge: Edge) -> None:
        array = np.asarray(edge.source)
        rows = [
            text(constant_name(edge.taker, edge.slot), bold=True),
            text(kind(array.shape, array.dtype), color=QUIET, points=10),
        ]
        cells = heatmap(array) if self.values == "heatmap" else None
        rows += [cells] if cells else []
        if self.values and array.size <= SMALL:
            rows.append(text(f"value {summary(array)}", color=QUIET, points=10))
        self.picture.node(edge.tail, label(rows), style="rounded,filled,dashed", fillcolor=CONSTANT, color=QUIET)

    def _color(self, box: Box) -> str:
        return BPROP if box.node.order >= self.since else FPROP if box.node.requires_grad else QUIET

    # -- edges -------------------------------------------------------------------------------------------

    def _forward(self, edge: Edge) -> None:
        known = edge.tail in self.view.items
        late = isinstance(edge.source, Node) and edge.source.order >= self.since
        color = BPROP if late else FPROP if known and edge.source.requires_grad else QUIET
        name = self.view.slot_of(edge.taker, edge.slot) if isinstance(self.view.items[edge.head], Box) else ""
        options = {"label": f" {name} "} if name else {}
        if known and not isinstance(edge.source, Leaf):
            options["weight"] = SPINE
        self.picture.edge(edge.tail, edge.head, color=color, **options)

    def _backward(self, edge: Edge, g: Any, pens: Any) -> None:
        shown = summary(g) if np.size(g) <= IN_FULL else f"{size(g.shape)}  rms {magnitude(g):.2g}"
        options = {"label": f" {shown} "} if self.values else {"label": f" {size(g.shape)} "} if g.shape else {}
        # From tail to head, with the arrow at the tail: an edge the other way would turn the layout upside down.
        look = {"dir": "back", "style": "dashed", "color": BPROP, "fontcolor": BPROP, "penwidth": f"{pens(g):.2f}"}
        if not isinstance(edge.source, Leaf):
            look["weight"] = SPINE
        self.picture.edge(edge.tail, edge.head, **look, **options)

    def _sent_along(self, edge: Edge) -> Any:
        """The gradient that the taker sends back along an edge; None where there is none."""
        if not isinstance(edge.source, Node) or edge.source.dtype is SEVERAL or edge.taker.grad is None:
            return None
        if edge.taker not in self._sent:
            self._sent[edge.taker] = sent_back(edge.taker)
        g = self._sent[edge.taker][edge.slot]
        return g if g is None or g.shape == edge.source.shape else fitted(g, edge.source)


def sent_back(box: Box) -> list[Any]:
    """What a box sends back to each of its inputs; None for those that want no gradient."""
    sent: list[Any] = [None] * len(box.inputs)
    if not box.node.requires_grad:
        return sent
    came: dict[Node, list[Any]] = {}
    node = box.node.with_saved(box._saved)
    node.bprop(box.grad, lambda i, g: came.setdefault(i, []).append(g), None)
    for k, i in enumerate(box.node.inputs):
        if isinstance(i, Node) and came.get(i):
            g = came[i].pop(0)
            sent[k] = g if i.dtype is SEVERAL else fitted(g, i)
    return sent


def _contents(boxes: list[Box], parameters: Mapping[Node, str]) -> str:
    leaves = {i for box in boxes for i in box.node.inputs if isinstance(i, Leaf) and i in parameters}
    numbers = sum(math.prod(leaf.shape) for leaf in leaves)
    return f"{len(boxes):,} ops" + (f", {numbers:,} parameters" if leaves else "")


def _lines(words: str) -> list[str]:
    """A value in words, over as many lines as keep a box narrow; the ends of its range stay together."""
    middle, range_, ends = words.partition(" in [")
    if range_ and len(words) > WIDEST:
        return [middle, f"in [{ends}"]
    return wrap(words, WIDEST, break_long_words=False, break_on_hyphens=False)


def _kind(box: Box) -> str:
    return text(kind(box.shape, box.node.dtype), color=QUIET, points=10)


def _pens(gradients: list[Any]) -> Any:
    """A function from a gradient to the pen it is drawn with: even steps are equal factors in size."""
    sizes = [math.log10(m) for m in map(magnitude, gradients) if 0 < m < math.inf]
    low, high = (min(sizes), max(sizes)) if sizes else (0.0, 0.0)

    def pen(g: Any) -> float:
        m = magnitude(g)
        if not 0 < m < math.inf:
            return THIN if m == 0 else THICK
        return THIN + (THICK - THIN) * (math.log10(m) - low) / (high - low) if high > low + 0.01 else 1.5

    return pen
