"""Floor 4: the derivative table bound onto Tensor as operators, indexing and methods, with ndarray's names."""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from .errors import ArgumentError, LeakError, NotDifferentiableError
from .leaf import set_leaf
from .node import Leaf, is_recording, is_tracing
from .op import Op
from .ops import FUNCTIONS, by_name, elementwise, products, shape
from .ops.index import split_index
from .tensor import Tensor, constant_tensor, own, owned_copy

# -- operators ---------------------------------------------------------------------------------------------------

_OPERATORS: dict[str, Op] = {
    "__add__": elementwise.add,
    "__sub__": elementwise.subtract,
    "__mul__": elementwise.multiply,
    "__truediv__": elementwise.divide,
    "__floordiv__": elementwise.floor_divide,
    "__mod__": elementwise.remainder,
    "__matmul__": products.matmul,
    "__and__": elementwise.bitwise_and,
    "__or__": elementwise.bitwise_or,
    "__neg__": elementwise.negative,
    "__pos__": elementwise.positive,
    "__abs__": elementwise.absolute,
    "__invert__": elementwise.invert,
    "__eq__": elementwise.equal,
    "__ne__": elementwise.not_equal,
    "__lt__": elementwise.less,
    "__le__": elementwise.less_equal,
    "__gt__": elementwise.greater,
    "__ge__": elementwise.greater_equal,
}
_REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "matmul", "and", "or")


def _bind_on_first_use(method: str, make: Callable[[], Callable[..., Any]]) -> None:
    """Bind a generated function as `method`, but write it only when it is first called."""

    def first(self: Tensor, *arguments: Any, **options: Any) -> Any:
        setattr(Tensor, method, make())
        return getattr(self, method)(*arguments, **options)

    first.__name__ = method
    setattr(Tensor, method, first)


def _reflected(op: Op) -> Callable[[Any, Any], Any]:
    call = op.call
    return lambda b, a: call(a, b)


for _method, _op in _OPERATORS.items():
    _bind_on_first_use(_method, lambda op=_op: op.call)  # type: ignore[misc]
for _method in _REFLECTED:
    _bind_on_first_use(f"__r{_method}__", lambda op=_OPERATORS[f"__{_method}__"]: _reflected(op))  # type: ignore[misc]


for _method, _name in (("xor", "bitwise_xor"), ("lshift", "left_shift"), ("rshift", "right_shift")):
    _bind_on_first_use(f"__{_method}__", lambda name=_name: by_name(name).call)  # type: ignore[misc, union-attr]
    _bind_on_first_use(f"__r{_method}__", lambda name=_name: _reflected(by_name(name)))  # type: ignore[misc, arg-type]


def _power(a: Tensor, b: Any) -> Any:
    """`a ** b`; like NumPy, a Python number 2 squares."""
    if type(b) in (int, float) and b == 2:
        return elementwise.square.call(a)
    return elementwise.raised(a, b)


# -- indexing ----------------------------------------------------------------------------------------------------


def _getitem(x: Tensor, index: Any) -> Any:
    static, arrays = split_index(index)
    y = shape.getitem.call(x, *arrays, index=static) if arrays else shape.getitem.call(x, index=static)
    if x.node is not None and x.node.op is not None and x.node.op.in_place and isinstance(y._data, np.ndarray):
        y._data = own(y._data)  # of a buffer that is being filled: a view of it would make the next write copy it all
    return y


def _setitem(x: Tensor, index: Any, value: Any) -> None:
    """`x[index] = value`: a leaf changes under `no_grad`; any other Tensor becomes, from here on, the result
    of a recorded assignment. Earlier views of x keep what they showed."""
    change(shape.setitem, x, value, *split_index(index))


def change(op: Op, x: Tensor, value: Any, static: Any, arrays: list[Any]) -> None:
    """Make `x` the result of `op`, an assignment into it; in its own memory where nobody else can see that."""
    if isinstance(x.node, Leaf):
        if is_recording():
            raise LeakError(
                f"{op.name}: {x.name or 'x'} of shape {x.shape} is a leaf, and its history has no room for an"
                " assignment while recording; use ag.no_grad() to change the leaf, or assign into x.copy()"
            )
        if traces := is_tracing():
            traces[-1].assigned(x.node, x, value, op, static, arrays)
            return
        cell = np.asarray(x.node.data)  # of a scalar leaf, which is immutable, a copy
        op.in_place(cell, *plain([value, *arrays]), index=static)  # type: ignore[misc]
        set_leaf(x.node, x, cell)
        return
    if own(x._data) is not x._data:
        raise ArgumentError(
            f"{op.name}: this Tensor of shape {x.shape} is a view of another; assign through the base"
            " (x[i, j] = v, not x[i][j] = v), or into x.copy()"
        )
    if isinstance(x._data, np.ndarray) and not x._data.flags.writeable:
        raise ArgumentError(f"{op.name}: this Tensor of shape {x.shape} is a locked copy of a view, made while nothing"
                            " was recorded; assign through the base, or into x.copy()")  # fmt: skip
    if x.dtype.kind not in "fc" and isinstance(value, Tensor) and value.requires_grad:
        raise ArgumentError(f"{op.name}: x has dtype {x.dtype} and cannot hold a recorded value; use x.astype(float)")
    # A constant's node-to-be holds its array for replays; the value of a recorded assignment is held by x alone.
    alone = x.node is not None and x.node.op.in_place is not None and _references(x) == _ALONE
    new = op.call(x, value, *arrays, index=static, in_place=alone)
    x._data, x.node = new._data, new.node


