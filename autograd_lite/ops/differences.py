"""Along an axis: running products, differences, slopes, areas, and tables read in between.

cumprod is differentiated without division, by a recurrence that is its own adjoint, so that zeros are right.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..errors import ShapeError
from ..op import Op
from . import batching
from .arrange import along
from .elementwise import where
from .flat import argsort, searchsorted
from .index import split_index
from .reduce import cumsum, sum
from .shape import broadcast_to, concatenate, flip, moveaxis, ravel, reshape, scatter, value_of

__all__ = [
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "ediff1d",
    "gradient",
    "interp",
    "trapezoid",
]

# -- running sums and products -----------------------------------------------------------------------------------


def _recurrence(a: Any, b: Any) -> Any:
    y = np.array(np.broadcast_to(b, np.broadcast_shapes(a.shape, b.shape)))
    for k in range(1, len(y)):
        y[k] += a[k] * y[k - 1]
    return y


def _behind(y: Any) -> Any:
    """`y` one step later along the first axis, 0 first."""
    return concatenate([np.zeros((1, *y.shape[1:]), y.dtype), y[:-1]])


def _adjoint_recurrence(g: Any, a: Any) -> Any:
    """h_k = g_k + a_(k+1) h_(k+1), the recurrence run backwards."""
    return flip(recurrence(_behind(flip(a, 0)), flip(g, 0)), 0)


def _cumprod(a: Any, *, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    return np.cumprod(a, axis, dtype)


def _cumprod_gradient(g: Any, a: Any, y: Any, axis: int | None) -> Any:
    """y_k = a_k y_(k-1), so that the gradient is y_(k-1) h_k."""
    if axis is None or not a.ndim:
        return reshape(_cumprod_gradient(g, ravel(a), y, 0), a.shape)
    g, a, y = (moveaxis(x, axis, 0) for x in (g, a, y))
    if not len(a):
        return moveaxis(g, 0, axis)
    before = concatenate([np.ones((1, *y.shape[1:]), y.dtype), y[:-1]])
    return moveaxis(before * _adjoint_recurrence(g, a), 0, axis)


def _add_reduceat(a: Any, indices: Any, *, axis: int = 0) -> Any:
    return np.add.reduceat(a, indices, axis)


def _reduceat_gradient(g: Any, a_shape: tuple[int, ...], indices: Any, axis: int) -> Any:
    """Each piece's gradient, given to all the rows that it was the sum of."""
    starts = np.asarray(indices).tolist()
    ends = [*starts[1:], a_shape[axis]]
    lengths = [max(end - start, 1) for start, end in zip(starts, ends, strict=True)]
    rows = np.concatenate([np.arange(start, start + n) for start, n in zip(starts, lengths, strict=True)])
    spread_out = along(g, np.repeat(np.arange(len(starts)), lengths), axis)
    index, arrays = split_index((slice(None),) * normalize_axis_index(axis, len(a_shape)) + (rows,))
    return scatter(spread_out, *arrays, index=index, shape=a_shape)


# fmt: off
recurrence = Op(_recurrence, b=lambda g, a: _adjoint_recurrence(g, a), a=lambda g, y, a: _adjoint_recurrence(g, a) * _behind(y), batch=batching.first_axis)  # y_k = a_k y_(k-1) + b_k
cumprod    = Op(_cumprod,    a=lambda g, a, y, axis: _cumprod_gradient(g, a, y, axis), batch=batching.along_or_flat)
reduceat   = Op(_add_reduceat, name="add_reduceat", indices=None, a=lambda g, a_shape, indices, axis: _reduceat_gradient(g, a_shape, indices, axis), linear=("a",))
# fmt: on


