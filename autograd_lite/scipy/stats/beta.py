"""The beta distribution: z = (x - loc) / scale has the density z^(a-1) (1-z)^(b-1) / B(a, b) for 0 <= z <= 1.

The distribution functions have no known derivative by the shapes, and refuse shapes that require a gradient.
"""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log, logical_or
from ...ops.special import betainc, betaincc, betaln, xlog1py, xlogy
from ._support import masked, passed_on, standardized


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = (a-1) log z + (b-1) log(1-z) - log B(a, b) - log(scale), -inf outside; all arguments broadcast."""
    z, scale, a, b = standardized(x, loc, scale, a, b)

    def within(z: Any) -> Any:
        return xlog1py(b - 1, -z) + xlogy(a - 1, z) - betaln(a, b) - log(scale)

    return masked(logical_or(z < 0, z > 1), within, z, inside=0.5)


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); all arguments broadcast."""
    return exp(logpdf(x, a, b, loc, scale))


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = betainc(a, b, z); all arguments broadcast."""
    z, _, a, b = standardized(x, loc, scale, a, b)
    return masked(logical_or(z < 0, z > 1), lambda z: betainc(a, b, z), z, inside=0.5, value=z > 1)


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = betaincc(a, b, z); all arguments broadcast."""
    z, _, a, b = standardized(x, loc, scale, a, b)
    return masked(logical_or(z < 0, z > 1), lambda z: betaincc(a, b, z), z, inside=0.5, value=z < 0)


__getattr__ = passed_on("beta")
