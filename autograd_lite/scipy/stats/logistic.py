"""The logistic distribution: z = (x - loc) / scale has the density expit(z) expit(-z)."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log
from ...ops.special import expit, log_expit
from ._support import passed_on, standardized


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = log expit(z) + log expit(-z) - log(scale); x, loc and scale broadcast."""
    z, scale = standardized(x, loc, scale)
    return log_expit(z) + log_expit(-z) - log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); x, loc and scale broadcast."""
    return exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = expit(z); x, loc and scale broadcast."""
    return expit(standardized(x, loc, scale)[0])


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X <= x), finite far into the left tail; x, loc and scale broadcast."""
    return log_expit(standardized(x, loc, scale)[0])


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = expit(-z); x, loc and scale broadcast."""
    return expit(-standardized(x, loc, scale)[0])


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X > x), finite far into the right tail; x, loc and scale broadcast."""
    return log_expit(-standardized(x, loc, scale)[0])


__getattr__ = passed_on("logistic")
