"""Floor 5: local derivatives in numbers: of each entry of a node's value by each entry of one of its inputs.

An op tells its derivatives through its formulas alone. They are asked for one entry at a time: backward, by a gradient
that is 1 there, or forward, by a tangent that is, whichever takes fewer questions. An element-wise op answers for
all entries at once.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .errors import ArgumentError
from .forward import push
from .node import Leaf, Node, no_grad, tick
from .several import SEVERAL, Cotangents

LARGEST = 50_000_000  # pairs of entries of one input and its output; asking for them takes seconds


class Derivatives(NamedTuple):
    """`values[e]` is the derivative of entry `outputs[e]` by entry `inputs[e]` of input `slot`; entries are counted
    in C order. Pairs that have none are left out, and so, unless the op is element-wise, are those where it is 0."""

    slot: int
    inputs: Any
    outputs: Any
    values: Any


def local_derivatives(node: Node, slot: int, entries: Any) -> Derivatives:
    """Of all entries of `node`, whose saved values are filled in, by those `entries` of its input `slot`.

    Raises
    ------
    ArgumentError (a TypeError) where there would be more than 50,000,000 pairs.
    """
    source = node.inputs[slot]
    alone, stand_in = _only(node, slot)
    with no_grad(), np.errstate(all="ignore"):
        if node.op.elementwise:
            found = _of_elementwise(alone, stand_in, source, entries)
            if found is not None:
                return Derivatives(slot, *found)
        size, questions = size_of(node), len(entries)
        if size * questions > LARGEST:
            raise ArgumentError(
                f"explain: {node.op.name} relates {questions:,} entries to {size:,}; explain fewer: a loss of fewer"
                " examples, or of one entry"
            )
        ask = _by_rows if size <= questions else _by_columns
        table = ask(alone, stand_in, entries)
    outputs, inputs = np.nonzero(table)
    return Derivatives(slot, entries[inputs], outputs, table[outputs, inputs])


def scalar_derivatives(node: Node) -> list[tuple[int, float]] | None:
    """Of an element-wise op of scalars: each slot and the derivative by its input, by one pass backward; None of
    any other op, or where one value stands in two slots."""
    if node.shape or not node.op.elementwise:
        return None
    inputs, live = node.inputs, slots(node)
    if len({inputs[k] for k in live}) < len(live):
        return None
    sent: dict[Node, Any] = {}
    node.bprop(node.dtype.type(1), sent.__setitem__)
    return [(k, float(sent[inputs[k]])) for k in live if inputs[k] in sent]


def size_of(node: Node) -> int:
    """How many entries the value of a node has, of several outputs all together."""
    if node.dtype is SEVERAL:
        shapes: Any = node.shape
        return sum(map(math.prod, shapes))
    return math.prod(node.shape)


def slots(node: Node) -> list[int]:
    """The positions of the inputs that have a gradient, one at a time."""
    return [k for k, i in enumerate(node.inputs) if isinstance(i, Node) and i.requires_grad]


def _only(node: Node, slot: int) -> tuple[Node, Any]:
    """The same node with a stand-in at that slot, all its own, and with the other slots empty."""
    op, source = node.op, node.inputs[slot]
    stand_in = Leaf(np.float64(0))
    stand_in.shape, stand_in.dtype = source.shape, source.dtype
    places = [stand_in if k == slot else None for k in range(len(node.inputs))]
    alone: Any = node.with_saved(node.saved)
    for name, place in zip(op.inputs, places, strict=False):
        if hasattr(alone, f"input_{name}"):
            setattr(alone, f"input_{name}", place)
    if op.variadic and hasattr(alone, f"input_{op.variadic}"):
        setattr(alone, f"input_{op.variadic}", places[len(op.inputs) :])
    alone.rest = tuple([i for i, place in zip(node.inputs, places, strict=True) if place is None])
    alone.order = tick()  # what was saved is of now, whatever leaf has changed since the node was recorded
    return alone, stand_in


def _pulled(alone: Node, stand_in: Node, g: Any) -> Any:
    """What bprop sends to the stand-in, zeros where that is nothing; not fitted to its shape."""
    sent: list[Any] = []
    alone.bprop(g, lambda i, d: sent.append(d) if i is stand_in else None)
    return sent[0] if sent else np.zeros(stand_in.shape)


def _of_elementwise(alone: Node, stand_in: Node, source: Node, entries: Any) -> tuple[Any, Any, Any] | None:
    """One pass backward with ones: each entry of the output tells of the one entry that it was computed from."""
    if SEVERAL in (alone.dtype, source.dtype):
        return None
    d = np.asarray(_pulled(alone, stand_in, np.ones(alone.shape, alone.dtype)[()]))
    if d.shape != alone.shape:  # a rule that undoes broadcasting itself
        return None
    if source.dtype.kind != "c":  # as the engine has it: a real input's gradient is the real part
        d = d.real
    if source.shape == alone.shape:
        return entries, entries, d.ravel()[entries]
    origin = np.broadcast_to(np.arange(size_of(source)).reshape(source.shape), alone.shape).ravel()
    outputs = np.flatnonzero(np.isin(origin, entries))
    return origin[outputs], outputs, d.ravel()[outputs]


def _by_rows(alone: Node, stand_in: Node, entries: Any) -> Any:
    """One pass backward for each entry of the output: the rows of the Jacobian matrix."""
    gradients = (_unit(alone, entry, backward=True) for entry in range(size_of(alone)))
    return np.array([_flat(_pulled(alone, stand_in, g), stand_in)[entries] for g in gradients])


def _by_columns(alone: Node, stand_in: Node, entries: Any) -> Any:
    """One pass forward for each of the entries: the columns of the Jacobian matrix."""
    columns = []
    for entry in entries:
        tangents: dict[Node, Any] = {stand_in: _unit(stand_in, entry)}
        push([alone], tangents, [alone], history=False)
        t = tangents.get(alone)
        columns.append(np.zeros(size_of(alone)) if t is None else _flat(t, alone))
    return np.array(columns).T


def _unit(node: Node, entry: int, backward: bool = False) -> Any:
    """What is 1 at one entry of a node's value and 0 elsewhere, as a tangent or as a gradient."""
    if node.dtype is not SEVERAL:
        return _with_one(node.shape, node.dtype, entry)
    parts: list[Any] = []
    shapes: Any = node.shape
    for shape, dtype in zip(shapes, shapes.dtypes, strict=True):
        parts.append(_with_one(shape, dtype, entry))
        entry -= math.prod(shape)
    return Cotangents(node.shape, dict(enumerate(parts))) if backward else parts


def _with_one(shape: Any, dtype: Any, entry: int) -> Any:
    unit = np.zeros(shape, dtype)
    if 0 <= entry < unit.size:
        unit.flat[entry] = 1
    return unit[()]


def _flat(value: Any, node: Node) -> Any:
    """A gradient or tangent of a node's value as one vector."""
    if isinstance(value, Cotangents):
        parts = zip(node.shape, range(len(node.shape)), strict=True)
        return np.concatenate([np.ravel(value.parts.get(k, np.zeros(shape))) for shape, k in parts])
    if isinstance(value, (list, tuple)):
        return np.concatenate([np.ravel(part) for part in value])
    return np.ravel(np.broadcast_to(_summed(value, node.shape), node.shape))


def _summed(value: Any, shape: tuple[int, ...]) -> Any:
    """`value` with the axes summed that broadcasting `shape` to it has made, as the engine does it."""
    value = np.asarray(value)
    value = value.sum(axis=tuple(range(value.ndim - len(shape))))
    axes = tuple([k for k, n in enumerate(shape) if n == 1 and value.shape[k] != 1])
    return value.sum(axis=axes, keepdims=True) if axes else value