def _cumulative(running: Any, first: int, x: Any, axis: int | None, dtype: Any, include_initial: bool) -> Any:
    if axis is None:
        if x.ndim > 1:
            raise ShapeError(f"{running.name}: x of shape {x.shape} has several axes; say which")
        axis = 0
    y = running(x, axis, dtype)
    if not include_initial:
        return y
    start = np.full((*y.shape[:axis], 1, *y.shape[axis % y.ndim + 1 :]), first, y.dtype)
    return concatenate([start, y], axis)


def cumulative_sum(x: Any, /, *, axis: int | None = None, dtype: Any = None, out: None = None, include_initial: bool = False) -> Any:  # fmt: skip
    """Running sums along an axis, after a 0 if `include_initial`."""
    return _cumulative(cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(x: Any, /, *, axis: int | None = None, dtype: Any = None, out: None = None, include_initial: bool = False) -> Any:  # fmt: skip
    """Running products along an axis, after a 1 if `include_initial`."""
    return _cumulative(cumprod, 1, x, axis, dtype, include_initial)


# -- differences and slopes --------------------------------------------------------------------------------------


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along an axis, n times over."""
    if n < 0:
        raise ValueError(f"diff: order must be non-negative, not {n}")
    axis = normalize_axis_index(axis, a.ndim)
    ends = [
        None if x is None else broadcast_to(x, (*a.shape[:axis], 1, *a.shape[axis + 1 :])) if np.ndim(x) == 0 else x
        for x in (prepend, append)
    ]
    parts = [x for x in (ends[0], a, ends[1]) if x is not None]
    a = concatenate(parts, axis) if len(parts) > 1 else a
    for _ in range(n):
        later, earlier = _from(a, 1, None, axis), _from(a, None, -1, axis)
        a = later != earlier if a.dtype == bool else later - earlier
    return a


def _from(a: Any, start: int | None, stop: int | None, axis: int) -> Any:
    return a[(slice(None),) * axis + (slice(start, stop),)]


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours among all entries, with what is to stand before and after them."""
    a = ravel(ary)
    ends = (None if x is None else ravel(x) for x in (to_begin, to_end))
    parts = [next(ends), a[1:] - a[:-1], next(ends)]
    return concatenate([x for x in parts if x is not None])


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Slopes by central differences, one-sided at the ends; `varargs` are distances or coordinates, as in NumPy."""
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(f"gradient: {len(varargs)} spacings for {len(axes)} axes")
    if any(np.ndim(h) > 1 for h in varargs):
        raise ValueError("gradient: distances are numbers or vectors of coordinates")
    spacing = list(varargs) * (len(axes) if len(varargs) == 1 else 1) or [1.0] * len(axes)
    if edge_order > 2:
        raise ValueError(f"gradient: edge_order {edge_order} is greater than 2")
    slopes = [_slope(f, h, k, edge_order) for h, k in zip(spacing, axes, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slope(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """NumPy's formulas, operation by operation."""
    if f.shape[axis] < edge_order + 1:
        raise ValueError(f"gradient: {f.shape[axis]} entries along axis {axis} are fewer than edge_order + 1")
    f = moveaxis(f, axis, 0)
    if np.ndim(h):
        if len(h) != len(f):
            raise ValueError(f"gradient: {len(h)} coordinates for {len(f)} entries along axis {axis}")
        h = h[1:] - h[:-1]
        if getattr(h, "node", None) is None and np.all(value_of(h) == value_of(h)[0]):
            h = h[0]
    if np.ndim(h) == 0:
        inner = (f[2:] - f[:-2]) / (2.0 * h)
        first, last = h, h
    else:
        h = reshape(h, (-1,) + (1,) * (f.ndim - 1))
        d1, d2 = h[:-1], h[1:]
        inner = -(d2) / (d1 * (d1 + d2)) * f[:-2] + (d2 - d1) / (d1 * d2) * f[1:-1] + d1 / (d2 * (d1 + d2)) * f[2:]
        first, last = h[0], h[-1]
    if edge_order == 1:
        start, end = (f[1] - f[0]) / first, (f[-1] - f[-2]) / last
    elif np.ndim(h) == 0:
        start = (-1.5 / h) * f[0] + (2.0 / h) * f[1] + (-0.5 / h) * f[2]
        end = (0.5 / h) * f[-3] + (-2.0 / h) * f[-2] + (1.5 / h) * f[-1]
    else:
        d1, d2 = h[0], h[1]
        start = -(2.0 * d1 + d2) / (d1 * (d1 + d2)) * f[0] + (d1 + d2) / (d1 * d2) * f[1] - d1 / (d2 * (d1 + d2)) * f[2]
        d1, d2 = h[-2], h[-1]
        end = d2 / (d1 * (d1 + d2)) * f[-3] - (d2 + d1) / (d1 * d2) * f[-2] + (2.0 * d2 + d1) / (d2 * (d1 + d2)) * f[-1]
    slope = moveaxis(concatenate([start[None], inner, end[None]]), 0, axis)
    return slope.astype(f.dtype) if f.dtype.kind in "fc" and slope.dtype != f.dtype else slope


# -- areas and tables --------------------------------------------------------------------------------------------


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area under `y` at the places `x`, by trapezia."""
    axis = normalize_axis_index(axis, y.ndim)
    if x is None:
        d = dx
    elif np.ndim(x) == 1:
        d = reshape(diff(x), (-1,) + (1,) * (y.ndim - 1 - axis))
    else:
        d = diff(x, axis=axis)
    return sum(d * (_from(y, 1, None, axis) + _from(y, None, -1, axis)) / 2.0, axis)


def _interp(x: Any, xp: Any, fp: Any, *, left: Any = None, right: Any = None) -> Any:
    return np.interp(x, xp, fp, left, right)


def _interp_gradients(g: Any, x: Any, xp: Any, fp: Any, left: Any, right: Any) -> tuple[Any, Any, Any]:
    """Of y = (1 - t) fp_k + t fp_(k+1) with t = (x - xp_k) / (xp_(k+1) - xp_k); outside the table y is constant."""
    n = xp.shape[0]
    k = np.minimum(np.maximum(searchsorted(xp, x, side="right") - 1, 0), max(n - 2, 0))
    after = np.minimum(k + 1, n - 1)
    inside = (x >= xp[0]) & (x <= xp[-1]) & (n > 1)
    width = where(inside, xp[after] - xp[k], 1)
    t = where(inside, (x - xp[k]) / width, 0)
    slope = where(inside, (fp[after] - fp[k]) / width, 0)
    low, high = g * (1 - t), g * t
    before, beyond = x < xp[0] if left is None else False, x > xp[-1] if right is None else False
    low = where(inside | before, low, 0)
    end = where(beyond, g, 0)

    def to_table(at_k: Any, at_next: Any) -> Any:
        numbers, parts = [ravel(k), ravel(after)], [ravel(at_k), ravel(at_next)]
        index, arrays = split_index((concatenate(numbers),))
        return scatter(concatenate(parts), *arrays, index=index, shape=xp.shape)

    return g * slope, to_table(-slope * low, -slope * where(inside, high, 0)), to_table(low, where(inside, high, end))


# fmt: off
table = Op(_interp, name="interp", bprop=lambda g, x, xp, fp, left, right: _interp_gradients(g, x, xp, fp, left, right))
# fmt: on


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """The table `fp` at the places `xp`, read at `x` along straight lines; at a place its right-hand slope."""
    if period is None:
        return table(x, xp, fp, left, right)
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp):
        raise ShapeError(f"interp: places {np.shape(xp)} and values {np.shape(fp)} are to be vectors of one length")
    period = abs(period)
    x, xp = x % period, xp % period
    order = argsort(xp)
    xp, fp = xp[order], fp[order]
    return table(x, concatenate([xp[-1:] - period, xp, xp[:1] + period]), concatenate([fp[-1:], fp, fp[:1]]))
