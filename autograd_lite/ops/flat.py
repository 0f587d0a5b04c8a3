"""Functions without a gradient: indices, counts, roundings. Recorded all the same, since a replay needs their values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Op
from . import batching

__all__ = ["around", "array_equiv", "lexsort"]

# fmt: off
# Indices
argsort      = Op(lambda a, *, axis=-1, kind=None, order=None, stable=None: np.argsort(a, axis, kind, stable=stable), name="argsort", a=None, batch=batching.along_or_flat)
argpartition = Op(lambda a, *, kth, axis=-1, kind="introselect", order=None: np.argpartition(a, kth, axis, kind), name="argpartition", a=None, batch=batching.along_or_flat)
nanargmax    = Op(lambda a, *, axis=None, out=None, keepdims=False: np.nanargmax(a, axis, keepdims=keepdims),     name="nanargmax",    a=None)
nanargmin    = Op(lambda a, *, axis=None, out=None, keepdims=False: np.nanargmin(a, axis, keepdims=keepdims),     name="nanargmin",    a=None)
searchsorted = Op(lambda a, v, *, side="left", sorter=None: np.searchsorted(a, v, side, sorter),                  name="searchsorted", a=None, v=None)
digitize     = Op(lambda x, bins, *, right=False: np.digitize(x, bins, right),                                    name="digitize",     x=None, bins=None)
nonzero      = Op(lambda a: np.nonzero(a), name="nonzero", several=True, a=None)
flatnonzero  = Op(lambda a: np.flatnonzero(a),                                          name="flatnonzero",   a=None)
argwhere     = Op(lambda a: np.argwhere(a),                                             name="argwhere",      a=None)
count_nonzero = Op(lambda a, *, axis=None, keepdims=False: np.count_nonzero(a, axis, keepdims=keepdims), name="count_nonzero", a=None)
bincount     = Op(lambda x, *, minlength=0: np.bincount(x, minlength=minlength),        name="bincount",      x=None)

# Rounding, and what numbers are
round     = Op(lambda a, *, decimals=0, out=None: np.round(a, decimals),                name="round",         a=None)
fix       = Op(lambda x, *, out=None: np.fix(x),                                        name="fix",           x=None, elementwise=True)
signbit   = Op(np.signbit,       x=None)
isclose   = Op(lambda a, b, *, rtol=1e-5, atol=1e-8, equal_nan=False: np.isclose(a, b, rtol, atol, equal_nan),   name="isclose",     a=None, b=None)
allclose  = Op(lambda a, b, *, rtol=1e-5, atol=1e-8, equal_nan=False: np.allclose(a, b, rtol, atol, equal_nan),  name="allclose",    a=None, b=None)
array_equal = Op(lambda a1, a2, *, equal_nan=False: np.array_equal(a1, a2, equal_nan),                           name="array_equal", a1=None, a2=None)
isin      = Op(lambda element, test_elements, *, assume_unique=False, invert=False, kind=None: np.isin(element, test_elements, assume_unique, invert, kind=kind), name="isin", element=None, test_elements=None)
lexsorted = Op(lambda *keys, axis=-1: np.lexsort(keys, axis), name="lexsort", keys=None)
isreal    = Op(lambda x: np.isreal(x),          name="isreal",    x=None, elementwise=True)
iscomplex = Op(lambda x: np.iscomplex(x),       name="iscomplex", x=None, elementwise=True)
isposinf  = Op(lambda x, *, out=None: np.isposinf(x), name="isposinf", x=None, elementwise=True)
isneginf  = Op(lambda x, *, out=None: np.isneginf(x), name="isneginf", x=None, elementwise=True)
nextafter = Op(np.nextafter,     a=None, b=None)
spacing   = Op(np.spacing,       x=None)
bitwise_xor = Op(np.bitwise_xor, a=None, b=None)
left_shift  = Op(np.left_shift,  a=None, b=None)
right_shift = Op(np.right_shift, a=None, b=None)
gcd       = Op(np.gcd,           a=None, b=None)
lcm       = Op(np.lcm,           a=None, b=None)
# fmt: on


def lexsort(keys: Any, axis: int = -1) -> Any:
    """The order by several keys, the last of them first."""
    return lexsorted(*keys, axis=axis)


def array_equiv(a1: Any, a2: Any) -> Any:
    """Whether two arrays are equal where one is broadcast to the other."""
    try:
        np.broadcast_shapes(np.shape(a1), np.shape(a2))
    except ValueError:
        return False
    return np.all(a1 == a2)


def around(a: Any, decimals: int = 0, out: None = None) -> Any:
    """NumPy's other name for round."""
    return round(a, decimals, out)
