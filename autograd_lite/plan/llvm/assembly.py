"""Values put together from parts: each part is stored into its region of the whole.

A part is a copy, an element-wise op like any other, so it is fused with what computes it, and often nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ...ops import OPS
from ...runtime import address
from ..program import Value
from .memory import View

copy = OPS["stop_gradient"]


class Part(NamedTuple):
    """`source`, a value or a number, goes `where` an index points to; after all earlier parts if `over`."""

    source: Any
    where: tuple[Any, ...]
    over: bool = False


def parts_of(value: Value) -> list[Part] | None:
    """Of which parts a value consists; None if it does not."""
    op, statics = value.op, value.keywords
    if op is OPS["concatenate"]:
        return list(_joined(value, statics["axis"] % len(value.shape)))
    if op is OPS["stack"]:
        axis = statics["axis"] % len(value.shape)
        return [Part(x, (*[slice(None)] * axis, k)) for k, x in enumerate(value.inputs)]
    if op is OPS["scatter"] and len(value.inputs) == 1:
        return [Part(0, ()), Part(value.inputs[0], statics["index"].parts, True)]
    if op is OPS["assemble"]:
        rest = sum([x.size if isinstance(x, Value) else 1 for x in value.inputs]) < value.size
        parts = [Part(x, index.parts, rest) for x, index in zip(value.inputs, statics["indices"], strict=True)]
        return [Part(0, ()), *parts] if rest else parts
    if op is OPS["setitem"] and len(value.inputs) == 2:
        return [Part(value.inputs[0], ()), Part(value.inputs[1], statics["index"].parts, True)]
    return None


def _joined(value: Value, axis: int) -> Iterator[Part]:
    start = 0
    for x in value.inputs:
        n = x.shape[axis]
        yield Part(x, (*[slice(None)] * axis, slice(start, start + n)))
        start += n


def copy_of(part: Part, value: Value) -> Value:
    """The part as a value of its own."""
    return Value(copy, (part.source,), (), _region(part, value.shape)[1].shape, value.dtype)


def _region(part: Part, shape: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """An array of bytes of this shape, and its region for the part."""
    like = np.empty(shape, np.int8)
    index = part.where if any(i is Ellipsis for i in part.where) else (*part.where, Ellipsis)
    return like, like[index]


def view_of_part(part: Part, whole: View) -> View:
    """Where a part lies in a whole that lies in C order."""
    like, found = _region(part, whole.shape)
    offset = address(found) - address(like)
    return View(whole.memory, whole.offset + offset, found.shape, tuple(found.strides))
