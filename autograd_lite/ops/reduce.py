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

from ..errors import ShapeError
from ..op import Op
from ..runtime import even
from ..source import reads_as
from . import batching, reach
from .elementwise import exp, logical_and, logical_not, logical_or, maximum, minimum, multiply, real, sqrt
from .elementwise import where as choose
from .shape import astype, broadcast_to, concatenate, flip, reshape, transpose

_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce
_SUMS_IN_ITS_OWN_DTYPE = frozenset(map(np.dtype, "fdFD"))


def _sum(x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return _add(x, axis, dtype, None, keepdims)


def _spread(x: Any, *, shape: Any, axis: Any = None, keepdims: bool = False) -> Any:
    if isinstance(x, np.generic):
        return even(x, shape)
    if axis is not None and not keepdims and shape:  # NumPy's reductions of a 0-d array take axis 0 and -1
        x = np.expand_dims(x, normalize_axis_tuple(axis, len(shape)))
    if math.prod(shape) > 4096:
        return np.broadcast_to(x, shape)
    y = np.empty(shape, x.dtype)  # for a small array a copy costs a quarter of making the view
    y[...] = x
    return y


def _mean(x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    if (
        dtype is None and getattr(x, "dtype", None) in _SUMS_IN_ITS_OWN_DTYPE and x.size and x.ndim
    ):  # as np.mean, but 2 us less
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


@reads_as("log(sum(exp(x), axis))")
def _logsumexp(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    m = np.max(x, axis, keepdims=True) if np.size(x) else _add(x, axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)  # all -inf gives -inf, an inf gives inf
    with np.errstate(divide="ignore"):
        y = np.log(_add(np.exp(x - m), axis, None, None, keepdims))
    return y + (m if keepdims else m.reshape(y.shape))


# -- the same with where= and initial= ------------------------------------------------------------------------


def _masked_sum(x: Any, initial: Any, where: Any, *, axis: Any, dtype: Any = None, keepdims: bool = False) -> Any:
    return _add(x, axis, dtype, None, keepdims, initial, where)


def _masked_prod(x: Any, initial: Any, where: Any, *, axis: Any, dtype: Any = None, keepdims: bool = False) -> Any:
    return _multiply(x, axis, dtype, None, keepdims, initial, where)


def _sum_where(x: Any, *, axis: Any, dtype: Any, keepdims: bool, initial: Any = 0, where: Any = True) -> Any:
    return masked_sum(x, initial, where, axis=axis, dtype=dtype, keepdims=keepdims)


def _prod_where(x: Any, *, axis: Any, dtype: Any, keepdims: bool, initial: Any = 1, where: Any = True) -> Any:
    return masked_prod(x, initial, where, axis=axis, dtype=dtype, keepdims=keepdims)


def _max_where(x: Any, *, axis: Any, keepdims: bool, initial: Any = None, where: Any = True) -> Any:
    return _extreme_where(max, maximum, x, axis, keepdims, initial, where)


def _min_where(x: Any, *, axis: Any, keepdims: bool, initial: Any = None, where: Any = True) -> Any:
    return _extreme_where(min, minimum, x, axis, keepdims, initial, where)


def _extreme_where(extreme: Op, of_two: Op, x: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> Any:
    if initial is None or initial is np._NoValue:
        if where is not True:
            raise ShapeError(f"{extreme.name}: of no entries there is none, so that where= needs initial= too")
        return extreme(x, axis, keepdims=keepdims)
    if _count(x.shape, axis) == 0:
        return sum(x, axis, keepdims=keepdims) + initial
    where = broadcast_to(where, x.shape)  # an error of NumPy's where the mask is the larger
    return of_two(extreme(choose(where, x, initial), axis, keepdims=keepdims), initial)


def _mean_where(x: Any, *, axis: Any, dtype: Any, keepdims: bool, where: Any = True) -> Any:
    total = masked_sum(x, 0, where, axis=axis, dtype=dtype, keepdims=keepdims)
    return _in_its_dtype(total / _count_where(x, where, axis, keepdims), total)


def _in_its_dtype(y: Any, total: Any) -> Any:
    """`y` = total / count in the dtype of a floating total; a count is an integer that would widen it."""
    return astype(y, total.dtype) if total.dtype.kind in "fc" and y.dtype != total.dtype else y


def _count_where(x: Any, where: Any, axis: Any, keepdims: bool) -> Any:
    return sum(broadcast_to(where, x.shape), axis, np.intp, keepdims=keepdims)


def _var_where(
    x: Any,
    *,
    axis: Any,
    dtype: Any,
    ddof: float,
    keepdims: bool,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """As NumPy does it: squares of the deviations from `mean`, divided by the count less ddof."""
    ddof = ddof if correction is None else correction
    center = _mean_where(x, axis=axis, dtype=dtype, keepdims=True, where=where) if mean is None else mean
    off = x - center
    squares = multiply(off, off) if x.dtype.kind != "c" else real(off * off.conj())
    freedom = maximum(_count_where(x, where, axis, keepdims) - ddof, 0)
    total = masked_sum(squares, 0, where, axis=axis, dtype=dtype, keepdims=keepdims)
    return _in_its_dtype(total / freedom, total)


def _std_where(x: Any, *, axis: Any, dtype: Any, ddof: float, keepdims: bool, where: Any = True, mean: Any = None, correction: Any = None) -> Any:  # fmt: skip
    return sqrt(
        _var_where(
            x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction
        )
    )


def _all_where(x: Any, *, axis: Any, keepdims: bool, where: Any = True) -> Any:
    return all(logical_or(x, logical_not(where)), axis, keepdims=keepdims)


def _any_where(x: Any, *, axis: Any, keepdims: bool, where: Any = True) -> Any:
    return any(logical_and(x, where), axis, keepdims=keepdims)


# fmt: off
sum    = Op(_sum,    "Σ", x=lambda g, x_shape, axis, keepdims: spread(g, x_shape, axis, keepdims), linear=("x",), beyond=_sum_where, batch=batching.along("axis"), reach=reach.reduced, fold=np.add)
spread = Op(_spread,      x=lambda g, axis, keepdims: sum(g, axis, keepdims=keepdims),        linear=("x",), view=True, batch=batching.spread_out, reach=reach.moved)
mean   = Op(_mean,        x=lambda g, x_shape, axis, keepdims: spread(g / _count(x_shape, axis), x_shape, axis, keepdims), linear=("x",), beyond=_mean_where, batch=batching.along("axis"), reach=reach.reduced)
var    = Op(_var,         x=lambda g, x, axis, ddof, keepdims: _spread_like(2 * g / (_count(x.shape, axis) - ddof), x, axis, keepdims) * _deviation(x, axis), beyond=_var_where, batch=batching.along("axis"), reach=reach.reduced)
std    = Op(_std,         x=lambda g, y, x, axis, ddof, keepdims: _spread_like(g / (y + (y == 0)) / (_count(x.shape, axis) - ddof), x, axis, keepdims) * _deviation(x, axis), beyond=_std_where, batch=batching.along("axis"), reach=reach.reduced)
prod   = Op(_prod,   "Π", x=lambda g, x, axis, keepdims: _spread_like(g, x, axis, keepdims) * _product_of_others(x, axis), beyond=_prod_where, batch=batching.along("axis"), reach=reach.reduced, fold=np.multiply)
max    = Op(_max,         x=lambda g, x, y, axis, keepdims: _share(g, x, y, axis, keepdims), beyond=_max_where, batch=batching.along("axis"), reach=reach.reduced, fold=np.maximum)
min    = Op(_min,         x=lambda g, x, y, axis, keepdims: _share(g, x, y, axis, keepdims), beyond=_min_where, batch=batching.along("axis"), reach=reach.reduced, fold=np.minimum)
logsumexp = Op(_logsumexp, x=lambda g, x, y, axis, keepdims: _spread_like(g, x, axis, keepdims) * exp(x - _spread_like(y, x, axis, keepdims)), batch=batching.along("axis"), reach=reach.reduced, quiet=("divide",))
cumsum = Op(_cumsum,      x=lambda g, x_shape, axis: reshape(flip(cumsum(flip(g, axis), axis), axis), x_shape),  linear=("x",), batch=batching.along_or_flat)
argmax = Op(_argmax, x=None, batch=batching.along_or_flat)
argmin = Op(_argmin, x=None, batch=batching.along_or_flat)
all    = Op(_all,    x=None, beyond=_all_where, batch=batching.along("axis"))
any    = Op(_any,    x=None, beyond=_any_where, batch=batching.along("axis"))
masked_sum  = Op(_masked_sum,  where=None, initial=lambda g: g, x=lambda g, x_shape, where, axis, keepdims: choose(where, spread(g, x_shape, axis, keepdims), 0))
masked_prod = Op(_masked_prod, where=None, initial=lambda g, x, where, axis, keepdims: g * prod(choose(where, x, 1), axis, keepdims=keepdims),
                 x=lambda g, x, initial, where, axis, keepdims: choose(where, _spread_like(g * initial, x, axis, keepdims) * _product_of_others(choose(where, x, 1), axis), 0))
# fmt: on


def _count(shape: tuple[int, ...], axis: Any) -> int:
    """How many entries one reduction takes together."""
    return math.prod(shape if axis is None or not shape else (shape[k] for k in normalize_axis_tuple(axis, len(shape))))


def _spread_like(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return spread(g, x.shape, axis, keepdims)


def _deviation(x: Any, axis: Any) -> Any:
    return (x - mean(x, axis, keepdims=True)).conj()


def _share(g: Any, x: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    """`g` divided evenly among the entries of x that equal the extremum y."""
    ties = x == _spread_like(y, x, axis, keepdims)
    return choose(ties, _spread_like(g, x, axis, keepdims) / sum(ties, axis, g.dtype, keepdims=True), 0)


def _product_of_others(x: Any, axis: Any) -> Any:
    """For each entry of x the product of the other entries that the reduction takes with it."""
    reduced = range(x.ndim) if axis is None or not x.ndim else normalize_axis_tuple(axis, x.ndim)
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
