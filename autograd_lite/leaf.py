"""Floor 1: the memory of a leaf, its value and its gradient, and who may write to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ShapeError
from .node import Leaf, is_tracing, mark_changed


def set_leaf(leaf: Leaf, handle: Any, value: Any, index: Any = ...) -> None:
    """`leaf[index] = value`, in the leaf's own memory; the leaf has changed from now on."""
    given, value = value, getattr(value, "_data", value)
    if index is ... and np.shape(value) != leaf.shape:
        raise ShapeError(f"data: a value of shape {np.shape(value)} for a leaf of shape {leaf.shape}")
    if traces := is_tracing():
        traces[-1].assigned(leaf, handle, given)
        return
    if isinstance(leaf.data, np.generic):  # immutable: the leaf takes a new one
        cell = np.array(leaf.data)
        cell[index] = value
        leaf.data = handle._data = cell[()]
    else:
        leaf.data[index] = value
    mark_changed([leaf])


def forget_gradient(leaf: Leaf) -> None:
    """Set `leaf.grad` to None, as a function that is being traced would have it too."""
    if traces := is_tracing():
        traces[-1].forgotten(leaf)
    else:
        leaf.grad = None


def _is_whole(array: Any) -> bool:
    """Whether `array` is an array in memory of its own, no view and not locked."""
    return type(array) is np.ndarray and array.base is None and array.flags.owndata and array.flags.writeable


def deposit(leaf: Leaf, gradient: Any, free: bool = False) -> None:
    """Add `gradient` to `leaf.grad`, in memory that nobody else holds; `free` says that nobody holds `gradient`."""
    if leaf.grad is not None:
        leaf.grad += gradient  # in place for arrays; NumPy scalars are immutable
    elif leaf.grad_memory is not None:
        if gradient is not leaf.grad_memory:
            leaf.grad_memory[...] = gradient
        leaf.grad = leaf.grad_memory
    elif isinstance(gradient, np.generic) or (free and _is_whole(gradient)):
        leaf.grad = gradient
    else:
        leaf.grad = np.array(gradient)
