"""Polynomials by their coefficients, highest first, as NumPy's poly1d functions have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from .contractions import convolve
from .differences import cumprod
from .elementwise import multiply
from .shape import astype, broadcast_to, concatenate, flip, ravel, reshape

__all__ = ["polyadd", "polyder", "polyint", "polymul", "polysub", "polyval", "vander"]


def _zeros_like(p: Any, n: int) -> Any:
    return np.zeros(n, getattr(p, "dtype", None))


def polyval(p: Any, x: Any) -> Any:
    """The polynomial with coefficients `p` at `x`, by Horner's rule."""
    y = np.zeros(np.shape(x), getattr(x, "dtype", None))[()]
    for k in range(len(p)):
        y = y * x + p[k]
    return y


def _same_length(a: Any, b: Any) -> tuple[Any, Any]:
    n = max(np.size(a), np.size(b))
    return tuple(concatenate([_zeros_like(p, n - np.size(p)), ravel(p)]) for p in (a, b))


def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials."""
    a, b = _same_length(a1, a2)
    return a + b


def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials."""
    a, b = _same_length(a1, a2)
    return a - b


def polymul(a1: Any, a2: Any) -> Any:
    """The product of two polynomials, a convolution."""
    return convolve(*(ravel(p) if np.size(p) else _zeros_like(p, 1) for p in (a1, a2)))  # no coefficients are 0


def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative of a polynomial."""
    if m < 0:
        raise ValueError(f"polyder: order {m} is negative; polyint integrates")
    for _ in range(m):
        p = multiply(p[:-1], np.arange(len(p) - 1, 0, -1))
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The m-th integral of a polynomial, with the constants `k`, 0 if None."""
    constants = [0.0] * m if k is None else [k] * m if np.ndim(k) == 0 else k
    for j in range(m):
        p = concatenate([p / np.arange(len(p), 0, -1), ravel(constants[j])])
    return p


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of `x` as columns, N of them, the highest first unless `increasing`."""
    if x.ndim != 1:
        raise ShapeError(f"vander: a vector is needed, not {x.shape}")
    n = x.shape[0] if N is None else N
    dtype = np.promote_types(x.dtype, int)
    column = reshape(astype(x, dtype), (-1, 1))
    if not n:
        return column[:, :0]
    ones = np.ones((x.shape[0], 1), dtype)
    powers = cumprod(concatenate([ones, broadcast_to(column, (x.shape[0], n - 1))], 1), 1)
    return powers if increasing else flip(powers, 1)
