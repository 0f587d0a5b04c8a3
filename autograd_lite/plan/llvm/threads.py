"""A few threads that help with large nests.

They are Python's threads, each asleep at a lock; native code runs without the interpreter's lock, so they run at the
same time. A nest is cut into pieces, of which each thread takes the next one: where another program has a core, the
caller does most of them itself, and waits for no thread that has not begun. Pieces consist of whole blocks, whose
results are put together in one order: the result is the same on any number of threads.

AUTOGRAD_LITE_THREADS says how many there are at most; without it, one for each core. A plan that finds the threads busy
with another runs alone. No thread here ever spins, and native code calls no BLAS: so there is never a pool that spins
but NumPy's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from threading import Lock, Thread

Part = Callable[[int, int, int], object]

PIECES = 4  # for each thread


def available() -> int:
    """How many threads a nest may take."""
    chosen = os.environ.get("AUTOGRAD_LITE_THREADS", "")
    if chosen.isdigit():
        return max(int(chosen), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Work:
    """The pieces of one nest that nobody has taken yet, and how many helpers are at one."""

    def __init__(self, part: Part, context: int, ends: list[int]):
        self.part, self.context = part, context
        self.left = list(pairwise(ends))[::-1]
        self.lock, self.done = Lock(), Lock()
        self.done.acquire()
        self.helpers, self.awaited = 0, False

    def _next(self, helping: int = 0) -> tuple[int, int] | None:
        """Take a piece; None if there is none left."""
        with self.lock:
            if not self.left:
                return None
            self.helpers += helping
            return self.left.pop()

    def do(self) -> None:
        """Do pieces until none is left, and wait for the helpers that are still at one, come what may: they work on
        memory of the caller's."""
        try:
            while piece := self._next():
                self.part(self.context, *piece)
        finally:
            with self.lock:
                self.left.clear()
                self.awaited = self.helpers > 0
            if self.awaited:
                self._wait()

    def _wait(self) -> None:
        came: BaseException | None = None
        while True:
            try:
                self.done.acquire()
                break
            except BaseException as error:  # Ctrl-C
                came = error
        if came is not None:
            raise came

    def help(self) -> None:
        """Do pieces until none is left."""
        while True:
            piece = self._next(helping=1)
            if piece is None:
                return
            self.part(self.context, *piece)
            with self.lock:
                self.helpers -= 1
                last = self.awaited and not self.helpers
            if last:
                self.done.release()


class _Helper:
    """A thread that helps with whatever work it was shown last."""

    def __init__(self) -> None:
        self.ready = Lock()
        self.ready.acquire()
        self.work: _Work | None = None
        Thread(target=self._run, daemon=True, name="autograd_lite").start()

    def _run(self) -> None:
        while True:
            self.ready.acquire()
            if self.work is not None:
                self.work.help()

    def show(self, work: _Work) -> None:
        """Wake the thread, unless it is about to wake already."""
        self.work = work
        if self.ready.locked():
            self.ready.release()


class _Pool:
    def __init__(self) -> None:
        self.free = Lock()
        self.helpers: list[_Helper] = []

    def run(self, part: Part, context: int, count: int) -> None:
        threads = min(available(), count)
        if threads < 2 or not self.free.acquire(blocking=False):
            part(context, 0, count)
            return
        try:
            while len(self.helpers) < threads - 1:
                self.helpers.append(_Helper())
            pieces = min(count, PIECES * threads)
            work = _Work(part, context, [count * k // pieces for k in range(pieces + 1)])
            for helper in self.helpers[: threads - 1]:
                helper.show(work)
            work.do()
        finally:
            self.free.release()


_pool = _Pool()


def run(part: Part, context: int, count: int) -> None:
    """`part(context, begin, end)` for all blocks below `count`, some at the same time."""
    _pool.run(part, context, count)


def _forget() -> None:
    """A process that was forked off has no threads but one."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
