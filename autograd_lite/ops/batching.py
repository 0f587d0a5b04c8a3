"""How an op takes a batch: rules for an extra leading axis, which rows of the table name as their `batch=`.

A rule is called as `rule(node, inputs, batched, size)`: with the node of one example (its op, statics and shapes), its
inputs' values, those that are `batched` with an axis of length `size` in front, and gives the batch of outputs. An
element-wise op needs no rule, and one without any is called for each example.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Rule = Callable[..., Any]


def _shape(x: Any) -> tuple[int, ...]:
    return getattr(x, "shape", ())


def aligned(inputs: list[Any], batched: list[bool]) -> list[Any]:
    """The inputs with axes of length 1 behind the batch axis, so that they broadcast as one example's do."""
    ndim = max([len(_shape(x)) - b for x, b in zip(inputs, batched, strict=True)], default=0)
    return [
        x.reshape(x.shape[0], *(1,) * (ndim + 1 - x.ndim), *x.shape[1:]) if b and x.ndim - 1 < ndim else x
        for x, b in zip(inputs, batched, strict=True)
    ]


def every_one(inputs: list[Any], batched: list[bool], size: int) -> list[Any]:
    """All inputs with a batch axis, those without one copied along it."""
    return [x if b else np.broadcast_to(x, (size, *_shape(x))) for x, b in zip(inputs, batched, strict=True)]


def shifted(axis: Any, ndim: int) -> Any:
    """`axis` of an example with `ndim` axes, in the batch; None means all of the example's."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    return tuple(shifted(k, ndim) for k in axis) if isinstance(axis, tuple) else axis + 1 if axis >= 0 else axis


def statics_of(node: Any) -> dict[str, Any]:
    return dict(zip(node.op.statics, node.statics, strict=True))


def leading(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For an op that works on the last axes, and takes any number of others in front of them."""
    return node.op(*inputs, **statics_of(node))


