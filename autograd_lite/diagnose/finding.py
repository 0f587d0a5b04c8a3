"""What `ag.find_nonfinite` returns: where the first NaN or infinity was made, of what, and what it has spoilt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..describe import many, number
from ..draw.styles import Mark
from ..node import Leaf, Node
from ..tensor import Tensor
from .causes import ADVICE
from .lines import Line

NO_LINE = "its line was not noted: record inside `with ag.debug():`, or call ag.find_nonfinite(f, *args)"


class Entry(NamedTuple):
    """One entry that is not finite: its place, its value, and what it was made of: a name and a number each."""

    place: tuple[int, ...]
    value: Any
    made_of: dict[str, Any]

    def __str__(self) -> str:
        where = f"[{', '.join(map(str, self.place))}]: " if self.place else ""
        parts = ", ".join(f"{name} = {_text(x)}" for name, x in self.made_of.items())
        return f"{where}{parts} → {_text(self.value)}" if parts else f"{where}{_text(self.value)}"


def _text(x: Any) -> str:
    return x if isinstance(x, str) else number(x, 6)


@dataclass(frozen=True, repr=False)
class NonFinite:
    """The first NaN or infinity on the way to a loss or to its gradient.

    `node` made it, in `direction` "fprop" or "bprop" (then `input` is the input whose gradient it is), of the kind
    `kind`; `entries` are the first few of `count` among `size`. `values` and `gradients` are the other nodes whose
    value or gradient is not finite. `then`, after an infinity, is the first NaN that came of it.
    """

    loss: Tensor
    node: Node
    direction: str
    kind: str
    entries: list[Entry]
    count: int
    size: int
    line: Line | None
    input: str = ""
    masked_by: str = ""
    values: frozenset[Node] = frozenset()
    gradients: frozenset[Node] = frozenset()
    then: NonFinite | None = None

    @property
    def name(self) -> str:
        """The op, or the leaf, by name."""
        if isinstance(self.node, Leaf):
            return f"the leaf {self.node.name or ''}".strip()
        return str(self.node.op.name)

    @property
    def where(self) -> str:
        """The op, the direction, and the entries, in a line."""
        of = f"the gradient by {self.input}" if self.direction == "bprop" else "the value"
        which = f"{self.count:,} of {self.size:,} entries" if self.size > 1 else "the only entry"
        leaf = isinstance(self.node, Leaf)
        at = f"{self.name}, shape {self.node.shape}" if leaf else f"{self.direction} of {self.name}"
        return f"{at}: {self.kind}, in {which} of {of}"

    @property
    def tainted(self) -> frozenset[Node]:
        """The nodes that have a value or a gradient that is not finite because of this one."""
        return (self.values | self.gradients) - {self.node}

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.where
        for entry in self.entries:
            yield f"  {entry}"
        if self.count > len(self.entries):
            yield f"  and {self.count - len(self.entries):,} more"
        if self.masked_by:
            yield f"  {self.masked_by} does not use these entries, and sends back a gradient of 0"
        if self.line or not isinstance(self.node, Leaf):
            yield f"  {self.line or NO_LINE}"
        if self.kind in ADVICE:
            yield f"  {ADVICE[self.kind]}"
        if self.values or self.gradients:
            spoilt = f"{many(len(self.values), 'other value')} and {many(len(self.gradients), 'gradient')}"
            yield f"  spoilt by it: {spoilt}; ag.draw shows them"
        if self.then is not None:
            yield f"  the first NaN: {self.then.where}"
            for entry in self.then.entries[:1]:
                yield f"    {entry}"
            if self.then.line:
                yield f"    {self.then.line}"

    def _drawn_(self) -> tuple[Tensor, dict[Node, Mark]]:
        """What `ag.draw` draws: the loss, this node marked and what it tainted shaded."""
        marks = {node: Mark("tainted") for node in self.tainted}
        if self.then is not None:
            marks[self.then.node] = Mark("tainted", f"first NaN: {self.then.kind}")
        return self.loss, {**marks, self.node: Mark("bad", f"{self.direction}: {self.kind}")}
