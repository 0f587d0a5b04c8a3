"""Entries chosen by arrays of integers: `x[rows, columns]`, and labels that must be classes.

Places are checked as NumPy checks them. A nest that meets a wrong one says so, and the plan runs again in NumPy, which
raises the error that the user is to see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...ops import OPS
from ...ops.index import ARRAY
from ..program import Value
from .memory import View
from .registers import I64, Register, select


class Gather(NamedTuple):
    """Entries of an array by arrays of places: for each axis of the array a slice's (start, step, axis of the result),
    or the number of the operand that holds places."""

    axes: tuple[tuple[int, int, int] | int, ...]


def gather_of(value: Value) -> Gather | None:
    """How `value` picks entries by arrays of integers side by side; None if it does something else."""
    if value.op is not OPS["getitem"] or not isinstance(value.inputs[0], Value):
        return None
    return _places(value, value.inputs[0].shape, len(value.shape))


def scatter_of(value: Value) -> Gather | None:
    """The places at which `value` has the entries of its first input added; None if it is something else."""
    x = value.inputs[0] if value.inputs else None
    if value.op is not OPS["scatter"] or not isinstance(x, Value) or x.dtype != value.dtype or x.dtype.kind not in "fi":
        return None
    return _places(value, value.shape, len(x.shape))


def _places(value: Value, shape: tuple[int, ...], axes_of_result: int) -> Gather | None:
    """How the index of `value` picks entries, of an array of this shape, for a result of so many axes."""
    _, *arrays = value.inputs
    parts = list(value.keywords["index"].parts)
    if not arrays or any(not isinstance(a, Value) or a.dtype.name not in ("int64", "int32") for a in arrays):
        return None
    if any(p is not ARRAY and p is not Ellipsis and not isinstance(p, slice) for p in parts):
        return None
    if Ellipsis in [p for p in parts if p is not ARRAY]:
        k = next(k for k, p in enumerate(parts) if p is Ellipsis)
        parts[k : k + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    parts += [slice(None)] * (len(shape) - len(parts))
    places = [k for k, p in enumerate(parts) if p is ARRAY]
    if places != list(range(places[0], places[-1] + 1)):
        return None
    together = axes_of_result - (len(parts) - len(places))  # axes of the result that the places make
    axes: list[tuple[int, int, int] | int] = []
    number = result = 0
    for k, part in enumerate(parts):
        if isinstance(part, slice):
            start, _, step = part.indices(shape[k])
            axes.append((start, step, result))
            result += 1
        else:
            number += 1
            axes.append(number)
            result += together if number == 1 else 0
    return Gather(tuple(axes))


def places_in(array: View, gather: Gather) -> View:
    """An array of places as it is broadcast with the others: they stand before the slices that follow."""
    behind = [1 for axis in gather.axes[gather.axes.index(1) :] if isinstance(axis, tuple)]
    return View(array.memory, array.offset, (*array.shape, *behind), (*array.strides, *[0] * len(behind)))


def offset_of(gather: Gather, x: View, places: dict[int, Register], index: Callable[[int], Register]) -> Register:
    """Where an entry lies in the memory of `x`, whose index along axis k of the result is `index(k)`."""
    offset: Register | None = None
    for part, n, stride in zip(gather.axes, x.shape, x.strides, strict=True):
        if isinstance(part, tuple):
            start, step, axis = part
            along = index(axis) * (step * stride) + start * stride
        else:
            place = places[part].cast(I64)
            place.writer.check(place.compare("ge", -n) & place.compare("lt", n))
            place = select(place.compare("lt", 0), place + n, place)
            along = select(place.compare("ge", 0) & place.compare("lt", n), place, 0) * stride
        offset = along if offset is None else offset + along
    assert offset is not None
    return offset + x.offset
