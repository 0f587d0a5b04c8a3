"""Rearranging entries: every op here is linear, and stands beside the op that undoes it for gradients (its adjoint).

reshape and reshape, transpose and its inverse, index and scatter, broadcast_to and sum_to.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..errors import ArgumentError, ShapeError
from ..op import Op
from ..runtime import handle, refuse_out
from ..source import reads_as
from ..tensor import Tensor
from . import batching, reach
from .elementwise import where
from .index import Index

__all__ = ["astype", "concatenate", "flip", "mT", "matrix_transpose", "moveaxis", "ravel", "stack"]

# -- the same entries in another shape -------------------------------------------------------------------------


def value_of(x: Any) -> Any:
    """`x` as an array, for a question whose answer no derivative sees; refused where x stands for many (vmap)."""
    return x.data if isinstance(x, Tensor) else x


def _reshape(x: Any, *, shape: Any) -> Any:
    return np.reshape(x, shape)


def _reshape_in_order(x: Any, *, shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    """np.reshape with `order=`; "A" and "K" would ask how x lies in memory, which no derivative knows."""
    if order == "C":
        return reshape(x, shape)
    if order != "F":
        raise ArgumentError(f"reshape: order {order!r}; 'C' and 'F' are supported")
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return transpose(reshape(transpose(x), shape[::-1]))


def _transpose(x: Any, *, axes: Any = None) -> Any:
    return np.transpose(x, axes)


def _swapaxes(x: Any, *, axis1: int, axis2: int) -> Any:
    return np.swapaxes(x, axis1, axis2)


def _expand_dims(x: Any, *, axis: Any) -> Any:
    return np.expand_dims(x, axis)


def _squeeze(x: Any, *, axis: Any = None) -> Any:
    return np.squeeze(x, axis)


def _astype(x: Any, *, dtype: Any) -> Any:
    return x.astype(dtype) if hasattr(x, "astype") else np.asarray(x, dtype)


def _cast_into(memory: Any, x: Any, *, dtype: Any) -> None:
    np.copyto(memory, x, casting="unsafe")


def _contiguous(x: Any) -> Any:
    return np.array(x, order="C")


# fmt: off
reshape = Op(_reshape,     x=lambda g, x_shape: reshape(g, x_shape),                  linear=("x",), view=True, beyond=_reshape_in_order, batch=batching.to_shape, reach=reach.moved)
transpose = Op(_transpose,   x=lambda g, axes: transpose(g, _inverse_permutation(axes)), linear=("x",), view=True, batch=batching.transposed, reach=reach.moved)
swapaxes = Op(_swapaxes,    x=lambda g, axis1, axis2: swapaxes(g, axis1, axis2),       linear=("x",), view=True, batch=batching.along("axis1", "axis2"), reach=reach.moved)
expand_dims = Op(_expand_dims, x=lambda g, x_shape: reshape(g, x_shape),                  linear=("x",), view=True, batch=batching.to_shape, reach=reach.moved)
squeeze     = Op(_squeeze,     x=lambda g, x_shape: reshape(g, x_shape),                  linear=("x",), view=True, batch=batching.to_shape, reach=reach.moved)
cast        = Op(_astype, name="cast", x=lambda g: g, linear=("x",), elementwise=True, write=_cast_into)   # the engine returns g in x's own dtype
round_off   = Op(_astype, name="round_off", x=None, elementwise=True, write=_cast_into)  # to integers or booleans: flat
contiguous  = Op(_contiguous,  x=lambda g: g, linear=("x",), elementwise=True, write=lambda memory, x: np.copyto(memory, x))  # entries that are used together come to lie together
# fmt: on


def astype(x: Any, dtype: Any) -> Any:
    """`x` in another dtype; to integers or booleans it is flat: recorded, without gradient."""
    dtype = np.dtype(dtype)
    return (cast if dtype.kind in "fc" else round_off)(x, dtype)


def matrix_transpose(x: Any) -> Any:
    """The last two axes swapped, x^T for each matrix of a stack; on arrays and Tensors."""
    return x.swapaxes(-1, -2) if x.ndim != 2 else x.T


mT = matrix_transpose


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes `source` of `a` moved to `destination`; a transpose."""
    ndim = np.ndim(a)
    source, destination = (normalize_axis_tuple(axes, ndim) for axes in (source, destination))
    order = [axis for axis in range(ndim) if axis not in source]
    for to, axis in sorted(zip(destination, source, strict=True)):
        order.insert(to, axis)
    return transpose(a, tuple(order))


def ravel(a: Any, order: str = "C") -> Any:
    """All entries of `a` in one axis, in C order, or the first axis fastest for "F"."""
    return reshape(a, (-1,)) if order == "C" else reshape(a, (-1,), order=order)


def flip(m: Any, axis: Any = None) -> Any:
    """`m` with the order of entries reversed along `axis` (all axes if None)."""
    axes = range(np.ndim(m)) if axis is None else normalize_axis_tuple(axis, np.ndim(m))
    return m[tuple(slice(None, None, -1) if k in axes else slice(None) for k in range(np.ndim(m)))]


