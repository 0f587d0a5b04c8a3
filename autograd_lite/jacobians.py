"""Floor 5: Jacobians and Hessians, as one pass for a batch of tangents or cotangents."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .backprop import pull
from .batch import Batch
from .errors import ArgumentError
from .ops.index import split_index
from .ops.shape import concatenate, moveaxis, scatter
from .runtime import as_value, captured
from .sparsity import Dependence, Groups, batches
from .tensor import Tensor
from .transforms import Run, in_memory_of_their_own
from .tree import rebuilt

CACHE = 2**14  # entries of the largest intermediate value in one batch; more would leave the processor's cache


def jacobian(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, layout: str = "numerator"
) -> Callable[..., Any]:
    """The Jacobian of f, by `jacfwd` where it has fewer inputs than outputs, else by `jacrev`.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.jacobian(lambda x: np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]) @ x)(np.zeros(2))
    array([[1., 2.],
           [3., 4.],
           [5., 6.]])
    """
    return _jacobian(f, argnums, layout, None)


def jacrev(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, layout: str = "numerator"
) -> Callable[..., Any]:
    """The Jacobian of f by reverse mode, one cotangent for each output, all in one backward pass.

    Parameters
    ----------
    f: returns arrays, or nested containers of them.
    argnums: which positional arguments to differentiate by; a tuple gives a tuple.
    layout: "numerator" puts the axes of the output first, dy_i/dx_j at [i, j]; "denominator" those of the input.

    Returns
    -------
    A function that gives, in the form of the output, in the form of the arguments, arrays of shape y.shape + x.shape
    (or x.shape + y.shape).

    >>> import numpy as np, autograd_lite as ag
    >>> ag.jacrev(ag.softmax)(np.zeros(2))            # diag(y) - y y'
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    return _jacobian(f, argnums, layout, "reverse")


def jacfwd(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, layout: str = "numerator"
) -> Callable[..., Any]:
    """The Jacobian of f by forward mode, one tangent for each input, all in one forward pass. As `jacrev`.

    Inputs that no output has in common share a tangent: if the columns 0, 3, 6, ... of J have no rows in common, then
    J (e_0 + e_3 + e_6 + ...) has all their entries, and a tridiagonal J of any size takes three tangents (Curtis,
    Powell and Reid, 1974; columns are put together as in Gebremedhin, Manne and Pothen, 2005). A few outputs that need
    all inputs are found by reverse mode. Where that may be is known from the recorded operations before anything is
    computed, for 32 inputs or more. So is which values stand still for some inputs, such as the first layers of a
    network for the parameters of the last. An index array, or an op that does not say what its entries depend on
    (`reach=`), is taken to need everything. Such zeros are 0 also beside what is infinite, where 0 times that would
    be NaN.

    >>> import numpy as np, autograd_lite as ag
    >>> J = ag.jacfwd(lambda x: x[1:] - x[:-1] ** 2)(np.ones(1000))        # by two tangents
    >>> J.shape, int(np.count_nonzero(J))
    ((999, 1000), 1998)
    """
    return _jacobian(f, argnums, layout, "forward")


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The second derivatives of f, forward over reverse: `jacfwd(jacrev(f))`, with its shortcuts where H has zeros.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return jacfwd(jacrev(f, argnums), argnums)


def _jacobian(
    f: Callable[..., Any], argnums: int | tuple[int, ...], layout: str, mode: str | None
) -> Callable[..., Any]:
    if layout not in ("numerator", "denominator"):
        raise ArgumentError(f"jacobian: layout {layout!r}; it is 'numerator' or 'denominator'")

    @wraps(f, updated=())
    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, args, argnums, kwargs, caller="jacobian")
        forward = mode == "forward" or (mode is None and _size(run.wanted) <= _size(run.outputs))
        blocks = (_by_columns if forward else _by_rows)(run)  # one list for each output, in it one for each argument
        if layout == "denominator":
            blocks = [[_turned(block, np.ndim(y)) for block in row] for y, row in zip(run.outputs, blocks, strict=True)]
        return rebuilt(run.y, map(run.in_form_of_arguments, _unshared(blocks)))

    return jacobian_of_f


def _entries(shape: tuple[Any, ...]) -> int:
    """How many numbers a value has; several outputs together."""
    return sum(map(_entries, shape)) if shape and isinstance(shape[0], tuple) else math.prod(shape)


def _size(values: list[Any]) -> int:
    return sum(math.prod(np.shape(x) if not hasattr(x, "shape") else x.shape) for x in values)


def _unshared(blocks: list[list[Any]]) -> list[list[Any]]:
    """`blocks` that the caller may write to: none read-only, no two in the same memory; scalars as NumPy's."""
    seen: set[int] = set()

    def owned(block: Any) -> Any:
        if not isinstance(block, np.ndarray):
            return block
        memory = id(block if block.base is None else block.base)
        if memory in seen or not block.flags.writeable:
            return as_value(block.copy())
        seen.add(memory)
        return as_value(block)

    return [[owned(block) for block in row] for row in blocks]


def _turned(block: Any, ndim: int) -> Any:
    return moveaxis(block, tuple(range(ndim)), tuple(range(-ndim, 0))) if ndim else block


