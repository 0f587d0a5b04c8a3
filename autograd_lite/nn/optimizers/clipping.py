"""Gradient clipping, on the flat gradient: between the backward pass and the step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...op import Op
from ...ops.shape import astype, concatenate
from ...plan.record import Recording, recording
from ...tensor import Tensor
from ..theta import Theta


def clip_grad_norm_(
    parameters: Theta | Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Any:
    """Scale the gradient, as one vector, to a norm of at most `max_norm`; returns the norm that it had, a float (inside
    of `ag.compile` a Tensor).

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
    theta = _theta(parameters)
    if (trace := recording()) is not None:
        return _clip_norm_in(trace, theta, max_norm, norm_type, error_if_nonfinite)
    g = theta.grad
    norm = float(np.linalg.norm(g, norm_type))
    if error_if_nonfinite:
        _finite(norm)
    g *= min(1.0, max_norm / (norm + 1e-6))
    return norm


def clip_grad_value_(parameters: Theta | Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clip each entry of the gradient: g <- min(max(g, -clip_value), clip_value), as PyTorch's function of this name.

    Raises ArgumentError (a TypeError) for a negative bound.
    """
    if not clip_value >= 0:
        raise ArgumentError(f"clip_grad_value_: clip_value {clip_value}; it must be positive")
    theta = _theta(parameters)
    if (trace := recording()) is not None:
        for leaf in theta.leaves:
            if (part := trace.gradient(leaf)) is not None:
                trace.sets_gradient(leaf, np.clip(part, -clip_value, clip_value))
        return
    g: Any = theta.grad
    np.clip(g, -clip_value, clip_value, out=g)


def _finite(norm: Any) -> Any:
    if not np.isfinite(norm):
        raise ShapeError(f"clip_grad_norm_: the gradient has the norm {norm}, and scaling cannot repair that")
    return np.True_


finite_norm = Op(_finite, name="finite_norm", norm=None, effect="refuses a gradient that is not finite")


def _clip_norm_in(trace: Recording, theta: Theta, max_norm: float, norm_type: float, error_if_nonfinite: bool) -> Any:
    """The same inside of a function that is being compiled."""
    g = concatenate([trace.gradient_vector(leaf) for leaf in theta.leaves])
    norm = astype(np.linalg.norm(g, norm_type), float)
    if error_if_nonfinite:
        finite_norm(norm)
    scale = max_norm / (norm + 1e-6)
    scale = astype(np.where(scale < 1.0, scale, 1.0), g.dtype)
    for leaf in theta.leaves:
        if (part := trace.gradient(leaf)) is not None:
            trace.sets_gradient(leaf, part * scale)
    return norm


def _theta(parameters: Theta | Tensor | Iterable[Tensor]) -> Theta:
    if isinstance(parameters, Theta):
        return parameters
    return Theta([parameters] if isinstance(parameters, Tensor) else parameters)
