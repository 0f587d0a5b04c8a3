"""The normal distribution: z = (x - loc) / scale has the density exp(-z^2 / 2) / sqrt(2 pi)."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log
from ...ops.special import log_ndtr, ndtr
from ._support import LOG_2PI, passed_on, standardized


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = -z^2 / 2 - log(2 pi) / 2 - log(scale); x, loc and scale broadcast."""
    z, scale = standardized(x, loc, scale)
    return -z * z / 2 - LOG_2PI / 2 - log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); x, loc and scale broadcast."""
    return exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = ndtr(z); x, loc and scale broadcast."""
    return ndtr(standardized(x, loc, scale)[0])


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X <= x), finite far into the left tail; x, loc and scale broadcast."""
    return log_ndtr(standardized(x, loc, scale)[0])


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = ndtr(-z); x, loc and scale broadcast."""
    return ndtr(-standardized(x, loc, scale)[0])


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X > x), finite far into the right tail; x, loc and scale broadcast."""
    return log_ndtr(-standardized(x, loc, scale)[0])


__getattr__ = passed_on("norm")