def _inverse_permutation(axes: Any) -> Any:
    return None if axes is None else tuple(int(k) for k in np.argsort([axis % len(axes) for axis in axes]))


# -- copies of entries, and the sums that undo them -------------------------------------------------------------


def _broadcast_to(x: Any, *, shape: Any) -> Any:
    return np.broadcast_to(x, shape)


def _sum_to(x: Any, *, shape: Any) -> Any:
    """Sum over the axes along which broadcasting would have copied an array of `shape`."""
    extra = x.ndim - len(shape)
    if extra == 1 and x.shape[1:] == shape:  # a bias, copied along the batch
        return np.add.reduce(x, 0)
    if extra < 0 or any(n not in (1, m) for n, m in zip(shape, x.shape[extra:], strict=True)):
        raise ShapeError(f"sum_to: no broadcasting copies an array of shape {shape} to {x.shape}")
    x = np.add.reduce(x, tuple(range(extra))) if extra else x
    copied = tuple(k for k, n in enumerate(shape) if n == 1 and x.shape[k] != 1)
    return np.add.reduce(x, copied, keepdims=True) if copied else x


# fmt: off
broadcast_to = Op(_broadcast_to, x=lambda g, x_shape: sum_to(g, x_shape),       linear=("x",), view=True, batch=batching.copied, reach=reach.moved)
sum_to = Op(_sum_to,       x=lambda g, x_shape: broadcast_to(g, x_shape), linear=("x",), view=True, batch=batching.summed, reach=reach.summed)
# fmt: on


# -- several arrays in one --------------------------------------------------------------------------------------


def _concatenate(*xs: Any, axis: int = 0) -> Any:
    return np.concatenate(xs, axis)


def _stack(*xs: Any, axis: int = 0) -> Any:
    return np.stack(xs, axis)


def _concatenate_into(memory: Any, *xs: Any, axis: int) -> None:
    np.concatenate(xs, axis, memory)


def _stack_into(memory: Any, *xs: Any, axis: int) -> None:
    np.stack(xs, axis, memory)


def _pieces(g: Any, shapes: Sequence[tuple[int, ...]], axis: int) -> list[Any]:
    """`g` cut along `axis` into pieces as long as `shapes` are there."""
    axis = normalize_axis_index(axis, g.ndim)
    before = (slice(None),) * axis
    ends = list(accumulate([shape[axis] for shape in shapes]))
    return [g[(*before, slice(start, end))] for start, end in zip([0, *ends], ends, strict=False)]


def _slices(g: Any, axis: int) -> list[Any]:
    before = (slice(None),) * normalize_axis_index(axis, g.ndim)
    return [g[(*before, k)] for k in range(g.shape[len(before)])]


# fmt: off
join       = Op(_concatenate, name="concatenate", bprop=lambda g, xs_shape, axis: _pieces(g, xs_shape, axis), linear=("xs",), batch=batching.joined, reach=reach.moved, write=_concatenate_into)
join_new   = Op(_stack,       name="stack",       bprop=lambda g, axis: _slices(g, axis),                     linear=("xs",), batch=batching.joined, reach=reach.moved, write=_stack_into)
# fmt: on


