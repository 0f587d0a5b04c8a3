"""The loss along a line, and on a plane, through theta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .directions import vectors
from .objective import Array, flat, objective
from .plotting import axes


@dataclass(frozen=True, eq=False, repr=False)
class Line:
    """E(theta + t d) at each of `t`: `values`, both of shape (points,); `direction` d and `theta`, shape (size,)."""

    t: Array
    values: Array
    direction: Array
    theta: Array

    @property
    def lowest(self) -> tuple[float, float]:
        """The t of the lowest value, and that value."""
        k = int(np.nanargmin(self.values))
        return float(self.t[k]), float(self.values[k])

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the values over t with matplotlib, on `ax` or on axes of their own; returns the axes."""
        ax = axes(ax)
        ax.plot(self.t, self.values, **options)
        ax.set(xlabel="t", ylabel="E(θ + t d)")
        return ax

    def __repr__(self) -> str:
        t, value = self.lowest
        return f"Line({len(self.t)} points, t from {self.t[0]:g} to {self.t[-1]:g}: lowest {value:.6g} at t = {t:.4g})"


@dataclass(frozen=True, eq=False, repr=False)
class Plane:
    """E(theta + a d1 + b d2): `values` of shape (len(b), len(a)), as matplotlib's contours want them.

    `directions` are d1 and d2, shape (2, size); `theta` has shape (size,).
    """

    a: Array
    b: Array
    values: Array
    directions: Array
    theta: Array

    @property
    def lowest(self) -> tuple[float, float, float]:
        """The a and b of the lowest value, and that value."""
        row, column = np.unravel_index(int(np.nanargmin(self.values)), self.values.shape)
        return float(self.a[column]), float(self.b[row]), float(self.values[row, column])

    def coordinates(self, thetas: Any) -> Array:
        """The (a, b) of the points of the plane nearest to the rows of `thetas`, shape (n, 2)."""
        moves = (np.asarray(thetas).reshape(-1, self.theta.size) - self.theta).T
        return np.asarray(np.linalg.lstsq(self.directions.T, moves, rcond=None)[0].T)

    def plot(self, ax: Any = None, *, path: Any = None, levels: Any = 20, **options: Any) -> Any:
        """Draw level sets with matplotlib, and a `path` of thetas, shape (n, size), projected on the plane."""
        ax = axes(ax)
        ax.contour(self.a, self.b, self.values, levels, **options)
        if path is not None:
            ax.plot(*self.coordinates(path).T, ".-", color="black", linewidth=1)
        ax.set(xlabel="a", ylabel="b")
        return ax

    def __repr__(self) -> str:
        a, b, value = self.lowest
        return f"Plane({len(self.b)} x {len(self.a)} points: lowest {value:.6g} at a = {a:.4g}, b = {b:.4g})"


def line(
    f: Any,
    theta: Any,
    direction: Any = "gradient",
    *,
    to: Any = None,
    span: tuple[float, float] | None = None,
    points: int = 101,
    rng: Any = 0,
) -> Line:
    """The loss along the line theta + t d, evaluated as one batch (Goodfellow, Vinyals and Saxe, 2015).

    Parameters
    ----------
    f, theta: a scalar function and its argument, or a model and the closure that computes its loss.
    direction: d, in the form of theta; or "gradient", "top" or "bottom" (the eigenvectors of the largest and the
        smallest curvature) or "random", as unit vectors.
    to: another theta; then d leads from theta to it, and t = 1 is there.
    span: the first and last t; (-1, 1), or (0, 1) with `to`.
    points: how many t, evenly spaced.
    rng: a numpy.random.Generator or a seed, for random directions.

    Raises
    ------
    ArgumentError (a TypeError) for an unknown direction or fewer than 2 points; ShapeError (a ValueError) for a
    direction or a `to` of another size than theta.

    >>> import numpy as np
    >>> line(lambda w: w @ w, np.array([3.0, 4.0]), to=np.zeros(2), points=5).values
    array([25.    , 14.0625,  6.25  ,  1.5625,  0.    ])
    """
    E = objective(f, theta)
    d = vectors(E, [direction], rng)[0] if to is None else flat(to, E, "line: to") - E.theta
    t = _grid(span or ((-1, 1) if to is None else (0, 1)), points)
    return Line(t, E.values((E.theta + t[:, np.newaxis] * d).astype(E.theta.dtype)), d, E.theta)


def plane(
    f: Any,
    theta: Any,
    directions: tuple[Any, Any] = ("random", "random"),
    *,
    span: tuple[float, float] = (-1, 1),
    points: int = 41,
    rng: Any = 0,
) -> Plane:
    """The scalar loss on the plane theta + a d1 + b d2, evaluated as one batch (Li et al., 2018, section 3).

    Parameters
    ----------
    directions: d1 and d2, each as `direction` of `line`: in the form of theta, or a name.
    span: the first and last a, and b. Others as for `line`.

    Raises
    ------
    ArgumentError (a TypeError) for another number of directions, or an unknown one; ShapeError (a ValueError) for one
    of another size than theta.

    >>> import numpy as np
    >>> plane(lambda w: w[0] ** 2 - w[1] ** 2, np.zeros(2), ([1, 0], [0, 1]), points=3).values
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  1.],
           [ 0., -1.,  0.]])
    """
    E = objective(f, theta)
    if len(directions) != 2:
        raise ArgumentError(f"plane: {len(directions)} directions; a plane has two")
    d = np.array(vectors(E, directions, rng))
    t = _grid(span, points)
    b, a = np.meshgrid(t, t, indexing="ij")
    thetas = (E.theta + np.stack([a.ravel(), b.ravel()], 1) @ d).astype(E.theta.dtype)
    return Plane(t, t, E.values(thetas).reshape(a.shape), d, E.theta)


def _grid(span: tuple[float, float], points: int) -> Array:
    if not isinstance(points, (int, np.integer)) or points < 2:
        raise ArgumentError(f"analysis: {points} points; a grid needs a whole number of them, at least 2")
    if np.shape(span) != (2,):
        raise ArgumentError(f"analysis: span {span!r}; it is the first and the last place, such as (-1, 1)")
    return np.linspace(*span, points)
