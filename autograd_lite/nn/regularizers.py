"""Regularizers lambda Omega(theta), added to the mean loss: what a model is charged for its weights.

A weight is a parameter with two axes or more (of Linear, Embedding); biases and the scales of normalization layers
have one, and are free unless `biases=True`. `regularizer(model)` is the whole penalty, a scalar; `smooth(model)` the
part that gradient descent sees; `proximal_step(model, rate)` deals with the rest after an optimizer's step:

    w <- argmin_u 1/2 (u - w)^2 + rate Omega(u)

since |w| has no gradient at 0 that would hold a weight there (Parikh and Boyd, 2014, section 6.5.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..ops.elementwise import absolute, maximum, sign, square, where
from ..ops.reduce import sum
from ..plan.record import recording
from ..tensor import Tensor
from .module import Module


def weights(model: Module, biases: bool = False) -> list[Tensor]:
    """The parameters with two axes or more; with `biases`, all of them."""
    return [p for p in model.parameters() if biases or p.ndim >= 2]


@dataclass(frozen=True)
class Regularizer:
    """Base of all: `strength` is lambda >= 0, `biases` whether all parameters count as weights.

    Raises ArgumentError (a TypeError) for a strength that is negative or not finite.
    """

    strength: float
    biases: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.strength < math.inf:
            raise ArgumentError(f"{type(self).__name__}: strength {self.strength}; it must be finite and not negative")

    def __call__(self, model: Module) -> Any:
        """The penalty of the model's weights, a scalar."""
        return self.smooth(model)

    def smooth(self, model: Module) -> Any:
        """The differentiable part of the penalty; None if there is none."""
        raise NotImplementedError(f"{type(self).__name__} defines no smooth")

    def proximal_step(self, model: Module, rate: Any) -> None:
        """Nothing: all of the penalty is differentiable."""

    def _total(self, term: Callable[[Any], Any], factor: float, model: Module) -> Any:
        total: Any = 0.0
        for w in weights(model, self.biases):
            total = total + sum(term(w))
        return factor * total


@dataclass(frozen=True)
class L2(Regularizer):
    """lambda sum of w^2, with gradient 2 lambda W (Hoerl and Kennard, 1970). With the mean of T negative
    log-likelihoods it is a Gaussian prior of variance 1 / (2 lambda T) on each weight (Bishop, 2006, eq. 1.67).

    >>> from autograd_lite import nn
    >>> L2(0.5)(nn.Linear(2, 1, init=3.0)).item()
    9.0
    """

    def smooth(self, model: Module) -> Any:
        return self._total(square, self.strength, model)


@dataclass(frozen=True)
class Frobenius(Regularizer):
    """lambda 1/2 ||W||_F^2, half the sum of squares, with gradient lambda W: weight decay (Goodfellow, Bengio and
    Courville, 2016, section 7.1.1)."""

    def smooth(self, model: Module) -> Any:
        return self._total(square, 0.5 * self.strength, model)


@dataclass(frozen=True)
class L1(Regularizer):
    """lambda sum of |w|: it sets weights to exactly 0, by w <- sign(w) max(|w| - rate lambda, 0) after each update
    (Tibshirani, 1996). With the mean of T negative log-likelihoods it is a Laplacian prior of scale 1 / (lambda T).

    >>> from autograd_lite import nn
    >>> layer = nn.Linear(2, 1, init=lambda shape, rng, dtype: [[0.3, -2.0]])
    >>> L1(1.0).proximal_step(layer, 0.5)
    >>> layer.weight.data
    array([[ 0. , -1.5]])
    """

    def __call__(self, model: Module) -> Any:
        return self._total(absolute, self.strength, model)

    def smooth(self, model: Module) -> Any:
        return None

    def proximal_step(self, model: Module, rate: Any) -> None:
        """Move each weight by rate * lambda towards 0, and not beyond."""
        soft_threshold(model, rate, self.strength, self.biases)


@dataclass(frozen=True)
class ElasticNet(Regularizer):
    """lambda (rho sum of |w| + (1 - rho) / 2 sum of w^2), rho = `l1_ratio` in [0, 1] (Zou and Hastie, 2005; in
    scikit-learn's terms).

    The squares go with the gradient, the absolute values by the proximal step. Raises ArgumentError (a TypeError) for
    an `l1_ratio` outside [0, 1].
    """

    l1_ratio: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.l1_ratio <= 1:
            raise ArgumentError(f"ElasticNet: l1_ratio {self.l1_ratio} is outside [0, 1]")

    def __call__(self, model: Module) -> Any:
        return self._total(absolute, self.strength * self.l1_ratio, model) + self.smooth(model)

    def smooth(self, model: Module) -> Any:
        return self._total(square, 0.5 * self.strength * (1 - self.l1_ratio), model)

    def proximal_step(self, model: Module, rate: Any) -> None:
        """L1's, with lambda rho."""
        soft_threshold(model, rate, self.strength * self.l1_ratio, self.biases)


def mask_of_weights(model: Module, biases: bool) -> Any:
    """Which entries of theta belong to weights."""
    chosen = set(weights(model, biases))
    return np.concatenate([np.full(p.size, p in chosen) for p in model.parameters()])


def soft_threshold(model: Module, rate: Any, strength: float, biases: bool) -> None:
    """w <- sign(w) max(|w| - rate * strength, 0) for the model's weights; `rate` a number, or a vector like theta."""
    if (trace := recording()) is not None:
        theta = model.theta.memory
        w, mask = trace.contents(theta), mask_of_weights(model, biases)
        shrunk = sign(w) * maximum(absolute(w) - rate * strength, 0) + 0.0
        trace.writes_to(theta, where(mask, shrunk, w), "theta")
        return
    chosen, start = set(weights(model, biases)), 0
    for p in model.parameters():
        place = slice(start, start := start + p.size)
        if p in chosen:
            bound = (np.reshape(rate[place], p.shape) if np.ndim(rate) else rate) * strength
            # + 0.0 turns -0.0 into 0.0
            p.data = (np.sign(p.data) * np.maximum(np.abs(p.data) - bound, 0) + 0.0).astype(p.dtype)