def concatenate(arrays: Sequence[Any], /, axis: int | None = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind") -> Any:  # fmt: skip
    """`arrays` one after another along `axis`; flattened first if it is None."""
    if out is not None:
        refuse_out(join)
    if dtype is not None:
        arrays = [_cast(x, dtype, casting) for x in arrays]
    return join(*map(ravel, arrays), axis=0) if axis is None else join(*arrays, axis=axis)


def _cast(x: Any, dtype: Any, casting: str) -> Any:
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if not np.can_cast(x.dtype, dtype, casting):  # type: ignore[arg-type]
        raise ArgumentError(f"cannot cast {x.dtype} to {np.dtype(dtype)} according to the rule {casting!r}")
    return astype(x, dtype)


def stack(arrays: Sequence[Any], axis: int = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind") -> Any:  # fmt: skip
    """`arrays` of one shape side by side along a new `axis`."""
    if out is not None:
        refuse_out(join_new)
    if dtype is not None:
        arrays = [_cast(x, dtype, casting) for x in arrays]
    return join_new(*arrays, axis=axis)


# -- index and scatter ------------------------------------------------------------------------------------------


def _may_repeat(arrays: tuple[Any, ...]) -> bool:
    """Whether an index can name one entry twice: only integer arrays can."""
    return any(a.dtype.kind != "b" for a in arrays)


@reads_as("x[index]")
def _getitem(x: Any, *arrays: Any, index: Index) -> Any:
    """The entries of x that the index names."""
    y = x[index.fill(arrays) if arrays else index.parts]
    # NumPy picks along a later axis into an array of another layout: the result looks like a view and is none.
    return y.copy() if arrays and y.base is not None and not np.may_share_memory(x, y) else y


def _scatter(x: Any, *arrays: Any, index: Index, shape: Any) -> Any:
    """Zeros, with x added at the places that the index names."""
    y = np.zeros(shape, x.dtype)
    _add_at(y, x, arrays, index)
    return y


def _scatter_into(memory: Any, x: Any, *arrays: Any, index: Index, shape: Any) -> None:
    memory[...] = 0
    _add_at(memory, x, arrays, index)


def _add_at(buffer: Any, g: Any, arrays: Any, index: Index) -> None:
    where_ = index.fill(arrays)
    if arrays and _may_repeat(arrays):
        np.add.at(buffer, where_, g)
    elif not arrays and type(part := buffer[where_]) is np.ndarray:  # a view
        part += g
    else:
        buffer[where_] += g


def _assemble(*parts: Any, indices: tuple[Index, ...], shape: Any) -> Any:
    """Zeros, with each part added at its index; no two name the same entry."""
    y = np.empty(shape, parts[0].dtype)
    _assemble_into(y, *parts, indices=indices, shape=shape)
    return y


def _assemble_into(memory: Any, *parts: Any, indices: tuple[Index, ...], shape: Any) -> None:
    if memory.size != sum([part.size for part in parts]):
        memory[...] = 0
    for part, index in zip(parts, indices, strict=True):
        place = memory[index.parts]
        if type(place) is np.ndarray:
            np.add(part, 0, place)  # as to zeros: -0 becomes 0
        else:
            memory[index.parts] = part + 0


def _assembled(scattered: list[Tensor]) -> Any:
    """The sum of several scatters, if their places are known and apart: each is put into its own."""
    nodes: list[Any] = [t.node for t in scattered]
    if any(len(node.inputs) > 1 for node in nodes):
        return None
    indices, shape = tuple([node.statics[0] for node in nodes]), nodes[0].shape
    times = np.zeros(shape, np.intp)
    for index in indices:
        times[index.parts] += 1
    if times.max(initial=0) > 1:
        return None
    pairs = zip(scattered, indices, strict=True)
    parts = [handle(t._data[index.parts], t.node.inputs[0]) for t, index in pairs]  # type: ignore[union-attr]
    return assemble(*parts, indices=indices, shape=shape)


def _write(x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    x[index.fill(arrays)] = v
    return x


def _setitem(x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    """x with v at the places that the index names."""
    return _write(np.array(x), v, *arrays, index=index)


def _zero_at(g: Any, arrays: Any, index: Index) -> Any:
    g[index.fill(arrays)] = 0
    return g


def _add_to(x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    np.add.at(x, index.fill(arrays), v)
    return x


def _additem(x: Any, v: Any, *arrays: Any, index: Index) -> Any:
    """x with v added at the places that the index names."""
    return _add_to(np.array(x), v, *arrays, index=index)


def _last_written(*arrays: Any, index: Index, shape: Any) -> Any:
    where_, places = index.fill(arrays), np.zeros(shape, np.intp)
    order = np.arange(places[where_].size).reshape(places[where_].shape)
    places[where_] = order
    return places[where_] == order


def _written(g: Any, v_shape: tuple[int, ...], arrays: tuple[Any, ...], index: Index) -> Any:
    """The gradients of the values that `x[index] = v` left in x; one that was written over gets none."""
    taken = getitem(g, *arrays, index=index)
    if arrays and _may_repeat(arrays):
        taken = where(last_written(*arrays, index=index, shape=g.shape), taken, 0)
    return _in_shape_of(v_shape, taken)


def _in_shape_of(v_shape: tuple[int, ...], taken: Any) -> Any:
    extra = len(v_shape) - taken.ndim  # v may have more axes than its place, of length 1
    return reshape(sum_to(taken, v_shape[extra:]), v_shape) if extra > 0 else taken


# fmt: off
getitem = Op(_getitem, x=lambda g, x_shape, arrays, index: scatter(g, *arrays, index=index, shape=x_shape), arrays=None, linear=("x",), view=True,
             into={"x": _add_at}, hashed=("index",), batch=batching.taken, reach=reach.moved)
scatter = Op(_scatter, x=lambda g, arrays, index: getitem(g, *arrays, index=index), arrays=None, linear=("x",), batch=batching.scattered, reach=reach.moved, write=_scatter_into,
             together=lambda scattered: _assembled(scattered))
assemble = Op(_assemble, bprop=lambda g, indices: [getitem(g, index=index) for index in indices], linear=("parts",), batch=batching.assembled, reach=reach.moved, write=_assemble_into)
setitem = Op(_setitem, x=lambda g, arrays, index: setitem(g, 0, *arrays, index=index), v=lambda g, v_shape, arrays, index: _written(g, v_shape, arrays, index), arrays=None, linear=("x", "v"),
             change={"x": _zero_at}, in_place=_write, hashed=("index",), batch=batching.assigned, reach=reach.moved)
additem = Op(_additem, x=lambda g: g, v=lambda g, v_shape, arrays, index: _in_shape_of(v_shape, getitem(g, *arrays, index=index)), arrays=None, linear=("x", "v"),
             change={"x": lambda g: g}, in_place=_add_to, hashed=("index",), batch=batching.assigned)  # np.add.at
last_written = Op(_last_written, arrays=None)
# fmt: on
