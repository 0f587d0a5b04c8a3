"""What the drop-in namespace adds to NumPy's functions: lists with Tensors in them, and arrays made to be filled."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy

from ..ops.shape import astype, broadcast_to, concatenate, reshape, stack
from ..runtime import without_history
from ..tensor import Tensor, constant_tensor


def has_tensor(item: Any) -> bool:
    """Whether a nested list or tuple has a Tensor in it."""
    return isinstance(item, Tensor) or (isinstance(item, (list, tuple)) and any(map(has_tensor, item)))


def array(
    object: Any, dtype: Any = None, *, copy: Any = True, order: str = "K", subok: bool = False, ndmin: int = 0
) -> Any:
    """numpy.array; of a Tensor, or of lists with Tensors in them, a Tensor that keeps their history."""
    if not has_tensor(object):
        return numpy.array(object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin)  # type: ignore[call-overload]
    result = _stacked(object)
    result = result.copy() if copy and result is object else result
    result = result if dtype is None or result.dtype == dtype else astype(result, dtype)
    return reshape(result, (1,) * (ndmin - result.ndim) + result.shape) if ndmin > result.ndim else result


def _stacked(item: Any) -> Any:
    if isinstance(item, Tensor) or not isinstance(item, (list, tuple)):
        return item
    return stack([_stacked(x) if has_tensor(x) else x for x in item])


def asarray(a: Any, dtype: Any = None, order: Any = None, **options: Any) -> Any:
    """numpy.asarray; of a Tensor itself, of lists with Tensors in them a Tensor."""
    if has_tensor(a):
        return array(a, dtype, copy=False)
    return numpy.asarray(a, dtype, order, **options)


def full(shape: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    """numpy.full; floating arrays are Tensors, which `fill_value` may be too."""
    if not has_tensor(fill_value):
        return _fillable(numpy.full(shape, fill_value, dtype, **options))
    fill_value = _stacked(fill_value)
    filled = broadcast_to(fill_value, shape if isinstance(shape, tuple) else tuple(numpy.atleast_1d(shape).tolist()))
    return filled.copy() if dtype is None else astype(filled, dtype)


def maker(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, such as numpy.zeros, giving Tensors: arrays that recorded values can be assigned into."""

    @wraps(function)
    def make(*arguments: Any, **options: Any) -> Any:
        made = function(*arguments, **options)
        return _fillable(without_history(made))

    return make


def full_like(a: Any, fill_value: Any, *arguments: Any, **options: Any) -> Any:
    """numpy.full_like; floating arrays are Tensors, which `fill_value` may be too."""
    made = numpy.full_like(a, _stacked(fill_value), *arguments, **options)
    return made if isinstance(made, Tensor) else _fillable(made)


def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
    """numpy.ascontiguousarray: `asarray` with at least one axis."""
    result = asarray(a, dtype, "C")
    return result if result.ndim else reshape(result, (1,))


class _ArrayType(type):
    """Lets `isinstance(x, np.ndarray)` of a NumPy program hold for the Tensors that its arrays are."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, numpy.ndarray) or (isinstance(x, Tensor) and isinstance(x._data, numpy.ndarray))

    def __subclasscheck__(cls, other: type) -> bool:
        return other is Tensor or issubclass(other, numpy.ndarray)


class ndarray(numpy.ndarray[Any, Any], metaclass=_ArrayType):
    """numpy.ndarray, of which Tensors with axes are instances too."""


def isscalar(element: Any) -> bool:
    """numpy.isscalar; a Tensor without axes stands for a NumPy scalar."""
    return numpy.isscalar(without_history(element))


def _fillable(made: Any) -> Any:
    """Floating arrays as Tensors; counters and masks stay NumPy's."""
    return constant_tensor(made if made.ndim else made[()]) if made.dtype.kind in "fc" else made


def taking_lists(function: Any) -> Any:
    """`function` with lists that have Tensors in them made Tensors, where it is a NumPy function that takes arrays."""
    if not callable(function) or isinstance(function, (type, numpy.ufunc)) or not hasattr(function, "__wrapped__"):
        return function
    if function.__name__ == "block":  # whose nested lists are the blocks
        return function
    convert = _each_stacked if function.__name__ in _TAKES_SEVERAL else _stacked

    @wraps(function)
    def on_arrays(*arguments: Any, **options: Any) -> Any:
        if any(type(a) in (list, tuple) and has_tensor(a) for a in (*arguments, *options.values())):
            arguments = tuple(convert(a) if has_tensor(a) else a for a in arguments)
            options = {k: convert(a) if has_tensor(a) else a for k, a in options.items()}
        return function(*arguments, **options)

    return on_arrays


def _each_stacked(item: Any) -> Any:
    """A list of arrays, those given as lists with Tensors in them as Tensors."""
    if isinstance(item, Tensor):
        return item
    return type(item)(_stacked(x) if has_tensor(x) else x for x in item)


# Functions one of whose arguments is a list of arrays.
# fmt: off
_TAKES_SEVERAL = {
    "concatenate", "concat", "stack", "hstack", "vstack", "dstack", "column_stack", "select", "multi_dot",
    "choose", "piecewise", "lexsort",
}
# fmt: on


class _Joiner:
    """numpy.r_ and numpy.c_, for Tensors between the brackets too."""

    def __init__(self, numpys: Any, *, columns: bool):
        self._numpys = numpys
        self._columns = columns

    def __getitem__(self, items: Any) -> Any:
        parts = items if isinstance(items, tuple) else (items,)
        if not any(map(has_tensor, parts)):
            return self._numpys[items]
        arrays = [numpy.r_[part] if isinstance(part, slice) else _stacked(part) for part in parts]
        if not self._columns:
            return concatenate([reshape(a, (-1,)) if numpy.ndim(a) == 0 else a for a in arrays])
        return concatenate([reshape(a, (-1, 1)) if numpy.ndim(a) < 2 else a for a in arrays], -1)


r_ = _Joiner(numpy.r_, columns=False)
c_ = _Joiner(numpy.c_, columns=True)
