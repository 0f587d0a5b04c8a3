"""The multivariate normal distribution of d-vectors x: density exp(-|L^-1 (x - mean)|^2 / 2) / ((2 pi)^(d/2) |L|).

L is the Cholesky factor of the covariance, cov = L L^T.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError
from ...ops.elementwise import exp, log, sqrt, where
from ...ops.reduce import sum as sum_of
from ...ops.shape import broadcast_to, mT, reshape
from ...tensor import Tensor
from ._support import LOG_2PI, numbers, passed_on


def logpdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """log f(x) = -(d log(2 pi) + log|cov| + (x - mean)^T cov^-1 (x - mean)) / 2 for each d-vector along x's last axis.

    `mean` has the shape (d,) or () (zero if None); `cov` (d, d), positive definite, or (d,) for its diagonal, or ()
    for a multiple of the identity. x has the shape (..., d) and the result (...); with d = 1 an x of one axis or
    none is of points, as in SciPy. With `allow_singular` a (d, d) `cov` may be singular: the density is that on its
    range, and 0 outside.
    """
    x, mean, cov = numbers(x, 0 if mean is None else mean, cov)
    d = max([a.shape[-1] for a in (mean, cov) if a.ndim] or [1])
    of_points = d == 1 and x.ndim <= 1
    if {*mean.shape, *cov.shape, *(() if of_points else x.shape[-1:])} - {d}:
        raise ShapeError(f"multivariate_normal: x of shape {x.shape}, mean {mean.shape} and cov {cov.shape} do not fit")
    points = x.shape if of_points else x.shape[:-1]
    deviations = reshape(x, (-1, d)) - mean
    if cov.ndim == 2 and allow_singular:
        return reshape(_on_range(deviations, cov), points)
    if cov.ndim == 2:
        L = np.linalg.cholesky(cov)
        z = np.linalg.solve(L, mT(deviations))
        squares = sum_of(z * z, 0)
        log_det = 2 * sum_of(log(sum_of(L * np.eye(d, dtype=bool), -1)))
    else:
        z = deviations / sqrt(cov)
        squares = sum_of(z * z, -1)
        log_det = sum_of(log(broadcast_to(cov, (d,))))
    return reshape(-(d * LOG_2PI + log_det + squares) / 2, points)


def _on_range(deviations: Any, cov: Any) -> Any:
    """log f on the range of a positive semidefinite `cov`, which its larger eigenvalues tell; -inf outside."""
    sizes, directions = np.linalg.eigh(cov)
    values = sizes.data if isinstance(sizes, Tensor) else sizes
    cut = {"f": 1e3, "d": 1e6}[values.dtype.char] * np.finfo(values.dtype).eps * np.max(np.abs(values))
    if np.min(values) < -cut:
        raise np.linalg.LinAlgError("multivariate_normal: the covariance is not positive semidefinite")
    kept, dropped = np.flatnonzero(values > cut), np.flatnonzero(values <= cut)
    z = deviations @ directions[:, kept] / sqrt(sizes[kept])
    off = deviations @ directions[:, dropped]
    inside = sqrt(sum_of(off * off, -1)) < 1e3 * cut
    log_density = -(len(kept) * LOG_2PI + sum_of(log(sizes[kept])) + sum_of(z * z, -1)) / 2
    return where(inside, log_density, -np.inf)


def pdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """The density f(x), with the shapes of `logpdf`."""
    return exp(logpdf(x, mean, cov, allow_singular))


def entropy(mean: Any = None, cov: Any = 1) -> Any:
    """(d + d log(2 pi) + log|cov|) / 2; flat in `mean`."""
    mean, cov = numbers(0 if mean is None else mean, cov)
    d = max([a.shape[-1] for a in (mean, cov) if a.ndim] or [1])
    log_det = np.linalg.slogdet(cov)[1] if cov.ndim == 2 else sum_of(log(broadcast_to(cov, (d,))))
    return (d * (LOG_2PI + 1) + log_det) / 2 + 0 * sum_of(mean)


__getattr__ = passed_on("multivariate_normal")
