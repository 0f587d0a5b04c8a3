"""The derivative table, one file per chapter of calculus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..op import Op
from . import elementwise, linalg, neural, reduce, shape

_CHAPTERS = (elementwise, shape, reduce, linalg, neural)

# Every row of the table by its name.
OPS: dict[str, Op] = {}

# What is called by its NumPy name (or the field's): rows, and compositions of rows.
FUNCTIONS: dict[str, Callable[..., Any]] = {}

for _chapter in _CHAPTERS:
    for _name, _value in vars(_chapter).items():
        if isinstance(_value, Op):
            OPS[_value.name] = _value
            FUNCTIONS.setdefault(_value.name, _value)
        elif not _name.startswith("_") and getattr(_value, "__module__", "") == _chapter.__name__:
            FUNCTIONS[_name] = _value
