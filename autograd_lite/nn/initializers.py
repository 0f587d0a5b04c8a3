"""First values of weights, drawn from a generator that the caller names.

Each is a function (shape, rng, dtype) -> array. A weight has shape (H_k, H_{k-1}, ...): `fan_in` = H_{k-1} counts the
inputs of a unit, `fan_out` = H_k the units that an input goes to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .names import named

Array = np.ndarray[Any, Any]
Initializer = Callable[[tuple[int, ...], np.random.Generator, Any], Array]


def zeros(shape: tuple[int, ...], rng: Any = None, dtype: Any = float) -> Array:
    """W = 0: with tanh or relu a saddle point, from which only the output's bias moves (the lectures)."""
    return np.zeros(shape, dtype)


def constant(value: float) -> Initializer:
    """The initializer W_ij = `value`: hidden units that start identical stay identical (the lectures).

    >>> import numpy as np
    >>> constant(0.5)((2,), np.random.default_rng(0), float)
    array([0.5, 0.5])
    """

    def constant(shape: tuple[int, ...], rng: Any = None, dtype: Any = float) -> Array:
        return np.full(shape, value, dtype)

    return constant


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any = float) -> Array:
    """Weights of shape (H_k, H_{k-1}), uniform in (-b, b) with b = sqrt(6 / (H_k + H_{k-1})).

    Keeps the variance of activations and of gradients about the same from layer to layer (Glorot and Bengio,
    2010, eq. 16).

    >>> import numpy as np
    >>> bool(abs(glorot_uniform((3, 3), np.random.default_rng(0))).max() < 1.0)
    True
    """
    return _uniform(shape, rng, dtype, 2 / sum(fans(shape)))


def glorot_normal(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any = float) -> Array:
    """Normal with variance = 2 / (fan_in + fan_out) (Glorot and Bengio, 2010, eq. 12)."""
    return _normal(shape, rng, dtype, 2 / sum(fans(shape)))


def he_uniform(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any = float) -> Array:
    """Uniform in (-b, b) with b = sqrt(6 / fan_in), variance 2 / fan_in: for relu (He et al., 2015, eq. 10)."""
    return _uniform(shape, rng, dtype, 2 / fans(shape)[0])


def he_normal(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any = float) -> Array:
    """Normal with variance = 2 / fan_in: relu loses half of the second moment (He et al., 2015, eq. 10)."""
    return _normal(shape, rng, dtype, 2 / fans(shape)[0])


def lecun_uniform(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any = float) -> Array:
    """Uniform in (-b, b) with b = sqrt(3 / fan_in), variance 1 / fan_in (LeCun et al., 1998, eq. 16)."""
    return _uniform(shape, rng, dtype, 1 / fans(shape)[0])


def lecun_normal(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any = float) -> Array:
    """Normal with variance = 1 / fan_in (LeCun et al., 1998, eq. 16): for selu too."""
    return _normal(shape, rng, dtype, 1 / fans(shape)[0])


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any = float) -> Array:
    """A random matrix with orthonormal columns, W'W = 1, or rows, W W' = 1, whichever are fewer: it keeps lengths
    (Saxe, McClelland and Ganguli, 2014).

    The Q of a normal matrix's QR decomposition, uniform once the signs of R's diagonal are taken out (Mezzadri, 2007).
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    Q, R = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    Q = Q * np.where(np.diagonal(R) < 0, -1, 1)
    return np.ascontiguousarray(Q if rows >= columns else Q.T).reshape(shape).astype(dtype)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """fan_in and fan_out of a weight of that shape (out, in, ...)."""
    if len(shape) < 2:
        raise ShapeError(f"initializer: a weight of shape {shape}; it needs the axes (out, in)")
    beyond = math.prod(shape[2:])
    return shape[1] * beyond, shape[0] * beyond


def _uniform(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any, variance: float) -> Array:
    bound = math.sqrt(3 * variance)  # uniform in (-b, b) has the variance b^2 / 3
    return rng.uniform(-bound, bound, shape).astype(dtype)


def _normal(shape: tuple[int, ...], rng: np.random.Generator, dtype: Any, variance: float) -> Array:
    return (math.sqrt(variance) * rng.standard_normal(shape)).astype(dtype)


INITIALIZERS: dict[str, Initializer] = {
    f.__name__: f
    for f in (
        zeros,
        glorot_uniform,
        glorot_normal,
        he_uniform,
        he_normal,
        lecun_uniform,
        lecun_normal,
        orthogonal,
    )
}


def initializer_named(init: str | float | Initializer) -> Initializer:
    """The initializer of that name, the constant one of a number, or `init` itself if it is a function."""
    if isinstance(init, (int, float)) and not isinstance(init, bool):
        if not math.isfinite(init):
            raise ArgumentError(f"initializer: the constant {init} is not finite")
        return constant(init)
    return named("initializer", init, INITIALIZERS)
