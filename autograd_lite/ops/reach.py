"""Which entries of an op's inputs each entry of its output depends on: rules that rows of the table name as `reach=`.

A rule is called as `rule(node, sets)`: with the node of an op, whose shapes and statics it reads and whose values it does
not, and for each input an array of sets, one for each entry, or None where it depends on nothing. A set is a row of bits,
in words along a first axis; so a union is an `or`. It gives the sets of the output's entries, or NotImplemented where only
the values would tell. An element-wise op needs no rule, and of one without any each entry may depend on everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .batching import shifted, statics_of

Rule = Callable[[Any, list[Any]], Any]

union: Any = np.bitwise_or.reduce


def together(sets: list[Any], shape: tuple[int, ...]) -> Any:
    """The unions of sets that broadcast to entries of `shape`, as an element-wise op has them."""
    total: Any = None
    for s in sets:
        if s is not None:
            s = s.reshape(len(s), *(1,) * (1 + len(shape) - s.ndim), *s.shape[1:]) if s.ndim - 1 < len(shape) else s
            total = s if total is None else total | s
    return total if total.shape[1:] == shape else np.broadcast_to(total, (len(total), *shape))


def moved(node: Any, sets: list[Any]) -> Any:
    """For an op whose output consists of entries of the inputs that it is linear in, and of zeros: it moves sets too."""
    op, words = node.op, next(len(s) for s in sets if s is not None)
    if any(op.input_name(k) not in op.linear for k in range(len(sets))):
        return NotImplemented  # an index array, and what is in it may be another time something else
    shapes = [getattr(i, "shape", ()) for i in node.inputs]
    moving = [np.zeros((words, *n), np.uint64) if s is None else s for s, n in zip(sets, shapes, strict=True)]
    return op.batch(node, moving, [True] * len(moving), words)


def reduced(node: Any, sets: list[Any]) -> Any:
    """For a reduction along `axis`."""
    (s,), statics = sets, statics_of(node)
    axis = shifted(statics["axis"], s.ndim - 1) if s.ndim > 1 else ()
    return union(s, axis, keepdims=statics["keepdims"])


def summed(node: Any, sets: list[Any]) -> Any:
    """For sum_to."""
    (s,) = sets
    s = union(s, tuple(range(1, s.ndim - len(node.shape))))
    return union(s, tuple([k for k, n in enumerate(node.shape, 1) if n != s.shape[k]]), keepdims=True)


def product(node: Any, sets: list[Any]) -> Any:
    """For a matrix product: an entry depends on one row on the left, and on one column on the right."""
    a, b = sets
    a_ndim, b_ndim = [len(i.shape) for i in node.inputs]
    rows = a if a is None else union(a, -1)
    columns = b if b is None else union(b, -2 if b_ndim > 1 else 1)
    if rows is not None and b_ndim > 1:
        rows = rows[..., None]
    if columns is not None and a_ndim > 1 and b_ndim > 1:
        columns = columns[..., None, :]
    return together([rows, columns], node.shape)
