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
    _rows = {_value.name: _value for _value in vars(_chapter).values() if isinstance(_value, Op)}
    OPS.update(_rows)
    FUNCTIONS.update(_rows)
    FUNCTIONS.update({_name: getattr(_chapter, _name) for _name in getattr(_chapter, "__all__", ())})
