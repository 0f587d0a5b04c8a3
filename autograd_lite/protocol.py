"""Floor 4: binds the derivative table onto Tensor: operators, methods, indexing, and NumPy's two protocols."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from .errors import ArgumentError, AutogradError, LeakError, NotDifferentiableError
from .node import Leaf, is_recording, no_grad
from .op import Op
from .ops import BY_FUNCTION, FUNCTIONS, by_name, counterpart, elementwise, products, shape
from .tensor import Tensor, constant_tensor, own, owned_copy, set_leaf

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


def _power(a: Tensor, b: Any) -> Any:
    """`a ** b`; like NumPy, a Python number 2 squares."""
    if type(b) in (int, float) and b == 2:
        return elementwise.square.call(a)
    return elementwise.raised(a, b)


# -- indexing ----------------------------------------------------------------------------------------------------


def _getitem(x: Tensor, index: Any) -> Any:
    static, arrays = shape.split_index(index)
    y = shape.getitem.call(x, *arrays, index=static)
    if x.node is not None and x.node.op is not None and x.node.op.in_place and isinstance(y._data, np.ndarray):
        y._data = own(y._data)  # of a buffer that is being filled: a view of it would make the next write copy it all
    return y


def _setitem(x: Tensor, index: Any, value: Any) -> None:
    """`x[index] = value`: a leaf changes under `no_grad`; any other Tensor becomes, from here on, the result
    of a recorded assignment. Earlier views of x keep what they showed."""
    _change(shape.setitem, x, value, *shape.split_index(index))


def _change(op: Op, x: Tensor, value: Any, static: Any, arrays: list[Any]) -> None:
    """Make `x` the result of `op`, an assignment into it; in its own memory where nobody else can see that."""
    if isinstance(x.node, Leaf):
        if is_recording():
            raise LeakError(
                f"{op.name}: {x.name or 'x'} of shape {x.shape} is a leaf, and its history has no room for an"
                " assignment while recording; use ag.no_grad() to change the leaf, or assign into x.copy()"
            )
        plain = tuple(a._data if isinstance(a, Tensor) else a for a in arrays)
        with no_grad():
            new = op(constant_tensor(x._data), value, *plain, index=static)
        set_leaf(x.node, x, new)
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


def _reshape(x: Tensor, *new_shape: Any) -> Any:
    return shape.reshape(x, _sizes(new_shape))


def _transpose(x: Tensor, *axes: Any) -> Any:
    return shape.transpose(x, _sizes(axes) if axes else None)


def _compress(x: Tensor, condition: Any, axis: int | None = None) -> Any:
    return np.compress(condition, x, axis)


def _fill(x: Tensor, value: Any) -> None:
    x[...] = value


def _sort(x: Tensor, axis: int = -1, kind: Any = None) -> None:
    x[...] = np.sort(x, axis, kind)


def _copy(x: Tensor) -> Any:
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
            "astype",
            "clip",
        ]
    },
}
for _method, _function in _METHODS.items():
    setattr(Tensor, _method, _function)
for _method in ("argpartition", "argsort", "conjugate", "cumprod", "diagonal", "nonzero", "repeat", "round",
                "searchsorted", "take", "trace"):  # fmt: skip
    _bind_on_first_use(_method, lambda name=_method: by_name(name))  # type: ignore[misc]


# -- NumPy's protocols -------------------------------------------------------------------------------------------

# Functions that only look at shapes and dtypes, or make a new constant: they run on the value.
_LOOKS = (np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.zeros_like, np.ones_like,
          np.empty_like, np.full_like, np.may_share_memory, np.shares_memory, np.can_cast)  # fmt: skip


def _array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """NumPy calls this for `np.sin(t)`, for `ndarray * t` and for `np.add.reduce(t)`."""
    op = BY_FUNCTION.get(ufunc) or counterpart(ufunc)
    if op is not None and not options and method == "__call__":
        return op(*inputs)
    if method == "at" and isinstance(inputs[0], Tensor) and ufunc in (np.add, np.subtract):
        static, arrays = shape.split_index(inputs[1])
        return _change(shape.additem, inputs[0], inputs[2] if ufunc is np.add else -inputs[2], static, arrays)
    if not (op and method == "__call__" and not options.get("out")) and not _any_recorded((inputs, options)):
        return _on_values(getattr(ufunc, method), inputs, options)
    if options.get("out") is not None:
        raise LeakError(
            f"{ufunc.__name__}: out= (or an in-place operator such as a += t on a NumPy array) would drop the"
            " history of a recorded Tensor; write a = a + t"
        )
    if op is None or method == "at":
        raise NotDifferentiableError(_no_gradient(ufunc.__name__ + f".{method}" * (method != "__call__")))
    from . import ufuncs  # loaded when first used

    return getattr(ufuncs, "call" if method == "__call__" else method)(op, *inputs, **options)


def _array_function(self: Tensor, function: Any, types: Any, arguments: Any, options: Any) -> Any:
    """NumPy calls this for `np.sum(t)` and other functions that are not ufuncs."""
    ours = counterpart(function)
    if ours is not None:
        try:
            return ours(*arguments, **options)
        except TypeError as error:
            if isinstance(error, AutogradError) or _fits(ours, arguments, options):
                raise
        bound = _bound(ours, function, arguments, options)
        if bound is not None:
            return ours(**bound)
        if _any_recorded((arguments, options)):
            raise NotDifferentiableError(
                f"{function.__name__}: recorded Tensors are taken as {function.__name__}"
                f"{inspect.signature(ours)}; what is asked beyond that has no gradient here"
            )
    if function in _LOOKS or not _any_recorded((arguments, options)):
        return _on_values(function, arguments, options)
    raise NotDifferentiableError(_no_gradient(function.__name__))


def _fits(ours: Any, arguments: Any, options: Any) -> bool:
    """Whether our function takes these arguments: NumPy's has some that ours has not, such as like=."""
    try:
        inspect.signature(ours).bind(*arguments, **options)
    except TypeError:
        return False
    return True


