"""The binomial distribution: k successes in n trials have the probability C(n, k) p^k (1 - p)^(n - k)."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log1p, logical_or
from ...ops.special import betaln, xlog1py, xlogy
from ._support import masked, not_a_count, numbers, passed_on


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """log P(k + loc) = log C(n, k) + k log p + (n - k) log(1 - p), -inf where k is none of 0..n; all broadcast."""
    k, n, p, loc = numbers(k, n, p, loc)
    k = k - loc

    def within(k: Any) -> Any:
        log_choices = -betaln(n - k + 1, k + 1) - log1p(n)
        return log_choices + xlogy(k, p) + xlog1py(n - k, -p)

    return masked(logical_or(not_a_count(k), k > n), within, k, inside=0)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """The probability of k; all arguments broadcast."""
    return exp(logpmf(k, n, p, loc))


__getattr__ = passed_on("binom")
