"""Floor 5: the reverse walk. From an output back to the leaves, newest node first, each bprop is called once.

The same walk serves `backward`, which leaves gradients on leaves, and the functional transforms, which may
record it: called on Tensors, the formulas build the graph of the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from heapq import heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np

from .errors import ArgumentError, ShapeError, StaleValueError
from .leaf import deposit
from .node import Leaf, Node, enable_grad, is_recording, is_tracing, last_change, no_grad, topological_order
from .ops.elementwise import real
from .ops.shape import cast, sum_to
from .runtime import without_history
from .tensor import Tensor, constant_tensor

float64, FLOAT64 = np.float64, np.dtype(np.float64)


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
        raise ArgumentError(f"backward: {_why_nothing(node)}")
    start = cotangent_for(tensor._data, gradient, "backward")
    if is_tracing():
        cotangent = constant_tensor(start)
        cotangent.node = getattr(gradient, "node", None)
        with enable_grad():
            found = walk([(node, cotangent)], recorded=True)
        for leaf, g in found.items():
            is_tracing()[-1].deposit(leaf, g)
        return
    gradients = walk([(node, start)])
    for leaf in gradients:  # only now, so that an error on the way leaves every .grad as it was
        if leaf.hooks is not None:
            gradients[leaf] = leaf.hooks(gradients[leaf])
        free = getrefcount(gradients[leaf]) == _HELD_ONCE
        deposit(leaf, gradients[leaf], free)


def _why_nothing(node: Node | None) -> str:
    """Why there is no gradient to send back from a node: what is flat in between, or that there is no leaf at all."""
    flat = [n.op.name for n in (topological_order(node) if node else []) if not n.requires_grad and _wanted_before(n)]
    if flat:
        return f"no gradient gets through {', '.join(dict.fromkeys(flat))}: flat, with a derivative of 0 or none"
    return "this Tensor was not computed from one with requires_grad=True"


def _wanted_before(node: Node) -> bool:
    return any(isinstance(i, Node) and i.requires_grad for i in node.inputs)


_example = {0: np.zeros(1)}
_HELD_ONCE = getrefcount(_example[0])  # what Python counts for an array that one dictionary holds and nobody else


def cotangent_for(y: Any, cotangent: Any, caller: str) -> Any:
    """The cotangent of `y` as a value of its shape and dtype; 1 if None and y has one element."""
    if cotangent is None:
        y = y if hasattr(y, "size") else np.asarray(y)[()]
        if y.size != 1:
            raise ShapeError(
                f"{caller}: the output has shape {y.shape}, not (); give a cotangent of that shape, or reduce it"
                " to a scalar first, by .sum() or .mean()"
            )
        return np.ones(y.shape, y.dtype) if y.ndim else y.dtype.type(1)
    if isinstance(cotangent, Tensor):
        cotangent = cotangent._data
    if np.shape(cotangent) != y.shape:
        raise ShapeError(f"{caller}: a cotangent of shape {np.shape(cotangent)} for an output of shape {y.shape}")
    return np.asarray(cotangent).astype(y.dtype)[()]


def walk(
    starts: list[tuple[Node, Any]],
    ends: Container[Node] = (),
    useful: set[Node] | None = None,
    recorded: bool = False,
    history: bool = True,
    accumulate: Callable[[bool], Any] | None = None,
) -> dict[Any, Any]:
    """Send the cotangents of the nodes in `starts` back, newest node first, and return the gradients that reach the
    ends: the leaves, and the nodes in `ends`.

    `useful`, if not None, holds the nodes whose gradient is asked for; the others are passed by. If `recorded`, the
    cotangents are Tensors: called on Tensors, the formulas build the graph of the gradient; with `history` the saved
    values are Tensors as well, on the nodes that they came from. `accumulate` stands in for `accumulator`: who draws
    the walk sees every call through it (draw/passes.py).
    """
    sums, waiting, send, memory = (accumulate or accumulator)(recorded)
    for node, g in starts:
        send(node, g)
    found: dict[Any, Any] = {}
    changed = last_change.time
    try:
        while waiting:
            node = heappop(waiting)[1]
            g = sums.pop(node)
            if recorded:
                g = _summed(g)
            if ends and node in ends:
                found[node] = g
                continue
            if node.order < changed:
                refuse_stale(node, node.order)
            if recorded and history:
                node = node.with_saved(node.op.saved_as_tensors(node))
            node.bprop(g, send, memory, useful)
    except Exception as error:
        error.add_note(f"in the bprop of {node.op.name}, output shape {node.shape}" if node.op else "at a leaf")
        raise
    found.update({node: _summed(g) for node, g in sums.items()} if recorded else sums)  # what is left, at the leaves
    return found


def pull(
    starts: list[tuple[Node, Any]], wanted: list[Any], traced_for_many: bool = True
) -> tuple[bool, dict[Any, Any]]:
    """Send the cotangents of the nodes in `starts` back to the nodes `wanted`: whether that was recorded, and what
    reached them.

    The backward pass is recorded exactly when it must be: when one of `wanted` is itself computed from something
    (an outer derivative is being taken), when the graph reaches a recorded value from outside, or when a cotangent
    is recorded. In the last case alone what comes out depends on the cotangents only, not on the values of the graph,
    unless that was `traced_for_many` examples.
    """
    _, useful, foreign = between(wanted, [node for node, _ in starts])
    recorded = bool(is_tracing()) or (
        is_recording() and (foreign or any(isinstance(g, Tensor) and g.node is not None for _, g in starts))
    )
    starts = [(node, g) for node, g in starts if node in useful]
    if not recorded:
        with no_grad():
            return False, walk([(node, without_history(g)) for node, g in starts], frozenset(wanted), useful)
    as_tensors = [(node, g if isinstance(g, Tensor) else constant_tensor(g)) for node, g in starts]
    with enable_grad():
        return True, walk(as_tensors, frozenset(wanted), useful, recorded=True, history=foreign or traced_for_many)


def between(wanted: list[Any], outputs: list[Node]) -> tuple[list[Node], set[Node], bool]:
    """The nodes that `outputs` were computed from since the oldest of `wanted`, oldest first; those among them that
    depend on `wanted`; and whether there is a recorded value from outside."""
    since = min((node.order for node in wanted), default=0)
    nodes = topological_order(*outputs, since=since)
    useful: set[Node] = set(wanted)
    foreign = any(isinstance(i, Node) for node in wanted for i in node.inputs)
    for node in nodes:
        for i in node.inputs:
            if isinstance(i, Node) and i.requires_grad:
                if i in useful and node.requires_grad:
                    useful.add(node)
                foreign |= i.order < since or type(i) is Leaf
    return nodes, useful, foreign


class Memory:
    """The arrays that gradients add up in, for the ops that can do better than to make a new one.

    What arrives first at a node is borrowed, since it may be an alias of something else (the gradient of a + b is the
    same array twice); the first sum is an array of our own, `owned`, and further ones are added to it in place.
    """

    __slots__ = ("_keep", "_start", "owned", "sums")

    def __init__(self, sums: dict[Node, Any], start: Callable[[Node, Any], None], keep: bool):
        self.sums = sums
        self.owned: set[Node] = set()
        self._start = start
        self._keep = keep

    def buffer(self, node: Node) -> Any:
        """The array that the gradient of `node` adds up in."""
        if node not in self.owned:
            self.owned.add(node)
            if node in self.sums:
                self.sums[node] = np.array(self.sums[node])
            else:
                self._start(node, np.zeros(node.shape, node.dtype))
        return self.sums[node]

    def place(self, node: Node) -> Any:
        """The memory that the gradient of `node` will end in, if that is free: a leaf's, in the vector of a model."""
        free = type(node) is Leaf and node.grad is None and node not in self.sums
        return node.grad_memory if free else None  # type: ignore[attr-defined]

    def own(self, node: Node, g: Any) -> Any:
        """`g`, the gradient of `node`, as an array that may be changed."""
        return g if node in self.owned and not self._keep else np.array(g)

    def hand_on(self, node: Node, g: Any) -> None:
        """Like `send`, for an array that nobody else holds."""
        if node in self.sums:
            self.sums[node] = self.sums[node] + g
        else:
            self._start(node, g)
        self.owned.add(node)


