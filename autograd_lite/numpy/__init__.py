"""NumPy under another name: `import autograd_lite.numpy as np`, and a NumPy program differentiates unchanged.

NumPy's own functions already take Tensors. Here is what cannot by itself: a list with Tensors in it where an array
goes (`np.array([t, 1.0])`, `np.sum([t, u])`), and arrays that Tensors are assigned into (`buffer = np.zeros(3)`,
`buffer[0] = t`), which are Tensors from the start. All else is NumPy's, unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy

from . import fft as fft
from . import linalg as linalg
from . import random as random
from .dropin import (
    array,
    asarray,
    ascontiguousarray,
    c_,
    full,
    full_like,
    isscalar,
    maker,
    ndarray,
    r_,
    taking_lists,
)

_MADE_HERE: dict[str, Any] = {
    "array": array,
    "asarray": asarray,
    "asanyarray": asarray,
    "asfortranarray": asarray,
    "ascontiguousarray": ascontiguousarray,
    "full": full,
    "full_like": full_like,
    "isscalar": isscalar,
    "ndarray": ndarray,
    "r_": r_,
    "c_": c_,
    **{
        name: maker(getattr(numpy, name))
        for name in ("zeros", "ones", "empty", "zeros_like", "ones_like", "empty_like")
    },
}


def __getattr__(name: str) -> Any:
    ours = _MADE_HERE.get(name)
    value = globals()[name] = taking_lists(getattr(numpy, name)) if ours is None else ours
    return value


def __dir__() -> list[str]:
    return sorted({*dir(numpy), *globals()})
