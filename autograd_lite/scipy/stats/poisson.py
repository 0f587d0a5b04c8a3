"""The Poisson distribution: a count k = 0, 1, ... has the probability mu^k exp(-mu) / k!."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp
from ...ops.special import gammaln, xlogy
from ._support import masked, not_a_count, numbers, passed_on


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """log P(k + loc) = k log(mu) - log k! - mu, -inf where k is no count; k, mu and loc broadcast."""
    k, mu, loc = numbers(k, mu, loc)
    k = k - loc
    return masked(not_a_count(k), lambda k: xlogy(k, mu) - gammaln(k + 1) - mu, k, inside=0)


def pmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of k; k, mu and loc broadcast."""
    return exp(logpmf(k, mu, loc))


__getattr__ = passed_on("poisson")
