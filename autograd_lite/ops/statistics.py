"""Averages, spreads, order statistics and covariances, and those that pass over NaN.

A quantile goes to the entries it was read from, in the proportions of its interpolation; extremes share g evenly
among ties. A NaN that was passed over has gradient 0.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import ArgumentError, ShapeError
from ..op import Op
from . import batching
from .arrange import diag
from .chosen import take_along_axis
from .differences import cumprod
from .elementwise import clip, conjugate, imag, isnan, multiply, real, sqrt, where
from .flat import argsort
from .products import dot
from .reduce import cumsum, max, mean, min, prod, spread, sum
from .shape import broadcast_to, concatenate, expand_dims, moveaxis, reshape, squeeze, value_of

__all__ = [
    "amax", "amin", "average", "corrcoef", "cov", "median", "nancumprod", "nancumsum", "nanmedian",
    "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "percentile", "ptp", "quantile",
]  # fmt: skip


def amax(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """NumPy's other name for max."""
    return max(a, axis, out, keepdims, initial, where)


def amin(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """NumPy's other name for min."""
    return min(a, axis, out, keepdims, initial, where)


def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """The largest less the smallest entry."""
    return max(a, axis, out, keepdims) - min(a, axis, out, keepdims)


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """The mean, of entries that count as much as their `weights` say."""
    if weights is None:
        y = mean(a, axis, keepdims=keepdims)
        count = np.size(a) / np.size(y)  # NumPy's ZeroDivisionError where there is no mean
        return (y, np.full(y.shape, count, y.dtype)[()]) if returned else y
    a, weights = (x if hasattr(x, "ndim") else np.asarray(x) for x in (a, weights))
    if np.shape(weights) != np.shape(a):
        if axis is None:
            raise TypeError(f"average: axis must be given for weights {np.shape(weights)} of an array {np.shape(a)}")
        axes = normalize_axis_tuple(axis, np.ndim(a))
        if np.shape(weights) != tuple(np.shape(a)[k] for k in axes):
            raise ShapeError(f"average: weights {np.shape(weights)} do not fit axis {axis} of {np.shape(a)}")
        order = [int(k) for k in np.argsort(axes)]
        weights = weights.transpose(order) if len(order) > 1 else weights
        weights = reshape(weights, tuple(n if k in axes else 1 for k, n in enumerate(np.shape(a))))
    dtype = np.result_type(a.dtype, weights.dtype, *([np.float64] if a.dtype.kind in "biu" else []))
    total = sum(weights, axis, dtype, keepdims=keepdims)
    if np.any(getattr(total, "_data", total) == 0):
        raise ZeroDivisionError("average: the weights sum to zero")
    products = a.astype(dtype) * weights.astype(dtype) if a.dtype != weights.dtype else multiply(a, weights)
    y = sum(products, axis, dtype, keepdims=keepdims) / total
    return (y, broadcast_to(total, y.shape)) if returned else y


# -- order statistics ----------------------------------------------------------------------------------------------


def _lines(x: Any, axis: Any) -> Any:
    """`x` with the axes that are taken together as its last one."""
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    kept = [n for k, n in enumerate(x.shape) if k not in axes]
    return reshape(moveaxis(x, tuple(axes), tuple(range(-len(axes), 0))), (*kept, math.prod(x.shape[k] for k in axes)))


def _kept(y: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """`y`, one value for each line, with axes of length 1 where lines were taken together."""
    if not keepdims:
        return y
    axes = range(len(x_shape)) if axis is None else normalize_axis_tuple(axis, len(x_shape))
    lead = y.ndim - (len(x_shape) - len(axes))
    return expand_dims(y, tuple(lead + k for k in axes))


def _read(lines: Any, *, q: Any, method: Any) -> Any:
    return np.quantile(lines, np.asarray(q) if isinstance(q, tuple) else q, -1, method=method)


def _read_gradient(g: Any, lines: Any, q: Any, method: Any) -> Any:
    """Where each quantile stands in a sorted line NumPy tells itself: it is the quantile of 0, 1, 2, ..."""
    n = lines.shape[-1]
    if not n:
        return np.zeros(lines.shape, lines.dtype)
    portions = _portions(n, q, method, g.dtype).reshape(*np.shape(q), *(1,) * (lines.ndim - 1), n)
    return _to_entries(g, portions, lines, q)


def _portions(n: int, q: Any, method: str, dtype: Any) -> Any:
    """For each quantile the portions of n sorted entries that it is the sum of."""
    places = np.quantile(np.arange(n), np.asarray(q), method=method)  # type: ignore[call-overload]
    low = np.floor(places).astype(int)
    portions = np.zeros((*np.shape(q), n), dtype)
    high = (places - low).astype(dtype)
    for k in np.ndindex(np.shape(q)):
        portions[(*k, low[k])] += 1 - high[k]
        portions[(*k, np.minimum(low[k] + 1, n - 1))] += high[k]
    return portions


def _to_entries(g: Any, portions: Any, lines: Any, q: Any) -> Any:
    in_order = sum(g[..., None] * portions, tuple(range(np.ndim(q))))
    return take_along_axis(in_order, argsort(argsort(lines, -1, "stable")), -1)


def _nan_read(lines: Any, *, q: Any, method: str) -> Any:
    return np.nanquantile(lines, np.asarray(q) if isinstance(q, tuple) else q, -1, method=method)  # type: ignore[call-overload]


def _nan_read_gradient(g: Any, lines: Any, q: Any, method: str) -> Any:
    """As without NaNs, for each number of entries that are none; sorted, the NaNs come last."""
    counts = np.sum(~np.isnan(value_of(lines)), -1)
    portions = np.zeros((*np.shape(q), *lines.shape), g.dtype)
    for n in set(counts.ravel().tolist()) - {0}:
        portions[..., counts == n, :n] = _portions(n, q, method, g.dtype)[..., None, :]
    return _to_entries(g, portions, lines, q)


def _median(lines: Any) -> Any:
    return np.median(lines, -1)


def _nan_median(lines: Any) -> Any:
    return np.nanmedian(lines, -1)


# fmt: off
read        = Op(_read,   name="quantile", lines=lambda g, lines, q, method: _read_gradient(g, lines, q, method))
middle      = Op(_median, name="median",   lines=lambda g, lines: _read_gradient(g, lines, 0.5, "linear"), batch=batching.leading)
nan_read    = Op(_nan_read, name="nanquantile", lines=lambda g, lines, q, method: _nan_read_gradient(g, lines, q, method))
nan_middle  = Op(_nan_median, name="nanmedian", lines=lambda g, lines: _nan_read_gradient(g, lines, 0.5, "linear"), batch=batching.leading)
# fmt: on


def median(a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """The middle entry, or the mean of the two in the middle."""
    return _kept(middle(_lines(a, axis)), a.shape, axis, keepdims)


def quantile(a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False) -> Any:  # fmt: skip
    """The entry below which a part `q` of the entries lies, by any of NumPy's methods. Flat in `q`."""
    return _quantile(a, q, axis, method, keepdims)


def _quantile(a: Any, q: Any, axis: Any, method: str, keepdims: bool, past_nan: bool = False) -> Any:
    if a.dtype.kind == "c":
        raise ArgumentError("quantile: complex numbers have no order")
    if type(q) not in (int, float):  # which take the dtype of a
        q = np.asarray(value_of(q))[()]
        q = q.tolist() if q.ndim else q
    return _kept((nan_read if past_nan else read)(_lines(a, axis), q, method), a.shape, axis, keepdims)


def percentile(a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False) -> Any:  # fmt: skip
    """`quantile` with `q` in hundredths."""
    return quantile(
        a, q / 100 if type(q) in (int, float) else np.true_divide(q, 100), axis, out, overwrite_input, method, keepdims
    )


def nanmedian(a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    """`median` of the entries that are numbers."""
    return _kept(nan_middle(_lines(a, axis)), a.shape, axis, keepdims)


def nanquantile(a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False) -> Any:  # fmt: skip
    """`quantile` of the entries that are numbers."""
    return _quantile(a, q, axis, method, keepdims, past_nan=True)


def nanpercentile(a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False) -> Any:  # fmt: skip
    """`percentile` of the entries that are numbers."""
    return nanquantile(
        a, q / 100 if type(q) in (int, float) else np.true_divide(q, 100), axis, out, overwrite_input, method, keepdims
    )


# -- past NaN --------------------------------------------------------------------------------------------------------


def _nanmean(x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.nanmean(x, axis, dtype, None, keepdims)


def _nanvar(x: Any, *, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: bool = False) -> Any:  # fmt: skip
    return np.nanvar(x, axis, dtype, None, ddof, keepdims)


def _nanmax(x: Any, *, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.nanmax(x, axis, None, keepdims)


def _nanmin(x: Any, *, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    return np.nanmin(x, axis, None, keepdims)


def _like(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return spread(g, x.shape, axis, keepdims)


def _numbers(x: Any, axis: Any, keepdims: bool) -> Any:
    """How many entries are numbers."""
    return sum(~isnan(x), axis, keepdims=keepdims).astype(real(x).dtype)


def _nanshare(g: Any, x: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    ties = x == _like(y, x, axis, keepdims)
    return where(ties, _like(g, x, axis, keepdims) / sum(ties, axis, g.dtype, keepdims=True), 0)


# fmt: off
nanmean = Op(_nanmean, x=lambda g, x, axis, keepdims: where(isnan(x), 0, _like(g / _numbers(x, axis, keepdims), x, axis, keepdims)), batch=batching.along("axis"))
nanvar  = Op(_nanvar,  x=lambda g, x, axis, ddof, keepdims: where(isnan(x), 0, _like(2 * g / (_numbers(x, axis, keepdims) - ddof), x, axis, keepdims) * conjugate(where(isnan(x), 0, x) - nanmean(x, axis, keepdims=True))), batch=batching.along("axis"))
nanmax  = Op(_nanmax,  x=lambda g, x, y, axis, keepdims: _nanshare(g, x, y, axis, keepdims), batch=batching.along("axis"))
nanmin  = Op(_nanmin,  x=lambda g, x, y, axis, keepdims: _nanshare(g, x, y, axis, keepdims), batch=batching.along("axis"))
# fmt: on


def nansum(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """The sum of the entries that are numbers."""
    return sum(where(isnan(a), 0, a), axis, dtype, out, keepdims)


def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """Running sums of the entries that are numbers."""
    return cumsum(where(isnan(a), 0, a), axis, dtype, out)


def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """Running products of the entries that are numbers."""
    return cumprod(where(isnan(a), 1, a), axis, dtype, out)


def nanprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """The product of the entries that are numbers."""
    return prod(where(isnan(a), 1, a), axis, dtype, out, keepdims)


def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    """The standard deviation of the entries that are numbers; its gradient is 0 where it is 0."""
    variance = nanvar(a, axis, dtype, out, ddof, keepdims)
    return where(variance == 0, 0, sqrt(where(variance == 0, 1, variance)))


# -- covariance ------------------------------------------------------------------------------------------------------


def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, fweights: Any = None, aweights: Any = None, *, dtype: Any = None) -> Any:  # fmt: skip
    """The covariance of variables that stand in the rows of `m` (and `y`), from observations in its columns."""
    if np.ndim(m) > 2 or (y is not None and np.ndim(y) > 2):
        raise ValueError(f"cov: {np.shape(m)} has more than 2 dimensions")
    m, y = (x if x is None or hasattr(x, "ndim") else np.asarray(x) for x in (m, y))
    dtype = np.result_type(m.dtype, np.float64 if y is None else y.dtype, np.float64) if dtype is None else dtype
    x = _variables(m, rowvar or np.ndim(m) == 1).astype(dtype)
    if not len(x):
        return dot(x, x.T)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar or np.ndim(y) == 1).astype(dtype)])
    if ddof is None:
        ddof = 0 if bias else 1
    weights = fweights if aweights is None else aweights if fweights is None else fweights * aweights
    center, total = average(x, 1, weights, returned=True)
    if weights is None:
        freedom: Any = x.shape[1] - ddof
    elif ddof == 0:
        freedom = total[0]
    elif aweights is None:
        freedom = total[0] - ddof
    else:
        freedom = total[0] - ddof * sum(weights * aweights) / total[0]
    if np.ndim(freedom) == 0 and getattr(freedom, "_data", freedom) <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
        freedom = 0.0
    x = x - center[:, None]
    c = dot(x, conjugate((x if weights is None else x * weights).T))
    return squeeze(c * np.true_divide(1, freedom))


def _variables(m: Any, in_rows: bool) -> Any:
    m = reshape(m, (1, -1)) if np.ndim(m) < 2 else m
    return m if in_rows else m.T


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """The correlations of variables: their covariances over the products of their standard deviations."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = sqrt(real(diag(c)))
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind != "c":
        return clip(c, -1, 1)
    return clip(real(c), -1, 1) + 1j * clip(imag(c), -1, 1)
