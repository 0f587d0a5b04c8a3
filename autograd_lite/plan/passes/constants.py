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
    """The program with constants in the place of values that depend on nothing else."""
    return rewritten(program, _folded)


def _folded(value: Value) -> Any:
    op = value.op
    if op.effect or op.several or op.residual or value.weak or value.dtype.kind not in "biufc":
        return value
    if op is spread and not value.operands:  # a number for each entry: algebra and broadcasting do without it
        return value
    known = [i.source.memory if type(i) is Value and type(i.source) is Captured else i for i in value.inputs]
    if not all(_is_known(i, x) for i, x in zip(value.inputs, known, strict=True)):
        return value
    if value.nbytes > max(LARGEST, sum(i.nbytes for i in value.operands)):
        return value
    with np.errstate(all="ignore"):
        y = as_value(op.run(*known, **value.keywords))
    if y.shape != value.shape or y.dtype != value.dtype:
        return value
    if not y.shape:
        return y
    if y.flags.writeable:
        y.flags.writeable = False
    if not (is_constant(y) and y.flags.c_contiguous):  # as native code wants it: else it is copied at each call
        y = y.copy()
        y.flags.writeable = False
    return Value(None, (), (), value.shape, value.dtype, Captured(lambda: y, "constant", y))


def _is_known(i: Any, x: Any) -> bool:
    """Whether an input is a constant: a number, or the array `x` that a captured one always is."""
    if type(i) is not Value:
        return True
    return i.op is None and x is not i and isinstance(x, np.ndarray) and is_constant(x)
