"""`ag.compile`: a function that is recorded once for each signature of its arguments, and replayed from then on."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from threading import RLock
from typing import Any

import numpy as np

from ..node import is_tracing
from ..tensor import Tensor
from ..tree import rebuilt
from . import numpy_backend, passes
from .program import Argument
from .record import Recording

CACHE = 32  # signatures of one function; the one that has not been used for longest is forgotten


class Plan:
    """What a function does for arguments of one signature: its program, and what runs it."""

    def __init__(self, recording: Recording, backend: Any):
        self.program = recording.program
        self.form = recording.form
        self.guards = recording.guards
        self.afterwards = [call for call, tensor in recording.afterwards]
        self.has_value = [tensor is not None for _, tensor in recording.afterwards]
        self.backend = backend
        self.best = passes.optimised(self.program)
        self.reads = [s.source.position if isinstance(s.source, Argument) else s.source.read for s in self.best.sources]
        self.free = [backend(self.best)]
        self.source = self.free[0].source

    def holds(self) -> bool:
        """Whether what the function found outside, such as an option of an optimizer, is as it was."""
        return all(now() == then for now, then in self.guards)

    def __call__(self, arrays: list[Any]) -> Any:
        try:
            built = self.free.pop()  # buffers serve one call at a time
        except IndexError:
            built = self.backend(self.best)
        try:
            ys = iter(built.run([arrays[read] if isinstance(read, int) else read() for read in self.reads]))
        finally:
            self.free.append(built)
        result = rebuilt(self.form, ys)
        for call, has_value in zip(self.afterwards, self.has_value, strict=True):
            call(next(ys) if has_value else None)
        return result


class Compiled:
    """A compiled function; `plan` is what the last signature that was recorded led to."""

    plan: Plan

    def __init__(self, f: Callable[..., Any], backend: str | None):
        self._f = f
        self._plans: dict[Any, list[Plan]] = {}
        self._lock = RLock()
        update_wrapper(self, f, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arrays: list[Any] = []
        form = _taken_apart([args, kwargs], arrays)
        if form is None or is_tracing():
            return self._f(*args, **kwargs)
        key = (form, *[(x.shape, x.dtype) for x in arrays])
        for plan in self._plans.get(key, ()):
            if plan.holds():
                return plan(arrays)
        with self._lock:
            return self._record(key, form, arrays)

    def _record(self, key: Any, form: Any, arrays: list[Any]) -> Any:
        def run(tensors: list[Tensor]) -> Any:
            args, kwargs = _put_together(form, iter(tensors))
            return self._f(*args, **kwargs)

        recording = Recording(run, arrays)
        while len(self._plans) >= CACHE:
            del self._plans[next(iter(self._plans))]
        self.plan = Plan(recording, numpy_backend.build)
        self._plans[key] = [self.plan, *self._plans.get(key, ())][:CACHE]
        return self.plan(arrays)


def compile(f: Callable[..., Any], *, backend: str | None = None) -> Compiled:
    """`f`, recorded at the first call and replayed at later ones."""
    return Compiled(f, backend)


def _taken_apart(tree: Any, arrays: list[Any]) -> Any:
    """The containers of a tree as a hashable value, with a dot for each array, which is added to `arrays`; None if one
    of them has a history."""
    kind = type(tree)
    if kind is np.ndarray:
        arrays.append(tree if tree.ndim else tree[()])
        return "."
    if isinstance(tree, np.generic):
        arrays.append(tree)
        return "."
    if kind is Tensor:
        if tree.node is not None:
            return None
        arrays.append(tree._data)
        return "."
    if isinstance(tree, (list, tuple)):
        parts = [_taken_apart(item, arrays) for item in tree]
        return None if None in parts else (kind, *parts)
    if isinstance(tree, dict):
        parts = [_taken_apart(item, arrays) for item in tree.values()]
        return None if None in parts else (kind, tuple(tree), *parts)
    return (_Static, tree)


class _Static:
    """Stands in a form in front of a value that is no array: another one is another signature."""


def _put_together(form: Any, arrays: Any) -> Any:
    if form == ".":
        return next(arrays)
    kind = form[0]
    if kind is _Static:
        return form[1]
    if issubclass(kind, dict):
        return kind(zip(form[1], [_put_together(part, arrays) for part in form[2:]], strict=True))
    parts = [_put_together(part, arrays) for part in form[1:]]
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)
