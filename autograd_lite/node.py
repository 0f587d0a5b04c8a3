"""Floor 0: the recorded flow graph, and whether recording is on. No NumPy here.

Forward propagation leaves a trail of nodes. A node points to the nodes it was computed from and never
forward, nor to the Tensor that stands for it: the graph is acyclic, and it is freed with the last
Tensor that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar, Token
from itertools import count
from operator import attrgetter
from threading import Lock
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from .errors import LeakError

# One clock for everything that happens to a graph. A node takes its time when it is recorded and a leaf
# when its value changes, so two integers answer both questions that the reverse walk asks: "was this
# node made after that one?" (creation order is a topological order) and "did this leaf change since?"
clock = count(1)
tick = clock.__next__

_recording: ContextVar[bool] = ContextVar("autograd_lite.recording", default=True)
is_recording = _recording.get


class _RecordingIs(ContextDecorator):
    """`with` this, recording is on or off."""

    __slots__ = ("_tokens", "_value")

    def __init__(self, value: bool):
        self._value = value
        self._tokens: list[Token[bool]] = []  # a decorated function may call itself

    def _recreate_cm(self) -> _RecordingIs:
        return _RecordingIs(self._value)

    def __enter__(self) -> None:
        self._tokens.append(_recording.set(self._value))

    def __exit__(self, *error: Any) -> None:
        _recording.reset(self._tokens.pop())


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
    return _RecordingIs(False)


def enable_grad() -> Any:
    """Context manager (or decorator) inside which operations are recorded, even within `no_grad`."""
    return _RecordingIs(True)


class Trace:
    """A function is being run to see what it does, not for its value alone: for many examples (batch.py), or to be
    replayed (plan/record.py). Then a value stands for others, and all that is computed from it must be recorded."""

    def concerns(self, node: Node) -> bool:
        """Whether the value of `node` stands for others."""
        raise NotImplementedError

    def advice(self, how: str) -> str:
        """What to say to somebody who asks for the one value, by `how`."""
        raise NotImplementedError

    def detached(self, tensor: Any) -> Any:
        """The same value, through which no gradient passes."""
        raise NotImplementedError

    def captured(self, value: Any) -> Any:
        """A constant that the function took in from outside, or what stands for it."""
        return value

    def happens(self, inputs: tuple[Any, ...]) -> None:
        """An op that has an effect is about to run on `inputs`."""

    def happened(self, node: Node) -> None:
        """It has; `node` is to be kept whether or not its value is used."""

    def deposit(self, leaf: Leaf, gradient: Any) -> None:
        """A backward pass inside of the function adds to the gradient of a leaf."""
        raise NotImplementedError

    def requires(self, now: Callable[[], Any], rebuilt: bool = False) -> None:
        """What the function does depends on `now()`, which is not a value in the graph: an option, a mode; or on how a
        leaf is built (`last_change.rebuilt`)."""

    def forgotten(self, leaf: Leaf) -> None:
        """The function sets the gradient of a leaf back to None."""
        leaf.grad = None

    def gradient(self, leaf: Leaf) -> Any:
        """The function asks for the gradient of a leaf."""
        return leaf.grad

    def assigned(
        self, leaf: Leaf, tensor: Any, value: Any, op: Any = None, index: Any = None, arrays: Any = ()
    ) -> None:
        """The function assigns `value` to a leaf, or to `index` of it by `op`; `tensor` is its handle."""
        raise LeakError(self.advice("assigning into a leaf"))


_traces: ContextVar[tuple[Trace, ...]] = ContextVar("autograd_lite.traces", default=())
is_tracing = _traces.get


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Context manager inside which `trace` sees what is recorded."""
    token = _traces.set((*_traces.get(), trace))
    try:
        yield
    finally:
        _traces.reset(token)


def traces_of(node: Node) -> list[Trace]:
    """The traces under way that a node's value stands for others in."""
    return [trace for trace in is_tracing() if trace.concerns(node)]