def along(*names: str) -> Rule:
    """For an op of one input whose statics `names` are axes."""

    def rule(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
        statics, x = statics_of(node), inputs[0]
        moved = {name: shifted(statics[name], x.ndim - 1) for name in names}
        return node.op(x, **{**statics, **moved})

    return rule


def along_or_flat(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For an op along one axis that flattens its input where that is None."""
    statics, x = statics_of(node), inputs[0]
    if statics["axis"] is None:
        x, statics["axis"] = x.reshape(size, math.prod(x.shape[1:])), 0
    y = node.op(x, **{**statics, "axis": shifted(statics["axis"], x.ndim - 1)})
    return y if y.shape[1:] == node.shape else y.reshape(size, *node.shape)


def joined(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For an op that joins several arrays along an axis."""
    statics = statics_of(node)
    return node.op(*every_one(inputs, batched, size), **{**statics, "axis": shifted(statics["axis"], 0)})


def to_shape(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For an op that gives one input's entries another shape."""
    return inputs[0].reshape(size, *node.shape)


def copied(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For broadcast_to: the new axes come behind that of the batch."""
    x = inputs[0]
    x = x.reshape(size, *(1,) * (len(node.shape) + 1 - x.ndim), *x.shape[1:])
    return node.op(x, (size, *node.shape))


def summed(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For sum_to: the axes that are summed come behind that of the batch."""
    x, shape = inputs[0], node.shape
    extra = x.ndim - 1 - len(shape)
    along_ones = [1 + extra + k for k, n in enumerate(shape) if n == 1 and x.shape[1 + extra + k] != 1]
    axes = (*range(1, extra + 1), *along_ones)
    if type(x) is np.ndarray and (order := rows_first(x.shape, axes)) is not None:
        return np.add.reduce(x.transpose(order).copy(), 0).reshape(size, *shape)
    return (x.sum(axes) if axes else x).reshape(size, *shape)


_SHORT, _FEWEST, _MOST = 32, 2**9, 2**16  # entries of a row; of all


def rows_first(shape: tuple[int, ...], axis: Any) -> tuple[int, ...] | None:
    """The axes of an array with the one to be summed in front, if others stand before it and short rows behind it.

    NumPy adds such rows one at a time, and takes twice as long as for a copy in this order, where it adds all first
    ones, all second ones and so on. For each sum these are the same terms in the same order.
    """
    axes = axis if isinstance(axis, tuple) else (axis,)
    if len(axes) != 1 or axes[0] is None or not _FEWEST <= math.prod(shape) <= _MOST:
        return None
    k = axes[0] % len(shape)
    if k == 0 or not 1 < math.prod(shape[k + 1 :]) <= _SHORT:
        return None
    return (k, *[j for j in range(len(shape)) if j != k])


def spread_out(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For spread, the adjoint of a sum."""
    statics = statics_of(node)
    axis = shifted(statics["axis"], len(node.shape))
    return node.op(inputs[0], (size, *node.shape), axis, statics["keepdims"])


def transposed(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    n, axes = len(node.shape), node.statics[0]
    order = range(n)[::-1] if axes is None else [k % n for k in axes]
    return node.op(inputs[0], (0, *(k + 1 for k in order)))


def product(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For a matrix product: as one product of matrices where only one side is batched."""
    (a, b), (a_batched, b_batched) = inputs, batched
    a_ndim, b_ndim = a.ndim - a_batched, b.ndim - b_batched
    if not b_batched and b_ndim <= 2 and (a_ndim == 1 or b_ndim == 2):
        return _in_shape(a.reshape(math.prod(a.shape[:-1]), a.shape[-1]) @ b, (size, *node.shape))
    if not a_batched and a_ndim == 2 and b_ndim == 1:
        return b @ a.T
    if a_ndim == b_ndim == 1:
        return (a * b).sum(-1)
    rows = a.reshape(*a.shape[:-1], 1, a.shape[-1]) if a_ndim == 1 else a
    columns = b.reshape(*b.shape, 1) if b_ndim == 1 else b
    rows, columns = aligned([rows, columns], batched)
    # matmul takes three times as long as multiply for the outer product of two vectors
    return _in_shape(rows * columns if rows.shape[-1] == 1 else rows @ columns, (size, *node.shape))


def _in_shape(y: Any, shape: tuple[int, ...]) -> Any:
    """`y` itself where it has that shape: a view would be copied before the caller gets it."""
    return y if y.shape == shape else y.reshape(shape)


def solved(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For solve, which takes a stack of vectors for a matrix."""
    a, b = inputs
    if b.ndim - batched[1] > 1:
        a, b = aligned(inputs, batched)
        return node.op(a, b)
    return node.op(a, b.reshape(*b.shape, 1)).reshape(size, *node.shape)


def with_batch_letter(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For einsum."""
    statics = statics_of(node)
    terms, result = statics["subscripts"].split("->")
    letter = next(c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if c not in terms)
    labels = [letter * b + term for term, b in zip(terms.split(","), batched, strict=True)]
    return node.op(*inputs, **{**statics, "subscripts": ",".join(labels) + "->" + letter + result})


def part(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For one of several outputs."""
    return inputs[0][node.statics[0]]


def first_axis(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For an op along the first axis."""
    inputs = [np.moveaxis(x, 0, 1) for x in every_one(inputs, batched, size)]
    return np.moveaxis(node.op(*inputs, **statics_of(node)), 1, 0)


# -- indexing --------------------------------------------------------------------------------------------------------


def _examples(size: int, ndim: int) -> Any:
    """The numbers of the examples, to stand as an index in front of arrays with `ndim` axes."""
    return np.arange(size).reshape(size, *(1,) * ndim)


def _is_simple(index: Any, arrays: list[Any]) -> bool:
    """Whether an axis in front of an index with arrays stays in front: the arrays stand together."""
    places = [k for k, p in enumerate(index.parts) if type(p) is str or type(p) is int]
    return not arrays or (places == list(range(places[0], places[-1] + 1)) and Ellipsis not in index.parts[: places[0]])


def _only_arrays(index: Any, arrays: list[Any]) -> bool:
    return len(index.parts) == len(arrays) and all(a.dtype.kind != "b" for a in arrays)


def _with_examples(index: Any, arrays: list[Any], batched: list[bool], size: int, target_batched: bool) -> Any:
    """The index and its arrays for the batch; None where an axis in front would move others."""
    cls = type(index)
    if not any(batched):
        return (cls((slice(None), *index.parts)), arrays) if _is_simple(index, arrays) else None
    if not _only_arrays(index, arrays):
        return None
    arrays = aligned(arrays, batched)
    if target_batched:
        ndim = max(len(_shape(a)) - b for a, b in zip(arrays, batched, strict=True))
        return cls((index.parts[0], *index.parts)), [_examples(size, ndim), *arrays]
    return index, arrays


def taken(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For getitem."""
    index = statics_of(node)["index"]
    x, *arrays = inputs
    found = _with_examples(index, arrays, batched[1:], size, batched[0])
    return NotImplemented if found is None else node.op(x, *found[1], index=found[0])


def scattered(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For scatter, its adjoint."""
    statics = statics_of(node)
    found = _with_examples(statics["index"], inputs[1:], batched[1:], size, True)
    if found is None:
        return NotImplemented
    (x,) = every_one(inputs[:1], batched[:1], size)
    return node.op(x, *found[1], index=found[0], shape=(size, *statics["shape"]))


def assembled(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For assemble."""
    indices, shape = node.statics
    behind = tuple([type(index)((slice(None), *index.parts)) for index in indices])
    return node.op(*every_one(inputs, batched, size), indices=behind, shape=(size, *shape))


def assigned(node: Any, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For setitem and additem."""
    index = statics_of(node)["index"]
    x, v, *arrays = inputs
    found = _with_examples(index, arrays, batched[2:], size, True)
    if found is None:
        return NotImplemented
    (x,) = every_one([x], batched[:1], size)
    if batched[1]:
        plain = tuple(
            getattr(a, "_data", a)[0] if b else getattr(a, "_data", a) for a, b in zip(arrays, batched[2:], strict=True)
        )
        slot = np.broadcast_to(0, node.shape)[index.fill(plain)].ndim
        v = v.reshape(size, *(1,) * (slot + 1 - v.ndim), *v.shape[1:]) if v.ndim - 1 < slot else v
    return node.op(x, v, *found[1], index=found[0])
