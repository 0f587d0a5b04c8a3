"""Directions to look or to walk in: given ones, the gradient, eigenvectors of the Hessian, random ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .objective import Array, Objective, flat
from .points import FULL, spectrum

NAMES = ("gradient", "top", "bottom", "random")


def vectors(E: Objective, wanted: Any, rng: Any) -> list[Array]:
    """Each of `wanted` as a vector of shape (size,): one given as it is, one named as a unit vector.

    "gradient" is dE/dtheta; "top" and "bottom" the eigenvectors of the largest and smallest curvature, and a second
    "top" is the next eigenvector; "random" is uniform on the sphere. Random directions are made orthogonal to those
    before them, unless theta has too few entries for that.
    """
    for w in wanted:
        if isinstance(w, str) and w not in NAMES:
            raise ArgumentError(f"direction {w!r} is unknown; known are {', '.join(NAMES)}, or give an array")
    generator = np.random.default_rng(rng)
    names = [w for w in wanted if isinstance(w, str)]
    ends = max(names.count("top"), names.count("bottom"))
    columns = list(spectrum(E, ends=ends if E.size > FULL else None, rng=generator)[1].T) if ends else []
    found: list[Array] = []
    for w in wanted:
        if not isinstance(w, str):
            d = flat(w, E, "direction")
        elif w in ("top", "bottom"):
            if not columns:
                raise ShapeError(f"direction {w!r}: the Hessian has no more than {E.size} eigenvectors")
            d = columns.pop(-1 if w == "top" else 0)
        elif w == "gradient":
            d = _unit(E.gradient(E.theta), w)
        else:
            d = generator.standard_normal(E.size)
            if len(found) < E.size:
                for other in found:
                    d = d - (d @ other) / (other @ other or 1.0) * other
            d = _unit(d, w)
        found.append(d.astype(E.theta.dtype))
    return found


def _unit(vector: Array, name: str) -> Array:
    length = float(np.linalg.norm(vector))
    if not 0 < length < np.inf:
        raise ShapeError(f"direction {name!r}: its length is {length}; choose another direction")
    return vector / length
