"""The Laplace distribution: z = (x - loc) / scale has the density exp(-|z|) / 2."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import absolute, exp, log, log1p, where
from ._support import LOG_2, passed_on, standardized


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = -|z| - log 2 - log(scale), with derivative 0 at its kink z = 0; x, loc and scale broadcast."""
    z, scale = standardized(x, loc, scale)
    return -absolute(z) - LOG_2 - log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); x, loc and scale broadcast."""
    return exp(logpdf(x, loc, scale))


def _tail(z: Any) -> Any:
    """exp(-|z|) / 2 with the derivative 1/2 also at z = 0, where that of |z| is taken as 0."""
    return exp(where(z > 0, -z, z)) / 2


def _cdf(z: Any) -> Any:
    return where(z > 0, 1 - _tail(z), _tail(z))


def _logcdf(z: Any) -> Any:
    return where(z > 0, log1p(-_tail(z)), z - LOG_2)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = exp(z) / 2 for z <= 0, else 1 - exp(-z) / 2; x, loc and scale broadcast."""
    return _cdf(standardized(x, loc, scale)[0])


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X <= x), finite far into the left tail; x, loc and scale broadcast."""
    return _logcdf(standardized(x, loc, scale)[0])


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x); x, loc and scale broadcast."""
    return _cdf(-standardized(x, loc, scale)[0])


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X > x), finite far into the right tail; x, loc and scale broadcast."""
    return _logcdf(-standardized(x, loc, scale)[0])


__getattr__ = passed_on("laplace")
