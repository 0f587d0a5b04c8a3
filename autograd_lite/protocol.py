"""Floor 4: the derivative table bound to NumPy's two protocols, and the functions that make Tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import AutogradError, LeakError, NotDifferentiableError
from .methods import change, plain
from .ops import BY_FUNCTION, FUNCTIONS, counterpart, load_all, shape
from .ops.index import split_index
from .tensor import Tensor, constant_tensor

# -- NumPy's protocols -------------------------------------------------------------------------------------------

# Functions that only look at shapes and dtypes, or make a new constant: they run on the value.
_LOOKS = frozenset({
    np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.zeros_like, np.ones_like,
    np.empty_like, np.may_share_memory, np.shares_memory, np.can_cast, np.array_repr, np.array_str, np.array2string,
    np.common_type, np.einsum_path,
})  # fmt: skip


def _array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """NumPy calls this for `np.sin(t)`, for `ndarray * t` and for `np.add.reduce(t)`."""
    op = BY_FUNCTION.get(ufunc) or counterpart(ufunc)
    if op is not None and not options and method == "__call__":
        return op(*inputs)
    if method == "at" and isinstance(inputs[0], Tensor) and ufunc in (np.add, np.subtract):
        static, arrays = split_index(inputs[1])
        return change(shape.additem, inputs[0], inputs[2] if ufunc is np.add else -inputs[2], static, arrays)
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
    if function is np.where and len(arguments) + len(options) == 1:
        function = np.nonzero
    if function in _LOOKS:  # before the table, whose later chapters would all be loaded to look for these
        return _on_values(function, arguments, options)
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
    if not _any_recorded((arguments, options)):
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


def _on_values(function: Any, arguments: Any, options: Any) -> Any:
    return _as_constants(function(*plain(arguments), **plain(options)))


def _as_constants(result: Any) -> Any:
    """The arrays in what NumPy returned as constants."""
    if isinstance(result, (tuple, list)):
        parts = [_as_constants(part) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return constant_tensor(result) if isinstance(result, (np.ndarray, np.generic)) else result


def _no_gradient(name: str) -> str:
    import difflib  # only when something has gone wrong

    load_all()
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
        return Tensor(function(*plain(arguments), **plain(options)), requires_grad)

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
