"""Common subexpressions: the same op of the same inputs is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..program import Program, Value, rewritten


def without_repeats(program: Program) -> Program:
    """The program with each of its values computed once; effects happen as often as before."""
    known: dict[Any, Value] = {}

    def first(value: Value) -> Value:
        return value if value.op.effect else known.setdefault(identity(value), value)

    return rewritten(program, first)


def identity(value: Value) -> Any:
    """What two values have in common that are the same."""
    statics = tuple(map(_static_key, value.statics))
    return value.op, tuple([_key(i) for i in value.inputs]), statics, value.dtype, value.shape, value.weak


def _key(i: Any) -> Any:
    if isinstance(i, Value):
        return i
    if isinstance(i, np.generic):  # by its bits: -0.0 equals 0.0, and NaN does not equal NaN
        return type(i), i.tobytes()
    return type(i), repr(i)


def _static_key(static: Any) -> Any:
    """The same for a static: 0.0 and -0.0, or 1 and True, are two."""
    if isinstance(static, tuple):
        return tuple(map(_static_key, static))
    return (type(static), repr(static)) if isinstance(static, (float, complex)) else (type(static), static)
