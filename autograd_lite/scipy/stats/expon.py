"""The exponential distribution: z = (x - loc) / scale has the density exp(-z) for z >= 0."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, expm1, log
from ._support import log1mexp, masked, passed_on, standardized


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = -z - log(scale), -inf for z < 0; x, loc and scale broadcast."""
    z, scale = standardized(x, loc, scale)
    return masked(z < 0, lambda z: -z - log(scale), z, inside=1)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); x, loc and scale broadcast."""
    return exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = 1 - exp(-z); x, loc and scale broadcast."""
    z, _ = standardized(x, loc, scale)
    return masked(z < 0, lambda z: -expm1(-z), z, inside=1, value=0)


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X <= x) = log(1 - exp(-z)); x, loc and scale broadcast."""
    z, _ = standardized(x, loc, scale)
    return masked(z <= 0, log1mexp, z, inside=1)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = exp(-z); x, loc and scale broadcast."""
    return exp(logsf(x, loc, scale))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X > x) = -z; x, loc and scale broadcast."""
    z, _ = standardized(x, loc, scale)
    return masked(z < 0, lambda z: -z, z, inside=1, value=0)


__getattr__ = passed_on("expon")
