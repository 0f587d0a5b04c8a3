"""What a trained model says: outputs, probabilities and measurements, in batches and without recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..node import no_grad
from ..ops.elementwise import exp, sigmoid
from ..ops.neural import softmax
from ..runtime import without_history
from .activations import text_of
from .data import batches, checked
from .layers import Sequential
from .losses import loss_named
from .metrics import metrics_named
from .modes import mode

ROWS = 1024  # examples at a time


def predict(model: Any, X: Any, *, batch_size: int = ROWS) -> np.ndarray[Any, Any]:
    """The model's outputs for the rows of `X`, shape (n, ...): pre-activations, which for a regression are the answer
    and for a classification are largest at the most probable class.

    Nothing is recorded; dropout is off and batch normalization uses what it has learned. Raises ShapeError (a
    ValueError) for no rows, or rows that the model cannot take.

    >>> from autograd_lite import nn
    >>> predict(nn.MLP([3, 4, 2]), np.ones((5, 3))).shape
    (5, 2)
    """
    X = np.asarray(X)
    if not X.ndim or not len(X):
        raise ShapeError(f"predict: X of shape {X.shape} has no rows")
    if X.dtype.kind == "f":
        X = X.astype(model.theta.data.dtype, copy=False)
    with no_grad(), mode(model, False):
        return np.concatenate([without_history(model(rows)) for (rows,) in batches([X], batch_size)])


def predict_proba(model: Any, X: Any, loss: Any = "cross_entropy", *, batch_size: int = ROWS) -> np.ndarray[Any, Any]:
    """The probabilities that belong to the outputs under `loss`: the softmax for cross-entropy and KL divergence, the
    sigmoid for the binary cross-entropy. Shape of the output.

    Raises ArgumentError (a TypeError) for a loss without probabilities, and for a model whose outputs are some already.

    >>> from autograd_lite import nn
    >>> predict_proba(nn.MLP([3, 4, 2]), np.ones((5, 3))).sum(1).round(12)
    array([1., 1., 1., 1., 1.])
    """
    link = link_of(loss)
    if output_activation(model) is link:
        raise ArgumentError(
            f"predict_proba: the model ends in {text_of(link)}: its outputs are probabilities already; use predict"
        )
    return np.asarray(link(predict(model, X, batch_size=batch_size)))


def output_activation(model: Any) -> Any:
    """What a model ends in, if that is an activation of its own."""
    return model.parts[-1] if isinstance(model, Sequential) and model.parts else getattr(model, "output", None)


LINKS: dict[str, Callable[[Any], Any]] = {
    "cross_entropy": softmax,
    "kl_div": softmax,
    "nll_loss": exp,
    "binary_cross_entropy_with_logits": sigmoid,
}


def link_of(loss: Any) -> Callable[[Any], Any]:
    """The function from pre-activations to probabilities that goes with a loss (a function, or its name)."""
    loss = loss_named(loss)
    name = getattr(loss, "__name__", repr(loss))
    if name not in LINKS:
        raise ArgumentError(f"predict_proba: outputs under the loss {name} are no probabilities; use predict")
    return LINKS[name]


def evaluate(model: Any, loss: Any, data: Any, metrics: Any = (), *, batch_size: int = ROWS) -> dict[str, float]:
    """The mean loss and the metrics of a data set (X, y), by name; `loss`, `data` and `metrics` as for `fit`.

    Raises ShapeError (a ValueError) for data that is empty, of unequal lengths or not finite.

    >>> from autograd_lite import nn
    >>> model = nn.MLP([3, 2], rng=1)
    >>> evaluate(model, "cross_entropy", (np.zeros((4, 3)), np.array([0, 0, 0, 1])), "accuracy")
    {'loss': 0.6931471805599453, 'accuracy': 0.75}
    """
    data = checked(data, "evaluate", model.theta.data.dtype)
    loss, metrics = loss_named(loss), metrics_named(metrics)
    outputs, total = [], 0.0
    with no_grad(), mode(model, False):
        for X, *target in batches(data, batch_size):
            outputs.append(without_history(model(X)))
            total += without_history(loss(outputs[-1], *target)) * len(X)
    measured = {"loss": float(total / len(data[0]))}
    if metrics:
        output = np.concatenate(outputs)
        measured.update({name: metric(output, data[1]) for name, metric in metrics.items()})
    return measured
