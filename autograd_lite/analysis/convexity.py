"""Convexity along the line that connects two places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..transforms import grad
from .objective import Array, evaluated, flat, objective
from .plotting import axes


@dataclass(frozen=True, eq=False, repr=False)
class Convexity:
    """What `convexity` found along phi(t) = E(theta + t (to - theta)).

    Attributes
    ----------
    t, values: where phi was evaluated, evenly spaced from 0 to 1, and phi there; shape (points,).
    second_derivative: phi''(t) = d'H d, shape (points,).
    second_difference: (phi(t - h) - 2 phi(t) + phi(t + h)) / h^2 at the inner t, shape (points - 2,).
    fails: where phi is not convex, as intervals (t0, t1) between neighbouring t.
    barrier: how far phi rises above the chord between its ends, at most; 0 for a convex phi.
    """

    t: Array
    values: Array
    second_derivative: Array
    second_difference: Array
    fails: tuple[tuple[float, float], ...]
    barrier: float

    @property
    def convex(self) -> bool:
        """Whether phi is convex at every t that was looked at."""
        return not self.fails

    def plot(self, ax: Any = None) -> Any:
        """Draw phi, its chord, and where it is not convex, with matplotlib; returns the axes."""
        ax = axes(ax)
        ax.plot(self.t, self.values, label="E along the line")
        ax.plot([0, 1], self.values[[0, -1]], "--", color="gray", label="chord")
        for k, (start, end) in enumerate(self.fails):
            ax.axvspan(start, end, color="tab:red", alpha=0.2, label=None if k else "not convex")
        ax.set(xlabel="t", ylabel="E")
        ax.legend()
        return ax

    def __repr__(self) -> str:
        if self.convex:
            return f"Convexity(convex at {len(self.t)} points)"
        where = ", ".join(f"{start:.3g} to {end:.3g}" for start, end in self.fails)
        return f"Convexity(not convex for t from {where}; {self.barrier:.4g} above the chord)"


def convexity(
    f: Any, theta: Any, to: Any, *, points: int = 101, test: str = "derivative", rtol: float = 1e-6
) -> Convexity:
    """Whether E is convex along the line from theta to another place, and where it is not.

    A function is convex exactly if it is so along every line: if phi''(t) >= 0, or if no second difference is negative
    (Boyd and Vandenberghe, "Convex Optimization", 2004, sections 3.1.1 and 3.1.4). Between networks, a barrier above
    the chord tells valleys apart (Goodfellow, Vinyals and Saxe, 2015).

    Parameters
    ----------
    f, theta: a scalar function and its argument, or a model and the closure that computes its loss.
    to: the other end, in the form of theta.
    points: how many t from 0 to 1, at least 3.
    test: "derivative" decides by phi'', "difference" by second differences, which see kinks (relu, abs) as well.
    rtol: curvatures down to -rtol times the largest in size count as zero; second differences also down to what the
        rounding of E makes of them.

    Raises
    ------
    ArgumentError (a TypeError) for fewer than 3 points or an unknown test, ShapeError (a ValueError) for a `to` of
    another size than theta.

    >>> import numpy as np
    >>> convexity(lambda w: w**4 - w**2, -1.0, 1.0)              # phi'' < 0 for |w| < 1 / sqrt 6
    Convexity(not convex for t from 0.3 to 0.7; 0 above the chord)
    """
    if points < 3:
        raise ArgumentError(f"convexity: {points} points; a second difference needs 3")
    if test not in ("derivative", "difference"):
        raise ArgumentError(f"convexity: test {test!r}; it is 'derivative' or 'difference'")
    E = objective(f, theta)
    d = flat(to, E, "convexity: to") - E.theta
    t = np.linspace(0, 1, points).astype(E.theta.dtype)
    values = E.values(E.theta + t[:, np.newaxis] * d)
    second_derivative = evaluated(grad(grad(lambda t: E.f(E.theta + t * d))), t)
    h = 1 / (points - 1)
    second_difference = (values[:-2] - 2 * values[1:-1] + values[2:]) / h**2
    if test == "derivative":
        fails = second_derivative < -rtol * np.abs(second_derivative).max()
    else:
        rounding = 8 * float(np.finfo(t.dtype).eps) * np.abs(values).max() / h**2
        below = second_difference < -max(rtol * np.abs(second_difference).max(), rounding)
        fails = np.concatenate([[False], below, [False]])
    barrier = float(np.max(values - (values[0] + t * (values[-1] - values[0]))))
    return Convexity(t, values, second_derivative, second_difference, _intervals(t, fails), max(barrier, 0.0))


def _intervals(t: Array, marked: Array) -> tuple[tuple[float, float], ...]:
    """From the first to the last t of each run of marked ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int)))
    return tuple((float(t[start]), float(t[end - 1])) for start, end in edges.reshape(-1, 2))
