"""`ag.draw` of a plan or a program: a box for each value, with the buffer that it lies in; upward as the flow graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..describe import kind, numbers_in, slot, statics_in
from ..draw.cells import label, text
from ..draw.picture import Picture
from ..draw.styles import BUFFERS, CLUSTER, CONSTANT, FONT, FPROP, LEAF, OP, QUIET, TEXT
from ..draw.tree import Text
from ..draw.view import LARGEST
from ..errors import ArgumentError
from .lifetimes import Home, Lifetimes
from .plan import Plan
from .program import Program, Value, memory_names, names_of, source_texts, uses

BOXES = "Square boxes are values. Dashed: a view, no work. Thick: memory that outlives the call. Frames: fused steps."
COLORS = "A colour is a buffer, in which values lie in turn."
AGAIN = "There are more buffers than colours: colours come again, names do not."
FAR = 8  # values between two readers of one source, beyond which each has a box of its own for it
_AT = {"new": "new memory", "blocks": "a block at a time", "register": "in a register"}
THICK = "2.5"  # pen of what outlives the call


def picture_of(thing: Plan | Program, format: str, legend: bool) -> Picture | Text:
    """The picture, or for "text" what `print` shows.

    Raises
    ------
    ArgumentError (a TypeError) for a program of more than 2,000 values.
    """
    if format == "text":
        return Text(str(thing))
    drawing = _Drawing(thing.best, thing.homes) if isinstance(thing, Plan) else _Drawing(thing, {})
    picture = drawing.write()
    if legend:
        lines = [BOXES, *([COLORS] if drawing.colors else []), *([AGAIN] if len(drawing.colors) > len(BUFFERS) else [])]
        picture.attr(label=label([text(line, color=QUIET, points=10, left=True) for line in lines]), labelloc="b")
    picture.format = format
    return picture


class _Drawing:
    """Writes a program into a picture. Boxes of one buffer have one colour, until there are more buffers than colours:
    its name stands in them too."""

    def __init__(self, program: Program, homes: Mapping[Value, Home]):
        if len(program.values) > LARGEST:
            raise ArgumentError(
                f"draw: {len(program.values):,} values are more than {LARGEST:,}, and no layout of them would be"
                " readable; print it, or draw a smaller function"
            )
        self.program, self.homes, self.names = program, homes, names_of(program)
        self.texts = source_texts(program)
        lifetimes = Lifetimes(program)
        self.owner, self.place = lifetimes.owner, lifetimes.place
        self.near: dict[tuple[Value, Value], str] = {}  # the box of a source that a reader's edge comes from
        names = [home.name for home in homes.values() if home.kind in ("buffer", "blocks")]
        self.colors = {name: list(BUFFERS)[k % len(BUFFERS)] for k, name in enumerate(dict.fromkeys(names))}
        self.memories = [target.source.memory for target, _ in program.writes]
        self.picture = Picture("program", format="svg")

    def write(self) -> Picture:
        """The picture."""
        picture = self.picture
        picture.attr(rankdir="BT", bgcolor="transparent", nodesep="0.3", ranksep="0.35", fontname=FONT)
        picture.attr("node", fontname=FONT, fontsize="13", fontcolor=TEXT, shape="box", margin="0.16,0.05")
        picture.attr("edge", color=FPROP, fontcolor=QUIET, arrowsize="0.7", fontname=FONT, fontsize="9")
        readers = uses(self.program)
        for source in self.program.sources:
            self._source(source, readers[source])
        for number, step in enumerate(self.program.steps):
            if len(step) > 1:
                blocks = any(value in self.homes and self.homes[value].kind == "blocks" for value in step)
                self._open_frame(number, "fused, block by block" if blocks else "fused")
            for value in step:
                self._value(value)
            if len(step) > 1:
                picture.body.append("\t}\n")
        for value in self.program.values:
            for k, i in enumerate(value.inputs):
                if isinstance(i, Value):
                    alone = value.op.symbol and len(value.operands) == 1  # as in 1 - x
                    name = "" if alone else slot(value, k)  # type: ignore[arg-type]
                    self._edge(self.near.get((i, value), self.names[i]), self.names[value], i, name)
        self._ends()
        return picture

    def _open_frame(self, number: int, title: str) -> None:
        self.picture.body.append(f"\tsubgraph cluster_{number} {{\n")
        self.picture.attr(
            label=label([text(title, color=QUIET, points=11, bold=True)]),
            style="rounded,filled",
            fillcolor=CLUSTER,
            color=QUIET,
            labeljust="l",
            margin="10",
            penwidth="0.8",
        )

    def _source(self, source: Value, readers: list[Value]) -> None:
        """A box, and more of them, named the same, beside readers that stand far from the first."""
        boxes, box, last = 1, self.names[source], None
        for reader in readers:
            place = self.place[reader]
            if last is not None and place - last > FAR:
                box, boxes = f"{self.names[source]}_{boxes}", boxes + 1
                self._source_box(source, box)
            self.near[source, reader], last = box, place
        self._source_box(source, self.names[source])

    def _source_box(self, source: Value, box: str) -> None:
        place = source.source
        written = not source.is_argument and any(place.memory is m for m in self.memories)
        outer = source.is_argument or written or (place.stays and place.memory is None)  # a leaf
        self.picture.node(
            box,
            label([text(self.texts[source], bold=True), self._type(source)]),
            style="rounded,filled" if outer else "rounded,filled,dashed",
            fillcolor=LEAF if outer else CONSTANT,
            color=FPROP if outer else QUIET,
            penwidth=THICK if written else "1",
        )

    def _type(self, value: Value, color: str = QUIET) -> str:
        words = "" if value.dtype is None else "float" if value.weak else kind(value.shape, value.dtype)
        return text(f"{self.names[value]}  {words}".rstrip(), color=color, points=10)

    def _value(self, value: Value) -> None:
        home, is_view = self._home(value), self._is_view(value)
        fill = OP if home is None else self.colors.get(home.name, LEAF if home.kind == "memory" else OP)
        words = self._place(value, home, is_view)
        rows = [text(_title(value), bold=True), self._type(value, QUIET if fill == OP else TEXT)]
        self.picture.node(
            self.names[value],
            label([*rows, *([text(words, points=10)] if words else [])]),
            style="filled,dashed" if is_view else "filled",
            fillcolor=fill,
            color=QUIET if is_view else FPROP,
            penwidth=THICK if home is not None and home.kind == "memory" and not is_view else "1",
        )

    def _place(self, value: Value, home: Home | None, is_view: bool) -> str:
        """Where it lies, in words."""
        if home is None:
            own = bool(value.shape) and not is_view and bool(self.homes)
            return "allocated at each call" if own else ""
        if is_view:
            return f"a view of {home.name}" if value.op.view else "a view: its parts lie side by side"
        if home.kind in _AT:
            return _AT[home.kind]
        over = home.kind == "buffer" and any(self._home(i) == home for i in value.operands)
        return f"in {home.name}{', in place' * over}"

    def _home(self, value: Value) -> Home | None:
        """Where it lies itself, or what it is a view of."""
        own = self.homes.get(value)
        if own is not None and own.kind != "view":
            return own
        owner = self.owner[value]
        if own is not None and owner is value:  # parts that lie side by side
            owner = self.owner[value.operands[0]]
        return self.homes.get(owner) if own is not None or self._is_view(value) else None

    def _is_view(self, value: Value) -> bool:
        """Whether it is the memory of its operand under another shape: the op is asked, on an array of one number."""
        if value in self.homes:
            return self.homes[value].kind == "view"
        if value.op is None or not value.op.view or not value.shape or value.operands != [value.inputs[0]]:
            return False
        x = value.operands[0]
        like = np.broadcast_to(np.zeros((), x.dtype), x.shape)
        y = value.op.run(like, *value.inputs[1:], **value.keywords)
        return isinstance(y, np.ndarray) and np.may_share_memory(like, y)

    def _edge(self, tail: str, head: str, source: Value, name: str = "") -> None:
        color = FPROP if source.op or source.is_argument else QUIET
        self.picture.edge(tail, head, color=color, **({"label": f" {name} "} if name else {}))

    def _ends(self) -> None:
        """What is given back, and what is written to memory that outlives the call."""
        for k, (name, (_, new)) in enumerate(zip(memory_names(self.program), self.program.writes, strict=True)):
            home = self._home(new) if isinstance(new, Value) else None
            how = (
                "written in place"
                if home and home.kind == "memory"
                else "copied to it at the end"
                if self.homes
                else ""
            )
            rows = [text(name, bold=True), *([text(how, points=10)] if how else [])]
            self.picture.node(f"w{k}", label(rows), style="rounded,filled", fillcolor=LEAF, color=FPROP, penwidth=THICK)
            if isinstance(new, Value):
                self.picture.edge(self.names[new], f"w{k}", penwidth=THICK)
        for k, y in enumerate(self.program.outputs):
            title = "result" if len(self.program.outputs) == 1 else f"result {k}"
            rows = [text(title, bold=True), *([] if isinstance(y, Value) else [text(repr(y), points=10)])]
            self.picture.node(f"y{k}", label(rows), style="rounded,filled", fillcolor=LEAF, color=FPROP)
            if isinstance(y, Value):
                self._edge(self.names[y], f"y{k}", y)


def _title(value: Value) -> str:
    """The op, with what it was given besides arrays."""
    given = [numbers_in(value), statics_in(value)]  # type: ignore[arg-type]
    return f"{value.op.name}  {', '.join(filter(None, given))}".rstrip()
