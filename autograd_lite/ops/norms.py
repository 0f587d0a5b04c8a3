"""Norms and condition numbers, np.linalg: norm, vector_norm, matrix_norm, cond. Their values are NumPy's.

For a vector norm y of order p, dy = sum (|x| / y)^(p-1) Re(conj(x) dx) / |x|; a matrix norm is one of |entries| or
of singular values s, where dy = sum dy/ds_i Re(u_i^H dA v_i). At kinks: the norm of 0 has gradient 0, entries that
are 0 get 0, maxima and minima share the gradient evenly among those that tie, and order 0 is flat.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..op import Op
from .decompositions import inv, svd
from .elementwise import absolute, sign, where
from .reduce import max, min, sum
from .shape import moveaxis, mT, reshape

__all__ = ["matrix_norm"]


def _norm(x: Any, *, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of order `ord` along `axis`: of vectors along one axis, of matrices along two, of all entries if None."""
    return np.linalg.norm(x, ord, axis, keepdims)


def _vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The vector norm of order `ord` of the entries of `x` along `axis`, one or several, all if None."""
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)


def _cond(x: Any, *, p: Any = None) -> Any:
    """The condition number |x| |x^-1| of each matrix of `x` in the norm of order `p`; s_1 / s_k if None."""
    return np.linalg.cond(x, p)


def _norm_gradient(g: Any, x: Any, y: Any, ord: Any, axis: Any) -> Any:
    if not x.size:
        return np.zeros(x.shape, x.dtype)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if ord is None or (axis is None and x.ndim == 2 and ord in ("fro", "f")):
        return _along_axes(_vector_gradient, g, x, y, 2, axes)
    if len(axes) == 1:
        return _along_axes(_vector_gradient, g, x, y, ord, axes)
    if ord in ("fro", "f"):
        return _along_axes(_vector_gradient, g, x, y, 2, axes)
    if ord in ("nuc", 2, -2):
        return _spectral_gradient(g, x, ord, axes)
    return _sum_norm_gradient(g, x, ord, axes)


def _with_axes(y: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """`y` with the axes that were reduced as axes of length 1, so that it broadcasts against x."""
    return reshape(y, tuple(1 if k in axes else n for k, n in enumerate(shape)))


def _along_axes(formula: Any, g: Any, x: Any, y: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    return formula(_with_axes(g, x.shape, axes), x, _with_axes(y, x.shape, axes), ord, axes)


def _direction(x: Any) -> Any:
    """The gradient of |x|, conj(x) / |x|; 0 at 0, to every order."""
    return where(x == 0, 0, sign(x)).conj()


def _vector_gradient(g: Any, x: Any, y: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    """The gradient by the entries of x of the norm y over `axes`; g and y broadcast against x."""
    if ord == 2:
        return where(y == 0, 0, g / (y + (y == 0))) * x.conj()
    direction = _direction(x)
    if ord == 0:
        return where(np.zeros(x.shape, bool), g * direction, 0)
    if ord == 1:
        return g * direction
    if ord in (np.inf, -np.inf):
        ties = absolute(x) == y
        return where(ties, g / sum(ties, axes, g.dtype, keepdims=True), 0) * direction
    size = absolute(x)
    ratio = (size + (x == 0)) / (y + (y == 0))
    return where((x == 0) | (y == 0), 0, g * ratio ** (ord - 1) * direction)


def _sum_norm_gradient(g: Any, x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    """Orders 1, -1, inf, -inf of a matrix: the largest or smallest sum of |entries| of a column or a row."""
    sums = sum(absolute(x), axes[0 if abs(ord) == 1 else 1], keepdims=True)
    ties = sums == (max if ord > 0 else min)(sums, axes, keepdims=True)
    share = _with_axes(g, x.shape, axes) / sum(ties, axes, g.dtype, keepdims=True)
    return where(ties, share, 0) * _direction(x)


def _spectral_gradient(g: Any, x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    """Orders 'nuc', 2 and -2: the sum, the maximum and the minimum of the singular values."""
    u, s, vh = svd(moveaxis(x, axes, (-2, -1)), False)
    g = reshape(g, (*s.shape[:-1], 1))
    if ord != "nuc":
        ties = s == (max if ord == 2 else min)(s, -1, keepdims=True)
        g = where(ties, g / sum(ties, -1, g.dtype, keepdims=True), 0)
    by_matrix = (u.conj() * where(s == 0, 0, g)[..., None, :]) @ vh.conj()
    return moveaxis(by_matrix, (-2, -1), axes)


def _vector_norm_gradient(g: Any, x: Any, y: Any, axis: Any, ord: Any) -> Any:
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    return _along_axes(_vector_gradient, g, x, y, ord, axes)


def _cond_gradient(g: Any, x: Any, y: Any, p: Any) -> Any:
    """s_1 / s_k or its inverse for the spectral norm; else |A| |A^-1|."""
    if p is None or p in (2, -2):
        u, s, vh = svd(x, False)
        n = s.shape[-1]
        top, bottom = (n - 1, 0) if p == -2 else (0, n - 1)
        place, by_top = np.arange(n), (g / s[..., bottom])[..., None]
        by_s = where(place == top, by_top, 0) - where(place == bottom, by_top * y[..., None], 0)
        return (u.conj() * by_s[..., None, :]) @ vh.conj()
    inverse, axes = inv(x), (-2, -1)
    size, inverse_size = norm(x, p, axes), norm(inverse, p, axes)
    by_inverse = _norm_gradient(g * size, inverse, inverse_size, p, axes)
    return _norm_gradient(g * inverse_size, x, size, p, axes) - mT(inverse) @ by_inverse @ mT(inverse)


# fmt: off
norm        = Op(_norm,        x=lambda g, x, y, ord, axis: _norm_gradient(g, x, y, ord, axis))
vector_norm = Op(_vector_norm, x=lambda g, x, y, axis, ord: _vector_norm_gradient(g, x, y, axis, ord))
cond        = Op(_cond,        x=lambda g, x, y, p: _cond_gradient(g, x, y, p))
# fmt: on


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of order `ord` of each matrix of `x`, (..., m, n) to (...); see `norm`."""
    return norm(x, ord, (-2, -1), keepdims)