class Node:
    """One application of an op, immutable.

    `op` was applied to `inputs` (Nodes, or the constants themselves) with `statics`, and gave a value of this
    `shape` and `dtype`. `saved` holds what the op's formulas name, nothing else; `order` is the time of recording.

    Each op has a subclass of its own (generate.py): an input that wants a gradient has a slot `input_<name>`, a
    saved value a slot `saved_<name>`, and the other inputs stand in `rest`. One object for a node, and not one
    with two tuples in it, is what keeps Python's garbage collector from dominating long graphs.
    """

    __slots__ = ("dtype", "order", "rest", "shape")
    op: Any = None
    statics: tuple[Any, ...] = ()
    requires_grad: ClassVar[bool] = True
    rest: tuple[Any, ...]
    shape: tuple[int, ...]
    dtype: Any
    order: int
    bprop: Callable[..., None]  # generated: (node, g, send, memory, useful)
    grad: Any = None  # of a leaf, or where it is retained (hooks.py)

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The op's inputs, in order: Nodes where they were recorded, else the constants."""
        return ()  # the class of an op has its own (generate.py)

    @property
    def saved(self) -> tuple[Any, ...]:
        """The values that the op's formulas name, in the order of `op.saves`."""
        return tuple([getattr(self, f"saved_{name}") for name in self.op.saves]) if self.op else ()

    def with_saved(self, saved: tuple[Any, ...]) -> Node:
        """The same node with other saved values: recomputed ones, or Tensors when bprop is to be recorded."""
        cls = type(self)
        node = cls.__new__(cls)
        for slot in (*Node.__slots__, *cls.__slots__):
            setattr(node, slot, getattr(self, slot))
        for name, value in zip(self.op.saves, saved, strict=True):
            setattr(node, f"saved_{name}", value)
        return node

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.op.name if self.op else ''} {self.shape} {self.dtype}>"


class FlatNode(Node):
    """A node that no gradient passes through, such as a comparison: recorded because a replay needs it."""

    __slots__ = ("inputs", "op", "saved", "statics")
    requires_grad = False

    def __init__(
        self, op: Any, inputs: tuple[Any, ...], statics: tuple[Any, ...], saved: tuple[Any, ...], y: Any
    ) -> None:
        self.op, self.inputs, self.statics, self.saved = op, inputs, statics, saved  # type: ignore[misc]
        self.rest, self.shape, self.dtype, self.order = (), y.shape, y.dtype, tick()

    def with_saved(self, saved: tuple[Any, ...]) -> Node:
        return self


class Leaf(Node):
    """An input that wants a gradient: it owns its value `data`, its `grad`, a `name`, and the time of its
    last change.

    `grad_memory`, where set, is the place (a view into a model's gradient vector) that `grad` is written to.
    """

    __slots__ = ("changed", "data", "grad", "grad_memory", "hooks", "name")

    def __init__(self, data: Any, name: str | None = None) -> None:
        self.rest, self.shape, self.dtype, self.order = (), data.shape, data.dtype, tick()
        self.data = data
        self.name = name
        self.grad: Any = None
        self.grad_memory: Any = None
        self.hooks: Any = None
        self.changed = 0

    def __repr__(self) -> str:
        return f"<Leaf {self.name or ''} {self.shape} {self.dtype}>"


class _LastChange:
    """When any leaf changed last: a graph younger than that has nothing stale in it. `rebuilt` counts what happens to
    leaves besides new values: they move to other memory, get a hook, or want no gradient any more; and `replaced` holds
    arrays in whose place a constant Tensor has taken others, while somebody still uses them.

    (An attribute of the class Leaf instead would cost 2 us a step: changing a class empties Python's caches for it.)
    """

    __slots__ = ("lock", "rebuilt", "replaced", "time")

    def __init__(self) -> None:
        self.time = self.rebuilt = 0
        self.replaced: WeakValueDictionary[int, Any] = WeakValueDictionary()  # by their identity
        self.lock = Lock()


last_change = _LastChange()


def mark_changed(leaves: Iterable[Leaf]) -> None:
    """Say that the values of `leaves` have just changed."""
    with last_change.lock:  # so that the time never goes back
        last_change.time = now = tick()
        for leaf in leaves:
            leaf.changed = now


def mark_rebuilt() -> None:
    """Say that some leaf has moved, got or lost a hook, or begun or ceased to want a gradient."""
    with last_change.lock:
        last_change.rebuilt += 1


def mark_replaced(array: Any) -> None:
    """Say that a constant Tensor has another array now."""
    last_change.replaced[id(array)] = array
    mark_rebuilt()


def topological_order(*roots: Node, since: int = 0) -> list[Node]:
    """`roots` and every node they were computed from, oldest first; those recorded before `since` are left out.

    Iterative, and linear but for sorting numbers that are nearly sorted already.
    """
    seen = {root for root in roots if root.order >= since}
    nodes = list(seen)
    for node in nodes:  # the list grows while it is read
        for i in node.inputs:
            if isinstance(i, Node) and i not in seen and i.order >= since:
                seen.add(i)
                nodes.append(i)
    nodes.sort(key=attrgetter("order"))
    return nodes


def last_uses(nodes: list[Node], kept: Iterable[Node]) -> dict[Node, list[Node]]:
    """For each of `nodes`, given oldest first, the inputs that no later one has, nor is `kept`."""
    seen, found = set(kept), {}
    for node in reversed(nodes):
        last = {i for i in node.inputs if isinstance(i, Node) and i not in seen}
        seen |= last
        found[node] = list(last)
    return found
