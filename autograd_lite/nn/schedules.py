"""Learning rates that change: eta as a function of the number k of updates done so far, from 0.

Gradient descent on noisy gradients arrives at a minimum if the rates sum to infinity, so that it can come from
anywhere, and their squares do not, so that the noise dies out (Robbins and Monro, 1951). `satisfies_robbins_monro`
tells which schedules do.

>>> import autograd_lite as ag
>>> schedule = ag.nn.schedules.WarmUp(ag.nn.schedules.Linear(1.0), updates=2)
>>> [schedule(k) for k in range(5)]
[0.5, 1.0, 1.0, 0.5, 0.3333333333333333]
>>> schedule.satisfies_robbins_monro
True
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, ClassVar

from ..errors import ArgumentError

_MAY_BE_ZERO = frozenset({"minimum", "beta"})


@dataclass(frozen=True)
class Schedule:
    """Base: `schedule(k)` is the rate of the update that follows k updates, k = 0, 1, 2, ...

    A constant that is no finite positive number is an ArgumentError (a TypeError).
    """

    satisfies_robbins_monro: ClassVar[Any] = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "updates":
                _check(self, isinstance(value, int) and value > 0, "updates", value, "a positive whole number")
            elif not isinstance(value, Schedule):
                low = 0.0 if field.name in _MAY_BE_ZERO else math.ulp(0.0)
                number = isinstance(value, Real) and low <= float(value) < math.inf
                _check(self, number, field.name, value, "a finite positive number")

    def __call__(self, k: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} defines no rate")


def _check(schedule: Schedule, holds: bool, name: str, value: Any, needed: str) -> None:
    if not holds:
        raise ArgumentError(f"{type(schedule).__name__}: {name} is {value!r}; it must be {needed}")


@dataclass(frozen=True)
class Constant(Schedule):
    """eta(k) = eta0 (the lectures). The noise never dies out."""

    eta0: float

    def __call__(self, k: int) -> float:
        return self.eta0


@dataclass(frozen=True)
class Linear(Schedule):
    """eta(k) = eta0 / (k + 1) (the lectures; Robbins and Monro, 1951)."""

    eta0: float
    satisfies_robbins_monro: ClassVar[Any] = True

    def __call__(self, k: int) -> float:
        return self.eta0 / (k + 1)


@dataclass(frozen=True)
class Quadratic(Schedule):
    """eta(k) = eta0 / (k + 1)^2 (the lectures). The rates sum to eta0 pi^2 / 6: from further away it cannot arrive."""

    eta0: float

    def __call__(self, k: int) -> float:
        return self.eta0 / (k + 1) ** 2


@dataclass(frozen=True)
class Exponential(Schedule):
    """eta(k) = eta0 exp(-beta k) (the lectures). The rates sum to eta0 / (1 - exp(-beta)): from further away it cannot
    arrive."""

    eta0: float
    beta: float

    def __call__(self, k: int) -> float:
        return self.eta0 * math.exp(-self.beta * k)


@dataclass(frozen=True)
class Inverse(Schedule):
    """eta(k) = alpha / (1 + delta k), for delta > 0: about constant while delta k < 1, then about 1 / k ("search, then
    converge", Darken and Moody, 1991)."""

    alpha: float
    delta: float
    satisfies_robbins_monro: ClassVar[Any] = True

    def __call__(self, k: int) -> float:
        return self.alpha / (1 + self.delta * k)


@dataclass(frozen=True)
class Power(Schedule):
    """eta(t) = alpha / t^delta with t = k + 1 and 0.5 < delta <= 1: beyond 1 the rates have a finite sum, up to 0.5
    their squares have an infinite one (Robbins and Monro, 1951). Another delta is an ArgumentError (a TypeError)."""

    alpha: float
    delta: float
    satisfies_robbins_monro: ClassVar[Any] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, 0.5 < self.delta <= 1, "delta", self.delta, "in (0.5, 1]")

    def __call__(self, k: int) -> float:
        return self.alpha / math.pow(k + 1, self.delta)


@dataclass(frozen=True)
class Step(Schedule):
    """eta(k) = eta0 gamma^floor(k / updates), for 0 < gamma <= 1: a factor gamma every so many updates (PyTorch's
    StepLR)."""

    eta0: float
    updates: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.gamma <= 1, "gamma", self.gamma, "in (0, 1]")

    def __call__(self, k: int) -> float:
        return self.eta0 * self.gamma ** (k // self.updates)


@dataclass(frozen=True)
class Cosine(Schedule):
    """eta(k) = minimum + (eta0 - minimum) (1 + cos(pi k / updates)) / 2, and `minimum` after that many updates
    (Loshchilov and Hutter, 2017, eq. 5, without restarts)."""

    eta0: float
    updates: int
    minimum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self, self.minimum <= self.eta0, "minimum", self.minimum, f"at most eta0, {self.eta0}")

    def __call__(self, k: int) -> float:
        share = min(k / self.updates, 1.0)
        return self.minimum + (self.eta0 - self.minimum) * (1 + math.cos(math.pi * share)) / 2


@dataclass(frozen=True)
class _Delayed(Schedule):
    """A schedule that starts after the first `updates`, whose rates are no matter to any infinite sum."""

    schedule: Schedule
    updates: int

    def __post_init__(self) -> None:
        _check(self, isinstance(self.schedule, Schedule), "schedule", self.schedule, "one of nn.schedules")
        super().__post_init__()

    @property
    def satisfies_robbins_monro(self) -> bool:
        return bool(self.schedule.satisfies_robbins_monro)


@dataclass(frozen=True)
class WarmUp(_Delayed):
    """eta(k) = schedule(0) (k + 1) / updates while k < updates, then schedule(k - updates) (Goyal et al., 2017)."""

    def __call__(self, k: int) -> float:
        if k < self.updates:
            return self.schedule(0) * (k + 1) / self.updates
        return self.schedule(k - self.updates)


@dataclass(frozen=True)
class Fixed(_Delayed):
    """eta(k) = rate while k < updates, then schedule(k - updates): first get near, then decay (the lectures).

    >>> import autograd_lite as ag
    >>> schedule = ag.nn.schedules.Fixed(ag.nn.schedules.Linear(1.0), updates=2, rate=0.5)
    >>> [schedule(k) for k in range(4)]
    [0.5, 0.5, 1.0, 0.5]
    """

    rate: float

    def __call__(self, k: int) -> float:
        return self.rate if k < self.updates else self.schedule(k - self.updates)
