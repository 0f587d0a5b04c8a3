"""Optimizers that give each entry of theta a rate of its own, from the gradients it has seen; PyTorch's names and
defaults. Symbols as in first_order.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError
from .first_order import FirstOrder, decayed, is_zero


class Adagrad(FirstOrder):
    """Adagrad (Duchi, Hazan and Singer, 2011): the rate falls with the squares seen so far.

    s <- s + g^2,  theta <- theta - eta / (1 + k lr_decay) g / (sqrt(s) + eps), from s = initial_accumulator_value
    """

    def __init__(
        self,
        parameters: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ):
        super().__init__(parameters, lr, ("s",), lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)
        super().check(initial_accumulator_value=initial_accumulator_value)
        self.state["s"][...] = initial_accumulator_value

    def update(
        self, theta: Any, g: Any, rate: Any, k: Any, s: Any, *, lr_decay: Any, weight_decay: Any, eps: Any
    ) -> tuple[Any, ...]:
        g = decayed(g, theta, weight_decay)
        s = s + g * g
        return theta - rate / (1 + k * lr_decay) * g / (np.sqrt(s) + eps), s


class RMSprop(FirstOrder):
    """RMSProp (Tieleman and Hinton, 2012, lecture 6e; with momentum and centered, Graves, 2013, as PyTorch has it).

    s <- alpha s + (1 - alpha) g^2,  d = g / (sqrt(s) + eps),  theta <- theta - eta d;
    with momentum v <- momentum v + d,  theta <- theta - eta v

    Parameters
    ----------
    centered: divide by the standard deviation sqrt(s - m^2), where m <- alpha m + (1 - alpha) g.
    """

    def __init__(
        self,
        parameters: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ):
        options = {"alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(parameters, lr, ("s",), centered=centered, **options)
        if self._any("centered"):
            self._remember("m")
        if self._any("momentum"):
            self._remember("v")

    def update(
        self, theta: Any, g: Any, rate: Any, k: Any, s: Any, *others: Any,
        alpha: Any, eps: Any, weight_decay: Any, momentum: Any, centered: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        g = decayed(g, theta, weight_decay)
        s = alpha * s + (1 - alpha) * (g * g)
        variance, averages = s, [s]
        if centered:
            m = alpha * others[0] + (1 - alpha) * g
            variance, averages = np.maximum(s - m * m, 0), [s, m]  # rounding may leave it below 0
        d = g / (np.sqrt(variance) + eps)
        if is_zero(momentum):
            return theta - rate * d, *averages
        v = momentum * others[-1] + d
        return theta - rate * v, *averages, v


class Rprop(FirstOrder):
    """Resilient backpropagation (Riedmiller and Braun, 1993; without weight-backtracking, and the gradient is forgotten
    after a change of sign: iRprop- of Igel and Huesken, 2003, as PyTorch has it). For full batches.

    step <- clip(step * (eta+ where g g_before > 0, eta- where < 0, else 1), step_sizes),
    g <- 0 where g g_before < 0,  theta <- theta - sign(g) step

    Parameters
    ----------
    lr: the first steps; of a schedule, its first rate.
    etas: (eta-, eta+), the factors of a step after which the gradient has, or has not, changed its sign.
    step_sizes: the smallest and the largest step.
    """

    def __init__(
        self,
        parameters: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
    ):
        super().__init__(parameters, lr, ("before", "step"), etas=etas, step_sizes=step_sizes)
        self.state["step"][...] = self.rate

    def check(self, **options: Any) -> None:
        (shrink, grow), (smallest, largest) = options["etas"], options["step_sizes"]
        if not 0 < shrink < 1 < grow < np.inf:
            raise ArgumentError(f"Rprop: etas {options['etas']}; they are (eta-, eta+) with 0 < eta- < 1 < eta+")
        if not 0 < smallest <= largest < np.inf:
            raise ArgumentError(f"Rprop: step_sizes {options['step_sizes']}; they are (smallest, largest), positive")

    def update(
        self, theta: Any, g: Any, rate: Any, k: Any, before: Any, step: Any, *, etas: Any, step_sizes: Any
    ) -> tuple[Any, ...]:
        (shrink, grow), (smallest, largest) = etas, step_sizes
        turned = g * before
        step = np.where(turned > 0, grow * step, np.where(turned < 0, shrink * step, step))
        step = np.minimum(np.maximum(step, smallest), largest)
        g = np.where(turned < 0, 0.0, g)
        return theta - np.sign(g) * step, g, step
