"""Floor 6: numerical derivatives along a line, each with an estimate of how wrong it may be.

A central difference with step t is off by about t^2 (truncation) and by the rounding of what it subtracts over t. The
difference of two steps shows the first, machine epsilon and the sizes of the terms bound the second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .node import no_grad
from .tensor import Tensor, constant_tensor
from .tree import leaves, map_leaves

LADDER = (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 30.0)


class How(NamedTuple):
    """How to compare: what the caller said, and from the coarsest dtype what was left open."""

    precision: float
    rng: np.random.Generator
    modes: Sequence[str]
    given: tuple[float | None, float | None, float | None]

    @property
    def step(self) -> float:
        return self.precision ** (1 / 3) if self.given[0] is None else self.given[0]

    @property
    def rtol(self) -> float:
        return self.precision**0.4 if self.given[1] is None else self.given[1]

    @property
    def atol(self) -> float:
        return self.precision**0.4 if self.given[2] is None else self.given[2]


class Line(NamedTuple):
    """The scalar function h at values + t * direction, with the size of the terms that h sums up."""

    h: Callable[..., Any]
    values: Any
    direction: Any
    mass: float

    def at(self, t: float) -> float:
        us = iter(leaves(self.direction))
        moved = map_leaves(lambda x: constant_tensor((x + next(us) * t).astype(x.dtype)), self.values)
        with no_grad(), np.errstate(all="ignore"):  # a step may leave f's domain; a shorter one is tried then
            return float(plain(self.h(*moved)).real)

    def central(self, t: float) -> tuple[float, float]:
        """(h(t) - h(-t)) / 2t, and the size of what was subtracted."""
        forward, backward = self.at(t), self.at(-t)
        return (forward - backward) / (2 * t), max(abs(forward), abs(backward))


class Comparison(NamedTuple):
    """Whether the analytic derivative holds, the numerical one, and whether rounding alone could hide an error."""

    holds: bool
    numeric: float
    rounding: float
    blind: bool


def compare(line: Line, analytic: float, size: float, how: How, relative: bool) -> Comparison:
    """Hold `analytic`, a sum of terms of total `size`, against central differences.

    One difference settles it if it agrees. If not, shorter and longer steps are tried, each with a half of it, until
    their difference and the rounding say that the extrapolation is right to within the tolerance.
    """
    numeric, height = line.central(how.step)
    mass = max(line.mass, height) if np.isfinite(height) else line.mass
    unit = min(1.0, max(mass, size)) if relative else 1.0  # what counts as absolutely small
    rounding = how.precision * (mass + size) / how.step
    blind = not rounding <= how.atol * unit + max(how.rtol, 1e-3) * size

    def allowed(numeric: float) -> float:
        return how.atol * unit + how.rtol * max(abs(analytic), abs(numeric), size) + rounding

    if not np.isfinite(analytic) or abs(analytic - numeric) <= allowed(numeric):
        return Comparison(bool(np.isfinite(analytic)), numeric, rounding, blind)
    numeric, error = refined(line, numeric, how, mass + size, allowed(numeric))
    blind = blind or error > 0.01 * size + how.atol * unit
    return Comparison(abs(analytic - numeric) <= allowed(numeric) + error, numeric, max(rounding, error), blind)


def refined(line: Line, first: float, how: How, mass: float, enough: float) -> tuple[float, float]:
    """Richardson's extrapolation of two steps, and its error, for the first rung of the ladder that is good enough."""
    best = (first, np.inf)
    for rung in LADDER:
        t = how.step * rung
        whole = first if rung == 1 else line.central(t)[0]
        half = line.central(t / 2)[0]
        error = abs(whole - half) + how.precision * mass / t
        if error < best[1]:
            best = ((4 * half - whole) / 3, error)
        if error <= enough:
            break
    return best if np.isfinite(best[1]) else (first, 0.0)


def sides(line: Line, analytic: float, how: How) -> tuple[float, float] | None:
    """The derivatives from the left and from the right, if there is a kink between them that explains `analytic`, or a
    jump: then there is no derivative, and the differences grow as the step shrinks."""
    here = line.at(0.0)
    gaps, steepest = [], []
    for t in (how.step, how.step / 16):
        left, right = (here - line.at(-t)) / t, (line.at(t) - here) / t
        gaps.append(abs(right - left))
        steepest.append(max(abs(left), abs(right)))
    room = 4 * np.sqrt(how.step) * max(abs(left), abs(right)) + how.atol
    lies_between = min(left, right) - room <= analytic <= max(left, right) + room
    stays = gaps[1] > 0.5 * gaps[0] and gaps[1] > room  # where h is smooth, a shorter step has a smaller gap
    height = steepest[1] * how.step / 16
    jumps = steepest[1] > 12 * steepest[0] and height > np.sqrt(how.precision) * max(
        line.mass, abs(here)
    )  # no rounding
    return (left, right) if (stays and lies_between) or jumps else None


def scale_of(x: Any) -> float:
    """How far a step of 1 goes: 1 among numbers of ordinary size (and at zero), else their root mean square."""
    if not x.size:
        return 1.0
    largest = float(np.max(np.abs(x)))
    if largest == 0 or not np.isfinite(largest) or 0.1 <= largest <= 10:
        return 1.0
    return largest * float(np.sqrt(np.mean(np.abs(x / largest) ** 2)))


def random_like(x: Any, rng: np.random.Generator) -> Any:
    u = rng.standard_normal(x.shape)
    u = u + 1j * rng.standard_normal(x.shape) if x.dtype.kind == "c" else u
    return np.asarray(u).astype(x.dtype)[()]


def plain(y: Any) -> Any:
    return y._data if isinstance(y, Tensor) else np.asarray(y)
