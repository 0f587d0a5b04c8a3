"""A few threads that run parts of a large nest.

They are Python's threads, each asleep at a lock; native code runs without the interpreter's lock, so they run at the
same time. The parts are the same blocks whatever the number of threads, and their results are put together in one
order: so the result is the same, too. AUTOGRAD_LITE_THREADS says how many threads there are at most; without it, one
for each core. A plan that finds the threads busy with another runs alone. No thread here ever spins, and native code
calls no BLAS: so there is never more than NumPy's own pool that does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

Part = Callable[[int, int, int], Any]


def available() -> int:
    """How many threads a nest may take."""
    chosen = os.environ.get("AUTOGRAD_LITE_THREADS", "")
    if chosen.isdigit():
        return max(int(chosen), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """A thread that runs one part after another, as it is told."""

    def __init__(self) -> None:
        self.ready, self.done = Lock(), Lock()
        self.ready.acquire()
        self.done.acquire()
        self.task: tuple[Any, ...] = ()
        Thread(target=self._work, daemon=True, name="autograd_lite").start()

    def _work(self) -> None:
        while True:
            self.ready.acquire()
            part, *arguments = self.task
            part(*arguments)
            self.done.release()

    def start(self, *task: Any) -> None:
        """Run a part while the caller does something else."""
        self.task = task
        self.ready.release()

    def wait(self) -> BaseException | None:
        """Wait for the part to end, come what may: it works on the caller's memory. What came is returned."""
        came: BaseException | None = None
        while True:
            try:
                self.done.acquire()
            except BaseException as error:
                came = error
            else:
                return came


class _Pool:
    def __init__(self) -> None:
        self.free = Lock()
        self.workers: list[_Worker] = []

    def run(self, part: Part, context: int, count: int) -> None:
        threads = min(available(), count)
        if threads < 2 or not self.free.acquire(blocking=False):
            part(context, 0, count)
            return
        try:
            while len(self.workers) < threads - 1:
                self.workers.append(_Worker())
            ends = [count * k // threads for k in range(threads + 1)]
            busy = self.workers[: threads - 1]
            for k, worker in enumerate(busy, 1):
                worker.start(part, context, ends[k], ends[k + 1])
            try:
                part(context, 0, ends[1])
            finally:
                came = [worker.wait() for worker in busy]
        finally:
            self.free.release()
        for error in came:
            if error is not None:
                raise error


_pool = _Pool()


def run(part: Part, context: int, count: int) -> None:
    """`part(context, k, ...)` for all blocks k below `count`, some at the same time."""
    _pool.run(part, context, count)


def _forget() -> None:
    """A process that was forked off has no threads but one."""
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
