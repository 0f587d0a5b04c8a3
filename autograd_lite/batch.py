"""Floor 5: batching. A function's graph for one example is run with an axis of examples in front of its inputs.

The function is called once, with the first example, and recorded; then every op that depends on the examples is called
again, with all of them: element-wise ops as they are, others by the rule in the row (`batch=`, ops/batching.py), and
what has no rule for each example in turn. Nothing is computed twice that does not depend on the examples.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .errors import ArgumentError, ShapeError
from .node import Leaf, Node, Trace, enable_grad, is_recording, is_tracing, no_grad, tick, topological_order, tracing
from .ops.batching import aligned
from .ops.elementwise import stop_gradient
from .ops.shape import broadcast_to, moveaxis, stack
from .runtime import as_value, handle, shape_of, without_history
from .several import SEVERAL
from .tensor import Tensor
from .trace import placeholder
from .tree import leaves, map_leaves, rebuilt


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """`f` for a batch: what it gives for each example, found by running it once with all of them.

    Parameters
    ----------
    f: a function of one example. It is called once, with the first; `if t > 0:` or `t.item()` on what depends on the
        example is an error.
    in_axes: which axis of each argument counts the examples, None for an argument that is the same for all; one number,
        or a tuple or nested containers of them in the form of the arguments.
    out_axes: where that axis stands in each output, likewise.

    Raises
    ------
    ShapeError (a ValueError) for axes of different lengths, ArgumentError (a TypeError) if no argument has one.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.vmap(lambda x: x @ x)(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([ 5., 25.])
    >>> ag.vmap(ag.grad(lambda w, x: (w * x) ** 2), (None, 0))(3.0, np.array([1.0, 2.0]))   # per-example gradients
    array([ 6., 24.])
    """

    @wraps(f, updated=())
    def f_of_batch(*args: Any, **kwargs: Any) -> Any:
        axes = _prefix(in_axes, args, "in_axes")
        flat, flat_axes = list(leaves(list(args))), list(leaves_with_none(axes))
        size = _size(flat, flat_axes)
        batches = [x if a is None else _axis_first(x, a) for x, a in zip(flat, flat_axes, strict=True)]
        batch = Batch(lambda *xs: f(*rebuilt(list(args), xs), **kwargs), batches, [a is not None for a in flat_axes])
        ys = batch.run(batches, size)
        out = leaves_with_none(_prefix(out_axes, ys, "out_axes"))
        return map_leaves(lambda y: _axis_back(y, next(out)), ys)

    return f_of_batch


class _Examples(Trace):
    """The nodes of the first examples, each of which stands for all of them, and when the function was called."""

    def __init__(self, nodes: set[Node], since: int):
        self.nodes, self.since = nodes, since

    def concerns(self, node: Node) -> bool:
        return not self.nodes.isdisjoint(topological_order(node, since=self.since))

    def advice(self, how: str) -> str:
        return f"{how} asks for one value where vmap runs all examples at once; write it with np.where"

    def detached(self, tensor: Any) -> Any:
        return stop_gradient(tensor)

    def deposit(self, leaf: Leaf, gradient: Any) -> None:
        raise ArgumentError(
            "backward: inside of vmap the gradients of all examples would add up in one .grad; use ag.grad there, which"
            " returns them"
        )


class Batch:
    """A function's graph, recorded with the first of many examples, that can be run with all of them.

    `inputs` are the function's arguments; those that are `batched` have the examples along their first axis.
    """

    def __init__(self, f: Callable[..., Any], inputs: list[Any], batched: list[bool]):
        self.batched = batched
        self.start = tick()
        examples = [placeholder(_first(x)) if b else x for x, b in zip(inputs, batched, strict=True)]
        self.examples: list[Any] = [t.node for t, b in zip(examples, batched, strict=True) if b]
        with enable_grad(), tracing(_Examples(set(self.examples), self.start)):
            self.ys = f(*examples)
        self.roots = [y.node for y in leaves(self.ys) if isinstance(y, Tensor) and y.node is not None]
        self.nodes = topological_order(*self.roots, since=self.start)
        self.known: dict[Node, Any] = {}
        self.steps: dict[bool, list[Step]] = {}  # whether the run is recorded -> what it does

    def is_foreign(self, inputs: list[Any]) -> bool:
        """Whether the results depend on something recorded outside of this function, that wants a gradient."""
        outside = (i for node in self.nodes for i in node.inputs if isinstance(i, Node) and i.requires_grad)
        return any(isinstance(x, Tensor) and x.requires_grad for x in inputs) or any(
            i.order < self.start or type(i) is Leaf for i in outside
        )

    def run(self, inputs: list[Any], size: int, recorded: bool | None = None) -> Any:
        """What f gives for each of `size` examples, along a first axis; recorded where that is asked or needed."""
        recorded = bool(is_tracing()) or (
            is_recording() and (self.is_foreign(inputs) if recorded is None else recorded)
        )
        batches = [x if recorded else without_history(x) for x, b in zip(inputs, self.batched, strict=True) if b]
        values: dict[Node, Any] = dict(zip(self.examples, batches, strict=True))
        with enable_grad() if recorded else no_grad():
            for step in self._steps(recorded):
                values[step.node] = step.run(values, size)
                for i in step.last:  # the next value can have the memory of these
                    del values[i]

            def result(y: Any) -> Any:
                if isinstance(y, Tensor) and y.node in values:
                    return values[y.node]
                return broadcast_to(y if recorded else without_history(y), (size, *np.shape(y)))

            return map_leaves(result, self.ys)

    def _steps(self, recorded: bool) -> list[Step]:
        """The ops that depend on the examples, in order."""
        if recorded in self.steps:
            return self.steps[recorded]
        batched_nodes, steps = set(self.examples), []
        for node in self.nodes:
            inputs = node.inputs
            batched = [isinstance(i, Node) and i in batched_nodes for i in inputs]
            if True in batched and node not in batched_nodes:
                batched_nodes.add(node)
                others = [None if b else i for i, b in zip(inputs, batched, strict=True)]
                if any(isinstance(i, Node) for i in others):
                    pairs = zip(others, node.op.known_inputs(node), strict=True)
                    others = [_same_for_all(i, saved, self.known, recorded) for i, saved in pairs]
                steps.append(Step(node, inputs, batched, others))
        kept = {*self.roots, *self.examples}
        for step in reversed(steps):
            step.last = list({i for i, b in zip(step.inputs, step.batched, strict=True) if b} - kept)
            kept.update(step.last)
        self.steps[recorded] = steps
        return steps


class Step:
    """The call of one op for all examples."""

    __slots__ = ("batched", "broadcast", "inputs", "last", "node", "others", "statics")

    def __init__(self, node: Node, inputs: tuple[Any, ...], batched: list[bool], others: list[Any]):
        self.node, self.inputs, self.batched, self.others = node, inputs, batched, others
        self.statics = dict(zip(node.op.statics, node.statics, strict=True))
        axes = [len(shape_of(i)) for i in inputs]
        self.broadcast = any(b and n < max(axes) for n, b in zip(axes, batched, strict=True))  # with axes to be put in
        self.last: list[Node] = []  # the inputs that no later step has

    def run(self, values: dict[Node, Any], size: int) -> Any:
        node, op, batched = self.node, self.node.op, self.batched
        triples = zip(self.inputs, self.others, batched, strict=True)
        inputs = [values[i] if b else other for i, other, b in triples]
        try:
            if op.batch is not None:
                y = op.batch(node, inputs, batched, size)
                if y is not NotImplemented:
                    return y
            elif op.elementwise and not op.variadic:
                y = op(*(aligned(inputs, batched) if self.broadcast else inputs), **self.statics)
                return y if y.shape == (size, *node.shape) else broadcast_to(y, (size, *node.shape))
            return _one_by_one(node, inputs, batched, size)
        except Exception as error:
            error.add_note(f"in the batch of {op.name}, output shape {node.shape}")
            raise


def _one_by_one(node: Node, inputs: list[Any], batched: list[bool], size: int) -> Any:
    """For an op without a rule for a batch."""
    op, statics = node.op, dict(zip(node.op.statics, node.statics, strict=True))
    if size == 0:
        shapes: Any = node.shape
        kinds: Any = zip(shapes, shapes.dtypes, strict=True) if op.several else [(shapes, node.dtype)]
        empty = [np.zeros((0, *shape), dtype) for shape, dtype in kinds]
        return empty if op.several else empty[0]
    each: list[Any] = [
        op(*[x[k] if b else x for x, b in zip(inputs, batched, strict=True)], **statics) for k in range(size)
    ]
    return [stack([y[k] for y in each]) for k in range(len(each[0]))] if op.several else stack(each)


def _same_for_all(i: Any, saved: Any, known: dict[Node, Any], recorded: bool) -> Any:
    """The value of an input that does not depend on the examples."""
    if not isinstance(i, Node):
        return i
    if i not in known:
        known[i] = saved if saved is not None else recomputed(i)
    return handle(known[i], i) if recorded and i.dtype is not SEVERAL else known[i]


def recomputed(node: Node) -> Any:
    """The value of a node, from the leaves."""
    values: dict[Node, Any] = {}
    for n in topological_order(node):
        if isinstance(n, Leaf):
            values[n] = n.data
        else:
            inputs = tuple([values[i] if isinstance(i, Node) else i for i in n.inputs])
            values[n] = n.op.value_and_saved(inputs, n.statics)[0]
    return values[node]


# -- arguments and results -----------------------------------------------------------------------------------------


def leaves_with_none(axes: Any) -> Any:
    """What stands in nested containers, None included."""
    if isinstance(axes, dict):
        axes = list(axes.values())
    if isinstance(axes, (list, tuple)):
        for item in axes:
            yield from leaves_with_none(item)
    else:
        yield axes


def _prefix(axes: Any, tree: Any, what: str) -> Any:
    """`axes` in the form of `tree`: one entry may stand for all that is below it."""
    if isinstance(tree, (list, tuple, dict)):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        if isinstance(axes, (list, tuple, dict)):
            if len(axes) != len(tree):
                raise ArgumentError(f"vmap: {what} has {len(axes)} entries for {len(tree)}")
            pairs = [(axes[k], item) for k, item in items]
        else:
            pairs = [(axes, item) for _, item in items]
        return [_prefix(a, item, what) for a, item in pairs if item is not None]
    if isinstance(axes, (list, tuple, dict)):
        raise ArgumentError(f"vmap: {what} has containers where the arguments have none")
    return axes


def _size(flat: list[Any], axes: list[Any]) -> int:
    lengths = {}
    for x, a in zip(flat, axes, strict=True):
        if a is not None:
            shape = np.shape(x)
            if not -len(shape) <= a < len(shape):
                raise ShapeError(f"vmap: axis {a} of an argument of shape {shape}")
            lengths[shape[a]] = shape
    if not lengths:
        raise ArgumentError("vmap: no argument has an axis of examples; in_axes is None for all of them")
    if len(lengths) > 1:
        raise ShapeError(
            f"vmap: arguments with {' and '.join(map(str, lengths))} examples, of shapes {list(lengths.values())}"
        )
    return int(next(iter(lengths)))


def _axis_first(x: Any, axis: int) -> Any:
    x = x if isinstance(x, Tensor) else np.asarray(x)
    return moveaxis(x, axis, 0) if axis % x.ndim else x


def _axis_back(y: Any, axis: int | None) -> Any:
    if axis is None:
        raise ArgumentError("vmap: out_axes None; every output has an axis of examples")
    y = moveaxis(y, 0, axis) if axis else y
    return np.array(y) if isinstance(y, np.ndarray) and y.base is not None else y


def _first(x: Any) -> Any:
    """The first example, as a value; any other, where there is none."""
    data = without_history(x)
    return as_value(np.array(data[0])) if len(data) else as_value(np.ones(data.shape[1:], data.dtype))
