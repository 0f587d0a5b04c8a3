"""Losses l(f(x), y): how wrong an output is. Outputs are pre-activations; what makes them probabilities is in the loss.

Each is `loss(output, target, *, reduction="mean")`. An output has shape (..., features) or (..., classes); the
reduction, "mean", "sum" or "none", is over the losses that "none" returns. Wrong shapes raise ShapeError (a
ValueError).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops.elementwise import absolute, clip, log, relu, softplus, square, where
from ..ops.neural import check_labels, log_softmax, mean_cross_entropy, one_hot, softmax_cross_entropy
from ..ops.reduce import max as largest
from ..ops.reduce import mean, sum
from ..ops.shape import astype
from ..tensor import Tensor
from .names import named

Loss = Callable[..., Any]

REDUCTIONS: dict[str, Callable[[Any], Any]] = {"mean": mean, "sum": sum, "none": lambda losses: losses}


def squared_error(output: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Half the sum of squares of an example, 1/2 ||f(x) - y||^2: the gradient by the output is f(x) - y (Bishop, 2006,
    eq. 5.11).

    Output and target have the same shape, (..., features); the last axis is summed, so "none" gives shape (...). An
    output of shape (batch,) has one feature.

    >>> import numpy as np
    >>> squared_error(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]))
    np.float64(2.5)
    """
    squares = square(_difference("squared_error", output, target))
    return _reduced(0.5 * (sum(squares, axis=-1) if squares.ndim > 1 else squares), reduction)


def mse_loss(output: Any, target: Any, *, reduction: str = "mean") -> Any:
    """(f(x) - y)^2, of each entry; output and target have the same shape. The mean is over all entries, as PyTorch has
    it, where `squared_error` halves and sums each example's: with one feature it is twice that."""
    return _reduced(square(_difference("mse_loss", output, target)), reduction)


def l1_loss(output: Any, target: Any, *, reduction: str = "mean") -> Any:
    """|f(x) - y|, of each entry; output and target have the same shape. Least for the median of y, as the squared error
    is for the mean (Bishop, 2006, section 1.5.5). The derivative at 0 is 0."""
    return _reduced(absolute(_difference("l1_loss", output, target)), reduction)


def huber_loss(output: Any, target: Any, *, delta: float = 1.0, reduction: str = "mean") -> Any:
    """d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), with d = f(x) - y of each entry (Huber, 1964).

    Output and target have the same shape; a `delta` that is not positive raises ArgumentError (a TypeError).

    >>> import numpy as np
    >>> huber_loss(np.array([0.5, -3.0]), np.zeros(2), reduction="none")
    array([0.125, 2.5  ])
    """
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta = {delta}; it must be positive")
    d = _difference("huber_loss", output, target)
    c = clip(d, -delta, delta)
    return _reduced(c * (d - 0.5 * c), reduction)


def cross_entropy(logits: Any, labels: Any, *, reduction: str = "mean") -> Any:
    """-log softmax(logits)_y, in nats; for probabilities p over the classes, -sum_c p_c log softmax(logits)_c. With f
    the softmax, the gradient by the logits is f - e(y), or f - p (Bishop, 2006, eq. 4.108 and 4.109).

    Parameters
    ----------
    logits: pre-activations of the output, shape (..., classes).
    labels: integer classes in [0, classes), shape (...); or one-hot or soft labels, shape (..., classes).

    Raises
    ------
    ShapeError (a ValueError) for shapes that do not match, IndexingError for a label outside the classes,
    ArgumentError (a TypeError) for labels that are neither integers nor probabilities.

    >>> import numpy as np
    >>> cross_entropy(np.zeros((4, 2)), np.array([0, 1, 1, 0])) == np.log(2)
    np.True_
    """
    logits, labels = _arrays(logits, labels)
    if labels.ndim and labels.ndim == logits.ndim:
        logits, p = _probabilities("cross_entropy", logits, labels, f", or integers of shape {logits.shape[:-1]}")
        return _reduced(-sum(p * log_softmax(logits), axis=-1), reduction)
    if reduction == "mean":
        return mean_cross_entropy(logits, labels)
    return _reduced(softmax_cross_entropy(logits, labels), reduction)


def nll_loss(log_probabilities: Any, labels: Any, *, reduction: str = "mean") -> Any:
    """-log f(x)_y, for an output that is log f(x) already, such as `log_softmax`'s: the negative log-likelihood, whose
    minimum is the likelihood's maximum (Fisher, 1922). The gradient by f(x) is -e(y) / f(x)_y.

    Parameters
    ----------
    log_probabilities: shape (..., classes).
    labels: integer classes in [0, classes), shape (...).

    Raises
    ------
    As cross_entropy does.
    """
    log_probabilities, labels = _arrays(log_probabilities, labels)
    return _reduced(-_picked("nll_loss", log_probabilities, labels), reduction)


def binary_cross_entropy_with_logits(logits: Any, labels: Any, *, reduction: str = "mean") -> Any:
    """-y log s(a) - (1 - y) log s(-a) of each entry, s the sigmoid: y softplus(-a) + (1 - y) softplus(a), in nats
    (Bishop, 2006, eq. 4.90).

    Parameters
    ----------
    logits: pre-activations a.
    labels: y in [0, 1] (numbers or booleans), of the same shape.

    Raises
    ------
    ShapeError (a ValueError) for different shapes, ArgumentError (a TypeError) for a label outside [0, 1].

    >>> import numpy as np
    >>> binary_cross_entropy_with_logits(np.array([1000.0, -1000.0]), np.array([1, 1]), reduction="none")
    array([   0., 1000.])
    """
    logits, y = _paired("binary_cross_entropy_with_logits", logits, labels)
    if isinstance(y, np.ndarray) and y.size and not (y.min() >= 0 and y.max() <= 1):
        raise ArgumentError(
            f"binary_cross_entropy_with_logits: labels from {y.min()} to {y.max()}; they must be in [0, 1]"
        )
    return _reduced(y * softplus(-logits) + (1 - y) * softplus(logits), reduction)


