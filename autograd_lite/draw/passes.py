"""The calls of one forward and one backward pass, as the engine made them.

The forward calls are the nodes in the order of their recording, with the values that were saved. The backward calls
are watched while the reverse walk (backprop.py) makes them: its sums of gradients are handed to it by `_Watched`, so
that taking one out says whose bprop is called next, and what is sent afterwards comes from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..backprop import accumulator, walk
from ..flow import Graph
from ..hooks import Hooks
from ..node import Leaf, Node, no_grad
from ..several import SEVERAL, Cotangents
from ..tensor import Tensor


class Sent(NamedTuple):
    """What a bprop sent to one input: the formula's `gradient`, and the `total` of what that has received so far."""

    slot: int
    to: Node
    gradient: Any
    total: Any


class Bprop(NamedTuple):
    """One call of a bprop: the gradient that had arrived at the node, and what was sent on."""

    node: Node
    gradient: Any
    sent: list[Sent]


class Passes(NamedTuple):
    """A forward pass and the backward pass after it.

    `values` and `gradients` are of the nodes; `fprops` those of an op, in the order in which they were called.
    """

    graph: Graph
    values: dict[Node, Any]
    gradients: dict[Node, Any]
    fprops: list[Node]
    bprops: list[Bprop]


def passes(graph: Graph, loss: Tensor) -> Passes:
    """Walk back from `loss`, whose `graph` it is, with the gradient 1 for each of its entries, and note every call.

    Leaves' `grad` and what hooks retain stay as they were. Raises what `backward` raises.
    """
    nodes = [box.node for box in graph]
    bprops, gradients = [], {}
    if nodes[-1].requires_grad:
        watch = _Watch()
        one = np.ones(loss.shape, loss.dtype)[()]
        with no_grad(), _retaining_nothing(nodes):
            leaves = walk([(nodes[-1], one)], accumulate=watch)
        bprops = watch.calls
        gradients = {**{call.node: call.gradient for call in bprops}, **leaves}
    return Passes(graph, _values(nodes), gradients, [node for node in nodes if node.op], bprops)


class _Watched:
    """The gradients under way, for the walk to take out of and for `calls` to learn of it."""

    def __init__(self, sums: dict[Node, Any], calls: list[Bprop]):
        self._sums, self._calls = sums, calls

    def pop(self, node: Node) -> Any:
        gradient = self._sums.pop(node)
        self._calls.append(Bprop(node, gradient, []))
        return gradient

    def keys(self) -> Any:
        return self._sums.keys()

    def __getitem__(self, node: Node) -> Any:
        return self._sums[node]


class _Watch:
    """An accumulator that notes who sends what to whom. No buffers are shared, so that each gradient has its array."""

    def __init__(self) -> None:
        self.calls: list[Bprop] = []

    def __call__(self, recorded: bool) -> Any:
        sums, waiting, send, _ = accumulator(recorded)

        def watched(to: Node, gradient: Any) -> None:
            first = to not in sums
            send(to, gradient)
            if self.calls:
                total = sums[to] if first else _copied(sums[to])
                call = self.calls[-1]
                call.sent.append(Sent(_slot(call, to), to, gradient, total))

        return _Watched(sums, self.calls), waiting, watched, None


def _copied(gradient: Any) -> Any:
    return gradient if isinstance(gradient, Cotangents) else np.array(gradient)[()]


def _slot(call: Bprop, to: Node) -> int:
    """Which input of the call's node is sent to: bprop calls the formulas in the order of the inputs (generate.py)."""
    op, taken = call.node.op, {sent.slot for sent in call.sent}
    slots = [k for k, i in enumerate(call.node.inputs) if i is to and k not in taken]
    return min(slots, key=lambda k: (k < len(op.inputs) and op.inputs[k] in op.change, k))


@contextmanager
def _retaining_nothing(nodes: list[Node]) -> Iterator[None]:
    """Leave the gradients that were retained for the user as they are."""
    hooks = [s for node in nodes for s in node.statics if isinstance(s, Hooks)]
    kept = [(h, h.retain) for h in hooks]
    for h in hooks:
        h.retain = False
    try:
        yield
    finally:
        for h, retain in kept:
            h.retain = retain


def _values(nodes: list[Node]) -> dict[Node, Any]:
    """The value of each node: where neither it nor a consumer saved it, computed once more."""
    values: dict[Node, Any] = {}
    for node in nodes:
        if isinstance(node, Leaf):
            values[node] = node.data
            continue
        for i, value in zip(node.inputs, node.op.known_inputs(node), strict=True):
            if isinstance(i, Node) and value is not None:
                values[i] = value
        if "y" in node.op.saves:
            values[node] = node.saved[node.op.saves.index("y")]
    for node in nodes:
        if values.get(node) is None:
            inputs = tuple([values[i] if isinstance(i, Node) else i for i in node.inputs])
            values[node], _ = node.op.value_and_saved(inputs, node.statics)
    return values


def is_several(node: Node) -> bool:
    """Whether the node's value is a tuple of outputs, each of which has a node of its own."""
    return node.dtype is SEVERAL
