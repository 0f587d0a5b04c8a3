"""`ag.compile`: a function that is recorded once for each signature of its arguments, and replayed from then on."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from threading import RLock
from types import MethodType
from typing import Any

from ..errors import ArgumentError
from ..node import is_tracing
from ..tensor import Tensor
from .backends import require
from .entrance import ELSEWHERE
from .plan import Plan
from .record import Elsewhere, Recording, WeakNumber
from .signature import (
    BeingDifferentiated,
    argument_names,
    count_places,
    key_of,
    number_dtype,
    put_together,
    taken_apart,
)

CACHE = 32  # recordings of one function, all signatures together


class Compiled:
    """A compiled function: called like the function itself. `plan` is the one that was used last."""

    plan: Plan

    def __init__(self, f: Callable[..., Any], backend: str | None, donate: tuple[int, ...]):
        self._f, self._backend, self._donate = f, backend, donate
        self._plans: OrderedDict[Any, list[Plan]] = OrderedDict()
        self._lock = RLock()
        self._floats = True  # whether Python's floats may change from call to call
        self._enter: Callable[[tuple[Any, ...]], Any] = lambda args: ELSEWHERE
        self._entrances: dict[int, tuple[Plan, Callable[[tuple[Any, ...]], Any]]] = {}  # by the id of the plan
        update_wrapper(self, f, updated=())

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A method: compiled for each object by itself, kept with it and forgotten with it."""
        if instance is None:
            return self
        method = Compiled(MethodType(self._f, instance), self._backend, self._donate)
        if hasattr(instance, "__dict__") and hasattr(self, "_name"):
            method._name = self._name
            return vars(instance).setdefault(self._name, method)
        return method

    def __reduce__(self) -> Any:
        """What was recorded is recorded again where it is needed; so is a copy, of what f is copied to."""
        if isinstance(self._f, MethodType) and hasattr(self, "_name"):
            return getattr, (self._f.__self__, self._name)
        if _found_by_name(self._f) is self:
            return self.__qualname__
        return Compiled, (self._f, self._backend, self._donate)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and not is_tracing():
            y = self._enter(args)
            if y is not ELSEWHERE:
                return y
            for plan, enter in [*self._entrances.values()]:  # signatures may alternate, as do those of an epoch's last
                y = enter(args)  # batch and all others
                if y is not ELSEWHERE:
                    self.plan, self._enter = plan, enter
                    return y
        return self._find(args, kwargs)

    def _find(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Replay the recording of this signature, or make one."""
        if is_tracing():  # what is around it records it
            return self._f(*args, **kwargs)
        found: list[Any] = []
        try:
            form = taken_apart([args, kwargs], found, self._floats)
        except BeingDifferentiated:
            return self._f(*args, **kwargs)
        try:
            with self._lock:
                plan = self._plan(key_of(form, found), form, found)
                if not kwargs:
                    self._enter = self._entrance(plan, form[1], found)
        except WeakNumber:
            self._floats = False
            return self._find(args, kwargs)
        except Elsewhere:
            return self._f(*args, **kwargs)
        return plan(tuple(found))

    def _entrance(self, plan: Plan, form: Any, found: list[Any]) -> Callable[[tuple[Any, ...]], Any]:
        if id(plan) not in self._entrances:
            self._entrances[id(plan)] = plan, plan.entrance_for(form, found)
        return self._entrances[id(plan)][1]

    def _plan(self, key: Any, form: Any, found: list[Any]) -> Plan:
        """The recording of this signature that fits what the function finds outside; else a new one, for which the
        oldest of the signature that has not been used for longest is forgotten."""
        plans = self._plans.get(key, [])
        plan = next((plan for plan in plans if plan.holds()), None) or self._recorded(form, found)
        self._plans[key] = [plan, *[other for other in plans if other is not plan]]
        self._plans.move_to_end(key)
        while sum(map(len, self._plans.values())) > CACHE:
            unused = next(iter(self._plans))
            self._entrances.pop(id(self._plans[unused].pop()), None)
            if not self._plans[unused]:
                del self._plans[unused]
        self.plan = plan
        return plan

    def _recorded(self, form: Any, found: list[Any]) -> Plan:
        def run(tensors: list[Tensor]) -> Any:
            args, kwargs = put_together(form, iter(tensors))
            return self._f(*args, **kwargs)

        donated: list[int] = []
        _, *args = form[1]
        for k in self._donate:
            if not -len(args) <= k < len(args):
                raise ArgumentError(f"compile: donate={self._donate}, but the function got {len(args)} arguments")
            start = sum(map(count_places, args[: k % len(args)]))
            donated += range(start, start + count_places(args[k]))
        _, names, *parts = form[2]
        called = argument_names(self._f, args, dict(zip(names, parts, strict=True)))
        numbers = number_dtype(found)
        try:
            recording = Recording(run, found, numbers, called)
        except WeakNumber as error:
            if error.dtype in (None, numbers):
                raise
            recording = Recording(run, found, error.dtype, called)
        return Plan(recording, self._backend, donated)


def _found_by_name(f: Any) -> Any:
    """What stands under the name of a function in its module."""
    found = sys.modules.get(getattr(f, "__module__", None) or "")
    for name in getattr(f, "__qualname__", "?").split("."):
        found = getattr(found, name, None)
    return found


def compile(f: Callable[..., Any], *, backend: str | None = None, donate: int | tuple[int, ...] = ()) -> Compiled:
    """`f`, recorded at the first call with arguments of some shapes and dtypes, and replayed at later ones.

    Parameters
    ----------
    f: a function of arrays, numbers, and nested containers of them. It may differentiate (`grad`, `hessian`,
        `backward`), move an optimizer, draw random numbers, change the running statistics of a model. It is called once
        for each signature; what Python does in it besides computing is done then, and `if t > 0` or `t.item()` on what
        depends on an argument or a leaf is an error. Leaves, random generators and arrays that an op gets are read anew
        at each call, but for arrays that are read-only, with all that they are views of: these are constants. What
        plain NumPy computes from arrays alone is computed once.
    backend: "numpy"; or "llvm", native code (extra `llvm`); None takes the faster one that is there, `plan.reason` says
        which and why. Native code does not warn of overflow, division by zero and the like.
    donate: positions of arguments whose memory may be written over, as for jax.jit's donate_argnums: results of their
        shapes and dtypes come in memory that the next call uses again. Other results are the caller's own.

    Returns
    -------
    A function that gives arrays. `plan` is the last recording: `print(f.plan)` shows what runs, `f.plan.program` what
    was recorded, `f.plan.best` what the passes made of it, `ag.draw(f.plan)` draws it. With an argument that is being
    differentiated by, f itself is called, so that `ag.grad(ag.compile(f))` works.

    Raises
    ------
    LeakError (a TypeError), at the first call, where f asks for a value, naming the line; ArgumentError (a TypeError)
    at once for an unknown backend, or one that is not installed, and at a call for arguments that are neither arrays
    nor hashable, and for positions that are none.

    With the numpy backend each result is that of `f`, bit by bit, but for sums and products of all of an array of
    65,536 entries or more that `f` computes, which are taken over its blocks first (docs/plan.md has the bound); sums
    over what NumPy would have laid out in Fortran order, as all that is computed from x.T, which are taken in C order;
    and products of arrays that lie in neither order, which BLAS takes here and loops there. These last two differ in
    rounding only, by at most n eps times the sum of the n terms' magnitudes.

    >>> import numpy as np, autograd_lite as ag
    >>> f = ag.compile(ag.grad(lambda x: np.sum(x**3)))
    >>> f(np.array([1.0, 2.0])), f(np.array([3.0, 4.0]))
    (array([ 3., 12.]), array([27., 48.]))
    """
    require(backend)
    return Compiled(f, backend, (donate,) if isinstance(donate, int) else tuple(donate))
