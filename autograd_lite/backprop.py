"""Floor 5: the reverse walk. From an output back to the leaves, newest node first, each op's bprop is called once.

The same walk serves `backward`, which leaves gradients on leaves, and the functional transforms, which may
record it: called on Tensors, the formulas build the graph of the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .errors import ArgumentError, ShapeError
from .node import Leaf, Node, topological_order
from .ops.elementwise import real
from .ops.shape import cast, sum_to
from .tensor import Tensor, deposit, stale


def backward(tensor: Tensor, gradient: Any = None) -> None:
    """Add the gradient of this Tensor to the `.grad` of every leaf it was computed from.

    Parameters
    ----------
    gradient: the cotangent, of this Tensor's shape; 1 if None, for a Tensor of one element.

    Raises
    ------
    ArgumentError (a TypeError) if nothing here wants a gradient; ShapeError (a ValueError) for a non-scalar
    without a cotangent, or one of the wrong shape; StaleValueError if a leaf has changed since.
    """
    node = tensor.node
    if node is None or not node.requires_grad:
        raise ArgumentError("backward: this Tensor was not computed from one with requires_grad=True")
    g = cotangent_for(tensor, gradient, "backward")
    gradients = walk(topological_order(node), node, g, lambda node: node.inputs)
    for leaf, gradient in gradients.items():  # only now, so that an error on the way leaves every .grad as it was
        deposit(leaf, gradient)


def cotangent_for(y: Any, cotangent: Any, caller: str) -> Any:
    """The cotangent of `y` as a value of its shape and dtype; 1 if None and y has one element."""
    if cotangent is None:
        if y.size != 1:
            raise ShapeError(
                f"{caller}: the output has shape {y.shape}, not (); give a cotangent of that shape, or reduce it"
                " to a scalar first, by .sum() or .mean()"
            )
        return np.ones(y.shape, y.dtype)[()]
    if isinstance(cotangent, Tensor):
        cotangent = cotangent._data
    if np.shape(cotangent) != y.shape:
        raise ShapeError(f"{caller}: a cotangent of shape {np.shape(cotangent)} for an output of shape {y.shape}")
    return np.asarray(cotangent).astype(y.dtype)[()]


def walk(
    nodes: list[Node], output: Node, g: Any, wanted_inputs: Callable[[Node], Iterable[Any]]
) -> dict[Leaf, Any]:
    """Walk `nodes`, which are in topological order, in reverse from `output` with cotangent `g`.

    `wanted_inputs(node)` is `node.inputs`, with None for those whose gradient nobody asked for. If `g` is a
    Tensor the walk is recorded. Returns the gradients of the nodes in which it ended.
    """
    recorded = isinstance(g, Tensor)
    sums = Sums(recorded)
    sums.add(output, g)
    ends: dict[Any, Any] = {}
    for node in reversed(nodes):
        g = sums.pop(node, None)
        if g is None:
            continue
        wanted = wanted_inputs(node)
        if not wanted:
            ends[node] = g
            continue
        for i in node.inputs:
            if type(i) is Leaf and i.changed > node.order:
                raise stale(i, node)
        saved = node.op.saved_as_tensors(node) if recorded else node.saved
        bprop(node, wanted, saved, g, sums)
    return ends


class Sums:
    """The gradients under way: for each node the sum of what its consumers have sent so far.

    What arrives first is borrowed, since it may be an alias of something else (the gradient of a + b is the same
    array twice); the first sum is an array of our own, and further ones are added to it in place.
    """

    def __init__(self, recorded: bool = False):
        self._sums: dict[Node, Any] = {}
        self._own: set[Node] = set()
        self.buffer = None if recorded else self._buffer
        self.pop, self.get = self._sums.pop, self._sums.get

    def add(self, node: Node, g: Any) -> None:
        sums = self._sums
        if node not in sums:
            sums[node] = g
        elif node in self._own:
            sums[node] += g
        else:
            sums[node] = total = sums[node] + g
            if type(total) is np.ndarray:
                self._own.add(node)

    def _buffer(self, node: Node) -> Any:
        """The array of our own in which the gradients of `node` add up."""
        if node not in self._own:
            start = self._sums.get(node)
            self._sums[node] = np.zeros(node.shape, node.dtype) if start is None else np.array(start)
            self._own.add(node)
        return self._sums[node]


def bprop(node: Node, wanted: Any, saved: tuple[Any, ...], g: Any, sums: Sums) -> None:
    """Call the op's formulas on one node and add the results to its inputs' gradients."""
    try:
        gradients = node.op.bprop(node.inputs, wanted, saved, node.statics, g, sums.buffer)
        for i, gradient in zip(wanted, gradients, strict=False):
            if gradient is None or not isinstance(i, Node):
                continue
            if gradient.shape != i.shape or gradient.dtype != i.dtype:
                gradient = fitted(gradient, i)
            sums.add(i, gradient)
    except Exception as error:
        error.add_note(f"in the bprop of {node.op.name}, output shape {node.shape}")
        raise


def fitted(g: Any, node: Node) -> Any:
    """`g` in the shape and dtype of `node`: what broadcasting copied is summed, an imaginary part that a real
    value cannot have is dropped."""
    if g.shape != node.shape:
        g = sum_to(g, node.shape)
    if g.dtype.kind == "c" and node.dtype.kind != "c":
        g = real(g)
    return g if g.dtype == node.dtype else cast(g, node.dtype)


Tensor.backward = backward  # type: ignore[method-assign]