def _by_rows(run: Run) -> list[list[Any]]:
    """Each row of the Jacobian is the gradient of one output."""
    blocks = []
    for y in run.outputs:
        if not isinstance(y, Tensor) or y.node is None:
            blocks.append([np.zeros((*np.shape(y), *node.shape), node.dtype) for node in run.wanted])
            continue

        if y.size == 1:
            _, ends = pull([(y.node, np.ones(y.shape, y.dtype)[()])], run.wanted)
            found = in_memory_of_their_own(run.wanted, ends)
        else:
            found = _rows(run, y, np.arange(y.size))
        blocks.append([g.reshape((*y.shape, *node.shape)) for g, node in zip(found, run.wanted, strict=True)])
    return blocks


def _rows(run: Run, y: Any, numbers: Any) -> list[Any]:
    """The rows of the Jacobian of one output that have these numbers, by each input."""

    def gradients(v: Any) -> list[Any]:
        return in_memory_of_their_own(run.wanted, pull([(y.node, v)], run.wanted)[1])

    units = np.zeros((len(numbers), y.size), y.dtype)
    units[np.arange(len(numbers)), numbers] = 1
    return _for_each(gradients, units, y.shape, run)


def _by_columns(run: Run) -> list[list[Any]]:
    """Each column of the Jacobian is the tangent of the outputs along one input."""
    nodes = run.graph[0]
    known = Dependence(nodes, run.wanted, run.roots)
    largest = max([_entries(node.shape) for node in nodes], default=1)
    columns = [_columns(run, node, known, max(CACHE // max(largest, 1), 1)) for node in run.wanted]
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in run.outputs]


def _columns(run: Run, node: Any, known: Dependence, step: int) -> list[Any]:
    """The columns of the Jacobian by one input, of each output."""

    def tangents(t: Any, moving: Any = None) -> list[Any]:
        return run.pushed({node: t}, moving)

    size = math.prod(node.shape)
    groups = known.groups(node)
    if groups is not None:
        seeds = np.zeros((max(groups.colours) + 1, size), node.dtype)
        seeds[groups.colours, np.arange(size)] = 1
        sums = _for_each(tangents, seeds, node.shape, run)
        return [_taken_apart(t, y, known, groups, node, run) for t, y in zip(sums, run.outputs, strict=True)]
    found = _for_each(tangents, np.eye(size, dtype=node.dtype), node.shape, run, batches(known, node, step))
    return [_outputs_first(t, node.shape) for t in found]


def _outputs_first(t: Any, shape: tuple[int, ...]) -> Any:
    t = moveaxis(t, 0, -1)
    return t.reshape((*t.shape[:-1], *shape))


def _taken_apart(sums: Any, y: Any, known: Dependence, groups: Groups, node: Any, run: Run) -> Any:
    """The columns of the Jacobian of one output by one input, from the sums of those that have one colour: where it is
    known that the output depends on an entry of the input, its tangent in the sum is that by this entry alone."""
    shape, rows, columns = (*sums.shape[1:], *node.shape), math.prod(sums.shape[1:]), len(groups.colours)
    if getattr(y, "node", None) not in known.sets:
        return np.zeros(shape, sums.dtype)
    row, column = known.pairs(node, y.node)
    alone = groups.alone[y.node]
    number = np.full(rows, -1)  # of a row among those that are found alone
    number[alone] = np.arange(len(alone))
    by_itself = number[row] >= 0
    shared = _constant((groups.colours[column] * rows + row)[~by_itself])
    entries, places = sums.reshape((sums.size,))[shared], (row * columns + column)[~by_itself]
    if len(alone):
        gradients = _rows(run, y, alone)[run.wanted.index(node)]
        own = _constant((number[row] * columns + column)[by_itself])
        entries = concatenate([entries, gradients.reshape((gradients.size,))[own]])
        places = np.concatenate([places, (row * columns + column)[by_itself]])
    places = _constant(places)
    return scatter(entries, places, index=split_index(places)[0], shape=(rows * columns,)).reshape(shape)


def _constant(array: Any) -> Any:
    """An array that nobody writes to: a constant, for whoever compiles this."""
    array.flags.writeable = False
    return array


def _for_each(
    f: Callable[..., list[Any]], seeds: Any, shape: tuple[int, ...], run: Run, parts: Any = None
) -> list[Any]:
    """What the linear f gives for each row of `seeds`, in this shape, along a first axis; in parts that fit the cache.
    `parts` says which: (start, stop, what else f is to know of these), where that is one thing for some and another for
    others."""
    seeds, recorded = captured(_constant(seeds)).reshape((len(seeds), *shape)), run.foreign
    recordings: dict[Any, Batch] = {}

    def recording(more: Any) -> Batch:
        if more not in recordings:
            recordings[more] = Batch(f if more is None else lambda v: f(v, more), [seeds], [True])
        return recordings[more]

    if parts is None:
        largest = max([_entries(node.shape) for node in recording(None).nodes], default=1)
        step = max(CACHE // max(largest, 1), 1)
        parts = [(k, k + step, None) for k in range(0, max(len(seeds), 1), step)]
    found = [recording(more).run([seeds[a:b]], len(seeds[a:b]), recorded) for a, b, more in parts]
    if len(found) == 1:
        return list(found[0])
    return [concatenate([part[k] for part in found]) for k in range(len(found[0]))]
