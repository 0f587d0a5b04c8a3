"""Floor 4: what a NumPy ufunc has besides being called: reduce, accumulate, outer, reduceat, `where=` and `dtype=`.

Each is written with the ufunc's own row of the table, so that it works for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import ArgumentError
from .op import Op
from .ops import reduce as reductions
from .ops.elementwise import where as choose
from .ops.shape import astype, expand_dims, moveaxis, reshape, stack

# A fold by one of these has a row of its own.
_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "add": reductions.sum,
    "multiply": reductions.prod,
    "maximum": reductions.max,
    "minimum": reductions.min,
    "logical_and": reductions.all,
    "logical_or": reductions.any,
}
_PLAIN = {"casting": "same_kind", "order": "K", "subok": True, "out": None, "signature": None}


def call(op: Op, *inputs: Any, where: Any = True, dtype: Any = None, **options: Any) -> Any:
    """`ufunc(*inputs, where=mask, dtype=dtype)`. Where the mask is False NumPy leaves what the memory held;
    here it is 0, with gradient 0."""
    axis = options.pop("axis", -1)
    if axis != -1 and op.name == "vecdot":
        inputs, axis = tuple(moveaxis(x, axis, -1) for x in inputs), -1
    _refuse(op, options if axis == -1 else {"axis": axis})
    if dtype is not None:
        inputs = tuple(astype(x, dtype) for x in inputs)
    if where is True:
        return op(*inputs)
    # 1 stands in for what is not computed with: a pole there would give a NaN.
    return choose(where, op(*[choose(where, x, 1) for x in inputs]), 0)


def reduce(
    op: Op, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False, **options: Any
) -> Any:
    """`ufunc.reduce(array, axis)`: entries along `axis` taken together, from the first to the last."""
    if op.name in _REDUCTIONS:
        kind = {} if dtype is None else {"dtype": dtype}
        return _REDUCTIONS[op.name](array, axis=axis, keepdims=keepdims, **kind, **options)
    _refuse(op, options)
    array = array if dtype is None else astype(array, dtype)
    axes = tuple(range(array.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    rest = moveaxis(array, axes, tuple(range(len(axes)))).shape[len(axes) :]
    rows = reshape(moveaxis(array, axes, tuple(range(len(axes)))), (-1, *rest))
    if not len(rows):
        raise ArgumentError(f"{op.name}.reduce: {array.shape} has no entries along axis {axis}, and no identity")
    total = rows[0]
    for row in rows[1:]:
        total = op(total, row)
    return expand_dims(total, tuple(axis % array.ndim for axis in axes)) if keepdims else total


def accumulate(op: Op, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """`ufunc.accumulate(array, axis)`: the results of `reduce` after each entry along `axis`."""
    array = array if dtype is None else astype(array, dtype)
    if op.name == "add":
        return reductions.cumsum(array, axis)
    rows = moveaxis(array, axis, 0)
    totals = [rows[0]] if len(rows) else []
    for row in rows[1:]:
        totals.append(op(totals[-1], row))
    return moveaxis(stack(totals), 0, axis) if totals else array


def outer(op: Op, a: Any, b: Any, **options: Any) -> Any:
    """`ufunc.outer(a, b)`: of every entry of `a` with every entry of `b`."""
    return call(op, reshape(a, (*np.shape(a), *[1] * np.ndim(b))), b, **options)


def reduceat(op: Op, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """`ufunc.reduceat(array, indices)`: `reduce` over array[i:j] for each pair of neighbours in `indices`."""
    if op.name == "add" and dtype is None:
        from .ops.differences import reduceat as sums

        return sums(array, indices, axis)
    rows = moveaxis(array, axis, 0)
    starts = np.asarray(indices).tolist()
    ends = [*starts[1:], len(rows)]
    pieces = [reduce(op, rows[i:j], 0, dtype) if i < j else rows[i] for i, j in zip(starts, ends, strict=True)]
    return moveaxis(stack(pieces), 0, axis)


def _refuse(op: Op, options: dict[str, Any]) -> None:
    for name, value in options.items():
        if name not in _PLAIN or value != _PLAIN[name]:
            raise ArgumentError(f"{op.name}: {name}={value!r} has no gradient here; leave it out")
