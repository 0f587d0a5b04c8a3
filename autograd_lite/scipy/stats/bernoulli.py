"""The Bernoulli distribution: k = 1 has the probability p, and k = 0 has 1 - p."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, logical_or
from ...ops.special import xlog1py, xlogy
from ._support import masked, not_a_count, numbers, passed_on


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """log P(k + loc) = k log p + (1 - k) log(1 - p), -inf where k is neither 0 nor 1; k, p and loc broadcast."""
    k, p, loc = numbers(k, p, loc)
    k = k - loc
    return masked(logical_or(not_a_count(k), k > 1), lambda k: xlogy(k, p) + xlog1py(1 - k, -p), k, inside=0)


def pmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """The probability of k; k, p and loc broadcast."""
    return exp(logpmf(k, p, loc))


__getattr__ = passed_on("bernoulli")
