"""Directions to look or to walk in: given ones, the gradient, eigenvectors of the Hessian, random ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .objective import Array, Objective, flat
from .points import spectrum

NAMES = ("gradient", "top", "bottom", "random")


def directions(E: Objective, wanted: Any, rng: Any) -> list[Array]:
    """Each of `wanted` as a vector of shape (size,): one given as it is, one named as a unit vector.

    "gradient" is dE/dtheta; "top" and "bottom" the eigenvectors of the largest and smallest curvature, and a second
    "top" is the next eigenvector; "random" is uniform on the sphere. Random directions are made orthogonal to those
    before them, unless theta has too few entries for that.
    """
    generator = np.random.default_rng(rng)
    found: list[Array] = []
    named = [w for w in wanted if isinstance(w, str)]
    for name in named:
        if name not in NAMES:
            raise ArgumentError(f"direction {name!r} is unknown; known are {', '.join(NAMES)}, or give an array")
    ends = max(named.count("top"), named.count("bottom"))
    eigenvectors = iter(())  # type: ignore[var-annotated]
    top, bottom = eigenvectors, eigenvectors
    if ends:
        columns = spectrum(E, ends=None if E.size <= 2 * ends else _enough(E, ends), rng=generator)[1].T
        top, bottom = iter(columns[::-1]), iter(columns)
    for w in wanted:
        if not isinstance(w, str):
            found.append(flat(w, E, "direction"))
        elif w in ("top", "bottom"):
            vector = next(top if w == "top" else bottom, None)
            if vector is None:
                raise ShapeError(f"direction {w!r}: theta has {E.size} entries, and so many eigenvectors")
            found.append(vector.astype(E.theta.dtype))
        elif w == "gradient":
            found.append(_unit(E.gradient(E.theta), "gradient"))
        else:
            vector = generator.standard_normal(E.size)
            if len(found) < E.size:
                for other in found:
                    vector = vector - (vector @ other) / max(other @ other, np.finfo(float).tiny) * other
            found.append(_unit(vector, "random").astype(E.theta.dtype))
    return found


def _enough(E: Objective, ends: int) -> int | None:
    from .points import FULL

    return None if E.size <= FULL else ends


def _unit(vector: Array, name: str) -> Array:
    length = np.linalg.norm(vector)
    if not 0 < length < np.inf:
        raise ShapeError(f"direction {name!r}: its length is {length}; choose another direction")
    return np.asarray(vector / length)
