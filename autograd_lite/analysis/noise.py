"""Gradient noise: how much the gradients of single examples differ from their mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..batch import vmap
from ..errors import ArgumentError, ShapeError
from ..node import no_grad
from ..runtime import without_history
from ..transforms import grad
from .objective import Array, objective

ENTRIES = 1 << 22  # numbers in the gradients of the examples that are computed as one batch


@dataclass(frozen=True, eq=False, repr=False)
class GradientNoise:
    """Mean and covariance of per-example gradients; made by `gradient_noise`.

    Attributes
    ----------
    mean: the full-batch gradient G, shape (size,).
    variance: of each component over the examples (divided by n - 1), shape (size,): the diagonal of Sigma.
    examples: n.
    """

    mean: Array
    variance: Array
    examples: int

    @property
    def trace(self) -> float:
        """tr Sigma, the expected squared distance of one example's gradient from the mean."""
        return float(self.variance.sum())

    @property
    def scale(self) -> float:
        """B_simple = tr Sigma / |G|^2: the batch size at which noise and signal are equal."""
        return self._over(float(self.mean @ self.mean))

    @property
    def unbiased_scale(self) -> float:
        """As `scale`, for examples that are a sample: |mean|^2 is too large by tr Sigma / n, which is taken off."""
        return self._over(float(self.mean @ self.mean) - self.trace / self.examples)

    def signal_to_noise(self, batch_size: int = 1) -> float:
        """|G|^2 / (tr Sigma / B), of the mean gradient of B examples drawn with replacement."""
        return float(batch_size / self.scale) if self.scale else float("inf")

    def _over(self, signal: float) -> float:
        if self.trace == 0:
            return 0.0
        return self.trace / signal if signal > 0 else float("inf")

    def __repr__(self) -> str:
        return (
            f"GradientNoise({self.examples} examples: |G| {np.linalg.norm(self.mean):.4g}, tr Sigma {self.trace:.4g}, "
            f"noise scale {self.scale:.4g})"
        )


def gradient_noise(f: Any, theta: Any, *data: Any) -> GradientNoise:
    """Mean and variance of the gradients of single examples, and the gradient noise scale.

    The mean gradient of B examples has covariance Sigma / B; B_simple = tr Sigma / |G|^2 is the batch size beyond
    which more examples stop paying (McCandlish et al., "An Empirical Model of Large-Batch Training", 2018, eq. 2.9).

    Parameters
    ----------
    f, theta: the loss of one example, `f(theta, x, y, ...)`, and theta; or a model and a loss `loss(output, target)`,
        or its name in nn.LOSSES, which is called with the outputs and targets of batches of one example.
    data: arrays with the examples along their first axis, n of them, such as X, y.

    Raises
    ------
    ShapeError (a ValueError) for fewer than 2 examples, or arrays with different numbers of them.

    >>> import numpy as np
    >>> gradient_noise(lambda w, x: 0.5 * (w - x) ** 2, 0.0, np.array([1.0, 3.0]))     # gradients -1 and -3
    GradientNoise(2 examples: |G| 2, tr Sigma 2, noise scale 0.5)
    """
    arrays = [np.asarray(without_history(x)) for x in data]
    if not arrays:
        raise ArgumentError("gradient_noise: no data; give X, y, ... with the examples along the first axis")
    counts = {len(x) if x.ndim else 0 for x in arrays}
    if len(counts) > 1 or min(counts) < 2:
        raise ShapeError(f"gradient_noise: arrays with {sorted(counts)} examples; it needs one number, of 2 or more")
    of_example, start = _of_one_example(f, theta)
    per_example = vmap(grad(of_example), (None, *(0 for _ in arrays)))
    n, step = len(arrays[0]), max(1, ENTRIES // max(start.size, 1))
    count, mean, squares = 0, np.zeros(start.size), np.zeros(start.size)
    for k in range(0, n, step):
        with no_grad():
            g = np.asarray(without_history(per_example(start, *(x[k : k + step] for x in arrays))), float)
        count, mean, squares = _joined(count, mean, squares, g)
    return GradientNoise(mean, squares / (n - 1), n)


def _joined(count: int, mean: Array, squares: Array, g: Array) -> tuple[int, Array, Array]:
    """Count, mean and sum of squared deviations after more rows g (Chan, Golub and LeVeque, 1983)."""
    total, new = count + len(g), g.mean(0)
    change = new - mean
    squares = squares + ((g - new) ** 2).sum(0) + change**2 * (count * len(g) / total)
    return total, mean + change * (len(g) / total), squares


def _of_one_example(f: Any, theta: Any) -> tuple[Callable[..., Any], Array]:
    """The loss of one example as a function of flat theta and the example, and theta."""
    if not hasattr(f, "named_parameters"):
        start = objective(f, theta).theta
        return lambda v, *example: objective(lambda t: f(t, *example), theta).f(v), start
    from ..nn.functional import as_function_of_theta
    from ..nn.losses import loss_named

    loss = loss_named(theta)

    def of_model(x: Any, *targets: Any) -> Any:
        return loss(f(x[np.newaxis]), *(y[np.newaxis] for y in targets))

    return as_function_of_theta(of_model, f.theta), f.theta.data.copy()
