"""What a graph keeps in memory until its loss is dropped: which arrays, how large, and for which formula."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..describe import columns, kind
from ..draw.styles import Mark
from ..errors import ArgumentError
from ..generate import parameters
from ..node import Leaf, Node, topological_order
from ..tensor import Tensor
from ..tree import leaves

SHOWN = 40  # rows of the table; of more, the largest
WIDEST = 40  # characters of a line in a picture


class Held(NamedTuple):
    """One array that a node keeps. `nbytes` is what nobody before it in the table keeps already, and `shared` the
    number of the node that does, if one does."""

    number: int
    node: Node
    what: str
    kind: str
    nbytes: int
    why: str
    shared: int | None


@dataclass(frozen=True, repr=False)
class Memory:
    """Every array that the graph of a loss keeps, oldest node first; `ag.draw` shows it in the flow graph.

    `total` is the bytes of all of them, each byte counted once; `unseen` of them belong to larger arrays that are
    kept because a part of them is; `objects` more are the nodes themselves.
    """

    loss: Tensor
    rows: list[Held]
    nodes: int
    unseen: int
    objects: int

    @property
    def total(self) -> int:
        return sum(row.nbytes for row in self.rows) + self.unseen

    def of(self, x: Tensor | Node) -> int:
        """The bytes that the node of `x` keeps and none before it."""
        node = x.node if isinstance(x, Tensor) else x
        return sum(row.nbytes for row in self.rows if row.node is node)

    def _drawn_(self) -> tuple[Tensor, dict[Node, Mark]]:
        """What `ag.draw` draws: the loss, and at each node what it keeps and why."""
        name = {row.number: _name(row.node) for row in self.rows}
        held: dict[Node, dict[str, list[str]]] = {}
        for row in self.rows:
            text = f"{row.what} {row.nbytes:,} bytes"
            if row.shared is not None and not row.nbytes:
                text = f"{row.what}, which {name[row.shared]} keeps"
            held.setdefault(row.node, {}).setdefault(row.why, []).append(text)
        notes = {
            node: [line for why, parts in reasons.items() for line in wrap(f"{', '.join(parts)}: {why}", WIDEST)]
            for node, reasons in held.items()
        }
        return self.loss, {node: Mark("note", "\n".join(lines)) for node, lines in notes.items()}

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield (
            f"{self.total:,} bytes kept by {self.nodes:,} nodes, and {self.objects:,} by the nodes themselves"
            + f"; {self.unseen:,} because a view keeps the whole of its array" * bool(self.unseen)
        )
        shown = self.rows
        if len(shown) > SHOWN:
            largest = sorted(shown, key=lambda row: -row.nbytes)[:SHOWN]
            shown = sorted(largest, key=lambda row: row.number)
        table = [["", "op", "keeps", "", "bytes", "because"]]
        table += [[f"{row.number}", _name(row.node), row.what, row.kind, _bytes(row), row.why] for row in shown]
        yield from columns(table, right=(0, 4))
        if len(self.rows) > SHOWN:
            rest = self.total - self.unseen - sum(row.nbytes for row in shown)
            yield f"... and {len(self.rows) - SHOWN:,} smaller ones, {rest:,} bytes"


def _name(node: Node) -> str:
    return (node.name or "leaf") if isinstance(node, Leaf) else str(node.op.name)


def _bytes(row: Held) -> str:
    return f"{row.nbytes:,}" if row.shared is None or row.nbytes else f"in #{row.shared}"


def memory(loss: Tensor) -> Memory:
    """The bytes that the graph of `loss` keeps, by node, each with the formula that asks for them.

    What several nodes keep is counted at the first. Gradients that `backward` has left on leaves count as well.

    Raises
    ------
    ArgumentError (a TypeError) if `loss` was not recorded.

    >>> import numpy as np, autograd_lite as ag
    >>> x = ag.tensor(np.ones(1000), requires_grad=True, name="x")
    >>> kept = ag.memory(ag.sum(ag.tanh(x) + 1.0))
    >>> kept.total, [(row.what, row.nbytes, row.why) for row in kept.rows]
    (16000, [('value', 8000, 'it is a leaf'), ('y', 8000, 'dx = g * (1 - y * y)')])
    """
    if not isinstance(loss, Tensor) or loss.node is None:
        raise ArgumentError("memory: this Tensor was not recorded; it keeps its own value and nothing else")
    counted, rows = _Counted(), []  # type: _Counted, list[Held]
    nodes = topological_order(loss.node)
    for number, node in enumerate(nodes):
        for what, array, why in _kept(node):
            new, shared = counted.add(array, number)
            rows.append(Held(number, node, what, kind(array.shape, array.dtype), new, why, shared))
    return Memory(loss, rows, len(nodes), counted.unseen(), sum(map(sys.getsizeof, nodes)))


def _kept(node: Node) -> Iterator[tuple[str, Any, str]]:
    """What a node keeps: a name, the array, and why."""
    if isinstance(node, Leaf):
        yield "value", node.data, "it is a leaf"
        if node.grad is not None:
            yield "gradient", node.grad, "backward left it"
        return
    for name, value in zip(node.op.saves, node.saved, strict=True):
        for array in _arrays(value):
            yield name, array, _reason(node, name)
    for k, i in enumerate(node.inputs):
        if not isinstance(i, Node) and not any(i is value for value in node.saved):
            for array in _arrays(i):
                yield node.op.input_name(k), array, "a constant input"


def _arrays(value: Any) -> Iterator[Any]:
    return (part for part in leaves(value) if isinstance(part, (np.ndarray, np.generic)))


def _reason(node: Node, name: str) -> str:
    """The formulas that name a saved value, of the inputs that want a gradient."""
    op = node.op
    live = {op.input_name(k) for k, i in enumerate(node.inputs) if isinstance(i, Node) and i.requires_grad}
    users = [(f"d{i}", f) for i, f in op.named_formulas() if i in live and name in parameters(f)]
    if op.bprop:
        return f"bprop {op.formula_text(op.all_inputs[0])}"
    if op.effect and not users:
        return f"it {op.effect}, which cannot be done again"
    if not users:
        return "derivatives of higher order compute r from it"
    return ", ".join(f"{d} = {op.formula_text(d[1:])}" for d, _ in users)


class _Counted:
    """The stretches of memory that were met, by the array that owns them."""

    def __init__(self) -> None:
        self.owners: dict[int, tuple[Any, int, list[tuple[int, int]]]] = {}
        self.holders: dict[tuple[int, int], int] = {}  # views of one array, such as a model's parameters in theta

    def add(self, array: Any, number: int) -> tuple[int, int | None]:
        """The bytes of `array` that are new, and which node kept it first, or other memory of
        the same owner, if any."""
        if isinstance(array, np.generic):
            return array.nbytes, None
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        _, first, stretches = self.owners.setdefault(id(owner), (owner, number, []))
        low, high = byte_bounds(array)
        new = _cover(stretches, low, high)
        first = self.holders.setdefault((low, high), number if new else first)
        return new, None if new == high - low else first

    def unseen(self) -> int:
        """The bytes of the owners that are in none of the arrays that were met."""
        total = 0
        for owner, _, stretches in self.owners.values():
            low, high = byte_bounds(owner)
            total += (high - low) - sum(b - a for a, b in stretches)
        return total


def _cover(stretches: list[tuple[int, int]], low: int, high: int) -> int:
    """Add [low, high) to sorted disjoint `stretches`; how much of it is new."""
    start = bisect_left(stretches, (low, low))
    if start and stretches[start - 1][1] >= low:
        start -= 1
    end, met, (a, b) = start, 0, (low, high)
    while end < len(stretches) and stretches[end][0] <= high:
        s, e = stretches[end]
        met += max(0, min(e, high) - max(s, low))
        a, b = min(a, s), max(b, e)
        end += 1
    stretches[start:end] = [(a, b)]
    return high - low - met
