"""The gamma distribution: z = (x - loc) / scale has the density z^(a-1) exp(-z) / gamma(a) for z >= 0.

The distribution functions have no known derivative by the shape a, and refuse one that requires a gradient.
"""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log
from ...ops.special import gammainc, gammaincc, gammaln, xlogy
from ._support import log_probability, masked, passed_on, standardized


def logpdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = (a - 1) log z - z - log gamma(a) - log(scale), -inf for z < 0; all arguments broadcast."""
    z, scale, a = standardized(x, loc, scale, a)
    return masked(z < 0, lambda z: xlogy(a - 1, z) - z - gammaln(a) - log(scale), z, inside=1)


def pdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); all arguments broadcast."""
    return exp(logpdf(x, a, loc, scale))


def cdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = gammainc(a, z); all arguments broadcast."""
    z, _, a = standardized(x, loc, scale, a)
    return masked(z < 0, lambda z: gammainc(a, z), z, inside=1, value=0)


def logcdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X <= x); all arguments broadcast."""
    z, _, a = standardized(x, loc, scale, a)
    return masked(z <= 0, lambda z: log_probability(gammainc(a, z), gammaincc(a, z)), z, inside=1)


def sf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = gammaincc(a, z); all arguments broadcast."""
    z, _, a = standardized(x, loc, scale, a)
    return masked(z < 0, lambda z: gammaincc(a, z), z, inside=1, value=1)


def logsf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X > x); all arguments broadcast."""
    z, _, a = standardized(x, loc, scale, a)
    return masked(z < 0, lambda z: log_probability(gammaincc(a, z), gammainc(a, z)), z, inside=1, value=0)


__getattr__ = passed_on("gamma")
