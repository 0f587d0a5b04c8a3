"""NumPy's functions that write into an array they are given, as recorded assignments into a Tensor; and choices by number.

`copyto`, `fill_diagonal`, `place`, `put`, `put_along_axis` and `putmask` do what `x[index] = v` does, and return nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, LeakError
from ..tensor import Tensor, constant_tensor
from .chosen import lines_at
from .elementwise import where as choose_where
from .shape import astype, broadcast_to, expand_dims, moveaxis, reshape, stack, value_of

__all__ = [
    "apply_along_axis", "apply_over_axes", "choose", "copy", "copyto", "fill_diagonal", "piecewise", "place", "put",
    "put_along_axis", "putmask",
]  # fmt: skip


def _values(v: Any) -> Any:
    """`v` in one axis."""
    return reshape(v if hasattr(v, "ndim") else np.asarray(v), (-1,))


def _assign(name: str, x: Any, index: Any, values: Any) -> None:
    """`x[index] = values` for a Tensor x; a NumPy array has no history to take the values'."""
    if not isinstance(x, Tensor) and getattr(values, "node", None) is not None:
        raise LeakError(f"{name}: a NumPy array cannot hold recorded values; make the buffer a Tensor, by ag.zeros")
    x[index] = values


def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """A copy, with its history."""
    return a.copy()


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """`dst[...] = src`, where the mask `where` holds."""
    if hasattr(src, "dtype") and not np.can_cast(src.dtype, dst.dtype, casting):  # type: ignore[arg-type]
        raise ArgumentError(f"copyto: cannot cast {src.dtype} to {dst.dtype} according to the rule {casting!r}")
    _assign("copyto", dst, ..., src if where is True else choose_where(where, src, dst))


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """The diagonal of `a` set to `val`, again and again if there are fewer values."""
    marks = np.zeros(a.shape, bool)
    np.fill_diagonal(marks, True, wrap)  # NumPy's own error where there is no diagonal
    index, values = np.nonzero(marks), _values(val)
    _assign("fill_diagonal", a, index, values[np.arange(len(index[0])) % len(values)])


def place(arr: Any, mask: Any, vals: Any) -> None:
    """The entries under `mask` set to the first of `vals`, again and again."""
    values, index = _values(vals), np.nonzero(value_of(mask).astype(bool).reshape(arr.shape))
    n = len(index[0])
    if n and not len(values):
        raise ValueError("place: no values to insert")
    _assign("place", arr, index, values[np.arange(n) % max(len(values), 1)])


def putmask(a: Any, mask: Any, values: Any) -> None:
    """The entries under `mask` set to those of `values` at the same place, counted modulo their number."""
    if np.size(mask) != a.size:
        raise ValueError(f"putmask: a mask of shape {np.shape(mask)} for an array of shape {a.shape}")
    marks, flat = value_of(mask).astype(bool), _values(values)
    if len(flat):
        _assign("putmask", a, np.nonzero(marks.reshape(a.shape)), flat[np.flatnonzero(marks) % len(flat)])


def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """The entries that `ind` counts in C order set to `v`, again and again if there are fewer values."""
    places = np.take(np.arange(a.size), np.ravel(value_of(ind)), mode=mode)  # type: ignore[call-overload]
    values = _values(v)
    if len(places) and len(values):
        _assign("put", a, np.unravel_index(places, a.shape), values[np.arange(len(places)) % len(values)])


def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """For each line along `axis` the entries that `indices` names there set to `values`."""
    if axis is None:
        put(arr, indices, values)
    else:
        _assign("put_along_axis", arr, lines_at(arr, indices, axis), values)


# -- one of several ------------------------------------------------------------------------------------------------


def choose(a: Any, choices: Sequence[Any], out: None = None, mode: str = "raise") -> Any:
    """At each place the entry of the choice that `a` names there."""
    plain = [value_of(x) for x in choices]
    wanted = np.choose(value_of(a), plain, mode=mode)  # type: ignore[call-overload]
    named = np.choose(value_of(a), range(len(plain)), mode=mode)  # type: ignore[call-overload]
    y = choices[-1]
    for k in reversed(range(len(plain) - 1)):
        y = choose_where(named == k, choices[k], y)
    return broadcast_to(astype(y, wanted.dtype), wanted.shape)


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Each function (or number) at the entries for which its condition holds; one more is for all others."""
    x = x if hasattr(x, "ndim") else np.asarray(x)
    if np.isscalar(condlist) or (not isinstance(condlist[0], (list, Tensor, np.ndarray)) and x.ndim):
        condlist = [condlist]
    marks = [np.broadcast_to(value_of(c).astype(bool), x.shape) for c in condlist]
    if len(marks) == len(funclist) - 1:
        marks.append(~np.any(marks, axis=0))
    elif len(marks) != len(funclist):
        raise ValueError(f"piecewise: {len(marks)} conditions for {len(funclist)} functions")
    y = constant_tensor(np.zeros(x.shape, x.dtype))
    line = reshape(x, (-1,))
    y = reshape(y, (-1,))
    for mark, function in zip(marks, funclist, strict=True):
        places = np.flatnonzero(mark)
        if len(places):
            y = y.copy()
            y[places] = function(line[places], *args, **kw) if callable(function) else function
    return reshape(y, x.shape)


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`func1d` of every line along `axis`; its results stand in the place of that axis."""
    lines = moveaxis(arr, axis, -1)
    lead = lines.shape[:-1]
    if 0 in lead:
        raise ValueError("apply_along_axis: no lines, so that the shape of the results is unknown")
    each = [func1d(lines[index], *args, **kwargs) for index in np.ndindex(lead)]
    y = reshape(stack([x if hasattr(x, "ndim") else np.asarray(x) for x in each]), (*lead, *np.shape(each[0])))
    at = axis % arr.ndim
    return moveaxis(y, tuple(range(len(lead), y.ndim)), tuple(range(at, at + y.ndim - len(lead))))


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """`func(a, axis)` for one axis after another; axes that it drops stay, of length 1."""
    for axis in np.atleast_1d(axes).tolist():
        y = func(a, axis)
        if y.ndim != a.ndim:
            y = expand_dims(y, axis)
        if y.ndim != a.ndim:
            raise ValueError("apply_over_axes: the function returned an array of other dimensions")
        a = y
    return a
