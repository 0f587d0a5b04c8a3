"""Where values lie: memories, views of them by strides, and which scratch memory is used again when.

What a view row does to strides is asked of the row itself: it is run on an array that lies as the value will lie, and
the strides of what it returns are read off. So no view is known here by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ...runtime import address
from ..program import Value

ALIGNMENT = 64


class Memory:
    """Memory for one value: an argument's, or a part of the scratch memory at `offset` bytes.

    `strides` are those of the value that lies in it, in entries; they are chosen by the nest that fills it.
    """

    __slots__ = ("argument", "dtype", "first", "last", "offset", "shape", "strides")

    def __init__(self, shape: tuple[int, ...], dtype: Any, argument: int | None = None):
        self.shape, self.dtype, self.argument = shape, dtype, argument
        self.strides = contiguous(shape)
        self.offset, self.first, self.last = -1, -1, -1

    @property
    def nbytes(self) -> int:
        """Its size."""
        return prod(self.shape) * int(self.dtype.itemsize)

    def use(self, position: int) -> None:
        """Note that the item at `position` reads or writes it."""
        self.first = position if self.first < 0 else min(self.first, position)
        self.last = max(self.last, position)


class View:
    """Entries of a memory: at `offset` + sum of index * stride, all in entries."""

    __slots__ = ("memory", "offset", "shape", "strides")

    def __init__(self, memory: Memory, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]):
        self.memory, self.offset, self.shape, self.strides = memory, offset, shape, strides

    def along(self, domain: tuple[int, ...]) -> tuple[int, ...]:
        """The strides over a domain that it is broadcast to."""
        missing = len(domain) - len(self.shape)
        own = [0 if n == 1 else s for n, s in zip(self.shape, self.strides, strict=True)]
        return (*[0] * missing, *own)


def whole(memory: Memory) -> View:
    """All of a memory."""
    return View(memory, 0, memory.shape, memory.strides)


def contiguous(shape: Sequence[int], order: Sequence[int] | None = None) -> tuple[int, ...]:
    """Strides, in entries, of an array without gaps whose axes lie in `order`, the last one fastest."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(range(len(shape)) if order is None else order):
        strides[axis] = step
        step *= shape[axis]
    return tuple(strides)


def viewed(base: View, value: Value) -> View | None:
    """`base` as the view row `value` shows it; None if the row would copy it."""
    y = view_of(base.shape, base.strides, value.dtype, value)
    return None if y is None else View(base.memory, base.offset + y[0], value.shape, y[1])


def view_of(shape: Any, strides: Any, dtype: Any, value: Value) -> tuple[int, tuple[int, ...]] | None:
    """Offset and strides, in entries, of what a view row makes of an array with these; None if it copies."""
    if len(value.operands) != 1 or value.inputs[0] is not value.operands[0]:
        return None
    low = sum((n - 1) * min(s, 0) for n, s in zip(shape, strides, strict=True) if n)
    high = sum((n - 1) * max(s, 0) for n, s in zip(shape, strides, strict=True) if n)
    size = dtype.itemsize
    like = np.ndarray(shape, dtype, np.empty(high - low + 1, dtype), -low * size, [s * size for s in strides])
    y = _shown(like, value)
    if not isinstance(y, np.ndarray) or y.shape != value.shape or not prod(shape):
        return None
    distance = address(y) - address(like)
    inside = y.size and (y.base is not None) and np.may_share_memory(y, like)
    return (distance // size, tuple([s // size for s in y.strides])) if inside else None


def _shown(like: np.ndarray[Any, Any], value: Value) -> Any:
    """The row run on `like`. Of `spread` only the view: it copies where it is small, which NumPy is quicker with."""
    statics = value.keywords
    if value.op.name == "spread":
        axis, keepdims, shape = statics["axis"], statics["keepdims"], statics["shape"]
        if axis is not None and not keepdims and shape:
            like = np.expand_dims(like, np.lib.array_utils.normalize_axis_tuple(axis, len(shape)))
        return np.broadcast_to(like, shape)
    if value.op.name == "sum_to":
        return like if value.shape == like.shape else None
    if value.op.name == "getitem":
        parts = statics["index"].parts
        return like[parts if any(part is Ellipsis for part in parts) else (*parts, Ellipsis)]
    return value.op.run(like, *value.inputs[1:], **statics)


def adjacent(arrays: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any] | None:
    """One vector over arrays that lie one behind the other in the same memory; None if they do not."""
    first = arrays[0]
    root = first
    while isinstance(root.base, np.ndarray):
        root = root.base
    start, size = address(root), first.itemsize
    place = address(first)
    offset = place - start
    for array in arrays:
        if not array.flags.c_contiguous or array.dtype != first.dtype or address(array) != place:
            return None
        place += array.nbytes
    if root.dtype != first.dtype or not root.flags.c_contiguous or place > start + root.nbytes:
        return None
    vector: np.ndarray[Any, Any] = root.reshape(-1)[offset // size : (place - start) // size]
    return vector


def layout(arrays: Iterable[Any]) -> Any:
    """How arrays lie in memory, to each other and in what they are views of; None where those share memory."""
    roots: dict[int, tuple[int, Any]] = {}
    found: list[Any] = []
    for array in arrays:
        if array is None:
            found.append(None)
            continue
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        number, _ = roots.setdefault(id(root), (len(roots), root))
        offset = address(array) - address(root)
        found.append((number, offset, array.shape, array.strides, array.dtype, array.flags.num))
    spans = sorted([byte_bounds(root) for _, root in roots.values()])
    if any(end > start for (_, end), (start, _) in pairwise(spans)):
        return None
    return *found, *[(root.nbytes, root.dtype, root.flags.num) for _, root in roots.values()]


def assign(memories: Sequence[Memory]) -> int:
    """Give each scratch memory its offset, the same to memories that are never in use together; bytes in all.

    The largest come first; each goes to the first gap between those that are in use while it is.
    """
    order = sorted(memories, key=lambda m: -m.nbytes)
    first, last = (np.array([getattr(m, name) for m in order], np.int64) for name in ("first", "last"))
    start, stop = np.zeros((2, len(order)), np.int64)
    for k, memory in enumerate(order):
        busy = np.flatnonzero((first[:k] <= last[k]) & (first[k] <= last[:k]))
        busy = busy[np.argsort(start[busy], kind="stable")]
        ends = np.maximum.accumulate(np.append(0, -(-stop[busy] // ALIGNMENT) * ALIGNMENT))  # where gaps may begin
        large_enough = np.append(ends[:-1] + (nbytes := memory.nbytes) <= start[busy], True)
        offset = int(ends[np.argmax(large_enough)])
        memory.offset, start[k], stop[k] = offset, offset, offset + nbytes
    return int(stop.max(initial=0))
