"""np.where without branches: a mask of bits keeps or clears all bits of a float.

NumPy asks of each entry which of two it is to take; where that is random, as in a relu's gradient, the processor guesses
wrong half of the time. `bits(a) & -c` has no question in it, takes a tenth of the time, and gives the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LARGE = 256  # entries; below, calling three functions costs more than guessing
_BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}


def choose(c: Any, a: Any, b: Any) -> Any:
    """np.where(c, a, b)."""
    dtype = _float_dtype(c, a, b)
    return np.where(c, a, b) if dtype is None else _chosen(np.empty(c.shape, dtype), c, a, b)


def choose_into(memory: Any, c: Any, a: Any, b: Any) -> None:
    """np.where(c, a, b), written to `memory`, which is none of them."""
    dtype = _float_dtype(c, a, b)
    if dtype is not None and dtype == memory.dtype:
        _chosen(memory, c, a, b)
    else:
        np.copyto(memory, b)
        np.copyto(memory, a, where=np.asarray(c, bool))


def _float_dtype(c: Any, a: Any, b: Any) -> Any:
    """The dtype of the result where the choice can be made by bits: between floats of one dtype, or these and 0."""
    if type(c) is not np.ndarray or c.size < LARGE or c.dtype != bool:
        return None
    kinds = {x.dtype if type(x) is np.ndarray and x.shape == c.shape else None for x in (a, b) if not _is_zero(x)}
    dtype = kinds.pop() if len(kinds) == 1 else None
    return dtype if dtype in _BITS else None


def _is_zero(x: Any) -> bool:
    return type(x) in (int, float) and x == 0 and str(x)[0] != "-"


def _chosen(memory: Any, c: Any, a: Any, b: Any) -> Any:
    bits = memory.view(_BITS[memory.dtype])
    if _is_zero(a):
        np.subtract(c.view(np.int8), 1, bits)  # 0 where c, else -1, all bits set
        np.bitwise_and(b.view(bits.dtype), bits, bits)
        return memory
    np.negative(c.view(np.int8), bits)
    if _is_zero(b):
        np.bitwise_and(a.view(bits.dtype), bits, bits)
    else:
        a, b = a.view(bits.dtype), b.view(bits.dtype)
        np.bitwise_and(a ^ b, bits, bits)  # where c, what turns b into a
        np.bitwise_xor(b, bits, bits)
    return memory
