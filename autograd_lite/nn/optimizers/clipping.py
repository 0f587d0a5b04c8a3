"""Gradient clipping, on the flat gradient: between the backward pass and the step."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...node import Leaf
from ...ops.elementwise import absolute, add, clip, maximum, minimum
from ...ops.reduce import max as largest
from ...ops.reduce import sum
from ...plan.record import Recording, recording
from ...tensor import Tensor
from ..theta import Theta, leaf_of


def clip_grad_norm_(
    parameters: Theta | Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale the gradient, as one vector, to a norm of at most `max_norm`; returns the norm that it had.

    g <- g min(1, max_norm / (|g| + 1e-6)) (Pascanu, Mikolov and Bengio, 2013; PyTorch's formula)

    Parameters
    ----------
    parameters: `model.parameters()`, or `model.theta`.
    norm_type: the p of the norm, positive or inf.

    Raises
    ------
    ShapeError (a ValueError) with error_if_nonfinite, if the norm is infinite or NaN.

    >>> import autograd_lite as ag
    >>> w = ag.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> ag.nn.clip_grad_norm_([w], 1.0), w.grad.round(5)
    (10.0, array([0.6, 0.8]))
    """
    if not (max_norm >= 0 and norm_type > 0):
        raise ArgumentError(f"clip_grad_norm_: max_norm {max_norm}, norm_type {norm_type}; they must be positive")
    if (trace := recording()) is not None:
        if error_if_nonfinite:
            raise ArgumentError("clip_grad_norm_: error_if_nonfinite asks for a value, inside of a compiled function")
        gradients = _recorded(trace, parameters)
        recorded_norm = _norm(list(gradients.values()), norm_type)
        for leaf, g in gradients.items():
            leaf.grad = g * minimum(1.0, max_norm / (recorded_norm + 1e-6))
        return recorded_norm  # type: ignore[no-any-return]
    g = _theta(parameters).grad
    norm = float(np.linalg.norm(g, norm_type))
    if error_if_nonfinite and not np.isfinite(norm):
        raise ShapeError(f"clip_grad_norm_: the gradient has the norm {norm}, and scaling cannot repair that")
    g *= min(1.0, max_norm / (norm + 1e-6))
    return norm


def clip_grad_value_(parameters: Theta | Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clip each entry of the gradient: g <- min(max(g, -clip_value), clip_value), as PyTorch's function of this name.

    Raises ArgumentError (a TypeError) for a negative bound.
    """
    if not clip_value >= 0:
        raise ArgumentError(f"clip_grad_value_: clip_value {clip_value}; it must be positive")
    if (trace := recording()) is not None:
        for leaf, recorded in _recorded(trace, parameters).items():
            leaf.grad = clip(recorded, -clip_value, clip_value)
        return
    g: Any = _theta(parameters).grad
    np.clip(g, -clip_value, clip_value, out=g)


def _theta(parameters: Theta | Tensor | Iterable[Tensor]) -> Theta:
    if isinstance(parameters, Theta):
        return parameters
    return Theta([parameters] if isinstance(parameters, Tensor) else parameters)


def _recorded(trace: Recording, parameters: Theta | Tensor | Iterable[Tensor]) -> dict[Leaf, Any]:
    """The gradients that leaves have at this point of a function that is being compiled, as Tensors."""
    if not isinstance(parameters, Theta):
        parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    leaves = parameters.leaves if isinstance(parameters, Theta) else [leaf_of(parameter) for parameter in parameters]
    found = {leaf: leaf.grad for leaf in leaves if leaf.grad is not None}
    for leaf, g in found.items():
        trace.grads.setdefault(leaf, g)
    return {leaf: g if isinstance(g, Tensor) else trace.memory(g) for leaf, g in found.items()}


def _norm(gradients: list[Any], p: float) -> Any:
    """The p-norm of all entries of all gradients."""
    if p == np.inf:
        return reduce(maximum, [largest(absolute(g)) for g in gradients])
    powers = [sum(g * g) if p == 2 else sum(absolute(g) ** p) for g in gradients]
    return reduce(add, powers) ** (1 / p)
