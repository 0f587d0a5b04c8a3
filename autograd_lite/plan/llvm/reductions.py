"""Reductions: sums, means and extrema, and how partial results become one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..program import Value
from .forms import kind_of
from .registers import Kind, Register, select, shuffled


class Reduction:
    """Over which axes of its operand a row reduces, how, and what it divides by in the end."""

    __slots__ = ("axes", "count", "how")

    def __init__(self, how: str, axes: tuple[int, ...], count: int | None = None):
        self.how, self.axes, self.count = how, axes, count


def reduction_of(value: Value) -> Reduction | None:
    """How `value` is a reduction; None if it is none with a native form."""
    name, x = value.op.name, value.inputs[0] if value.inputs else None
    if name not in ("sum", "mean", "max", "min", "sum_to") or not isinstance(x, Value):
        return None
    kind, statics = kind_of(value.dtype), value.keywords
    if kind is None or kind_of(x.dtype) is None or not x.size or not x.shape:
        return None
    if kind.bits == 1 or (not kind.floating and name == "mean"):
        return None
    if x.dtype != value.dtype and (name in ("max", "min") or kind_of(x.dtype).floating):  # type: ignore[union-attr]
        return None
    if name == "sum_to":
        extra = len(x.shape) - len(value.shape)
        copied = [extra + k for k, n in enumerate(value.shape) if n == 1 and x.shape[extra + k] != 1]
        return Reduction("sum", (*range(extra), *copied))
    axis = statics["axis"]
    axes = tuple(range(len(x.shape))) if axis is None else tuple(sorted(normalize_axis_tuple(axis, len(x.shape))))
    count = int(np.prod([x.shape[k] for k in axes])) if name == "mean" else None
    return Reduction("sum" if name == "mean" else name, axes, count)


NEUTRAL: dict[str, Callable[[Kind], Any]] = {
    "sum": lambda kind: 0,
    "max": lambda kind: -np.inf if kind.floating else -(2 ** (kind.bits - 1)),
    "min": lambda kind: np.inf if kind.floating else 2 ** (kind.bits - 1) - 1,
}


def combined(how: str, a: Register, b: Register) -> Register:
    """Two partial results as one; NaN among the entries of max and min stays."""
    if how == "sum":
        return a + b
    relation = "ge" if how == "max" else "le"
    taken = a.compare(relation, b)
    return select(taken | a.is_nan() if a.kind.floating else taken, a, b)


def folded(x: Register, how: str) -> Register:
    """All lanes as one, half with half: the same order each time."""
    width = 1 << (x.width - 1).bit_length()
    if width != x.width:
        neutral = x.like(NEUTRAL[how](x.kind)).widened(x.width)
        x = shuffled(x, neutral, range(width))
    while width > 1:
        width //= 2
        x = combined(how, shuffled(x, x, range(width)), shuffled(x, x, range(width, 2 * width)))
    return x.lane(0) if x.type[0] == "<" else x
