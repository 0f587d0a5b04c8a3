"""Floor 5: forward mode. Tangents are pushed through a recorded graph, oldest node first, by the rows of the table.

No row has a second rule for it. Where y depends on x entry by entry, the formula of the gradient is g * dy/dx, which
says as much of a tangent in the place of g. An op that is linear in its inputs takes their tangents itself; one that is
linear in each of them alone, in turn. For the rest: bprop is linear in g, and its transpose is the derivative forward
("the transpose of the transpose"), which the reverse walk finds by recording bprop.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import numpy as np

from .backprop import fitted, pull, refuse_stale
from .generate import parameters
from .node import Node, enable_grad, last_change, last_uses
from .op import Op
from .ops.elementwise import real
from .ops.shape import broadcast_to, cast
from .runtime import shape_of
from .several import SEVERAL, Cotangents
from .tensor import Tensor
from .trace import on_new_node


def push(
    nodes: list[Node],
    tangents: dict[Node, Any],
    ends: Iterable[Node],
    history: bool,
    moving_nodes: Container[Node] | None = None,
) -> None:
    """Add to `tangents` those of the `ends` that depend on a node that has one, by way of `nodes`, oldest first; they
    are left there alone.

    If `history`, the tangents depend on the saved values too, which the formulas then get as Tensors. Where
    `moving_nodes` is not None, all others are known to stand still.
    """
    done_with = last_uses(nodes, ends)
    for node in nodes:
        if node in tangents or not node.requires_grad or (moving_nodes is not None and node not in moving_nodes):
            continue
        moving = [tangents.get(i) if isinstance(i, Node) else None for i in node.inputs]
        if all(t is None for t in moving):
            continue
        for i in done_with[node]:  # the tangents to come can have the memory
            tangents.pop(i, None)
        if node.order < last_change.time:
            refuse_stale(node, node.order)
        try:
            tangents[node] = _tangent(node.with_saved(node.op.saved_as_tensors(node)) if history else node, moving)
        except Exception as error:
            error.add_note(f"in the tangent of {node.op.name}, output shape {node.shape}")
            raise


def _tangent(node: Node, moving: list[Any]) -> Any:
    """The tangent of a node's value from those of its inputs, None where an input stands still."""
    op: Op = node.op
    if op.tangent is not None:
        return op.tangent(node, moving)
    if op.elementwise and not op.bprop and _multiplies(op, node, moving):
        return _fitted_forward(_by_formulas(op, node, moving), node)
    for rule in (_if_linear, _if_multilinear):
        t = rule(op, node, moving)
        if t is not None:
            return t if op.several else _fitted_forward(t, node)
    return _transposed_twice(node, moving)


def _fitted_forward(t: Any, node: Node) -> Any:
    """`t` in the shape and dtype of the value of `node`."""
    t = t if t.shape == node.shape else broadcast_to(t, node.shape)
    if t.dtype.kind == "c" and node.dtype.kind != "c":
        t = real(t)
    return t if t.dtype == node.dtype else cast(t, node.dtype)


def _multiplies(op: Op, node: Node, moving: list[Any]) -> bool:
    """Whether the derivative multiplies by a number: among complex functions that is so for holomorphic ones only."""
    return op.holomorphic or all(x.dtype.kind != "c" for x in [node, *moving] if x is not None)


def _by_formulas(op: Op, node: Node, moving: list[Any]) -> Any:
    scope, total = op.scope(node), None
    for name, t in zip(op.inputs, moving, strict=True):
        formula = op.formulas[name]
        if t is not None and formula is not None:
            term = formula(*[t if n == "g" else scope[n] for n in parameters(formula)])
            total = term if total is None else total + term
    return np.zeros(node.shape, node.dtype) if total is None else total


def _if_linear(op: Op, node: Node, moving: list[Any]) -> Any:
    """The op of the tangents, if it is jointly linear in all inputs that move and the others' values are known."""
    names = [*op.inputs, *[op.variadic] * (len(moving) - len(op.inputs))]
    if not all(t is None or name in op.linear for name, t in zip(names, moving, strict=True)):
        return None
    values = op.known_inputs(node)
    inputs = []
    for name, t, value, i in zip(names, moving, values, node.inputs, strict=True):
        if t is None:
            t = _zeros(shape_of(i), node.dtype) if name in op.linear else value
        if t is None:
            return None
        inputs.append(t)
    return op(*inputs, **dict(zip(op.statics, node.statics, strict=True)))


def _zeros(shape: tuple[int, ...], dtype: Any) -> Any:
    """Zeros that nobody writes to: a constant, for whoever compiles this."""
    zeros = np.zeros(shape, dtype)
    zeros.flags.writeable = False
    return zeros


def _if_multilinear(op: Op, node: Node, moving: list[Any]) -> Any:
    """df(a, b) = f(da, b) + f(a, db), for an op that is linear in each input alone and whose inputs are known."""
    if not op.multilinear:
        return None
    values, total = op.known_inputs(node), None
    for k, t in enumerate(moving):
        if t is not None:
            inputs = [*values[:k], t, *values[k + 1 :]]
            if any(x is None for x in inputs):
                return None
            term = op(*inputs, **dict(zip(op.statics, node.statics, strict=True)))
            total = term if total is None else total + term
    return total


def _transposed_twice(node: Node, moving: list[Any]) -> Any:
    """The tangent that pairs with every g as the inputs' tangents pair with what bprop makes of g."""
    several = node.dtype is SEVERAL
    kinds = zip(node.shape, node.shape.dtypes, strict=True) if several else [(node.shape, node.dtype)]  # type: ignore[attr-defined]
    gs = [on_new_node(np.zeros(shape, dtype)[()]) for shape, dtype in kinds]
    by_input = {i: t for i, t in zip(node.inputs, moving, strict=True) if t is not None}
    starts: list[tuple[Node, Any]] = []

    def collect(i: Node, d: Any) -> None:
        if i in by_input:
            d = fitted(d, i)
            if isinstance(d, Tensor) and d.node is not None and d.requires_grad:
                starts.append((d.node, by_input[i]))

    with enable_grad():
        node.bprop(Cotangents(node.shape, dict(enumerate(gs))) if several else gs[0], collect)
    _, ends = pull(starts, [g.node for g in gs])
    found = [ends.get(g.node, g._data) for g in gs]
    return found if several else found[0]
