"""Constant folding: what is computed from constants alone is computed here.

Constants are numbers, and arrays that nobody can write to: read-only, and views of nothing that is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops.reduce import spread
from ...runtime import as_value, is_constant
from ..program import Captured, Program, Value, rewritten

LARGEST = 2**20  # bytes of a result that is larger than what it is computed from


def folded(program: Program) -> Program:
    """The program with constants in the place of values that depend on nothing else. Views of constants stay views,
    which are no work: a copy would lie in another order, and BLAS round otherwise."""
    views: dict[Value, Any] = {}
    return rewritten(program, lambda value: _folded(value, views))


def _folded(value: Value, views: dict[Value, Any]) -> Any:
    op = value.op
    if op.effect or op.several or op.residual or value.weak or value.dtype.kind not in "biufc":
        return value
    if op is spread and not value.operands:  # a number for each entry: algebra and broadcasting do without it
        return value
    known = [_constant(i, views) for i in value.inputs]
    if any(x is None and i is not None for i, x in zip(value.inputs, known, strict=True)):
        return value
    if value.nbytes > max(LARGEST, sum(i.nbytes for i in value.operands)):
        return value
    with np.errstate(all="ignore"):
        y = as_value(op.run(*known, **value.keywords))
    if y.shape != value.shape or y.dtype != value.dtype:
        return value
    if not y.shape:
        return y
    if op.view and np.may_share_memory(y, known[0]):
        views[value] = y
        return value
    if y.flags.writeable:
        y.flags.writeable = False
    if not (is_constant(y) and y.flags.c_contiguous):  # as native code wants it: else it is copied at each call
        y = y.copy()
        y.flags.writeable = False
    return Value(None, (), (), value.shape, value.dtype, Captured(lambda: y, "constant", y))


def _constant(i: Any, views: dict[Value, Any]) -> Any:
    """A number as it is, and the array that a value always is; None if it is not always the same."""
    if type(i) is not Value:
        return i
    array = i.source.memory if type(i.source) is Captured else views.get(i)
    return array if isinstance(array, np.ndarray) and is_constant(array) else None
