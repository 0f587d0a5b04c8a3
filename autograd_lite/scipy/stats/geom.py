"""The geometric distribution: the first success at trial k = 1, 2, ... has the probability p (1 - p)^(k - 1)."""

from __future__ import annotations

from typing import Any

from ...ops.elementwise import exp, log
from ...ops.special import xlog1py
from ._support import masked, not_a_count, numbers, passed_on


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """log P(k + loc) = log p + (k - 1) log(1 - p), -inf where k is none of 1, 2, ...; k, p and loc broadcast."""
    k, p, loc = numbers(k, p, loc)
    k = k - loc
    return masked(not_a_count(k, 1), lambda k: log(p) + xlog1py(k - 1, -p), k, inside=1)


def pmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """The probability of k; k, p and loc broadcast."""
    return exp(logpmf(k, p, loc))


__getattr__ = passed_on("geom")