def _bound(ours: Any, function: Any, arguments: Any, options: Any) -> dict[str, Any] | None:
    """The arguments of NumPy's `function` by our names for them, such as x for np.sum(a=t); None if it has others."""
    theirs, own_names = inspect.signature(function), list(inspect.signature(ours).parameters)
    translated = dict(zip(theirs.parameters, own_names, strict=False))
    given = theirs.bind(*arguments, **options).arguments  # NumPy's own TypeError, where it would raise one
    named = {name if name in own_names else translated.get(name, name): value for name, value in given.items()}
    return named if set(named) <= set(own_names) and len(named) == len(given) else None


def _any_recorded(arguments: Any) -> bool:
    stack = [arguments]
    while stack:
        item = stack.pop()
        if isinstance(item, Tensor) and item.node is not None:
            return True
        if isinstance(item, (list, tuple)):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item.values())
    return False


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value._data
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def _on_values(function: Any, arguments: Any, options: Any) -> Any:
    result = function(*_plain(arguments), **_plain(options))
    return constant_tensor(result) if isinstance(result, (np.ndarray, np.generic)) else result


def _no_gradient(name: str) -> str:
    import difflib  # only when something has gone wrong

    close = difflib.get_close_matches(name, FUNCTIONS, 1, 0.5)
    advice = f"the closest supported function is {close[0]}" if close else "declare one with ag.Op"
    return f"{name}: no gradient is known for this; {advice}; or take t.detach() if none is wanted"


Tensor.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Tensor.__array_function__ = _array_function  # type: ignore[attr-defined]

# -- new Tensors -------------------------------------------------------------------------------------------------


def tensor(data: Any, requires_grad: bool = False, name: str | None = None, dtype: Any = None) -> Tensor:
    """A Tensor with a copy of `data`.

    Parameters
    ----------
    data: numbers, nested lists of them, or an array.
    requires_grad: whether `backward` leaves a gradient on it; needs a float or complex dtype.
    name: shown in pictures and errors.
    dtype: NumPy's; that of `data` if None.

    Raises
    ------
    NotDifferentiableError (a TypeError) for integers or booleans with requires_grad=True.

    >>> import autograd_lite as ag
    >>> ag.tensor([1.0, 2.0], requires_grad=True, name="w")
    Tensor([1., 2.], requires_grad=True, name='w')
    """
    return Tensor(data, requires_grad, name, dtype)


def _maker(name: str) -> Callable[..., Tensor]:
    function = getattr(np, name)

    def make(*arguments: Any, requires_grad: bool = False, **options: Any) -> Tensor:
        return Tensor(function(*_plain(arguments), **_plain(options)), requires_grad)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"A Tensor made by np.{name}; `requires_grad=True` makes it a leaf."
    return make


MAKERS = {
    name: _maker(name)
    for name in [
        "zeros",
        "ones",
        "full",
        "empty",
        "eye",
        "identity",
        "arange",
        "linspace",
        "zeros_like",
        "ones_like",
        "full_like",
    ]
}
