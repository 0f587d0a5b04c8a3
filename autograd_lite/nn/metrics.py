"""Metrics: how good outputs are, in numbers that are read and not differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .names import named

Metric = Callable[[Any, Any], float]


def decided(output: Any) -> Any:
    """The classes that pre-activations of shape (n, classes) decide for: the largest. One column, or none, is the
    pre-activation of class 1, which is decided for where it is positive."""
    output = np.asarray(output)
    if output.ndim > 1 and output.shape[-1] > 1:
        return output.argmax(-1)
    return (output.reshape(len(output)) > 0).astype(int)


def error_rate(output: Any, target: Any) -> float:
    """The lectures' mean 0-1 loss, (1/n) sum_t (class of f(x_t) != y_t): the share of examples whose class is wrong.

    `output`: pre-activations of shape (n, classes), or (n,) or (n, 1) for two classes. `target`: integer labels of
    shape (n,) or (n, 1), or one-hot (or soft) ones of the output's shape; two classes are 0 and 1, or -1 and 1.
    Raises ShapeError (a ValueError) for shapes that do not match, ArgumentError (a TypeError) for other labels.

    >>> error_rate([[0.1, 0.9], [2.0, 1.0]], [1, 1]), error_rate([0.3, -0.3], [1, -1])
    (0.5, 0.0)
    """
    output, target = np.asarray(output), np.asarray(target)
    classes = decided(output)
    if target.ndim > 1 and target.shape[-1] > 1:
        target = target.argmax(-1)
    elif output.shape in (target.shape, (*target.shape, 1)) and (output.ndim == 1 or output.shape[-1] == 1):
        if target.min(initial=0) < -1 or target.max(initial=0) > 1:
            raise ArgumentError(
                "error_rate: a target outside [-1, 1] for outputs of one column, which tell two classes"
            )
        target = target > 0.5
    if target.size != classes.size:
        raise ShapeError(f"error_rate: {classes.size} outputs and targets of shape {target.shape}")
    return float(np.mean(classes.ravel() != target.ravel()))


def accuracy(output: Any, target: Any) -> float:
    """The share of examples whose class is right, = 1 - error_rate, of arguments of the same shapes:
    scikit-learn's `accuracy_score`."""
    return 1 - error_rate(output, target)


def mse(output: Any, target: Any) -> float:
    """The mean of (f(x) - y)^2 over all entries, scikit-learn's `mean_squared_error`; shapes as for `r2`."""
    return float(np.mean(np.square(_residual(output, target, "mse"))))


def mae(output: Any, target: Any) -> float:
    """The mean of |f(x) - y| over all entries, scikit-learn's `mean_absolute_error`; shapes as for `r2`."""
    return float(np.mean(np.abs(_residual(output, target, "mae"))))


def r2(output: Any, target: Any) -> float:
    """The coefficient of determination, 1 - sum of squared residuals / sum of squares about the mean, scikit-learn's
    `r2_score`.

    `output` and `target` have the same shape, (n,) or (n, outputs); of one column, the target may be (n,). For several
    outputs, the mean of their coefficients. NaN for an output whose targets are all the same. Raises ShapeError (a
    ValueError) for other shapes.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]) == 1 - 1 / (14 / 3)
    True
    """
    residual, target = _residual(output, target, "r2"), np.asarray(target)
    total = np.sum(np.square(target - target.mean(0)), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = 1 - np.sum(np.square(residual), 0) / np.where(total > 0, total, np.nan)
    return float(np.mean(each))


def _residual(output: Any, target: Any, name: str) -> Any:
    output, target = np.asarray(output), np.asarray(target)
    if output.shape == (*target.shape, 1):
        output = output[..., 0]
    if output.shape != target.shape:
        raise ShapeError(f"{name}: output of shape {output.shape}, target of shape {target.shape}; they must agree")
    return output - target


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "error_rate": error_rate,
    "zero_one": error_rate,
    "mse": mse,
    "mae": mae,
    "r2": r2,
}

HIGHER_IS_BETTER = {"accuracy", "r2"}


def metrics_named(metrics: Any) -> dict[str, Metric]:
    """Metrics by name: `metrics` holds names in METRICS or functions (output, target) -> float, or is one of these, or
    such a table."""
    if isinstance(metrics, dict):
        return metrics
    if callable(metrics) or isinstance(metrics, str):
        metrics = [metrics]
    table = {}
    for metric in metrics:
        name = getattr(metric, "__name__", type(metric).__name__) if callable(metric) else metric
        table[name] = named("metric", metric, METRICS)
    return table
