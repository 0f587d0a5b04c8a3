"""How fast gradient descent converges: measured on a trajectory, and foretold by the curvature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .objective import Array
from .points import condition, spectrum
from .steps import factors


@dataclass(frozen=True, repr=False)
class Rate:
    """What `convergence_rate` measured.

    Attributes
    ----------
    R: the distance to the optimum after a step by that before it; below 1 it converges.
    order: p in e_{k+1} ~ e_k^p: about 1 for gradient descent, 2 for Newton's method; NaN for too few errors.
    spread: by how much log(e_{k+1} / e_k) varies, as a standard deviation; about 0 for a constant rate.
    """

    R: float
    order: float
    spread: float

    def __repr__(self) -> str:
        return f"Rate(R={self.R:.6g}, order={self.order:.6g}, spread={round(self.spread, 12):.6g})"

    def steps(self, factor: float) -> float:
        """How many steps divide the distance by `factor`: log(factor) / -log R."""
        return float(np.log(factor) / -np.log(self.R)) if 0 < self.R < 1 else (0.0 if self.R == 0 else float("inf"))


def convergence_rate(
    errors: Any = None,
    *,
    path: Any = None,
    optimum: Any = None,
    losses: Any = None,
    lowest: float = 0.0,
    skip: float = 0.5,
) -> Rate:
    """The convergence rate R of a trajectory, |theta_{k+1} - theta*| ~ R |theta_k - theta*|.

    log R is the slope of log e_k over k by least squares (Nocedal and Wright, 2006, appendix A.2: Q-linear
    convergence).

    Parameters
    ----------
    errors: the distances e_k to the optimum, shape (n,). Or instead
    path, optimum: thetas, shape (n,) or (n, size), and theta*; or
    losses, lowest: E_k and E*. Near a minimum E - E* goes with the square of the distance, so R is the root of the
        losses'.
    skip: the share of the trajectory that is left out at its beginning, where fast directions still matter.

    Raises
    ------
    ShapeError (a ValueError) where fewer than two errors are above 0 and above what rounding leaves.

    >>> round(convergence_rate(losses=[0.81**k for k in range(20)]).R, 6)
    0.9
    """
    given = [errors is not None, path is not None, losses is not None]
    if sum(given) != 1 or (path is not None and optimum is None):
        raise ArgumentError("convergence_rate: give errors, or a path with its optimum, or losses")
    if not 0 <= skip < 1:
        raise ArgumentError(f"convergence_rate: skip is {skip}; it must be in [0, 1)")
    precision = float(np.finfo(float).eps)
    if losses is not None:
        values = np.asarray(losses, float)
        floor = 16 * precision * max(abs(lowest), abs(float(values.max(initial=0)) if lowest else 0))
        e, power = values - lowest, 0.5
    elif path is not None:
        thetas = np.asarray(path, float)
        moves = thetas - np.asarray(optimum, float)
        e, power = np.abs(moves) if moves.ndim == 1 else np.linalg.norm(moves.reshape(len(moves), -1), axis=1), 1.0
        floor = 16 * precision * float(np.linalg.norm(np.asarray(optimum, float)))
    else:
        e, power, floor = np.asarray(errors, float), 1.0, 0.0
    if e.ndim != 1:
        raise ShapeError(f"convergence_rate: errors of shape {e.shape}; it must be (n,)")
    ends = np.flatnonzero(~(np.isfinite(e) & (e > floor)))
    e = e[: ends[0]] if len(ends) else e  # the optimum is reached there, or lost
    if len(e) < 2:
        raise ShapeError("convergence_rate: it needs at least two errors that are finite, above 0 and above rounding")
    logs = power * np.log(e[min(int(skip * len(e)), len(e) - 2) :])
    slope = np.polynomial.polynomial.polyfit(np.arange(len(logs)), logs, 1)[1]
    return Rate(float(np.exp(slope)), _order(power * np.log(e)), float(np.std(np.diff(logs))))


def _order(logs: Array) -> float:
    """p, from the last three errors: log(e_{k+1} / e_k) / log(e_k / e_{k-1})."""
    changes = np.diff(logs)
    return float(changes[-1] / changes[-2]) if len(changes) > 1 and changes[-2] else float("nan")


def condition_number(f: Any, theta: Any, *, ends: int | None = None) -> float:
    """kappa = lambda_max / lambda_min of the Hessian of the scalar f at theta; infinite unless it is positive definite.

    How long the level sets are, squared; it decides how slow gradient descent is (Goodfellow et al., 2016, eq. 4.2 and
    section 4.3.1). Arguments as for `point`.

    >>> import numpy as np
    >>> condition_number(lambda w: w[0] ** 2 + 100 * w[1] ** 2, np.zeros(2))
    100.0
    """
    return condition(spectrum(f, theta, ends=ends)[0])


def predicted_rate(curvatures: Any, rate: float, momentum: float = 0.0) -> float:
    """R = max |z| of gradient descent on a quadratic with these curvatures, shape (n,): the largest of the `factors` z
    in size, over all directions (Polyak, 1964).

    >>> round(predicted_rate([1.0, 10.0], 0.1), 12)
    0.9
    """
    return float(np.abs(factors(np.asarray(curvatures, float), rate, momentum)).max())


def best_settings(curvatures: Any, *, momentum: bool = False) -> tuple[float, float, float]:
    """The learning rate, the momentum and the R of the fastest gradient descent on a quadratic with these curvatures,
    shape (n,).

    Without momentum eta = 2 / (lambda_min + lambda_max) and R = (kappa - 1) / (kappa + 1). With it
    eta = (2 / (sqrt lambda_min + sqrt lambda_max))^2, mu = R^2 and R = (sqrt kappa - 1) / (sqrt kappa + 1)
    (Polyak, 1964; Goh, "Why momentum really works", 2017).

    Raises
    ------
    ShapeError (a ValueError) for curvatures that are not all positive.

    >>> best_settings([1.0, 9.0]), best_settings([1.0, 9.0], momentum=True)
    ((0.2, 0.0, 0.8), (0.25, 0.25, 0.5))
    """
    values = np.asarray(curvatures, float)
    if not values.size or not np.all(values > 0):
        raise ShapeError("best_settings: the curvatures must be positive; elsewhere there is no minimum to converge to")
    low, high = float(values.min()), float(values.max())
    if not momentum:
        return 2 / (low + high), 0.0, (high - low) / (high + low)
    small, large = low**0.5, high**0.5
    R = (large - small) / (large + small)
    return 4 / (small + large) ** 2, R * R, R
