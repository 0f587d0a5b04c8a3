"""First values of weights, drawn from a generator that the caller names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def glorot_uniform(shape: tuple[int, int], rng: np.random.Generator, dtype: Any = float) -> np.ndarray[Any, Any]:
    """Weights of shape (H_k, H_{k-1}), uniform in (-b, b) with b = sqrt(6 / (H_k + H_{k-1})).

    Keeps the variance of activations and of gradients about the same from layer to layer (Glorot and Bengio,
    2010, eq. 16).

    >>> import numpy as np
    >>> bool(abs(glorot_uniform((3, 3), np.random.default_rng(0))).max() < 1.0)
    True
    """
    bound = math.sqrt(6 / (shape[0] + shape[1]))
    return rng.uniform(-bound, bound, shape).astype(dtype)
