"""Polynomials by their coefficients, highest first, as NumPy's poly1d functions have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .contractions import convolve
from .elementwise import multiply
from .shape import astype, concatenate, flip, ravel

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
    return convolve(ravel(a1), ravel(a2))


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
    """The powers of each entry of `x` in a row, the highest first unless `increasing`."""
    n = len(x) if N is None else N
    x = astype(x, np.promote_types(x.dtype, int))
    columns = [np.ones(x.shape, x.dtype)] + [x] * (n - 1)
    for k in range(2, n):
        columns[k] = multiply(columns[k - 1], x)
    powers = concatenate([c[:, None] for c in columns[:n]] or [_zeros_like(x, 0)[None, :0].repeat(len(x), 0)], 1)
    return powers if increasing else flip(powers, 1)
