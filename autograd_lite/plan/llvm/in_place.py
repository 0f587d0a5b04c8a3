"""Which new values are computed right where they are to be in the end, in memory of somebody's such as theta.

That may be done where nothing reads the old value any more, or only the entry that is replaced, and where nothing can
fail afterwards. Arrays that stay, such as leaves, are compared with that memory here, by their addresses; the code asks
when it starts whether they are still the same, and whether arguments lie apart from what it writes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...runtime import address
from ..program import Program, Value
from .forms import has_kind
from .schedule import Item, Nest, Product, Schedule


class InPlace:
    """`targets`: pairs (source, new value) that are written directly. `fixed`: the arrays of sources that stay,
    `memories`: those that are written to.

    Items that compute such values are moved behind those that read the old ones.
    """

    def __init__(self, program: Program, schedule: Schedule, fixed: dict[Value, Any], memories: dict[Value, Any]):
        self.program, self.schedule, self.items = program, schedule, schedule.items
        self.fixed, self.memories = fixed, memories
        self._sources = list(self.fixed)
        self._starts = np.array([address(x) for x in self.fixed.values()], np.int64)
        self._stops = self._starts + np.array([x.nbytes for x in self.fixed.values()], np.int64)
        self._move_late()
        self.position = {item: k for k, item in enumerate(self.items)}
        self.last = self._last_reads()
        given = [*program.outputs, *[new for _, new in program.writes]]
        self.kept = {schedule.base(y) for y in given if isinstance(y, Value)}  # what is read when all is done
        self.last_failure = max([k for k, item in enumerate(self.items) if can_fail(item)], default=-1)
        self.targets: list[tuple[Value, Value]] = []
        for target, new in program.writes:
            if isinstance(new, Value) and new in schedule.stored and self._may_write(target, new):
                self.targets.append((target, new))

    def _last_reads(self) -> dict[Value, int]:
        """For each value, the place of the last item that reads it."""
        return {value: k for k, item in enumerate(self.items) for value in self.schedule.reads(item)}

    def _move_late(self) -> None:
        assembled, item_of = self.schedule.assembled, self.schedule.item
        needed: set[Item | None] = set()
        for item in self.items:
            reads = [v for read in self.schedule.reads(item) for v in assembled.get(read, [read])]
            needed |= {item_of[v] for v in reads} - {item}
        keys = {item: float(k) for k, item in enumerate(self.items)}
        last = self._last_reads()
        for target, new in self.program.writes:
            maker = item_of.get(new) if isinstance(new, Value) else None
            if isinstance(maker, Nest) and maker not in needed:
                for source in self._sharing(self.memories[target]):
                    keys[maker] = max(keys[maker], last.get(source, -1) + 0.5)
        self.items.sort(key=keys.__getitem__)

    def _sharing(self, memory: Any) -> list[Value]:
        """The sources that lie in a memory."""
        start = address(memory)
        inside = (self._starts < start + memory.nbytes) & (self._stops > start)
        return [self._sources[k] for k in np.flatnonzero(inside)]

    def _may_write(self, target: Value, new: Value) -> bool:
        memory, item = self.memories[target], self.schedule.item[new]
        if not isinstance(item, (Nest, Product)) or not new.shape or new in self.schedule.assembled:
            return False
        if memory.shape != new.shape or memory.dtype != new.dtype or not memory.flags.c_contiguous:
            return False
        if any(new is other or np.may_share_memory(memory, self.memories[t]) for t, other in self.targets):
            return False
        if self.last_failure >= self.position[item]:
            return False
        for source in self._sharing(memory):
            how = self.read_after(source, item, new)
            if how == "yes" or (how == "itself" and address(self.fixed[source]) != address(memory)):
                return False
        return True

    def read_after(self, source: Value, item: Item, new: Value) -> str:
        """Whether anything reads `source` when `new` has been written: "no", "yes", or "itself": the entry in the place
        of which it is written."""
        last, here = self.last.get(source, -1), self.position[item]
        if source in self.kept or last > here:
            return "yes"
        if last < here:
            return "no"
        if not isinstance(item, Nest) or new in item.reductions:
            return "yes"
        body = self.schedule.body(item)
        read = {i for v in [*body, *item.reductions] for i in v.operands if self.schedule.base(i) is source}
        gathered = any(v in self.schedule.gathers and v.inputs[0] in read for v in body)
        return "itself" if read == {source} and source.shape == new.shape and not gathered else "yes"

    def apart(self) -> list[tuple[Value, Value, bool]]:
        """Which new values and arguments must not share memory; if the third is true, unless they are the same."""
        moving = [s for s in self.program.sources if has_kind(s) and s.shape and s not in self.fixed]
        found = []
        for _, new in self.targets:
            item = self.schedule.item[new]
            assert item is not None
            how = {source: self.read_after(source, item, new) for source in moving}
            found += [(new, source, answer == "itself") for source, answer in how.items() if answer != "no"]
        return found


def can_fail(item: Item) -> bool:
    """Whether an item may find that its input is wrong."""
    return item.checks if isinstance(item, Nest) else not isinstance(item, Product)
