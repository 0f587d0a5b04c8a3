"""The uniform distribution: z = (x - loc) / scale has the density 1 for 0 <= z <= 1."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import clip, exp, log, logical_or
from ._support import masked, passed_on, standardized


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = -log(scale), -inf outside [loc, loc + scale]; x, loc and scale broadcast."""
    z, scale = standardized(x, loc, scale)
    # 0 * z: the value depends on x in name, so that its gradient is there, and 0.
    return masked(logical_or(z < 0, z > 1), lambda z: 0 * z - log(scale), z, inside=0.5)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); x, loc and scale broadcast."""
    return exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = z, between 0 and 1, where half the gradient passes; x, loc and scale broadcast."""
    return clip(standardized(x, loc, scale)[0], 0, 1)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = 1 - z, between 0 and 1, where half the gradient passes; x, loc and scale broadcast."""
    return 1 - cdf(x, loc, scale)


__getattr__ = passed_on("uniform")
