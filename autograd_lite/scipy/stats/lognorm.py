"""The lognormal distribution: log z, z = (x - loc) / scale, is normal with standard deviation s."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log
from ...ops.special import log_ndtr, ndtr
from ._support import LOG_2PI, masked, passed_on, standardized


def logpdf(x: Any, s: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = -(log(z) / s)^2 / 2 - log(s z) - log(2 pi) / 2 - log(scale), -inf for z <= 0; all broadcast."""
    z, scale, s = standardized(x, loc, scale, s)

    def within(z: Any) -> Any:
        u = log(z) / s
        return -u * u / 2 - log(s * z) - LOG_2PI / 2 - log(scale)

    return masked(z <= 0, within, z, inside=1)


def pdf(x: Any, s: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); all arguments broadcast."""
    return exp(logpdf(x, s, loc, scale))


def cdf(x: Any, s: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = ndtr(log(z) / s); all arguments broadcast."""
    z, _, s = standardized(x, loc, scale, s)
    return masked(z <= 0, lambda z: ndtr(log(z) / s), z, inside=1, value=0)


def logcdf(x: Any, s: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X <= x); all arguments broadcast."""
    z, _, s = standardized(x, loc, scale, s)
    return masked(z <= 0, lambda z: log_ndtr(log(z) / s), z, inside=1)


def sf(x: Any, s: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = ndtr(-log(z) / s); all arguments broadcast."""
    z, _, s = standardized(x, loc, scale, s)
    return masked(z <= 0, lambda z: ndtr(-log(z) / s), z, inside=1, value=1)


def logsf(x: Any, s: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X > x); all arguments broadcast."""
    z, _, s = standardized(x, loc, scale, s)
    return masked(z <= 0, lambda z: log_ndtr(-log(z) / s), z, inside=1, value=0)


__getattr__ = passed_on("lognorm")
