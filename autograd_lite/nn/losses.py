"""Losses l(f(x), y): how wrong an output is, averaged over a batch."""

from __future__ import annotations

from typing import Any

from ..ops.neural import mean_cross_entropy


def cross_entropy(logits: Any, labels: Any) -> Any:
    """The mean of -log softmax(logits)_y over the batch, in nats.

    Parameters
    ----------
    logits: pre-activations of the output, shape (..., classes).
    labels: integer classes in [0, classes), shape (...).

    Raises
    ------
    ShapeError (a ValueError) for shapes that do not match, IndexingError for a label outside the classes,
    ArgumentError (a TypeError) for labels that are not integers.

    >>> import numpy as np
    >>> cross_entropy(np.zeros((4, 2)), np.array([0, 1, 1, 0])) == np.log(2)
    np.True_
    """
    return mean_cross_entropy(logits, labels)
