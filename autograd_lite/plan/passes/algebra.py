"""Exact algebra: what leaves every bit as it is. x * 1 is x, and so are x / 1, x - 0, - -x, and a view that changes
nothing; x + 0 is not, since -0 + 0 is 0, nor a complex z * 1, where an infinite part makes the other one NaN. Copies of
smaller arrays are left to the broadcasting of who uses them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops.elementwise import divide, multiply, negative, positive, power, square, stop_gradient, subtract
from ...ops.reduce import spread, sum
from ...ops.shape import broadcast_to, cast, expand_dims, reshape, squeeze, sum_to, swapaxes, transpose
from ..program import Program, Value, rewritten

_NEUTRAL = {multiply: (1, True), divide: (1, False), subtract: (0, False)}  # the number, and whether on both sides
_COPIES = (spread, broadcast_to)
_SAME_ENTRIES = (reshape, broadcast_to, sum_to, expand_dims, squeeze)


def simplified(program: Program) -> Program:
    """The program without operations that change nothing."""
    return rewritten(program, _simplified)


def _simplified(value: Value) -> Any:
    if value.op.elementwise:
        value = _without_copies(value)
    op, x = value.op, value.inputs[0] if value.inputs else None
    if op in _NEUTRAL and (value.dtype.kind != "c" or op is subtract):
        return _without_neutral(value)
    if not isinstance(x, Value):
        return value
    if op is negative and x.op is negative:
        return x.inputs[0]
    if op is power and _is_number(value.inputs[1], 2) and x.dtype == value.dtype:
        return Value(square, (x,), (), value.shape, value.dtype)
    if op is sum_to:
        return _as_sum(value, x)
    same = _is_like(x, value)
    if same and (op in _SAME_ENTRIES or op in (positive, cast, stop_gradient)):
        return x
    if op is reshape and x.op is reshape:
        return _simplified(Value(reshape, x.inputs, value.statics, value.shape, value.dtype))
    if op is transpose and x.op is transpose and value.statics == x.statics == (None,):
        return x.inputs[0]
    if op is swapaxes and x.op is swapaxes and set(value.statics) == set(x.statics):
        return x.inputs[0]
    return value


def _is_like(x: Value, value: Value) -> bool:
    return x.shape == value.shape and x.dtype == value.dtype and x.weak == value.weak


def _as_sum(value: Value, x: Value) -> Value:
    """What broadcasting copied, summed: over the axes that it put in front, and then over those that it stretched."""
    extra = len(x.shape) - len(value.shape)
    if extra:
        x = Value(sum, (x,), (0 if extra == 1 else tuple(range(extra)), None, False), x.shape[extra:], x.dtype)
    stretched = tuple([k for k, n in enumerate(value.shape) if n != x.shape[k]])
    if not stretched:
        return x
    return Value(sum, (x,), (stretched[0] if len(stretched) == 1 else stretched, None, True), value.shape, x.dtype)


def _is_number(x: Any, n: int) -> bool:
    return not isinstance(x, Value) and isinstance(x, (int, float, np.number)) and not isinstance(x, bool) and x == n


def _without_neutral(value: Value) -> Any:
    neutral, either = _NEUTRAL[value.op]
    a, b = value.inputs
    for x, other in ((a, b), (b, a))[: 1 + either]:
        if _is_neutral(other, neutral) and isinstance(x, Value) and _is_like(x, value):
            return x
    return value


def _is_neutral(x: Any, neutral: int) -> bool:
    if isinstance(x, Value):
        return x.op in _COPIES and _is_neutral(x.inputs[0], neutral)
    return _is_number(x, neutral) and not (neutral == 0 and np.signbit(x))


def _without_copies(value: Value) -> Value:
    """An element-wise op of the arrays that its operands are copies of, where it broadcasts them just so itself."""
    if not any(i.op in _COPIES for i in value.operands):
        return value
    inputs = list(value.inputs)
    for k, i in enumerate(inputs):
        if isinstance(i, Value) and i.op in _COPIES:
            smaller = [*inputs[:k], _as_broadcast(i), *inputs[k + 1 :]]
            if np.broadcast_shapes(*[x.shape for x in smaller if hasattr(x, "shape")]) == value.shape:
                inputs = smaller
    return value.with_inputs(tuple(inputs))


def _as_broadcast(copy: Value) -> Any:
    """What `copy` copies, with axes of length one where NumPy's broadcasting needs them."""
    x = copy.inputs[0]
    if not isinstance(x, Value):
        return copy.dtype.type(x)
    if copy.op is broadcast_to or x.shape == ():
        return x
    _, axis, keepdims = copy.statics
    if axis is None or keepdims:
        return x
    axes = {k % len(copy.shape) for k in (axis if isinstance(axis, tuple) else (axis,))}
    shape = tuple([1 if k in axes else n for k, n in enumerate(copy.shape)])
    if shape[len(shape) - len(x.shape) :] == x.shape:  # all that is missing stands in front
        return x
    return Value(reshape, (x,), (shape,), shape, x.dtype)
