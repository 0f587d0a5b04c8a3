"""Optimizers that need the gradient only, each one equation; names and defaults are PyTorch's.

g is the gradient, eta the rate, k the number of updates before this one; operations are entry by entry.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError
from .base import Optimizer


def is_zero(option: Any) -> bool:
    """Whether an option is 0 for all parameters, so that its term can be left out."""
    return isinstance(option, (int, float)) and option == 0


def decayed(g: Any, theta: Any, weight_decay: Any) -> Any:
    """g + lambda theta: the gradient with that of lambda/2 |theta|^2."""
    return g if is_zero(weight_decay) else g + weight_decay * theta


class FirstOrder(Optimizer):
    """Options of these names are in these ranges, whichever optimizer has them."""

    def check(self, **options: Any) -> None:
        for name in options.keys() & {"momentum", "alpha", "beta", "dampening"}:
            if not 0 <= options[name] < 1:
                raise ArgumentError(f"{self._name}: {name} {options[name]} is outside [0, 1)")
        if "betas" in options and not all(0 <= beta < 1 for beta in options["betas"]):
            raise ArgumentError(f"{self._name}: betas {options['betas']} are outside [0, 1)")
        for name in options.keys() & {"weight_decay", "lr_decay", "eps", "initial_accumulator_value"}:
            if not 0 <= options[name] < np.inf:
                raise ArgumentError(f"{self._name}: {name} {options[name]}; it must be finite and not negative")


class SGD(FirstOrder):
    """Stochastic gradient descent, with momentum as PyTorch writes it (Polyak, 1964; Nesterov, 1983, in the form of
    Sutskever et al., 2013).

    g <- g + weight_decay theta,  v <- momentum v + (1 - dampening) g,  theta <- theta - eta v,
    or theta <- theta - eta (g + momentum v) with `nesterov`. The first v is g, whatever the dampening.

    Parameters
    ----------
    parameters, lr: as for Optimizer.
    momentum: in [0, 1); 0 is plain gradient descent: per example, mini-batch or full batch, as the loss has it.
    dampening: in [0, 1); `Momentum` is dampening = momentum from v = 0.

    >>> import autograd_lite as ag
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ag.nn.SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([0.5, 1. ])
    """

    def __init__(
        self,
        parameters: Any,
        lr: Any = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ):
        super().__init__(
            parameters, lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov
        )
        if self._any("momentum"):
            self._remember("v")

    def check(self, **options: Any) -> None:
        super().check(**options)
        if options["nesterov"] and (not options["momentum"] or options["dampening"]):
            raise ArgumentError("SGD: nesterov needs a momentum above 0 and no dampening")

    def update(
        self, theta: Any, g: Any, rate: Any, k: Any, v: Any = None, *,
        momentum: Any, dampening: Any, weight_decay: Any, nesterov: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        g = decayed(g, theta, weight_decay)
        if v is None:
            return (theta - rate * g,)
        v = momentum * v + (g if is_zero(dampening) else (1 - dampening * (k > 0)) * g)
        return theta - rate * (g + momentum * v if nesterov else v), v


class Momentum(FirstOrder):
    """Gradient descent along the exponential average of gradients, as the lecture writes momentum.

    v <- beta v + (1 - beta) g,  theta <- theta - eta v, from v = 0

    It goes the way of `SGD(momentum=beta)` with 1 / (1 - beta) times the rate.
    """

    def __init__(self, parameters: Any, lr: Any = 1e-2, beta: float = 0.9):
        super().__init__(parameters, lr, ("v",), beta=beta)

    def update(self, theta: Any, g: Any, rate: Any, k: Any, v: Any, *, beta: Any) -> tuple[Any, ...]:
        v = beta * v + (1 - beta) * g
        return theta - rate * v, v


class Adam(FirstOrder):
    """Adam (Kingma and Ba, 2015, algorithm 1): averages of gradients and of their squares, both free of the bias
    towards their start at 0.

    m <- beta1 m + (1 - beta1) g,  s <- beta2 s + (1 - beta2) g^2,
    theta <- theta - eta (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps), with t = k + 1

    Parameters
    ----------
    weight_decay: adds weight_decay theta to g; see AdamW for the decay that is apart from it.
    amsgrad: divide by the largest s so far (Reddi et al., 2018).
    """

    def __init__(
        self,
        parameters: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ):
        super().__init__(parameters, lr, ("m", "s"), betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)
        if self._any("amsgrad"):
            self._remember("largest")

    def update(
        self, theta: Any, g: Any, rate: Any, k: Any, m: Any, s: Any, largest: Any = None, *,
        betas: Any, eps: Any, weight_decay: Any, amsgrad: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        return adam(theta, decayed(g, theta, weight_decay), rate, k, m, s, largest, betas, eps)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019, algorithm 2, as PyTorch has it).

    theta <- (1 - eta weight_decay) theta, and then Adam's step
    """

    def __init__(
        self,
        parameters: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
    ):
        super().__init__(parameters, lr, betas, eps, weight_decay, amsgrad)

    def update(
        self, theta: Any, g: Any, rate: Any, k: Any, m: Any, s: Any, largest: Any = None, *,
        betas: Any, eps: Any, weight_decay: Any, amsgrad: bool,
    ) -> tuple[Any, ...]:  # fmt: skip
        return adam((1 - rate * weight_decay) * theta, g, rate, k, m, s, largest, betas, eps)


def adam(theta: Any, g: Any, rate: Any, k: Any, m: Any, s: Any, largest: Any, betas: Any, eps: Any) -> tuple[Any, ...]:
    """Adam's step from `theta`, and its new averages."""
    (beta1, beta2), t = betas, k + 1
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * (g * g)
    largest = s if largest is None else np.maximum(largest, s)
    step = rate / (1 - beta1**t) * m / (np.sqrt(largest) / (1 - beta2**t) ** 0.5 + eps)
    return (theta - step, m, s) if largest is s else (theta - step, m, s, largest)