def _references(x: Tensor) -> int:
    """How many references Python counts to the array of x: of nodes, views and callers."""
    return getrefcount(x._data)


_ALONE = _references(constant_tensor(np.zeros(1)))


# -- methods -----------------------------------------------------------------------------------------------------


def _sizes(arguments: tuple[Any, ...]) -> Any:
    return arguments[0] if len(arguments) == 1 and not isinstance(arguments[0], (int, np.integer)) else arguments


def _reshape(x: Tensor, *new_shape: Any, **options: Any) -> Any:
    if not new_shape and "shape" not in options:
        raise ArgumentError("reshape: a shape is missing")
    return shape.reshape(x, *([_sizes(new_shape)] if new_shape else []), **options)


def _transpose(x: Tensor, *axes: Any) -> Any:
    return shape.transpose(x, _sizes(axes) if axes else None)


def _compress(x: Tensor, condition: Any, axis: int | None = None) -> Any:
    return np.compress(condition, x, axis)


def _fill(x: Tensor, value: Any) -> None:
    x[...] = value


def _sort(x: Tensor, axis: int = -1, kind: Any = None) -> None:
    x[...] = np.sort(x, axis, kind)


def _astype(
    x: Tensor, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
) -> Any:
    if not np.can_cast(x.dtype, dtype, casting):  # type: ignore[arg-type]
        raise ArgumentError(f"astype: cannot cast {x.dtype} to {np.dtype(dtype)} according to the rule {casting!r}")
    return x if not copy and x.dtype == dtype else shape.astype(x, dtype)


def _divmod(x: Any, y: Any) -> Any:
    return np.divmod(x, y)


def _round(x: Tensor, ndigits: Any = None) -> Any:
    """`round(t)` to a whole number is flat, as Python's: an integer."""
    if x.ndim:
        raise ArgumentError(f"round(t) is for numbers, not for shape {x.shape}; use t.round()")
    if ndigits is not None:
        return np.round(x, ndigits)
    x._refuse_if_many("round(t)")
    return round(x._data)


def _partition(x: Tensor, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None) -> None:
    x[...] = np.partition(x, kth, axis, kind)  # type: ignore[call-overload]


def _put(x: Tensor, indices: Any, values: Any, mode: str = "raise") -> None:
    np.put(x, indices, values, mode)  # type: ignore[arg-type]


def _view(x: Tensor, dtype: Any = None) -> Any:
    if dtype is not None and dtype != x.dtype:
        raise NotDifferentiableError(f"view: the bytes of {x.dtype} read as {dtype} have no gradient; use t.astype")
    return shape.reshape(x, x.shape)


def _copy(x: Tensor, order: str = "C") -> Any:
    return elementwise.positive(x) if x.dtype != bool else constant_tensor(owned_copy(x._data, None))


_METHODS: dict[str, Any] = {
    "__pow__": _power,
    "__rpow__": lambda b, a: elementwise.raised(a, b),
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "reshape": _reshape,
    "transpose": _transpose,
    "copy": _copy,
    "compress": _compress,
    "astype": _astype,
    "partition": _partition,
    "put": _put,
    "view": _view,
    "__round__": _round,
    "__divmod__": _divmod,
    "__rdivmod__": lambda b, a: _divmod(a, b),
    "fill": _fill,
    "sort": _sort,
    "flatten": lambda x, order="C": shape.ravel(x, order),
    "dot": products.dot,
    "conj": lambda x: elementwise.conjugate(x) if x.dtype.kind == "c" else x,
    "T": property(lambda x: shape.transpose(x)),
    "mT": property(shape.matrix_transpose),
    "real": property(lambda x: elementwise.real(x) if x.dtype.kind == "c" else x),
    "imag": property(lambda x: elementwise.imag(x)),
    **{
        name: FUNCTIONS[name]
        for name in [
            "sum",
            "mean",
            "prod",
            "max",
            "min",
            "var",
            "std",
            "cumsum",
            "argmax",
            "argmin",
            "all",
            "any",
            "swapaxes",
            "squeeze",
            "ravel",
            "clip",
        ]
    },
}
for _method, _function in _METHODS.items():
    setattr(Tensor, _method, _function)
for _method in ("argpartition", "argsort", "choose", "conjugate", "cumprod", "diagonal", "nonzero", "repeat", "round",
                "searchsorted", "take", "trace"):  # fmt: skip
    _bind_on_first_use(_method, lambda name=_method: by_name(name))  # type: ignore[misc, arg-type]


def plain(value: Any) -> Any:
    """`value`, or nested containers of it, with Tensors as arrays."""
    if isinstance(value, Tensor):
        return value._data
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value
