"""NumPy's functions that put entries elsewhere: parts, stacks, diagonals, copies, borders, order.

Each is linear. Most are one gather: NumPy's own function, applied to the numbers of the entries instead of the
entries, says which entry goes where (`gathered`).
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..errors import ArgumentError, NotDifferentiableError
from ..op import Op
from . import batching, reach
from .elementwise import where
from .reduce import sum
from .shape import broadcast_to, concatenate, expand_dims, flip, moveaxis, ravel, reshape, stack, swapaxes

__all__ = [
    "append", "array_split", "atleast_1d", "atleast_2d", "atleast_3d", "block", "broadcast_arrays", "column_stack",
    "diag", "diagflat", "dsplit", "dstack", "fliplr", "flipud", "full_like", "hsplit", "hstack", "linspace",
    "logspace", "meshgrid", "pad", "repeat", "resize", "rollaxis", "rot90", "split", "tile", "trace",
    "unstack", "vsplit", "vstack",
]  # fmt: skip


def gathered(x: Any, arrange: Callable[[Any], Any]) -> Any:
    """`arrange(x)`, for a function that puts each entry of its result where an entry of x was."""
    return ravel(x)[arrange(np.arange(np.size(x)).reshape(np.shape(x)))]


def along(x: Any, places: Any, axis: int) -> Any:
    """`x[places]` along one axis."""
    return x[(slice(None),) * normalize_axis_index(axis, x.ndim) + (places,)]


# -- rolled, mirrored ----------------------------------------------------------------------------------------------


def _minus(shift: Any) -> Any:
    return tuple(-k for k in shift) if isinstance(shift, tuple) else -shift


# fmt: off
roll = Op(lambda a, *, shift, axis=None: np.roll(a, shift, axis), name="roll", a=lambda g, shift, axis: roll(g, _minus(shift), axis), linear=("a",), batch=batching.along_or_flat, reach=reach.moved)
tril = Op(lambda m, *, k=0: np.tril(m, k),                        name="tril", m=lambda g, k: tril(g, k),                              linear=("m",), batch=batching.leading, reach=reach.moved)
triu = Op(lambda m, *, k=0: np.triu(m, k),                        name="triu", m=lambda g, k: triu(g, k),                              linear=("m",), batch=batching.leading, reach=reach.moved)
# fmt: on


def fliplr(m: Any) -> Any:
    """The columns in reverse order."""
    return flip(m, 1)


def flipud(m: Any) -> Any:
    """The rows in reverse order."""
    return flip(m, 0)


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turned by k quarters in the plane of two axes."""
    k %= 4
    np.rot90(np.empty(m.shape, bool), k, axes)  # NumPy's own error where that does not go
    if k == 2:
        return flip(m, axes)
    if k == 0:
        return flip(flip(m, axes[0]), axes[0])
    return swapaxes(flip(m, axes[1]), *axes) if k == 1 else flip(swapaxes(m, *axes), axes[1])


def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """`axis` moved to stand before axis `start`."""
    axis = normalize_axis_index(axis, a.ndim)
    start += a.ndim if start < 0 else 0
    return moveaxis(a, axis, start - 1 if axis < start else start)


# -- one array in several, several in one ------------------------------------------------------------------------

# fmt: off
pieces  = Op(lambda ary, *, sections, axis: np.array_split(ary, sections, axis), name="split",   several=True, view=True, ary=lambda g, axis: concatenate(g, axis), linear=("ary",), batch=batching.along("axis"))
slices  = Op(lambda x, *, axis=0: np.unstack(x, axis=axis),                      name="unstack", several=True, view=True, x=lambda g, axis: stack(g, axis),         linear=("x",), batch=batching.along("axis"))
# fmt: on


def _sections(sections: Any) -> Any:
    return sections if isinstance(sections, (int, np.integer)) else tuple(np.asarray(sections).tolist())


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`ary` in pieces of nearly equal length, or between the given places."""
    return pieces(ary, _sections(indices_or_sections), axis)


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`ary` in pieces of equal length, or between the given places."""
    sections = _sections(indices_or_sections)
    if not isinstance(sections, tuple):
        np.split(np.empty(ary.shape, bool), sections, axis)  # NumPy's own error where that does not go
    return pieces(ary, sections, axis)


