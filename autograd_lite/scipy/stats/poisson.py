"""The Poisson distribution: a count k = 0, 1, ... has the probability mu^k exp(-mu) / k!."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, floor
from ...ops.special import gammaincc, gammaln, xlogy
from ._support import masked, not_a_count, numbers, passed_on


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """log P(k + loc) = k log(mu) - log k! - mu, -inf where k is no count; k, mu and loc broadcast."""
    k, mu, loc = numbers(k, mu, loc)
    k = k - loc
    return masked(not_a_count(k), lambda k: xlogy(k, mu) - gammaln(k + 1) - mu, k, inside=0)


def pmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of k; k, mu and loc broadcast."""
    return exp(logpmf(k, mu, loc))


def cdf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """P(K <= k) = gammaincc(k + 1, mu); k, mu and loc broadcast."""
    k, mu, loc = numbers(k, mu, loc)
    k = floor(k - loc)
    return masked(k < 0, lambda k: gammaincc(k + 1, mu), k, inside=0, value=0)


__getattr__ = passed_on("poisson")
