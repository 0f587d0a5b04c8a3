"""What np.linalg has besides of NumPy's products and diagonals: the same, over the last axes of stacks."""

from __future__ import annotations

from typing import Any

from . import arrange, contractions, products, shape
from .reduce import sum

__all__ = ["cross", "diagonal", "matmul", "matrix_transpose", "outer", "tensordot", "trace", "vecdot"]

matrix_transpose = shape.matrix_transpose


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The vector product of three-dimensional vectors along an axis."""
    return contractions.cross(x1, x2, axis=axis)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonal of each matrix."""
    return arrange.diagonal(x, offset, -2, -1)


def matmul(x1: Any, x2: Any, /) -> Any:
    """The product of matrices."""
    return products.matmul(x1, x2)


def outer(x1: Any, x2: Any, /) -> Any:
    """The products of every entry of one vector with every entry of another."""
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"outer: {x1.shape} and {x2.shape}: vectors are needed")
    return contractions.outer(x1, x2)


def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """The sum of products over several axes."""
    return contractions.tensordot(x1, x2, axes)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sum of each matrix's diagonal."""
    return sum(diagonal(x, offset=offset), -1, dtype)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The sum of products along an axis, of the first one's conjugates."""
    return contractions.vecdot(shape.moveaxis(x1, axis, -1), shape.moveaxis(x2, axis, -1))
