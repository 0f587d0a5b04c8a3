"""What `fit` refuses, or warns of, before it begins: what is no model, optimizer or regularizer, and targets that do
not go with the outputs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..ops.elementwise import sigmoid
from ..ops.neural import softmax
from ..tensor import Tensor
from .activations import text_of
from .data import batches, require_labels
from .losses import LOSSES, binary_cross_entropy_with_logits, cross_entropy, kl_div
from .prediction import ROWS, output_activation, predict

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
    last = output_activation(model)
    if loss in PRE_ACTIVATIONS and (last is softmax or last is sigmoid):
        warnings.warn(
            f"fit: the model ends in {text_of(last)}, and {loss.__name__} wants pre-activations: it has a softmax or"
            " sigmoid of its own. Leave the activation of the output out; predict_proba gives probabilities",
            stacklevel=3,
        )


def check_targets(model: Any, loss: Any, data: Any, name: str) -> None:
    """Refuse targets that do not go with the model's outputs under a loss of this package, before the first update: a
    compiled one sees no values. Nor do examples that the model cannot take get further than here."""
    X, y = data[:2]
    output = predict(model, X[:1])
    if y.ndim == 1 and y.dtype.kind in "iu" and output.ndim == 2 and output.shape[1] > 1:
        require_labels(y, output.shape[1], name)
    if loss in LOSSES.values():
        for (rows,) in batches([y], ROWS):
            loss(np.zeros((len(rows), *output.shape[1:]), output.dtype), rows)


def require_scalar(risk: Any) -> None:
    """Raise ArgumentError (a TypeError) unless a loss gave a recorded scalar."""
    if not isinstance(risk, Tensor) or risk.size != 1:
        shape = f" of shape {np.shape(risk)}" if np.ndim(risk) else ""
        raise ArgumentError(
            f"fit: the loss gave a {type(risk).__name__}{shape}; it must be a recorded scalar, such as the mean over"
            " the examples, computed from the output by Tensor operations"
        )
