"""What `fit` refuses, or warns of, before it begins: what is no model, optimizer or regularizer, and labels and outputs
that do not belong together."""

from __future__ import annotations

import warnings
from typing import Any

from ..errors import ArgumentError
from ..ops.elementwise import sigmoid
from ..ops.neural import softmax
from .activations import text_of
from .data import require_labels
from .layers import Sequential
from .losses import binary_cross_entropy_with_logits, cross_entropy, kl_div
from .prediction import predict

PRE_ACTIVATIONS = (cross_entropy, kl_div, binary_cross_entropy_with_logits)  # what these losses take


def check_parts(model: Any, optimizer: Any, regularizer: Any, clip_norm: Any) -> None:
    """Refuse what is no model, optimizer or regularizer, such as a class or a name in the place of an object."""
    if not hasattr(model, "theta"):
        raise ArgumentError(f"fit: {model!r} is no model; a nn.Module with parameters is needed")
    if isinstance(optimizer, type) or not hasattr(optimizer, "theta"):
        raise ArgumentError(
            f"fit: {optimizer!r} is no optimizer; make one for the model's parameters: nn.SGD(model.parameters(), 0.1)"
        )
    usable = callable(regularizer) or hasattr(regularizer, "proximal_step")
    if regularizer is not None and (isinstance(regularizer, type) or not usable):
        raise ArgumentError(f"fit: {regularizer!r} is no regularizer; give one with its strength, such as nn.L2(1e-4)")
    if clip_norm is not None and not clip_norm > 0:
        raise ArgumentError(f"fit: clip_norm {clip_norm}; it must be positive")
    if clip_norm is not None and getattr(optimizer, "needs_closure", False):
        name = type(optimizer).__name__
        raise ArgumentError(
            f"fit: clip_norm with {name}, which takes more than the gradient; its steps are bounded itself"
        )


def check_output(model: Any, loss: Any) -> None:
    """Warn of an output that is made probabilities before a loss which does that itself."""
    last = model.parts[-1] if isinstance(model, Sequential) and model.parts else getattr(model, "output", None)
    if loss in PRE_ACTIVATIONS and (last is softmax or last is sigmoid):
        warnings.warn(
            f"fit: the model ends in {text_of(last)}, and {loss.__name__} wants pre-activations: it has a softmax or"
            " sigmoid of its own. Leave the activation of the output out; predict_proba gives probabilities",
            stacklevel=3,
        )


def check_labels(model: Any, data: Any, name: str) -> None:
    """Refuse labels that the model has no output for, before the first update."""
    X, y = data[:2]
    if y.ndim == 1 and y.dtype.kind in "iu":
        output = predict(model, X[:1])
        if output.ndim == 2 and output.shape[1] > 1:
            require_labels(y, output.shape[1], name)
