"""Floor 4: what a NumPy ufunc has besides being called: reduce, accumulate, outer, reduceat, `where=` and `dtype=`.

Each is written with the ufunc's own row of the table, so that it works for all of them. NumPy's own method runs on the
values first: it raises NumPy's errors, and its dtype is that of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from .errors import ArgumentError
from .op import Op
from .ops import reduce as reductions
from .ops.elementwise import where as choose
from .ops.shape import astype, expand_dims, moveaxis, reshape, stack
from .runtime import failure, without_history
from .tensor import constant_tensor

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
    if axis != -1 and op.__name__ == "vecdot":
        inputs, axis = tuple(moveaxis(x, axis, -1) for x in inputs), -1
    _refuse(op, options if axis == -1 else {"axis": axis})
    if dtype is not None:
        inputs = tuple(astype(x, kind) for x, kind in zip(inputs, _dtypes(op, inputs, dtype), strict=True))
    if where is True:
        return op(*inputs)
    # 1 stands in for what is not computed with: a pole there would give a NaN.
    y = op(*[choose(where, x, getattr(x, "dtype", np.dtype(type(x))).type(1)) for x in inputs])
    several = y if isinstance(y, tuple) else (y,)
    chosen = tuple(choose(where, part, part.dtype.type(0)) for part in several)
    return chosen if isinstance(y, tuple) else chosen[0]


def _ufunc(op: Any) -> Any:
    """NumPy's ufunc that `op` is here: a row of the table, or a composition of rows such as sign."""
    return op.fprop if isinstance(op, Op) else getattr(np, op.__name__)


def _dtypes(op: Op, inputs: tuple[Any, ...], dtype: Any) -> tuple[Any, ...]:
    """The dtypes that the inputs are cast to where the result is to have `dtype`."""
    kinds = [type(x) if type(x) in (int, float, complex) else np.asarray(without_history(x)).dtype for x in inputs]
    ufunc = _ufunc(op)
    signature = (None,) * ufunc.nin + (np.dtype(dtype),) * ufunc.nout
    try:
        return tuple(ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout), signature=signature)[: ufunc.nin])
    except TypeError as error:
        raise ArgumentError(f"{op.__name__}: {error}") from error


def _wanted(op: Op, method: str, array: Any, *arguments: Any) -> Any:
    """What NumPy's own method gives on the values; its error as one of ours."""
    try:
        return getattr(_ufunc(op), method)(without_history(array), *arguments)
    except Exception as error:
        raise (failure(op, error, (without_history(array),), (None,)) if isinstance(op, Op) else error) from None


def reduce(
    op: Op, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False, **options: Any
) -> Any:
    """`ufunc.reduce(array, axis)`: entries along `axis` taken together, from the first to the last."""
    if op.__name__ in _REDUCTIONS:
        kind = {} if dtype is None else {"dtype": dtype}
        return _REDUCTIONS[op.__name__](array, axis=axis, keepdims=keepdims, **kind, **options)
    _refuse(op, options)
    wanted = _wanted(op, "reduce", array, axis, dtype, None, keepdims)
    array = astype(array, wanted.dtype)
    axes = () if not array.ndim else normalize_axis_tuple(range(array.ndim) if axis is None else axis, array.ndim)
    moved = moveaxis(array, axes, tuple(range(len(axes))))
    count = int(np.prod(moved.shape[: len(axes)]))
    if not count:
        return constant_tensor(wanted)
    rows = reshape(moved, (count, *moved.shape[len(axes) :]))
    total = rows[0]
    for row in rows[1:]:
        total = op(total, row)
    return expand_dims(total, axes) if keepdims else total


def accumulate(op: Op, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """`ufunc.accumulate(array, axis)`: the results of `reduce` after each entry along `axis`."""
    wanted = _wanted(op, "accumulate", array, axis, dtype)
    array = astype(array, wanted.dtype)
    if op.__name__ == "add":
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
    if op.__name__ == "add" and dtype is None:
        from .ops.differences import reduceat as sums

        return sums(array, indices, axis)
    wanted = _wanted(op, "reduceat", array, indices, axis, dtype)
    if not wanted.size:
        return constant_tensor(wanted)
    axis = normalize_axis_index(axis, array.ndim)
    rows = moveaxis(astype(array, wanted.dtype), axis, 0)
    starts = np.asarray(indices).tolist()
    ends = [*starts[1:], len(rows)]
    pieces = [reduce(op, rows[i:j], 0, dtype) if i < j else rows[i] for i, j in zip(starts, ends, strict=True)]
    return moveaxis(stack(pieces), 0, axis)


def _refuse(op: Op, options: dict[str, Any]) -> None:
    for name, value in options.items():
        if name not in _PLAIN or value != _PLAIN[name]:
            raise ArgumentError(f"{op.__name__}: {name}={value!r} has no gradient here; leave it out")
