"""The chi-squared distribution: z = (x - loc) / scale has the gamma density of shape df / 2 and scale 2."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp
from . import gamma
from ._support import numbers, passed_on


def _as_gamma(x: Any, df: Any, loc: Any, scale: Any) -> tuple[Any, Any, Any, Any]:
    x, df, loc, scale = numbers(x, df, loc, scale)
    return x, df / 2, loc, scale * 2


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = (df/2 - 1) log z - z/2 - log gamma(df/2) - df/2 log 2 - log(scale); all arguments broadcast."""
    return gamma.logpdf(*_as_gamma(x, df, loc, scale))


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); all arguments broadcast."""
    return exp(logpdf(x, df, loc, scale))


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = gammainc(df/2, z/2); refuses a df that requires a gradient; all arguments broadcast."""
    return gamma.cdf(*_as_gamma(x, df, loc, scale))


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = gammaincc(df/2, z/2); refuses a df that requires a gradient; all arguments broadcast."""
    return gamma.sf(*_as_gamma(x, df, loc, scale))


__getattr__ = passed_on("chi2")