def accumulator(recorded: bool = False, keep: bool = False) -> Any:
    """The gradients under way: `sums`, for each node the sum of what its consumers have sent so far.

    `send(node, g)` adds to one and, the first time, puts the node on the heap `waiting`, newest first: a node is
    older than all its consumers. Leaves have nothing to wait for. `memory` is None when the walk is recorded; `keep`
    leaves every sum as it was when it was sent on.
    """
    sums: dict[Node, Any] = {}
    waiting: list[tuple[int, Node]] = []

    def start(node: Node, g: Any) -> None:
        sums[node] = g
        if type(node) is not Leaf:
            heappush(waiting, (-node.order, node))

    memory = Memory(sums, start, keep)
    owned = memory.owned

    def send(node: Node, g: Any) -> None:
        if type(g) is float64 and node.dtype is FLOAT64 and not node.shape:  # the common scalar, in a third of the time
            if node in sums:
                sums[node] += g
            else:
                sums[node] = g
                if type(node) is not Leaf:
                    heappush(waiting, (-node.order, node))
            return
        if g.shape != node.shape or g.dtype is not node.dtype:
            g = fitted(g, node)
        if node not in sums:
            sums[node] = g
            if type(node) is not Leaf:
                heappush(waiting, (-node.order, node))
        elif node in owned:
            sums[node] += g
        else:
            sums[node] = total = sums[node] + g
            if type(total) is np.ndarray:
                owned.add(node)

    def send_recorded(node: Node, g: Any) -> None:
        if g.shape != node.shape or g.dtype is not node.dtype:
            g = fitted(g, node)
        if node in sums and (together := _together(sums[node], g)) is not None:
            sums[node] = together
        else:
            if node in sums:
                sums[node] = _summed(sums[node])
            send(node, g)

    return (sums, waiting, send_recorded, None) if recorded else (sums, waiting, send, memory)


