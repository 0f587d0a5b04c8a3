"""Floor 5: the flow graph as the lecture draws it, boxes whose `fprop` and `bprop` are called in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .backprop import accumulator, cotangent_for, refuse_stale
from .describe import table
from .errors import ArgumentError
from .leaf import deposit
from .node import Leaf, Node, tick, topological_order
from .op import Op
from .tensor import Tensor


class Box:
    """One box: a leaf, or an op with its inputs.

    `inputs` are Boxes, or the constants themselves; `value` and `grad` are plain arrays.
    """

    __slots__ = ("_saved", "_time", "_value", "graph", "inputs", "node")

    def __init__(self, graph: Graph, node: Node, inputs: tuple[Any, ...]):
        self.graph = graph
        self.node = node
        self.inputs = inputs
        self._value: Any = None
        self._saved: tuple[Any, ...] = ()
        self._time = 0

    @property
    def op(self) -> Op | None:
        """The row of the derivative table, None for a leaf."""
        return self.node.op  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The op's name, or the leaf's own."""
        return (self.node.name or "leaf") if isinstance(self.node, Leaf) else self.node.op.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.shape

    @property
    def value(self) -> Any:
        """The output of this box, recomputed where nobody saved it."""
        if self._value is None:
            self.graph._fill()
        return self._value

    @property
    def grad(self) -> Any:
        """The gradient of the loss by this box's value, once the boxes after it have called `bprop`."""
        return self.graph._sums.get(self.node)

    def fprop(self) -> Any:
        """Compute the value from the inputs' values, as they are now."""
        self._time = tick()
        if isinstance(self.node, Leaf):
            self._value = self.node.data
        else:
            inputs = tuple([i.value if isinstance(i, Box) else i for i in self.inputs])
            self._value, self._saved = self.node.op.value_and_saved(inputs, self.node.statics)
        return self._value

    def bprop(self) -> None:
        """Send this box's gradient on to its inputs; a leaf adds it to its own `grad`, as `backward` does.

        The last box starts the backward pass, with the gradient 1 (or the graph's cotangent).
        """
        if self is self.graph[-1]:
            self.graph._start_backward()
        if isinstance(self.node, Leaf):
            if self.grad is not None:
                deposit(self.node, self.grad)
        else:
            self._send_on()

    def _send_on(self) -> None:
        g = self.grad
        if g is None or not self.node.requires_grad:
            return
        node = self.refilled()
        refuse_stale(self.node, self._time)
        node.bprop(g, self.graph._send, self.graph._memory)

    def refilled(self) -> Node:
        """The node with what its formulas name as the last `fprop` computed it."""
        self.value  # noqa: B018 - runs fprop where that was not done
        return self.node if self.op is None else self.node.with_saved(self._saved)

    def __repr__(self) -> str:
        return f"<Box {self.name} {self.shape}>"


class Graph:
    """The boxes that `loss` was computed from, in topological order: a sequence, the loss last.

    Calling each box's `fprop()` in order recomputes the loss from its leaves; calling each `bprop()` in reverse
    gives the gradients. `backward` does the same in one go.

    Raises
    ------
    ArgumentError (a TypeError) if `loss` was not recorded.

    >>> import autograd_lite as ag
    >>> w = ag.tensor(2.0, requires_grad=True, name="w")
    >>> graph = ag.Graph(w * w + 1.0)
    >>> with ag.no_grad():
    ...     w[...] = 3.0
    >>> for box in graph:
    ...     value = box.fprop()
    >>> for box in reversed(graph):
    ...     box.bprop()
    >>> value, w.grad
    (np.float64(10.0), np.float64(6.0))
    """

    def __init__(self, loss: Tensor, cotangent: Any = None):
        if not isinstance(loss, Tensor) or loss.node is None:
            raise ArgumentError("Graph: the loss was not recorded; compute it from a Tensor with requires_grad=True")
        self._collect([loss.node], cotangent)

    @classmethod
    def _of(cls, outputs: list[Node], cotangent: Any = None) -> Graph:
        """The graph that `outputs` were computed by; for a backward pass one output, the last box."""
        graph = cls.__new__(cls)
        graph._collect(outputs, cotangent)
        return graph

    def _collect(self, outputs: list[Node], cotangent: Any) -> None:
        boxes: dict[Node, Box] = {}
        for node in topological_order(*outputs):
            inputs = tuple([boxes[i] if isinstance(i, Node) else i for i in node.inputs])
            boxes[node] = Box(self, node, inputs)
        self._boxes = list(boxes.values())
        self._cotangent = cotangent
        self._sums: dict[Node, Any] = {}

    def __len__(self) -> int:
        return len(self._boxes)

    def __iter__(self) -> Iterator[Box]:
        return iter(self._boxes)

    def __getitem__(self, position: int) -> Box:
        return self._boxes[position]

    def __reversed__(self) -> Iterator[Box]:
        return reversed(self._boxes)

    def __repr__(self) -> str:
        return (
            f"<Graph of {len(self)} boxes: {', '.join(box.name for box in self._boxes[:8])}{', ...' * (len(self) > 8)}>"
        )

    def __str__(self) -> str:
        """Every box in a line: order, op, inputs, shape, value and gradient; of a large graph the first and last."""
        with np.errstate(all="ignore"):  # the forward pass has warned already
            return table(self if self._sums else self._afresh().run())

    def _afresh(self) -> Graph:
        """The same boxes before anything was called, with cotangent 1 for each entry unless another was given."""
        last = self[-1].node
        return Graph._of([last], np.ones(last.shape, last.dtype) if self._cotangent is None else self._cotangent)

    def run(self) -> Graph:
        """Fill in every value and every gradient, leaving the leaves' own `grad` alone; returns the graph."""
        self._fill()
        self._start_backward()
        for box in reversed(self):
            if box.op is not None:
                box._send_on()
        return self

    def _fill(self) -> None:
        """Recompute every value from the leaves. What an op with an effect drew stays as it was."""
        for box in self._boxes:
            if box._value is None and box.op is not None and box.op.effect and box.node.saved:
                box._time, box._saved = tick(), box.node.saved
                box._value = box._saved[box.op.saves.index("y")]
            elif box._value is None:
                box.fprop()

    def _start_backward(self) -> None:
        self._sums, _, self._send, self._memory = accumulator(keep=True)
        self._send(self[-1].node, cotangent_for(self[-1].value, self._cotangent, "bprop"))
