"""Sums and what is built on them. `sum` copies its gradient back (`spread`), and `spread` sums it.

At ties max and min share the gradient evenly; std'(0) is 0; the product is differentiated without division, so
that zeros among its factors are right to every order.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..op import Op
from .elementwise import exp, multiply, where
from .shape import concatenate, flip, reshape, transpose

_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce
_SUMS_IN_ITS_OWN_DTYPE = frozenset(map(np.dtype, "fdFD"))


def _sum(x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return _add(x, axis, dtype, None, keepdims)


def _spread(x: Any, *, shape: Any, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is not None and not keepdims:
        x = np.expand_dims(x, normalize_axis_tuple(axis, len(shape)))
    if math.prod(shape) > 4096:
        return np.broadcast_to(x, shape)
    y = np.empty(shape, x.dtype)  # for a small array a copy costs a quarter of making the view
    y[...] = x
    return y


def _mean(x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    if dtype is None and getattr(x, "dtype", None) in _SUMS_IN_ITS_OWN_DTYPE and x.size:  # as np.mean, but 2 us less
        return _add(x, axis, None, None, keepdims) / x.dtype.type(_count(x.shape, axis))
    return np.mean(x, axis, dtype, None, keepdims)


def _var(
    x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    return np.var(x, axis, dtype, None, ddof, keepdims)


def _std(
    x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    return np.std(x, axis, dtype, None, ddof, keepdims)


def _prod(x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return _multiply(x, axis, dtype, None, keepdims)


def _max(x: Any, *, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return _maximum(x, axis, None, None, keepdims)


def _min(x: Any, *, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return _minimum(x, axis, None, None, keepdims)


def _argmax(x: Any, *, axis: int | None = None, out: None = None, keepdims: bool = False) -> Any:
    return np.argmax(x, axis, keepdims=keepdims)


def _argmin(x: Any, *, axis: int | None = None, out: None = None, keepdims: bool = False) -> Any:
    return np.argmin(x, axis, keepdims=keepdims)


def _all(x: Any, *, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.all(x, axis, None, keepdims)


def _any(x: Any, *, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.any(x, axis, None, keepdims)


def _cumsum(x: Any, *, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    return np.cumsum(x, axis, dtype)


def _logsumexp(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    m = np.max(x, axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)  # all -inf gives -inf, an inf gives inf
    with np.errstate(divide="ignore"):
        y = np.log(_add(np.exp(x - m), axis, None, None, keepdims))
    return y + (m if keepdims else m.reshape(y.shape))


# fmt: off
sum    = Op(_sum,    "Σ", x=lambda g, x_shape, axis, keepdims: spread(g, x_shape, axis, keepdims), linear=("x",))
spread = Op(_spread,      x=lambda g, axis, keepdims: sum(g, axis, keepdims=keepdims),        linear=("x",), view=True)
mean   = Op(_mean,        x=lambda g, x_shape, axis, keepdims: spread(g / _count(x_shape, axis), x_shape, axis, keepdims), linear=("x",))
var    = Op(_var,         x=lambda g, x, axis, ddof, keepdims: _spread_like(2 * g / (_count(x.shape, axis) - ddof), x, axis, keepdims) * _deviation(x, axis))
std    = Op(_std,         x=lambda g, y, x, axis, ddof, keepdims: _spread_like(g / (y + (y == 0)) / (_count(x.shape, axis) - ddof), x, axis, keepdims) * _deviation(x, axis))
prod   = Op(_prod,   "Π", x=lambda g, x, axis, keepdims: _spread_like(g, x, axis, keepdims) * _product_of_others(x, axis))
max    = Op(_max,         x=lambda g, x, y, axis, keepdims: _share(g, x, y, axis, keepdims))
min    = Op(_min,         x=lambda g, x, y, axis, keepdims: _share(g, x, y, axis, keepdims))
logsumexp = Op(_logsumexp, x=lambda g, x, y, axis, keepdims: _spread_like(g, x, axis, keepdims) * exp(x - _spread_like(y, x, axis, keepdims)))
cumsum = Op(_cumsum,      x=lambda g, x_shape, axis: reshape(flip(cumsum(flip(g, axis), axis), axis), x_shape),  linear=("x",))
argmax = Op(_argmax, x=None)
argmin = Op(_argmin, x=None)
all    = Op(_all,    x=None)
any    = Op(_any,    x=None)
# fmt: on


def _count(shape: tuple[int, ...], axis: Any) -> int:
    """How many entries one reduction takes together."""
    return math.prod(shape if axis is None else (shape[k] for k in normalize_axis_tuple(axis, len(shape))))


def _spread_like(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return spread(g, x.shape, axis, keepdims)


def _deviation(x: Any, axis: Any) -> Any:
    return (x - mean(x, axis, keepdims=True)).conj()


def _share(g: Any, x: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    """`g` divided evenly among the entries of x that equal the extremum y."""
    ties = x == _spread_like(y, x, axis, keepdims)
    return where(ties, _spread_like(g, x, axis, keepdims) / sum(ties, axis, g.dtype, keepdims=True), 0)


def _product_of_others(x: Any, axis: Any) -> Any:
    """For each entry of x the product of the other entries that the reduction takes with it."""
    reduced = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    kept = [k for k in range(x.ndim) if k not in reduced]
    order = (*kept, *reduced)
    moved = transpose(x, order)
    others = _others_along_last(reshape(moved, (*moved.shape[: len(kept)], _count(x.shape, axis))))
    return transpose(reshape(others, moved.shape), tuple(int(k) for k in np.argsort(order)))


def _others_along_last(x: Any) -> Any:
    """The product of the others: of the other pairs, times the other of one's own pair. O(n), and no division."""
    n = x.shape[-1]
    if n <= 1:
        return np.ones(x.shape, x.dtype)
    half = n // 2
    a, b, odd = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    rest = _others_along_last(concatenate([multiply(a, b), odd], -1))
    of_pairs = rest[..., :half]
    return concatenate([of_pairs * b, of_pairs * a, rest[..., half:]], -1)
