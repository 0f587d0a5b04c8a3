"""Entries added to places of an array that arrays of integers name: what the gradient of `x[rows, columns]` is.

Places may repeat, so this is no nest, whose entries do not depend on each other: one after the other, in the order of
the index, as np.add.at does it. Only along a slice that follows the places entries are added a vector at a time.
"""

from __future__ import annotations

from collections.abc import Callable

from ..program import Value
from .forms import kind_of
from .indexing import Gather, offset_of, places_in
from .memory import Memory, View
from .registers import I64, Kind, Register
from .tiles import Layout, zero_function
from .writer import Writer


def write(
    writer: Writer,
    value: Value,
    gather: Gather,
    view: Callable[[Value], View],
    pointer: Callable[[Memory], str],
    width: int,
) -> None:
    """`value` = zeros, with the entries of its first input added at `gather`'s places, in vectors of `width`."""
    kind = kind_of(value.dtype)
    assert kind is not None
    size, start = kind.bits // 8, writer.here
    x, *arrays = value.operands
    y, added = view(value), view(x).along(x.shape)
    writer.start = start
    zero = zero_function(writer.module, kind, Layout(1, value.size, value.size, 1), width)
    to = pointer(y.memory)
    writer.line(f"call void @{zero}(ptr {to}, i64 1, i64 {value.size})")
    places = []
    for k, array in enumerate(arrays, 1):
        places_view, number = places_in(view(array), gather), kind_of(array.dtype)
        assert number is not None
        places.append((k, places_view, number, places_view.along(x.shape)))
    last = len(x.shape) - 1
    in_vectors = bool(x.shape) and gather.axes[-1] == (0, 1, last) and added[last] == 1 == y.strides[-1]

    def loops(index: list[Register], lanes: int) -> None:
        axis = len(index)
        if axis == len(x.shape):
            return entry(index, lanes)
        n = x.shape[axis]
        whole = n - n % width if axis == last and in_vectors else 0
        if whole:
            writer.loop(0, whole, width, lambda i: loops([*index, i], width))
        if whole < n:
            writer.loop(whole, n, 1, lambda i: loops([*index, i], 1))
        return None

    def entry(index: list[Register], lanes: int) -> None:
        def read(of: View, kind: Kind, strides: tuple[int, ...], lanes: int) -> Register:
            offset = writer.constant(I64, of.offset)
            for i, step in zip(index, strides, strict=True):
                offset = offset + i * step if step else offset
            level = max(offset.level, start)
            return writer.load(writer.pointer(pointer(of.memory), offset, kind.bits // 8, level), kind, lanes, level)

        known = {k: read(v, number, strides, 1) for k, v, number, strides in places}
        place = writer.pointer(to, offset_of(gather, y, known, index.__getitem__), size, writer.here)
        before = writer.load(place, kind, lanes, writer.here)
        writer.store(place, before + read(view(x), kind, added, lanes), writer.here)

    loops([], 1)
