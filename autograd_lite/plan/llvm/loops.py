"""A nest as loops, and the code at each index.

Kept axes are outside, reduced ones inside, and vectors go along one of them. What is left over at the end of that axis
is a shorter vector, so that nothing is read or written beyond an array. Reductions keep a vector of partial results, of
a long array over BLOCK entries each, and put these together in a fixed order: the result is the same from run to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..program import Value
from .indexing import offset_of
from .memory import Memory
from .reductions import NEUTRAL, combined, folded
from .registers import I64, Kind, Register, typed
from .traversal import BLOCK, Access, Traversal
from .writer import Writer


class Loops(Traversal):
    """Writes a nest; `pointer` gives the address of a memory."""

    def write(self, writer: Writer, pointer: Callable[[Memory], str], span: Any = None, partials: str = "") -> None:
        """The loops. `span`: from where to where the outer loop goes, instead of all of it; `partials`: the address of
        a partial result for each block and reduction."""
        self.writer, self.pointer, self.partials = writer, pointer, partials
        writer.start = self.start = writer.here
        if any(n == 0 for n in self.nest.domain):
            return None
        kept = [k for k, axis in enumerate(self.axes) if not axis.reduced and k != self.vector]
        reduced = [k for k, axis in enumerate(self.axes) if axis.reduced and k != self.vector]
        vector = [self.vector] if self.vector >= 0 else []
        lane_is_reduced = bool(vector) and (
            self.axes[self.vector].reduced or bool(self.blocks and self.nest.reductions)
        )
        self.order = [*kept, *reduced, *vector] if lane_is_reduced else [*kept, *vector, *reduced]
        self.first_reduced = len(kept) + (0 if lane_is_reduced else len(vector))
        self.lane_is_reduced = lane_is_reduced
        if self.blocks:
            return self.write_blocks(span)
        return self.descend(0, {}, 1, span)

    def write_blocks(self, span: Any) -> None:
        """A long nest over one axis, block by block; what is left over belongs to the last block."""

        def block(number: Register) -> None:
            self.entries = BLOCK
            self.block = number
            self.descend(1, {0: number}, 1)

        start, stop = span or (0, self.blocks)
        self.writer.loop(start, stop, 1, block)
        if span is None:
            self.write_end()

    def descend(self, k: int, index: dict[int, Register], width: int, span: Any = None) -> None:
        """Loop k of `order` and all inside of it; `index` holds the indices of the loops around."""
        if k == self.first_reduced:
            return self.accumulated(lambda: self.loop(k, index, width, span), index, width)
        return self.loop(k, index, width, span)

    def loop(self, k: int, index: dict[int, Register], width: int, span: Any = None) -> None:
        """Loop k, without what reductions need around theirs."""
        if k == len(self.order):
            return self.entry(index, width)
        axis = self.order[k]
        extent = self.entries if self.blocks and axis == 1 else self.axes[axis].extent
        step = min(self.width, extent) if axis == self.vector else 1
        wide = step if axis == self.vector else width
        whole = extent - extent % step

        def inside(i: Register) -> None:
            self.descend(k + 1, {**index, axis: i}, wide)

        start, stop = span if span is not None else (0, whole)
        if span is None and whole == step:
            inside(self.writer.constant(I64, 0))
        else:
            self.writer.loop(start, stop, step, inside)
        if whole < extent and span is None:
            self.descend(k + 1, {**index, axis: self.writer.constant(I64, whole)}, extent - whole)
        return None

    def entry(self, index: dict[int, Register], width: int) -> None:
        """The code at one index: `width` entries of each value."""
        registers: dict[Value, Register] = {}
        loads = {a.key: a for a in self.accesses if not a.stored}
        loaded: dict[Any, Register] = {}

        def of(value: Value, place: bool) -> Register:
            if value in registers:
                return registers[value]
            if (value, place) not in loaded:
                loaded[value, place] = self.load(loads[value, place], index, width)
            return loaded[value, place]

        for value in self.body:
            registers[value] = self.computed(value, of, index, width)
        for number, access in enumerate(self.accesses):
            if access.stored and access.value in registers:
                self.store(number, access, registers[access.value].widened(width), index)
        for value in self.nest.reductions:
            entry = of(value.operands[0], False)
            self.accumulate(value, entry.cast(self.kind(value)).widened(width))

    def computed(self, value: Value, of: Callable[[Value, bool], Register], index: Any, width: int) -> Register:
        """One value at one index; `of` gives the registers of its operands."""
        gather = self.schedule.gathers.get(value)
        if gather is None:
            form = self.schedule.forms[value]
            inputs = [
                of(i, False).cast(kind) if isinstance(i, Value) else self.writer.constant(kind, i)
                for i, kind in zip(value.inputs, form.kinds, strict=True)
            ]
            return form.build(*inputs).cast(self.kind(value))
        places = {k: of(i, True) for k, i in enumerate(value.inputs) if k}
        view = self.view_of(value.inputs[0])
        offset = offset_of(gather, view, places, lambda axis: self.index_of(axis, index, width))
        return self.load_lanes(view.memory, self.kind(value), offset.widened(width))

    def index_of(self, axis: int, index: dict[int, Register], width: int) -> Register:
        """The index along an axis of the domain, a different one in each lane of the axis of vectors."""
        i = index[axis]
        if axis != self.vector or width == 1:
            return i
        lanes = ", ".join(f"i64 {k}" for k in range(width))
        return i + Register(self.writer, f"<{lanes}>", I64, width)

    # -- memory --------------------------------------------------------------------------------------------------------

    def offset(self, access: Access, number: int, index: dict[int, Register]) -> Register:
        """Where the first lane's entry lies, in entries."""
        offset = self.writer.constant(I64, access.view.offset)
        for axis, i in sorted(index.items(), key=lambda item: item[1].level):
            step = self.axes[axis].steps[number]
            if step:
                offset = (i if step == 1 else i * step) + offset
        return offset

    def load(self, access: Access, index: dict[int, Register], width: int) -> Register:
        """`width` entries; one where all lanes have the same."""
        number = self.accesses.index(access)
        kind = self.kind(access.value)
        offset = self.offset(access, number, index)
        step = self.axes[self.vector].steps[number] if self.vector >= 0 else 0
        level = max(offset.level, self.start)
        size = max(kind.bits // 8, 1)
        if width == 1 or step in (0, 1):
            place = self.writer.pointer(self.pointer(access.view.memory), offset, size, level)
            return self.writer.load(place, kind, 1 if step == 0 else width, level)
        lanes = ", ".join(f"i64 {k * step}" for k in range(width))
        return self.load_lanes(access.view.memory, kind, offset + Register(self.writer, f"<{lanes}>", I64, width))

    def load_lanes(self, memory: Memory, kind: Kind, offset: Register) -> Register:
        """The entry at each lane's offset."""
        level, size, writer = max(offset.level, self.start), max(kind.bits // 8, 1), self.writer
        base = self.pointer(memory)
        if offset.width == 1:
            return writer.load(writer.pointer(base, offset, size, level), kind, 1, level)
        found: Register | None = None
        for lane in range(offset.width):
            entry = writer.load(writer.pointer(base, offset.lane(lane), size, level), kind, 1, level)
            before = "poison" if found is None else found.name
            type_ = f"<{offset.width} x {kind.name}>"
            text = f"insertelement {type_} {before}, {kind.name} {entry.name}, i64 {lane}"
            found = writer.made(text, kind, offset.width, level)
        assert found is not None
        return found

    def store(self, number: int, access: Access, value: Register, index: dict[int, Register]) -> None:
        """Entries to memory, here."""
        writer, size = self.writer, max(value.kind.bits // 8, 1)
        offset, base = self.offset(access, number, index), self.pointer(access.view.memory)
        step = self.axes[self.vector].steps[number] if self.vector >= 0 else 1
        if value.width == 1 or step == 1:
            return writer.store(writer.pointer(base, offset, size, writer.here), value)
        for lane in range(value.width):
            writer.store(writer.pointer(base, offset + lane * step, size, writer.here), value.lane(lane))
        return None

    # -- reductions ----------------------------------------------------------------------------------------------------

    def accumulated(self, loops: Callable[[], None], index: dict[int, Register], width: int) -> None:
        """The loops that reductions go over, with their partial results set up before and put together after."""
        if not self.nest.reductions:
            return loops()
        self.outside, self.parts = self.writer.here, dict[tuple[Value, int], str]()
        loops()
        for k, value in enumerate(self.nest.reductions):
            how, total = self.schedule.reductions[value], None
            for (of, wide), slot in self.parts.items():
                if of is value:
                    part = self.writer.made(f"load {typed(self.kind(value), wide)}, ptr {slot}", self.kind(value), wide)
                    part = folded(part, how.how) if self.lane_is_reduced else part
                    total = part if total is None else combined(how.how, total, part)
            assert total is not None
            self.finish(k, value, total, index)
        return None

    def finish(self, k: int, value: Value, total: Register, index: dict[int, Register]) -> None:
        """Store the result of a reduction, or of a block of it."""
        size = self.kind(value).bits // 8
        if self.blocks:
            place = self.block * len(self.nest.reductions) + k
            return self.writer.store(self.writer.pointer(self.partials, place, 8, self.writer.here), total)
        number = next(n for n, a in enumerate(self.accesses) if a.stored and a.value is value)
        assert size
        self.store(number, self.accesses[number], self.divided(value, total), index)
        return None

    def divided(self, value: Value, total: Register) -> Register:
        """A mean is the sum divided by the count."""
        count = self.schedule.reductions[value].count
        return total / count if count is not None else total

    def accumulate(self, value: Value, entry: Register) -> None:
        """Take entries into the partial result."""
        how, writer, key = self.schedule.reductions[value].how, self.writer, (value, entry.width)
        if key not in self.parts:
            self.parts[key] = writer.slot(entry.kind, entry.width)
            neutral = writer.constant(entry.kind, NEUTRAL[how](entry.kind)).widened(entry.width)
            writer.store_slot(self.parts[key], neutral, self.outside)
        slot = self.parts[key]
        before = writer.made(f"load {entry.type}, ptr {slot}", entry.kind, entry.width)
        writer.store_slot(slot, combined(how, before, entry), writer.here)

    def end(self, writer: Writer, pointer: Callable[[Memory], str], partials: str) -> None:
        """What is left to do when all spans are done."""
        self.writer, self.pointer, self.partials = writer, pointer, partials
        writer.start = self.start = writer.here
        if self.blocks:
            self.write_end()

    def write_end(self) -> None:
        """What is left over behind the last whole block; and the blocks' partial results put together, in order."""
        writer, pointer, partials = self.writer, self.pointer, self.partials
        if self.axes[1].extent % BLOCK:
            self.entries, self.block = self.axes[1].extent % BLOCK, writer.constant(I64, self.blocks)
            self.descend(1, {0: self.block}, 1)
        count, many = self.blocks + bool(self.axes[1].extent % BLOCK), len(self.nest.reductions)
        for k, value in enumerate(self.nest.reductions):
            how, kind = self.schedule.reductions[value].how, self.kind(value)
            slot = writer.slot(kind)
            writer.store_slot(slot, writer.constant(kind, NEUTRAL[how](kind)), writer.here)

            def add(i: Register, k: int = k, slot: str = slot, how: str = how, kind: Kind = kind) -> None:
                part = writer.load(writer.pointer(partials, i * many + k, 8, writer.here), kind)
                before = writer.made(f"load {kind.name}, ptr {slot}", kind)
                writer.store_slot(slot, combined(how, before, part), writer.here)

            writer.loop(0, count, 1, add)
            total = writer.made(f"load {kind.name}, ptr {slot}", kind)
            access = next(a for a in self.accesses if a.stored and a.value is value)
            size = kind.bits // 8
            place = writer.pointer(pointer(access.view.memory), access.view.offset, size, writer.here)
            writer.store(place, self.divided(value, total))
