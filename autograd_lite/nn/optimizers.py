"""Optimizers: how theta moves, given its gradient. Each is a few operations on whole vectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor
from .theta import Theta

# Entries updated together: a block of theta, its gradient and its state stay in the cache between operations.
BLOCK = 1 << 14


class Optimizer:
    """Base: a subclass defines `update(theta, g, state)` on blocks of the vectors, in place."""

    def __init__(self, parameters: Iterable[Tensor], lr: float):
        if not lr > 0:
            raise ArgumentError(f"{type(self).__name__}: the learning rate is {lr}; it must be positive")
        self.theta = Theta(parameters)
        self.lr = lr
        self._blocks = [slice(start, start + BLOCK) for start in range(0, len(self.theta), BLOCK)]

    def zero_grad(self) -> None:
        """Forget the gradients; call it before each backward pass."""
        self.theta.zero_grad()

    def step(self) -> None:
        """Move theta once, by the gradients that `backward` left."""
        theta, g = self.theta.data, self.theta.grad
        for block in self._blocks:
            self.update(theta[block], g[block], block)
        self.theta.changed()

    def update(self, theta: Any, g: Any, block: slice) -> None:
        raise NotImplementedError(f"{type(self).__name__} defines no update")


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Polyak, 1964; as PyTorch writes it).

    v <- momentum v + g,  theta <- theta - lr v

    Parameters
    ----------
    parameters: `model.parameters()`.
    lr: the learning rate eta > 0; may be set between steps.
    momentum: in [0, 1); 0 is plain gradient descent.

    >>> import autograd_lite as ag
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ag.nn.SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([0.5, 1. ])
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.0):
        super().__init__(parameters, lr)
        if not 0 <= momentum < 1:
            raise ArgumentError(f"SGD: momentum {momentum} is outside [0, 1)")
        self.momentum = momentum
        self.velocity = np.zeros(self.theta.size, self.theta.data.dtype) if momentum else None

    def update(self, theta: Any, g: Any, block: slice) -> None:
        if self.velocity is not None:
            v = self.velocity[block]
            v *= self.momentum
            v += g
            g = v
        theta -= self.lr * g
