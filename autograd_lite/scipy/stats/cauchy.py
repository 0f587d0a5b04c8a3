"""The Cauchy distribution: z = (x - loc) / scale has the density 1 / (pi (1 + z^2))."""

from __future__ import annotations

import math
from typing import Any

from ...ops.elementwise import arctan2, exp, hypot, log
from ._support import LOG_PI, log_probability, passed_on, standardized


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log f(x) = -log pi - log(1 + z^2) - log(scale); x, loc and scale broadcast."""
    z, scale = standardized(x, loc, scale)
    return -LOG_PI - 2 * log(hypot(1.0, z)) - log(scale)  # z * z could overflow


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density f(x); x, loc and scale broadcast."""
    return exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X <= x) = 1/2 + arctan(z) / pi, without cancellation in the left tail; x, loc and scale broadcast."""
    return arctan2(1.0, -standardized(x, loc, scale)[0]) / math.pi


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X <= x); x, loc and scale broadcast."""
    return log_probability(cdf(x, loc, scale), sf(x, loc, scale))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """P(X > x) = 1/2 - arctan(z) / pi, without cancellation in the right tail; x, loc and scale broadcast."""
    return arctan2(1.0, standardized(x, loc, scale)[0]) / math.pi


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """log P(X > x); x, loc and scale broadcast."""
    return log_probability(sf(x, loc, scale), cdf(x, loc, scale))


__getattr__ = passed_on("cauchy")
