"""Student's t distribution: z = (x - loc) / scale has density (1 + z^2/df)^(-(df+1)/2) / sqrt(df) / B(df/2, 1/2).

The distribution functions have no known derivative by df, and refuse one that requires a gradient.
"""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log, log1p
from ...ops.special import betaln, stdtr
from ._support import log_probability, passed_on, standardized


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = -(df+1)/2 log(1 + z^2/df) - log B(df/2, 1/2) - log(df)/2 - log(scale); all arguments broadcast."""
    z, scale, df, half = standardized(x, loc, scale, df, 0.5)
    return -(df + 1) / 2 * log1p(z * z / df) - betaln(df / 2, half) - log(df) / 2 - log(scale)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); all arguments broadcast."""
    return exp(logpdf(x, df, loc, scale))


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x); all arguments broadcast."""
    z, _, df = standardized(x, loc, scale, df)
    return stdtr(df, z)


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x); all arguments broadcast."""
    z, _, df = standardized(x, loc, scale, df)
    return stdtr(df, -z)


def logcdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X <= x); all arguments broadcast."""
    z, _, df = standardized(x, loc, scale, df)
    return log_probability(stdtr(df, z), stdtr(df, -z))


def logsf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X > x); all arguments broadcast."""
    z, _, df = standardized(x, loc, scale, df)
    return log_probability(stdtr(df, -z), stdtr(df, z))


__getattr__ = passed_on("t")
