"""Bias and variance of a learning method, over many training sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..runtime import without_history
from .objective import Array
from .plotting import axes


@dataclass(frozen=True, eq=False, repr=False)
class BiasVariance:
    """The expected error and its parts, `error = bias2 + variance + noise`, as means over the test points.

    `per_point` has the same four for each test point, arrays of shape (m,), by name; `predictions` are those of every
    run, shape (runs, m, ...).
    """

    error: float
    bias2: float
    variance: float
    noise: float
    per_point: dict[str, Array]
    predictions: Array

    def plot(self, ax: Any = None) -> Any:
        """Draw the parts of the error, stacked for each test point, with matplotlib; returns the axes."""
        ax = axes(ax)
        parts = ["noise", "variance", "bias2"]
        ax.stackplot(range(len(self.per_point["error"])), [self.per_point[p] for p in parts], labels=parts, alpha=0.7)
        ax.plot(self.per_point["error"], color="black", linewidth=1, label="error")
        ax.set(xlabel="test point", ylabel="expected error")
        ax.legend()
        return ax

    def __repr__(self) -> str:
        return (
            f"BiasVariance(error {self.error:.6g} = bias2 {self.bias2:.6g} + variance {self.variance:.6g} "
            f"+ noise {self.noise:.6g})"
        )


def bias_variance(
    learn: Callable[[Any, Any], Any],
    training_sets: Any,
    X: Any,
    y: Any,
    *,
    runs: int = 100,
    loss: str = "squared",
    rng: Any = 0,
) -> BiasVariance:
    """Decompose the expected error of a learning method over training sets.

    With h the prediction of a run at x, y a target there, and means over runs and over targets,
    E (y - h)^2 = (mean y - mean h)^2 + E (h - mean h)^2 + E (y - mean y)^2, the squared bias, the variance and the
    noise (Geman, Bienenstock and Doursat, 1992; Bishop, 2006, eq. 3.41-3.44). The parts add up exactly, for any number
    of runs.

    Parameters
    ----------
    learn: `learn(X, y)` returns a predictor: a function of X, or an object with `predict`.
    training_sets: a function of a numpy.random.Generator that draws a fresh (X, y); or one (X, y), of which each run
        gets a bootstrap sample, as many examples drawn with replacement (Efron, 1979).
    X: the test inputs, m of them.
    y: their targets, in the shape of the predictions, (m,) or (m, outputs); or with one axis more in front, several
        targets for each input. With a single target its noise cannot be told from the bias, and counts as bias.
    loss: "squared", summed over outputs; or "zero_one" for labels: the squared error of one-hot vectors, halved, is
        the 0-1 error, and so are its parts (Kohavi and Wolpert, 1996, section 2).
    rng: a numpy.random.Generator or a seed.

    Raises
    ------
    ShapeError (a ValueError) for predictions whose shape is not that of the targets, ArgumentError (a TypeError) for
    what draws no training sets, or a `learn` that returns no predictor.

    >>> import numpy as np
    >>> sample = lambda rng: (np.zeros(4), rng.normal(3.0, 1.0, 4))
    >>> learn = lambda X, y: lambda x: np.full(len(x), 0.5 * np.mean(y))         # shrunk to one half: biased
    >>> bias_variance(learn, sample, np.zeros(1), np.array([3.0]), runs=2000)
    BiasVariance(error 2.31324 = bias2 2.24912 + variance 0.0641233 + noise 0)
    """
    if runs < 1:
        raise ArgumentError(f"bias_variance: {runs} runs; it needs at least 1")
    if loss not in ("squared", "zero_one"):
        raise ArgumentError(f"bias_variance: loss {loss!r}; it is 'squared' or 'zero_one'")
    if not callable(training_sets) and not (isinstance(training_sets, (tuple, list)) and len(training_sets) == 2):
        raise ArgumentError(
            "bias_variance: training_sets is a function of a generator that draws (X, y), or one (X, y)"
        )
    draw = training_sets if callable(training_sets) else _bootstrap(*training_sets)
    generator = np.random.default_rng(rng)
    h = np.array([_predicted(learn(*draw(generator)), X) for _ in range(runs)])
    targets = np.asarray(without_history(y))
    targets = targets[np.newaxis] if targets.ndim == h.ndim - 1 else targets
    if targets.shape[1:] != h.shape[1:]:
        raise ShapeError(f"bias_variance: predictions of shape {h.shape[1:]} for targets of shape {np.shape(y)}")
    if loss == "zero_one":
        labels = np.unique(np.concatenate([h.ravel(), targets.ravel()]))
        parts = _parts((h[..., np.newaxis] == labels).astype(float), (targets[..., np.newaxis] == labels).astype(float))
        parts = {name: part / 2 for name, part in parts.items()}
    else:
        parts = _parts(h.astype(float), targets.astype(float))
    means = {name: float(part.mean()) for name, part in parts.items()}
    return BiasVariance(**means, per_point=parts, predictions=h)


def _parts(h: Array, y: Array) -> dict[str, Array]:
    """Each part for each test point, shape (m,), from predictions (runs, m, ...) and targets (r, m, ...)."""

    def per_point(a: Array) -> Array:  # mean over the first axis, sum over outputs
        return np.asarray(a.mean(0).reshape(a.shape[1], -1).sum(1))

    mean_h, mean_y = h.mean(0), y.mean(0)
    error = np.mean([per_point((target - h) ** 2) for target in y], 0)
    return {
        "error": error,
        "bias2": per_point((mean_y - mean_h)[np.newaxis] ** 2),
        "variance": per_point((h - mean_h) ** 2),
        "noise": per_point((y - mean_y) ** 2),
    }


def _bootstrap(X: Any, y: Any) -> Callable[[np.random.Generator], tuple[Any, Any]]:
    X, y = np.asarray(X), np.asarray(y)
    if len(X) != len(y) or not len(X):
        raise ShapeError(f"bias_variance: a training set of {len(X)} inputs and {len(y)} targets")

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        chosen = rng.integers(0, len(X), len(X))
        return X[chosen], y[chosen]

    return draw


def _predicted(predictor: Any, X: Any) -> Array:
    if not hasattr(predictor, "predict") and not callable(predictor):
        raise ArgumentError(
            f"bias_variance: learn returned a {type(predictor).__name__}; it returns what predicts: a function of X, or"
            " an object with `predict`"
        )
    found = predictor.predict(X) if hasattr(predictor, "predict") else predictor(X)
    return np.asarray(without_history(found))