def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """`split` along the second axis (the only one of a vector)."""
    np.hsplit(np.empty(ary.shape, bool), indices_or_sections)  # NumPy's own error where that does not go
    return split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """`split` along the first axis of two or more."""
    np.vsplit(np.empty(ary.shape, bool), indices_or_sections)
    return split(ary, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """`split` along the third axis."""
    np.dsplit(np.empty(ary.shape, bool), indices_or_sections)
    return split(ary, indices_or_sections, 2)


def unstack(x: Any, *, axis: int = 0) -> Any:
    """The entries of `x` along an axis, as a tuple."""
    return slices(x, axis)


def _with_axes(numpys: Callable[..., Any], arrays: tuple[Any, ...]) -> Any:
    shaped = [reshape(x, numpys(np.broadcast_to(0, np.shape(x))).shape) for x in arrays]
    return shaped[0] if len(shaped) == 1 else tuple(shaped)


def atleast_1d(*arys: Any) -> Any:
    """Scalars as vectors of one entry."""
    return _with_axes(np.atleast_1d, arys)


def atleast_2d(*arys: Any) -> Any:
    """Vectors as rows."""
    return _with_axes(np.atleast_2d, arys)


def atleast_3d(*arys: Any) -> Any:
    """Matrices with a third axis."""
    return _with_axes(np.atleast_3d, arys)


def _all(function: Callable[..., Any], tup: Sequence[Any]) -> list[Any]:
    return [function(x) for x in tup]


def vstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Arrays one below the other."""
    return concatenate(_all(atleast_2d, tup), 0, dtype=dtype, casting=casting)


def hstack(tup: Sequence[Any], *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Arrays side by side."""
    arrays = _all(atleast_1d, tup)
    return concatenate(arrays, 0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def dstack(tup: Sequence[Any]) -> Any:
    """Arrays one behind the other."""
    return concatenate(_all(atleast_3d, tup), 2)


def column_stack(tup: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix; matrices side by side."""
    return concatenate([x if np.ndim(x) >= 2 else reshape(x, (-1, 1)) for x in tup], 1)


def block(arrays: Any) -> Any:
    """An array from nested lists of blocks: the innermost are joined along the last axis."""
    depth = _depth(arrays)
    ndim = max(depth, *(np.ndim(x) for x in _innermost(arrays)), 1) if depth else np.ndim(arrays)
    return _joined(arrays, depth, ndim)


def _depth(arrays: Any) -> int:
    depths = {1 + _depth(x) for x in arrays} if isinstance(arrays, list) else {0}
    if len(depths) != 1:
        raise ValueError("block: lists of different depths" if depths else "block: an empty list")
    return depths.pop()


def _innermost(arrays: Any) -> list[Any]:
    return [y for x in arrays for y in _innermost(x)] if isinstance(arrays, list) else [arrays]


def _joined(arrays: Any, depth: int, ndim: int) -> Any:
    if depth == 0:
        return reshape(arrays, (1,) * (ndim - np.ndim(arrays)) + np.shape(arrays))
    return concatenate([_joined(x, depth - 1, ndim) for x in arrays], -depth)


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """`values` after `arr`; both flattened if `axis` is None."""
    return concatenate([arr, values], axis)


# -- diagonals ------------------------------------------------------------------------------------------------------


def _diagonal(a: Any, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.diagonal(a, offset, axis1, axis2)


def _on_diagonal(d: Any, *, shape: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    y = np.zeros(shape, d.dtype)
    np.einsum("...ii->...i", _square(np.moveaxis(y, (axis1, axis2), (-2, -1)), offset))[...] = d
    return y


def _square(y: Any, offset: int) -> Any:
    """The largest square of the last two axes that has the diagonal at `offset` for its own."""
    y = y[..., max(-offset, 0) :, max(offset, 0) :]
    n = min(y.shape[-2:])
    return y[..., :n, :n]


# fmt: off
diagonal    = Op(_diagonal,    a=lambda g, a_shape, offset, axis1, axis2: on_diagonal(g, a_shape, offset, axis1, axis2), linear=("a",), view=True, batch=batching.along("axis1", "axis2"), reach=reach.moved)
on_diagonal = Op(_on_diagonal, d=lambda g, offset, axis1, axis2: diagonal(g, offset, axis1, axis2),                      linear=("d",))
# fmt: on


def diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix; of a vector, the matrix that has it on its diagonal."""
    if v.ndim == 1:
        n = v.shape[0] + abs(k)
        return on_diagonal(v, (n, n), k)
    if v.ndim != 2:
        raise ValueError(f"diag: a vector or a matrix is needed, not {v.shape}")
    return diagonal(v, k)


def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all entries of `v` on its diagonal."""
    return diag(ravel(v), k)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None) -> Any:
    """The sum of a diagonal."""
    return sum(diagonal(a, offset, axis1, axis2), -1, dtype, out)


# -- copies and borders ----------------------------------------------------------------------------------------------


def tile(A: Any, reps: Any) -> Any:
    """`A` repeated as a whole, `reps` times along each axis."""
    reps = (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    ndim = max(np.ndim(A), len(reps))
    shape, reps = (1,) * (ndim - np.ndim(A)) + np.shape(A), (1,) * (ndim - len(reps)) + reps
    spaced = reshape(A, tuple(m for n in shape for m in (1, n)))
    copies = broadcast_to(spaced, tuple(m for pair in zip(reps, shape, strict=True) for m in pair))
    return reshape(copies, tuple(r * n for r, n in zip(reps, shape, strict=True)))


def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each entry `repeats` times."""
    if axis is None:
        a, axis = ravel(a), 0
    a = atleast_1d(a)
    axis = normalize_axis_index(axis, a.ndim)
    if np.ndim(repeats) == 0:
        shape = (*a.shape[: axis + 1], int(repeats), *a.shape[axis + 1 :])
        copies = broadcast_to(expand_dims(a, axis + 1), shape)
        return reshape(copies, (*a.shape[:axis], a.shape[axis] * int(repeats), *a.shape[axis + 1 :]))
    return along(a, np.repeat(np.arange(a.shape[axis]), repeats), axis)


def resize(a: Any, new_shape: Any) -> Any:
    """The entries of `a`, again and again, in another shape; zeros if there are none."""
    if not np.size(a):
        return full_like(a, 0, shape=new_shape)
    return gathered(a, lambda numbers: np.resize(numbers, new_shape))


_GATHERING_MODES = ("edge", "reflect", "symmetric", "wrap")


def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """`array` with a border: constants, or copies of entries (edge, reflect, symmetric, wrap)."""
    if not array.ndim:
        return array.copy()
    if mode in _GATHERING_MODES and kwargs.get("reflect_type", "even") == "even":
        return gathered(array, lambda numbers: np.pad(numbers, pad_width, mode))
    if mode not in ("constant", "empty"):
        np.pad(np.empty(array.shape), pad_width, mode, **kwargs)  # NumPy's own error
        raise NotDifferentiableError(
            f"pad: mode {mode!r} has no gradient here; constant, edge, reflect, symmetric and wrap have"
        )
    values = kwargs.get("constant_values", 0)
    if not getattr(values, "requires_grad", False):
        return padded(array, _widths(pad_width), _widths(values))
    inside = np.pad(np.ones(array.shape, bool), pad_width, mode="constant", constant_values=False)
    return where(inside, padded(array, _widths(pad_width), 0), values)


def _widths(pad_width: Any) -> Any:
    if isinstance(pad_width, dict):
        raise ArgumentError("pad: a dict of widths; give one pair for each axis")
    return _as_tuples(np.asarray(pad_width).tolist()) if not isinstance(pad_width, (int, float, complex)) else pad_width


def _as_tuples(item: Any) -> Any:
    return tuple(map(_as_tuples, item)) if isinstance(item, list) else item


def _padded(array: Any, *, pad_width: Any, constant_values: Any = 0) -> Any:
    return np.pad(array, pad_width, constant_values=constant_values)


def _inside(g: Any, pad_width: Any, shape: tuple[int, ...]) -> Any:
    before = np.broadcast_to(np.asarray(pad_width), (len(shape), 2))[:, 0].tolist() if shape else []
    return g[tuple(slice(k, k + n) for k, n in zip(before, shape, strict=True))]


# fmt: off
padded = Op(_padded, name="pad", array=lambda g, array_shape, pad_width: _inside(g, pad_width, array_shape))
# fmt: on


# -- grids ---------------------------------------------------------------------------------------------------------


def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    """Arrays broadcast to their common shape."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(broadcast_to(x, shape) for x in args)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy") -> Any:
    """The coordinates of a grid, one array for each axis."""
    np.meshgrid(indexing=indexing)  # NumPy's own error
    grids = [reshape(x, (1,) * k + (-1,) + (1,) * (len(xi) - 1 - k)) for k, x in enumerate(xi)]
    if indexing == "xy" and len(xi) > 1:
        grids = [swapaxes(x, 0, 1) for x in grids]
    return tuple(grids) if sparse else broadcast_arrays(*grids)


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    """An array of the shape of `a`, all entries `fill_value`."""
    shape = a.shape if shape is None else shape
    return broadcast_to(reshape(fill_value, np.shape(fill_value)), shape).astype(a.dtype if dtype is None else dtype)


def _linspace(start: Any, stop: Any, *, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    return np.linspace(start, stop, num, endpoint, axis=axis)


def _portion(g: Any, num: int, endpoint: bool, axis: int) -> Any:
    """How far along each entry of a linspace is, from 0 to 1."""
    portion = np.arange(num) / np.asarray(max(num - endpoint, 1), g.dtype)
    return portion.astype(g.dtype).reshape((-1,) + (1,) * (g.ndim - 1 - axis % g.ndim))


# fmt: off
spaced = Op(_linspace, name="linspace", linear=("start", "stop"), start=lambda g, num, endpoint, axis: sum(g * (1 - _portion(g, num, endpoint, axis)), axis),
            stop=lambda g, num, endpoint, axis: sum(g * _portion(g, num, endpoint, axis), axis))
# fmt: on


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0, *, device: None = None) -> Any:  # fmt: skip
    """`num` numbers from `start` to `stop` at equal distances."""
    y = spaced(start, stop, num, endpoint, axis)
    y = y if dtype is None else y.astype(dtype)
    return (y, (stop - start) / (num - endpoint)) if retstep else y


def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0) -> Any:  # fmt: skip
    """Powers of `base` with exponents from `start` to `stop` at equal distances."""
    y = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else y.astype(dtype)
