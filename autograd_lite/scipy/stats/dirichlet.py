"""The Dirichlet distribution of K shares x that sum to 1: density prod_i x_i^(alpha_i - 1) / B(alpha)."""

from __future__ import annotations

import math
from typing import Any

from ...errors import ShapeError
from ...ops.elementwise import exp, where
from ...ops.reduce import any as any_of
from ...ops.reduce import sum as sum_of
from ...ops.shape import concatenate, reshape
from ...ops.special import gammaln, xlogy
from ._support import numbers, passed_on


def logpdf(x: Any, alpha: Any) -> Any:
    """log f(x) = sum_i (alpha_i - 1) log x_i - sum_i log gamma(alpha_i) + log gamma(sum_i alpha_i).

    `alpha` has the shape (K,) and x, as in SciPy, (K,) or (K, N): points along its last axis. The last share may be
    left out of x. Where a share is negative the value is -inf; that the shares sum to 1 is not checked.
    """
    x, alpha = numbers(x, alpha)
    (shares,) = alpha.shape
    if x.shape[0] == shares - 1:
        x = concatenate([x, 1 - sum_of(x, 0, keepdims=True)])
    if x.shape[0] != shares:
        raise ShapeError(f"dirichlet: x of shape {x.shape} has not {shares} shares along its first axis")
    powers = reshape(alpha - 1, (shares,) + (1,) * (x.ndim - 1))
    log_constant = gammaln(sum_of(alpha)) - sum_of(gammaln(alpha))
    outside = any_of(x < 0, 0)
    log_powers = sum_of(xlogy(powers, where(outside, 1 / shares, x)), 0)
    return where(outside, -math.inf, log_constant + log_powers)


def pdf(x: Any, alpha: Any) -> Any:
    """The density f(x), with the shapes of `logpdf`."""
    return exp(logpdf(x, alpha))


__getattr__ = passed_on("dirichlet")
