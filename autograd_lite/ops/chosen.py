"""Chosen entries of arrays, and entries in order. All are indexing, by places that NumPy's own functions find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..tensor import Tensor, constant_tensor
from .arrange import along
from .elementwise import where
from .flat import argpartition, argsort
from .shape import broadcast_to, concatenate, moveaxis, ravel, reshape, value_of

__all__ = [
    "compress", "delete", "extract", "insert", "partition", "select", "sort", "take", "take_along_axis", "unique",
    "unique_values",
]  # fmt: skip


# -- chosen entries --------------------------------------------------------------------------------------------------


def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Any:
    """`a[indices]` along an axis (of all entries if None)."""
    if isinstance(indices, Tensor) and not isinstance(a, Tensor):  # NumPy's indexing would ask for plain numbers
        a = constant_tensor(np.asarray(a))
    if axis is None or not a.ndim:
        a, axis = ravel(a), 0 if axis is None else normalize_axis_index(axis, 1)
    n = a.shape[normalize_axis_index(axis, a.ndim)]
    if mode != "raise":
        indices = np.asarray(indices) % n if mode == "wrap" else np.clip(indices, 0, n - 1)
    return along(a, indices if hasattr(indices, "ndim") else np.asarray(indices, np.intp), axis)


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """For each line along `axis` the entries that `indices` names there."""
    if axis is None:
        return ravel(arr)[indices]
    return arr[lines_at(arr, indices, axis)]


def lines_at(arr: Any, indices: Any, axis: int) -> tuple[Any, ...]:
    """The index of the entries that `indices` names in each line along `axis`."""
    axis = normalize_axis_index(axis, arr.ndim)
    if np.ndim(indices) != arr.ndim:
        raise ValueError(f"indices of {np.ndim(indices)} axes for an array of {arr.ndim}")
    others = [np.arange(n).reshape((-1,) + (1,) * (arr.ndim - 1 - k)) for k, n in enumerate(arr.shape)]
    return (*others[:axis], indices, *others[axis + 1 :])


def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """The entries along an axis for which `condition` holds."""
    if np.ndim(condition) != 1:
        raise ValueError(f"compress: the condition is to be a vector, not {np.shape(condition)}")
    return take(a, np.flatnonzero(condition), axis)


def extract(condition: Any, arr: Any) -> Any:
    """The entries for which `condition` holds."""
    return take(arr, np.flatnonzero(condition))


def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """`arr` without the entries at `obj`."""
    if axis is None:
        arr, axis = ravel(arr), 0
    return along(arr, np.delete(np.arange(arr.shape[axis]), obj), axis)


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """`arr` with `values` before the places `obj`."""
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = normalize_axis_index(axis, arr.ndim)
    n = arr.shape[axis]
    values = reshape(values, (1,) * (arr.ndim - np.ndim(values)) + np.shape(values))
    if np.ndim(obj) == 0 and not isinstance(obj, slice):
        values = moveaxis(values, 0, axis)
    dummy = np.insert(
        np.zeros(arr.shape, bool),
        obj,
        np.zeros(values.shape if np.ndim(obj) else np.moveaxis(np.zeros(values.shape), axis, 0).shape, bool),
        axis,
    )
    k = dummy.shape[axis] - n
    values = broadcast_to(values, (*arr.shape[:axis], k, *arr.shape[axis + 1 :]))
    places = np.insert(np.arange(n), obj, np.arange(n, n + k) if k > 1 or np.ndim(obj) else n)
    return along(concatenate([arr, values.astype(arr.dtype)], axis), places, axis)


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Where the first of the conditions holds the first choice, else where the second does the second, ..."""
    np.select([np.zeros(1, bool) for _ in condlist], [0.0 for _ in choicelist])  # NumPy's own errors
    y = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        y = where(condition, choice, y)
    return y


# -- in order --------------------------------------------------------------------------------------------------------


def sort(a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None) -> Any:
    """The entries in order. Each takes its gradient along; among equal ones the first stays first."""
    if axis is None:
        a, axis = ravel(a), 0
    return take_along_axis(a, argsort(a, axis, "stable"), axis)


def partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None) -> Any:
    """The entries, with the k-th smallest at place k, smaller ones before and larger ones behind it."""
    if axis is None:
        a, axis = ravel(a), 0
    return take_along_axis(a, argpartition(a, kth, axis, kind), axis)


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The distinct entries in order (or slices along `axis`); a gradient goes to the first of equal ones."""
    values = value_of(ar)
    _, first, *more = np.unique(values, True, return_inverse, return_counts, axis, equal_nan=equal_nan)  # type: ignore[call-overload]
    y = ravel(ar)[first] if axis is None else along(ar, first, axis)
    others = [first] * return_index + more
    return (y, *map(constant_tensor, others)) if others else y


def unique_values(x: Any) -> Any:
    """The distinct entries; a gradient goes to the first of equal ones."""
    values = value_of(x)
    in_order, first = np.unique(values, return_index=True)
    return ravel(x)[first[np.searchsorted(in_order, np.unique_values(values))]]  # NumPy's order, sorted or not