def kl_div(logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    """KL(p || softmax(logits)) = sum_c p_c (log p_c - log softmax(logits)_c), with 0 log 0 = 0
    (Kullback and Leibler, 1951).

    Cross-entropy less the entropy of p: never negative, and the same gradient by the logits.

    Parameters
    ----------
    logits: pre-activations, or log-probabilities, which are their own log_softmax; shape (..., classes).
    target: probabilities p of that shape.
    """
    logits, p = _probabilities("kl_div", logits, target)
    return _reduced(sum(p * (log(where(p > 0, p, 1)) - log_softmax(logits)), axis=-1), reduction)


def hinge_loss(output: Any, labels: Any, *, reduction: str = "mean") -> Any:
    """max(0, 1 - y f(x)) for labels y of -1 and 1; for classes, max(0, 1 + max_{c != y} f(x)_c - f(x)_y).

    Parameters
    ----------
    output: shape (...) for labels -1 and 1; (..., classes) for integer classes (Crammer and Singer, 2001).
    labels: shape (...).

    Raises
    ------
    ArgumentError (a TypeError) for other labels than -1 and 1, IndexingError for a label outside the classes.

    >>> hinge_loss([0.5, -2.0], [1, -1], reduction="none")
    array([0.5, 0. ])
    """
    output, labels = _arrays(output, labels)
    if labels.shape == output.shape:
        if not isinstance(labels, Tensor) and not np.isin(labels, (-1, 1)).all():
            raise ArgumentError("hinge_loss: labels must be -1 and 1; from 0 and 1, write 2 * y - 1")
        return _reduced(relu(1 - _in_dtype_of(output, labels) * output), reduction)
    own = _picked("hinge_loss", output, labels)
    if output.shape[-1] < 2:
        raise ShapeError(f"hinge_loss: an output {output.shape}; classes need at least two columns")
    others = largest(where(one_hot(labels, classes=output.shape[-1]), -np.inf, output), axis=-1)
    return _reduced(relu(1 + others - own), reduction)


def _reduced(losses: Any, reduction: str) -> Any:
    return named("reduction", reduction, REDUCTIONS)(losses)


def _arrays(*values: Any) -> tuple[Any, ...]:
    """Lists and numbers as arrays; what has a shape stays as it is."""
    return tuple([x if hasattr(x, "shape") else np.asarray(x) for x in values])


def _paired(loss: str, output: Any, target: Any) -> tuple[Any, Any]:
    """Output and target of one shape, the target in the output's dtype."""
    output, target = _arrays(output, target)
    # Broadcasting (batch, 1) against (batch,) would compare each output with all targets.
    if target.shape != output.shape:
        advice = "write y[:, None]" if output.shape == (*target.shape, 1) else "reshape one of them"
        raise ShapeError(f"{loss}: an output {output.shape} needs a target of that shape, not {target.shape}; {advice}")
    return output, _in_dtype_of(output, target)


def _difference(loss: str, output: Any, target: Any) -> Any:
    output, target = _paired(loss, output, target)
    return output - target


def _in_dtype_of(output: Any, target: Any) -> Any:
    """The target as numbers of the output's dtype: float32 stays float32, whatever the labels are."""
    if isinstance(target, Tensor):
        return target if target.dtype.kind in "fc" else astype(target, output.dtype)
    return np.asarray(target, output.dtype if output.dtype.kind == "f" else float)


def _probabilities(loss: str, logits: Any, target: Any, instead: str = "") -> tuple[Any, Any]:
    logits, target = _arrays(logits, target)
    if target.shape != logits.shape:
        raise ShapeError(
            f"{loss}: an output {logits.shape} needs a probability for each class, of that shape{instead}; not labels"
            f" of shape {target.shape}"
        )
    p = _in_dtype_of(logits, target)
    if isinstance(p, np.ndarray) and p.size and not (p.min() >= 0 and np.abs(p.sum(-1) - 1).max() < 1e-3):
        raise ArgumentError(
            f"{loss}: labels of shape {p.shape} must be probabilities: not negative, of sum 1 in each row"
        )
    return logits, p


def _picked(loss: str, output: Any, labels: Any) -> Any:
    """The entry of each row that belongs to its label."""
    check_labels(loss, labels._data if isinstance(labels, Tensor) else labels, output.shape)  # of vmap: an example's
    return sum(where(one_hot(labels, classes=output.shape[-1]), output, 0), axis=-1)


LOSSES: dict[str, Loss] = {
    f.__name__: f
    for f in (
        squared_error,
        mse_loss,
        l1_loss,
        huber_loss,
        cross_entropy,
        nll_loss,
        binary_cross_entropy_with_logits,
        kl_div,
        hinge_loss,
    )
}


def loss_named(loss: str | Loss) -> Loss:
    """The loss of that name, or `loss` itself if it is a function."""
    return named("loss", loss, LOSSES)
