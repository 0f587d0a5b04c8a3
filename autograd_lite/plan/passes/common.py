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
    statics = tuple(map(key_of_static, value.statics))
    return (
        value.op,
        tuple([i if isinstance(i, Value) else key_of_number(i) for i in value.inputs]),
        statics,
        value.dtype,
        value.shape,
        value.weak,
    )


def key_of_number(i: Any) -> Any:
    """The same for two constants that are the same."""
    if isinstance(i, np.generic):  # by its bits: -0.0 equals 0.0, and NaN does not equal NaN
        return type(i), i.tobytes()
    return type(i), repr(i)


def key_of_static(static: Any) -> Any:
    """The same for a static: 0.0 and -0.0, or 1 and True, are two."""
    if isinstance(static, tuple):
        return tuple(map(key_of_static, static))
    return (type(static), repr(static)) if isinstance(static, (float, complex)) else (type(static), static)
