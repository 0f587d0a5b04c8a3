"""The negative binomial distribution: k failures before the n-th success have probability C(k+n-1, k) p^n (1-p)^k."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp
from ...ops.special import gammaln, xlog1py, xlogy
from ._support import masked, not_a_count, numbers, passed_on


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """log P(k + loc) = log C(k+n-1, k) + n log p + k log(1 - p), -inf where k is no count; all arguments broadcast."""
    k, n, p, loc = numbers(k, n, p, loc)
    k = k - loc

    def within(k: Any) -> Any:
        return gammaln(n + k) - gammaln(k + 1) - gammaln(n) + xlogy(n, p) + xlog1py(k, -p)

    return masked(not_a_count(k), within, k, inside=0)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """The probability of k; all arguments broadcast."""
    return exp(logpmf(k, n, p, loc))


__getattr__ = passed_on("nbinom")