class _Together(list[Any]):
    """Terms of a gradient that are to be added in one step, by the row of the op that computed them."""


def _together(sum_so_far: Any, g: Any) -> _Together | None:
    """A gradient with one more term, if its op knows how to add it to those that were sent before."""
    terms = sum_so_far if type(sum_so_far) is _Together else _Together([sum_so_far])
    node, first = getattr(g, "node", None), getattr(terms[0], "node", None)
    if node is None or first is None or node.op is not first.op or not (node.op and node.op.together):
        return None
    terms.append(g)
    return terms


def _summed(g: Any) -> Any:
    """The sum of terms that were kept apart; any other gradient as it is."""
    if type(g) is not _Together:
        return g
    total = g[0].node.op.together(g)
    if total is None:
        total = g[0]
        for term in g[1:]:
            total = total + term
    return total


def refuse_stale(node: Node, time: int) -> None:
    """Raise if an input of `node` is a leaf that has changed since `time`, when its value was taken."""
    for i in node.inputs:
        if isinstance(i, Leaf) and i.changed > time:
            raise StaleValueError(
                f"backward through {node.op.name}: the leaf {i.name or ''} of shape {i.shape} has changed since the"
                " forward pass (an optimizer step, an assignment, .data); run the forward pass again"
            )


def fitted(g: Any, node: Node) -> Any:
    """`g` in the shape and dtype of `node`: what broadcasting copied is summed, an imaginary part that a real
    value cannot have is dropped."""
    if g.shape != node.shape:
        g = sum_to(g, node.shape) if isinstance(g, Tensor) else sum_to.run(g, shape=node.shape)
    if g.dtype.kind == "c" and node.dtype.kind != "c":
        g = real(g)
    return g if g.dtype == node.dtype else cast(g, node.dtype)


Tensor.backward = backward  # type: ignore[method-assign, assignment]
