"""The size of a step: the optimal one, the largest that converges, and what happens around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .objective import Array, flat, objective
from .points import spectrum


@dataclass(frozen=True, eq=False, repr=False)
class StepSizes:
    """Learning rates of gradient descent that the curvature at a point foretells; see `step_sizes`.

    Attributes
    ----------
    along_gradient: g'g / g'Hg, which minimises the quadratic model along -g; infinite without curvature upwards.
    safe: 1 / lambda_max, the largest rate at which no direction oscillates.
    limit: 2 / lambda_max, beyond which gradient descent diverges.
    best: 2 / (lambda_min + lambda_max), the fixed rate that converges fastest; NaN unless all curvature is positive.
    per_direction: 1 / lambda_i along each eigenvector, shape (k,); infinite where lambda_i <= 0.
    """

    along_gradient: float
    safe: float
    limit: float
    best: float
    per_direction: Array

    def __repr__(self) -> str:
        return (
            f"StepSizes(along_gradient={self.along_gradient:.6g}, safe={self.safe:.6g}, best={self.best:.6g}, "
            f"limit={self.limit:.6g})"
        )


def optimal_step(f: Any, theta: Any, direction: Any = None) -> float:
    """The t that minimises the quadratic model of E(theta + t d): -g'd / d'Hd.

    Along the negative gradient, the default, it is the learning rate g'g / g'Hg; with one parameter that is 1 / E''
    (LeCun et al., "Efficient BackProp", 1998, section 5.1; Nocedal and Wright, 2006, section 3.3). Infinite where the
    curvature d'Hd is not positive: the model has no minimum there.

    Parameters
    ----------
    f, theta: a scalar function and its argument, or a model and the closure that computes its loss.
    direction: d, in the form of theta.

    Raises
    ------
    ShapeError (a ValueError) if d is zero, as the gradient is where nothing is left to do.

    >>> optimal_step(lambda w: 3 * w**2, 5.0)            # E'' = 6
    0.16666666666666666
    """
    E = objective(f, theta)
    g = E.gradient(E.theta)
    d = -g if direction is None else flat(direction, E, "optimal_step: direction")
    if not np.any(d):
        raise ShapeError("optimal_step: the direction is zero" + (", as the gradient is" if direction is None else ""))
    curvature = float(d @ E.hessian_product(E.theta)(d))
    return float(-(g @ d) / curvature) if curvature > 0 else float("inf")


def step_sizes(f: Any, theta: Any, *, ends: int | None = None) -> StepSizes:
    """The learning rates that the Hessian at theta foretells for gradient descent.

    Along an eigenvector the distance to the minimum is multiplied by 1 - eta lambda_i at each step (LeCun et al., 1998,
    section 5.1): the step is optimal at 1 / lambda_i, oscillates beyond it, and diverges beyond 2 / lambda_i.

    Parameters
    ----------
    f, theta, ends: as for `point`: E is a scalar, and theta has any shape.

    >>> import numpy as np
    >>> step_sizes(lambda w: w[0] ** 2 + 4 * w[1] ** 2, np.array([1.0, 1.0]))
    StepSizes(along_gradient=0.130769, safe=0.125, best=0.2, limit=0.25)
    """
    E = objective(f, theta)
    eigenvalues = spectrum(E, ends=ends)[0]
    low, high = float(eigenvalues[0]), float(eigenvalues[-1])
    with np.errstate(divide="ignore"):
        per_direction = np.where(eigenvalues > 0, 1 / np.maximum(eigenvalues, 0), np.inf)
    safe = 1 / high if high > 0 else float("inf")
    along = optimal_step(E, None) if np.any(E.gradient(E.theta)) else float("nan")
    return StepSizes(along, safe, 2 * safe, 2 / (low + high) if low > 0 else float("nan"), per_direction)


def factors(curvature: Any, rate: float, momentum: float = 0.0) -> Array:
    """What a step multiplies the distance to the minimum by, for each curvature lambda; shape lambda.shape + (2,).

    With momentum (v <- mu v + g, theta <- theta - eta v) these are the two roots of z^2 - (1 + mu - eta lambda) z + mu
    = 0; without, 1 - eta lambda and 0 (Polyak, 1964; Goh, "Why momentum really works", 2017). Raises ArgumentError (a
    TypeError) for a momentum outside [0, 1).

    >>> factors(4.0, 0.1).real
    array([0.6, 0. ])
    """
    if not 0 <= momentum < 1:
        raise ArgumentError(f"factors: momentum {momentum} is outside [0, 1)")
    middle = (1 + momentum - rate * np.asarray(curvature)) / 2
    root = np.sqrt(middle**2 - momentum + 0j)
    larger = np.where(middle >= 0, middle + root, middle - root)
    smaller = np.divide(momentum, larger, out=np.zeros_like(larger), where=larger != 0)  # their product is mu
    return np.stack([larger, smaller], -1)


def regime(curvature: float, rate: float, momentum: float = 0.0) -> str:
    """What gradient descent does along a direction of that curvature lambda, a scalar, by the `factors` z of a step
    (the lectures' regimes; LeCun et al., 1998, section 5.1).

    "monotone": they are between 0 and 1; up to eta = 1 / lambda without momentum.
    "oscillating": one is negative, or they are complex, and all are smaller than 1 in size; up to 2 / lambda.
    "marginal": the largest is 1 in size: it neither comes nearer nor goes away.
    "divergent": it is beyond 1; from 2 / lambda on (2 (1 + mu) / lambda with momentum), and wherever lambda < 0.

    Raises ArgumentError (a TypeError) for a rate that is not positive, or a curvature that is no finite number.

    >>> [regime(2.0, rate) for rate in (0.25, 0.5, 0.75, 1.0, 1.25)]
    ['monotone', 'monotone', 'oscillating', 'marginal', 'divergent']
    """
    if not rate > 0:
        raise ArgumentError(f"regime: the learning rate is {rate}; it must be positive")
    if np.ndim(curvature) or not np.isfinite(curvature):
        raise ArgumentError(f"regime: the curvature is {curvature}; it is one finite number, of one direction")
    z = factors(curvature, rate, momentum)
    size, precision = float(np.abs(z).max()), 4 * np.finfo(float).eps
    if abs(size - 1) <= precision:
        return "marginal"
    if size > 1:
        return "divergent"
    return "monotone" if np.all((z.imag == 0) & (z.real >= -precision)) else "oscillating"


@dataclass(frozen=True)
class Regimes:
    """What a trajectory did: `overall`, the worst of what it did along each axis, and `axes`, one name for each."""

    overall: str
    axes: tuple[str, ...]


def classify(path: Any, *, axes: Any = None, rtol: float = 1e-9) -> Regimes:
    """Which of the lectures' regimes a measured trajectory shows along each axis: "monotone", "oscillating",
    "divergent" or "at rest".

    Along an axis the steps c_k = u'(theta_{k+1} - theta_k) are looked at, those longer than what rounding leaves:
    divergent if they are not finite, or grow in their second half, by the slope of log |c_k|; oscillating if they turn
    back, c_k c_{k+1} < 0, three times or more, or in half of the second half; otherwise monotone. Too few are "at
    rest".

    Parameters
    ----------
    path: thetas, shape (n,) for one parameter or (n, size).
    axes: directions as columns, shape (size, m), such as the eigenvectors of a `Point`; by default the parameters'.
    rtol: steps up to this, relative to the largest theta, are rounding.

    Raises
    ------
    ShapeError (a ValueError) for fewer than 4 thetas.

    >>> import numpy as np
    >>> classify([[0.5**k, (-0.9) ** k] for k in range(10)])
    Regimes(overall='oscillating', axes=('monotone', 'oscillating'))
    """
    thetas = np.asarray(path, float)
    thetas = thetas[:, np.newaxis] if thetas.ndim == 1 else thetas
    if thetas.ndim != 2 or len(thetas) < 4:
        raise ShapeError(f"classify: a path of shape {np.shape(path)}; it must be (n, size) with n of 4 or more")
    if axes is not None:
        thetas = np.where(np.isfinite(thetas).all(1, keepdims=True), thetas, np.inf)
        with np.errstate(invalid="ignore"):
            thetas = thetas @ np.asarray(axes)
    finite = np.isfinite(thetas)
    largest = np.abs(thetas, where=finite, out=np.zeros_like(thetas)).max()
    names = tuple(_one_axis(c, rtol * largest) for c in thetas.T)
    order = ["at rest", "monotone", "oscillating", "divergent"]
    return Regimes(max(names, key=order.index), names)


def _one_axis(c: Array, rounding: float) -> str:
    if not np.isfinite(c).all():
        return "divergent"
    steps = np.diff(c)
    steps = steps[np.abs(steps) > rounding]
    if len(steps) < 2:
        return "at rest"
    half = steps[len(steps) // 2 - 1 :] if len(steps) >= 4 else steps
    turns = steps[1:] * steps[:-1] < 0
    growth = np.polynomial.polynomial.polyfit(np.arange(len(half)), np.log(np.abs(half)), 1)[1]
    if growth > 0 and abs(half[-1]) > abs(steps[0]):
        return "divergent"
    late = turns[len(turns) + 1 - len(half) :]
    return "oscillating" if turns.sum() >= 3 or late.mean() >= 0.5 else "monotone"
