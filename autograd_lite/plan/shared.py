"""The same program is compiled once: two models of one architecture, or one function compiled twice, share the work.

Programs are compared by what they compute, not by the function that they were recorded from. What is kept of one knows
nothing of whose arrays it was made for: its sources are empty places, which those of the next program are put into.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np

from ..ops import OPS
from ..runtime import is_constant
from . import passes
from .passes.common import key_of_number, key_of_static
from .program import Argument, Captured, Program, Value, outside, substituted

KEPT = 20_000  # values of programs in all, those used last; of a small network's update there are some 60
SMALL = 4096  # bytes of a constant array up to which its entries are compared


class Shared:
    """What has been made for some keys, those used last; for several threads."""

    def __init__(self) -> None:
        self._made: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: Any) -> Any:
        """What was made for the key; None if there is nothing, or for None."""
        with self._lock:
            if key not in self._made:
                return None
            self._made.move_to_end(key)
            return self._made[key][0]

    def put(self, key: Any, made: Any, size: int) -> None:
        """Keep what was made for the key, unless that is None, of a program of `size` values, unless that is large."""
        if key is None or size > KEPT:
            return
        with self._lock:
            _, before = self._made.pop(key, (None, 0))
            self._made[key] = made, size
            self._size += size - before
            while self._size > KEPT:
                _, (_, gone) = self._made.popitem(last=False)
                self._size -= gone

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._made.clear()
            self._size = 0


_optimised = Shared()


def optimised(program: Program) -> Program:
    """The program after all passes, which look at nothing but what `structure` tells."""
    ends, key = outside(program), structure(program)
    known = _optimised.get(key)
    if known is not None:
        template, places = known
        return substituted(template, dict(zip(places, ends, strict=True)))
    best = passes.optimised(program)
    places = list(map(place_for, ends))
    _optimised.put(key, (substituted(best, dict(zip(ends, places, strict=True))), places), len(program.values))
    return best


def structure(program: Program) -> Any:
    """What two programs have in common that give the same for the same arrays; None for one that is like no other: with
    an op of a user's own, or a large array in it that never changes."""
    number: dict[Any, int] = {}

    def key(i: Any) -> Any:
        return number[i] if type(i) is Value else key_of_number(i)

    parts: list[Any] = [len(program.sources), *map(len, program.steps)]
    for source in [*program.sources, *[target for target, _ in program.writes]]:
        if source in number:
            parts.append(number[source])
            continue
        number[source] = len(number)
        kind = _kind_of(source.source)
        if kind is None:
            return None
        parts.append((source.shape, source.dtype, source.weak, *kind))
    for value in program.values:
        if OPS.get(value.op.name) is not value.op:
            return None
        statics = tuple(map(key_of_static, value.statics))
        parts.append((value.op, tuple(map(key, value.inputs)), statics, value.shape, value.dtype, value.weak))
        number[value] = len(number)
    parts.append(tuple(map(key, program.outputs)))
    parts.append(tuple([key(new) for _, new in program.writes]))
    found = tuple(parts)
    try:
        hash(found)
    except TypeError:
        return None
    return found


def _kind_of(source: Any) -> tuple[Any, ...] | None:
    if isinstance(source, Argument):
        return "argument", *source
    constant = source.memory
    if not isinstance(constant, np.ndarray) or not is_constant(constant):
        return ("captured", source.stays, constant is None)
    return ("constant", constant.tobytes(), constant.strides) if constant.nbytes <= SMALL else None


def place_for(source: Value) -> Value:
    """The same for nobody's memory."""
    place = Captured(lambda: None, "place", stays=source.source.stays)
    return Value(None, (), (), source.shape, source.dtype, place, source.weak)
