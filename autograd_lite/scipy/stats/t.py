"""Student's t distribution: z = (x - loc) / scale has density (1 + z^2/df)^(-(df+1)/2) / sqrt(df) / B(df/2, 1/2)."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log, log1p
from ...ops.special import betaln
from ._support import passed_on, standardized


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = -(df+1)/2 log(1 + z^2/df) - log B(df/2, 1/2) - log(df)/2 - log(scale); all arguments broadcast."""
    z, scale, df, half = standardized(x, loc, scale, df, 0.5)
    return -(df + 1) / 2 * log1p(z * z / df) - betaln(df / 2, half) - log(df) / 2 - log(scale)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); all arguments broadcast."""
    return exp(logpdf(x, df, loc, scale))


__getattr__ = passed_on("t")
