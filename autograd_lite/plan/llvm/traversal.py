"""How a nest goes over its domain: which axes are one, which axis the vectors go along, how its values lie.

The axes over which every access moves as over one are taken together. Vectors go along the axis where that costs least:
entries side by side are loaded at once, others one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..program import Value
from .forms import kind_of
from .indexing import places_in
from .memory import View, contiguous
from .registers import Kind
from .schedule import Nest, Schedule

STRIP = 4  # vectors of columns that are summed at once
LIGHT = 12  # cycles of what is summed; more, and its intermediate results would not fit in the registers
BLOCK = 4096  # entries of a long array that are summed by themselves, or are one thread's at least


class Axis(NamedTuple):
    """One loop: how often, the step of each access in entries, and whether reductions go over it."""

    extent: int
    steps: tuple[int, ...]
    reduced: bool


class Access:
    """A value in memory at each index of a nest: loaded, or stored."""

    def __init__(self, value: Value, view: View, strides: tuple[int, ...], stored: bool, place: bool = False):
        self.value, self.view, self.strides, self.stored = value, view, strides, stored
        self.key = (value, place)  # an array of places is spread over a domain in a way of its own


class Traversal:
    """How one nest goes over its domain. `view_of` tells where a value lies; in which order the axes of those that are
    `free` lie is chosen here."""

    def __init__(
        self, nest: Nest, schedule: Schedule, view_of: Callable[[Value], View], free: set[Value], vector_bytes: int
    ):
        self.nest, self.schedule, self.view_of = nest, schedule, view_of
        self.body = schedule.body(nest)
        self.inside = set(self.body)
        self.gathers = any(v in schedule.gathers for v in self.body)
        kinds = [kind_of(v.dtype) for v in [*self.body, *nest.reductions]]
        kinds += [kind_of(i.dtype) for v in self.body for i in v.operands]
        bits = max([k.bits for k in kinds if k is not None and k.floating], default=64)
        called = any(v in schedule.forms and schedule.forms[v].called for v in self.body)
        self.width = 1 if called else max(vector_bytes * 8 // bits, 1)
        self.choose_layout(free)
        self.accesses = self.find_accesses()
        self.axes = self.collapsed()
        self.vector = self.vector_axis(self.axes)
        self.widen()
        self.blocks = self.cut_in_blocks()

    def find_accesses(self) -> list[Access]:
        """All loads and stores, with strides over the domain."""
        domain, found, seen = self.nest.domain, list[Access](), set[Any]()
        for value in dict.fromkeys([*self.body, *self.nest.reductions]):
            for i in dict.fromkeys(self.schedule.entry_operands(value)):
                if i not in self.inside and (i, value in self.schedule.gathers) not in seen:
                    seen.add((i, value in self.schedule.gathers))
                    view = self.view_of(i)
                    if value in self.schedule.gathers:
                        view = places_in(view, self.schedule.gathers[value])
                    found.append(Access(i, view, view.along(domain), False, value in self.schedule.gathers))
        found += [Access(v, w := self.view_of(v), w.along(domain), True) for v in self.body if self.is_stored(v)]
        for value in self.nest.reductions:
            view = self.view_of(value)
            found.append(Access(value, view, self.over_domain(view), True))
        return found

    def is_stored(self, value: Value) -> bool:
        """Whether this nest puts the value in memory."""
        return value in self.schedule.stored and self.schedule.item[value] is self.nest

    def over_domain(self, result: View) -> tuple[int, ...]:
        """The strides of a reduction's result over the domain: 0 along the axes that are reduced."""
        reduced, domain = self.nest.reduced or (), self.nest.domain
        kept = [k for k in range(len(domain)) if k not in reduced]
        own = [s for n, s in zip(result.shape, result.strides, strict=True) if n > 1]
        along = iter(own)
        return tuple([0 if k not in kept or domain[k] == 1 else next(along) for k in range(len(domain))])

    def choose_layout(self, free: set[Value]) -> None:
        """Let the values that this nest stores lie so that the nest is cheap; C order where nothing is gained."""
        mine = [v for v in self.body if v in free and self.is_stored(v) and len(v.shape) > 1]
        if not mine:
            return
        axes = range(len(self.nest.domain))
        orders = [tuple(axes), *[(*[k for k in axes if k != last], last) for last in axes[:-1]]]
        costs = []
        for order in orders:
            for value in mine:
                self.view_of(value).memory.strides = contiguous(value.shape, order)
            self.accesses = self.find_accesses()
            self.axes = self.collapsed()
            costs.append(self.cost(self.vector_axis(self.axes)))
        best = orders[int(np.argmin(costs))]
        for value in mine:
            self.view_of(value).memory.strides = contiguous(value.shape, best)

    def collapsed(self) -> list[Axis]:
        """The axes of the domain, kept ones before reduced ones, taken together where all accesses allow it."""
        reduced = self.nest.reduced or ()
        axes = [
            Axis(n, tuple([a.strides[k] for a in self.accesses]), k in reduced)
            for k, n in enumerate(self.nest.domain)
            if n != 1 or self.gathers
        ]
        if self.gathers:
            return axes
        axes.sort(key=lambda axis: (axis.reduced, -sum(map(abs, axis.steps))))
        together: list[Axis] = []
        for axis in axes:
            last = together[-1] if together else None
            if last and last.reduced == axis.reduced and last.steps == tuple([s * axis.extent for s in axis.steps]):
                together[-1] = Axis(last.extent * axis.extent, axis.steps, axis.reduced)
            else:
                together.append(axis)
        return together

    def vector_axis(self, axes: list[Axis]) -> int:
        """The axis along which vectors cost least; -1 if there is none."""
        if self.width == 1 or not axes:
            return len(axes) - 1
        return min(reversed(range(len(axes))), key=self.cost)

    def cost(self, k: int) -> float:
        """About how many cycles the nest takes with vectors along axis k."""
        if k < 0:
            return 1.0
        extent = self.axes[k].extent
        vectors = -(-extent // self.width)
        others = float(np.prod([axis.extent for axis in self.axes])) / max(extent, 1)
        lanes = min(self.width, extent)
        memory = sum(1.0 if abs(s) <= 1 else 1.5 * lanes for s in self.axes[k].steps)
        forms = self.schedule.forms
        work = sum(forms[v].cost if v in forms else 2 * lanes for v in self.body)
        return others * vectors * (memory + work + len(self.nest.reductions))

    def widen(self) -> None:
        """Sums of columns go down several vectors of columns at once: one is less than the caches bring at a time.
        These strips do not depend on each other."""
        k, wide = self.vector, STRIP * self.width
        work = sum(self.schedule.forms[v].cost for v in self.body if v in self.schedule.forms)
        if k < 0 or not self.nest.reductions or self.gathers or self.width == 1 or work > LIGHT:
            return
        axis = self.axes[k]
        if axis.reduced:
            return
        if axis.extent >= wide:
            self.width = wide
        if k == 0 and axis.extent % wide == 0 and axis.extent > wide and all(a.reduced for a in self.axes[1:]):
            strips = Axis(axis.extent // wide, tuple([s * wide for s in axis.steps]), False)
            self.axes = [strips, Axis(wide, axis.steps, False), *self.axes[1:]]
            self.vector = 1

    def cut_in_blocks(self) -> int:
        """Of a long sum, how many blocks are summed by themselves; 0 for a short one."""
        if len(self.axes) == 1 and self.axes[0].extent >= 2 * BLOCK and not self.gathers:
            axis = self.axes[0]
            self.axes = [Axis(axis.extent // BLOCK, tuple([s * BLOCK for s in axis.steps]), False), axis]
            self.vector = 1
            return self.axes[0].extent
        return 0

    def kind(self, value: Value) -> Kind:
        """What a value is in IR."""
        found = kind_of(value.dtype)
        assert found is not None
        return found

    @property
    def partial_results(self) -> int:
        """For how many results of blocks there must be memory."""
        return (self.blocks + 1) * len(self.nest.reductions) if self.blocks else 0

    @property
    def outer(self) -> int:
        """How often the outer loop goes, if several threads can share it; else 0."""
        if self.blocks:
            return self.blocks
        kept = [k for k, axis in enumerate(self.axes) if not axis.reduced and k != self.vector]
        return self.axes[kept[0]].extent if kept else 0
