"""Floor 0: the recorded flow graph, and whether recording is on. No NumPy here.

Forward propagation leaves a trail of nodes. A node points to the nodes it was computed from and never
forward, nor to the Tensor that stands for it: the graph is acyclic, and it is freed with the last
Tensor that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, ClassVar

# One clock for everything that happens to a graph. A node takes its time when it is recorded and a leaf
# when its value changes, so two integers answer both questions that the reverse walk asks: "was this
# node made after that one?" (creation order is a topological order) and "did this leaf change since?"
tick = count(1).__next__

_recording: ContextVar[bool] = ContextVar("autograd_lite.recording", default=True)
is_recording = _recording.get


@contextmanager
def _recording_set_to(value: bool) -> Iterator[None]:
    token = _recording.set(value)
    try:
        yield
    finally:
        _recording.reset(token)


def no_grad() -> Any:
    """Context manager (or decorator, as `@no_grad()`) inside which operations are not recorded.

    Local to the thread or task that enters it.

    >>> import autograd_lite as ag
    >>> x = ag.tensor(3.0, requires_grad=True)
    >>> with ag.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    return _recording_set_to(False)


def enable_grad() -> Any:
    """Context manager (or decorator) inside which operations are recorded, even within `no_grad`."""
    return _recording_set_to(True)


class Node:
    """One application of an op, immutable.

    `op` was applied to `inputs` (Nodes, or the constants themselves) with `statics`, and gave a value of
    this `shape` and `dtype`. `saved` holds what the op's formulas name, nothing else; `order` is the time
    of recording.
    """

    __slots__ = ("dtype", "inputs", "op", "order", "saved", "shape", "statics")
    requires_grad: ClassVar[bool] = True

    def __init__(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        saved: tuple[Any, ...],
        statics: tuple[Any, ...],
        shape: tuple[int, ...],
        dtype: Any,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.saved = saved
        self.statics = statics
        self.shape = shape
        self.dtype = dtype
        self.order = tick()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.op.name} {self.shape} {self.dtype}>"


class FlatNode(Node):
    """A node that no gradient passes through, such as a comparison: recorded because a replay needs it."""

    __slots__ = ()
    requires_grad = False


class Leaf(Node):
    """An input that wants a gradient: it owns its value `data`, its `grad`, a `name`, and the time of its
    last change.

    `grad_memory`, where set, is the place (a view into a model's gradient vector) that `grad` is written to.
    """

    __slots__ = ("changed", "data", "grad", "grad_memory", "name")

    def __init__(self, data: Any, name: str | None = None) -> None:
        super().__init__(None, (), (), (), data.shape, data.dtype)
        self.data = data
        self.name = name
        self.grad: Any = None
        self.grad_memory: Any = None
        self.changed = 0

    def __repr__(self) -> str:
        return f"<Leaf {self.name or ''} {self.shape} {self.dtype}>"


def topological_order(root: Node, *, since: int = 0) -> list[Node]:
    """`root` and every node it was computed from, oldest first; those recorded before `since` are left out.

    Iterative, and linear but for sorting numbers that are nearly sorted already.
    """
    seen = {root}
    nodes = [root]
    for node in nodes:  # the list grows while it is read
        for i in node.inputs:
            if isinstance(i, Node) and i not in seen and i.order >= since:
                seen.add(i)
                nodes.append(i)
    nodes.sort(key=_by_order)
    return nodes


def _by_order(node: Node) -> int:
    return node.order
