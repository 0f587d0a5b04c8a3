"""Floor 0: which module or named part of a program was running when a node was recorded.

A node carries its time (node.py), so it is enough to note the interval of times of each call: a node belongs to the
calls whose intervals hold its time, and intervals nest as the calls did. Nodes stay as they are, and a call costs two
ticks of the clock and an entry of a bounded list. No NumPy here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any, NamedTuple
from weakref import ref

from .node import tick

KEPT = 20_000  # calls of each thread; older ones are forgotten, and their nodes are drawn without a frame


class Call(NamedTuple):
    """One call: its first and last time, and the module that was called, or a name."""

    start: int
    end: int
    what: Any


class _Log(threading.local):
    """The latest calls of this thread, ((start, end, weak reference or name), ...): threads' clocks interleave."""

    def __init__(self) -> None:
        self.calls: deque[tuple[int, int, Any]] = deque(maxlen=KEPT)


_log = _Log()


def note_call(what: Any, start: int) -> None:
    """Note that `what` has been running since `start`; it is held weakly."""
    end = tick()
    if end - start > 1:  # something was recorded, here or in another thread
        _log.calls.append((start, end, ref(what)))


def calls(first: int, last: int) -> list[Call]:
    """This thread's calls that overlap the times from `first` to `last`, outer before inner; no dead modules."""
    found = []
    for start, end, what in list(_log.calls):
        if end >= first and start <= last:
            alive = what if isinstance(what, str) else what()
            if alive is not None:
                found.append(Call(start, end, alive))
    return sorted(found, key=lambda call: call.start)


class named_scope(ContextDecorator):
    """A name for a part of a program: pictures draw a frame around what was recorded in it.

    A context manager, or a decorator of a function; without parentheses that is the function's own name.

    >>> import autograd_lite as ag
    >>> @ag.named_scope
    ... def neuron(w, x):
    ...     return ag.tanh(w * x)
    >>> w = ag.tensor(2.0, requires_grad=True, name="w")
    >>> with ag.named_scope("penalty"):
    ...     penalty = w * w
    >>> "penalty" in ag.draw(neuron(w, 3.0) + penalty, depth=0).source
    True
    """

    def __new__(cls, name: str | Callable[..., Any]) -> Any:
        if callable(name):
            return cls(getattr(name, "__name__", "function"))(name)
        return super().__new__(cls)

    def __init__(self, name: str):
        self.name = str(name) or "scope"
        self._starts: list[int] = []  # a decorated function may call itself

    def _recreate_cm(self) -> named_scope:
        return named_scope(self.name)

    def __enter__(self) -> named_scope:
        self._starts.append(tick())
        return self

    def __exit__(self, *error: Any) -> None:
        start, end = self._starts.pop(), tick()
        if end - start > 1:
            _log.calls.append((start, end, self.name))
