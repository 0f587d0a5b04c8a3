"""What the distributions share: standardizing, masking what lies outside the support, and SciPy's other names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...ops.elementwise import exp, expm1, floor, log, log1p, logical_or, where

LOG_2, LOG_PI, LOG_2PI = math.log(2), math.log(math.pi), math.log(2 * math.pi)


def numbers(*xs: Any) -> list[Any]:
    """Arguments as NumPy sees them: lists as arrays, and Python numbers in the float dtype of the others, since
    log(2.0) would be a float64 that float32 gives way to."""
    xs = tuple(np.asarray(x) if isinstance(x, (list, tuple)) else x for x in xs)
    floats = [x.dtype for x in xs if getattr(x, "dtype", np.dtype(int)).kind == "f"]
    dtype = np.result_type(*floats) if floats else np.dtype(float)
    return [dtype.type(x) if isinstance(x, (int, float)) and not isinstance(x, np.generic) else x for x in xs]


def standardized(x: Any, loc: Any, scale: Any, *shapes: Any) -> list[Any]:
    """z = (x - loc) / scale, and after it the scale and the shape parameters, as `numbers`."""
    x, loc, scale, *shapes = numbers(x, loc, scale, *shapes)  # type: ignore[assignment]
    return [(x - loc) / scale, scale, *shapes]


def masked(outside: Any, f: Callable[[Any], Any], z: Any, *, inside: float, value: Any = -math.inf) -> Any:
    """f(z), and `value` with zero gradient where `outside` holds.

    There f is given the point `inside` of the support: a NaN in a branch not taken would be one in the gradient.
    """
    return where(outside, value, f(where(outside, inside, z)))


def not_a_count(k: Any, first: int = 0) -> Any:
    """Where k is none of first, first + 1, ..."""
    return logical_or(k < first, k != floor(k))


def log1mexp(z: Any) -> Any:
    """log(1 - exp(-z)) for z > 0, to full accuracy near 0 and far out."""
    near = z < LOG_2
    return where(near, log(-expm1(-where(near, z, 1))), log1p(-exp(-where(near, 1, z))))


def log_probability(p: Any, q: Any) -> Any:
    """log(p) for a probability p = 1 - q, from whichever of the two has more digits of it."""
    small = p < 0.5
    return where(small, log(where(small, p, 1)), log1p(-where(small, 0, q)))


def passed_on(distribution: str) -> Callable[[str], Any]:
    """A module's `__getattr__` that gives the attributes of SciPy's `distribution`."""

    def attribute(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        import scipy.stats  # takes half a second, and is seldom needed

        return getattr(getattr(scipy.stats, distribution), name)

    return attribute
