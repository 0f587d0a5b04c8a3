"""A scheduled program with a memory for each value, as IR.

Runs of native items become functions, phases, between the steps that NumPy does; the first also checks the arguments.
A new value of memory that is to be overwritten goes there directly where nothing reads the old one afterwards and
nothing can fail any more; otherwise it is copied there at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import groupby, permutations
from typing import Any, NamedTuple

import numpy as np

from ...ops import OPS
from ..program import Program, Value
from . import scatters
from .assembly import view_of_part
from .calling import Offsets
from .entry import PARAMETERS, Entry, Table, close, load_pointer, open_context, release, take_back
from .forms import has_kind, kind_of, with_own_numbers
from .in_place import InPlace, can_fail
from .loops import Loops
from .memory import Memory, View, adjacent, assign, contiguous, viewed, whole
from .products import LIMIT, BlockedProduct, multiply_adds, stack_of
from .registers import BOOL, I64, Register
from .schedule import Item, Nest, Product, Scatter, Schedule
from .threads import started
from .writer import Module, Writer

CALLED_OFTEN = 300  # entry-by-entry values of a program of numbers, from which on exp is a function that is called
TOGETHER = 128  # items of one native function; LLVM takes more than twice as long for one of twice the size
MANY = 1 << 22  # additions, some 50 us, from which on other Python threads may run meanwhile
LARGE = 1 << 22  # additions, some 200 us, from which on an item is given to several threads
PIECES = 8  # for each thread
LOAD = 16  # additions that take as long as an entry from memory


class Arrays(NamedTuple):
    """The arrays that a program is for: of each source that stays where it is, and of each write."""

    fixed: list[Any]
    written: list[Any]


class Lowering:
    """What `program` becomes: `items` in order, `memories` of values, and the `ir` of its phases."""

    def __init__(self, program: Program, arrays: Arrays, where: Offsets, vector_bytes: int, registers: int):
        self.program, self.where = with_own_numbers(program), where
        self.vector_bytes, self.registers = vector_bytes, registers
        self.schedule = Schedule(self.program)
        self.items = self.schedule.items
        self.memory_of = {target: x for (target, _), x in zip(self.program.writes, arrays.written, strict=True)}
        fixed = {s: x for s, x in zip(self.program.sources, arrays.fixed, strict=True) if x is not None}
        self.in_place = InPlace(self.program, self.schedule, fixed, self.memory_of)
        self.fixed = list(fixed)  # the sources that are to lie where they do
        self.position, self.targets = self.in_place.position, self.in_place.targets
        self.memories: dict[Value, Memory] = {}
        self.arguments: list[Memory] = []
        self.regions: dict[Value, list[Value]] = {}  # vectors that lie in somebody's memory, and whose parts those are
        self.outputs: list[Value] = []  # what is computed into memory that the caller gets
        self._place()
        self.free = self._free_layouts()
        self.loops = {
            item: Loops(item, self.schedule, self.view, self.free, vector_bytes)
            for item in self.items
            if isinstance(item, Nest)
        }
        self.threads = (
            started() if any(self.work([item]) >= LARGE for item in self.items if self.is_native(item)) else 1
        )
        self.products = {item: self._product(item) for item in self.items if self.is_own_product(item)}
        self.packed = {
            item: Memory((product.scratch * (self.threads if self.is_shared(item) else 1),), item.values[0].dtype)
            for item, product in self.products.items()
            if product.scratch
        }
        self.partials = {
            item: Memory((loops.partial_results,), np.dtype(np.float64))
            for item, loops in self.loops.items()
            if loops.partial_results
        }
        for item, memory in [*self.packed.items(), *self.partials.items()]:
            memory.use(self.position[item])
        scratch = [*self.memories.values(), *self.packed.values(), *self.partials.values()]
        scratch = [m for m in scratch if m.argument is None]
        self.scratch_bytes = assign(scratch)
        self._write()
        del self.in_place, self.memory_of  # it serves others whose arrays lie alike, and keeps nobody's

    # -- memory --------------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        program, stored = self.program, self.schedule.stored
        sources = [s for s in program.sources if has_kind(s)]
        for source in sources:
            self._argument(source, source.shape, source.dtype)
        self.sources = sources
        for _, new in self.targets:
            self._argument(new, new.shape, new.dtype)
        self._join_adjacent()
        given = Counter([y for y in program.outputs if isinstance(y, Value)])
        shown = set(self.schedule.views.values())
        for y, times in given.items():
            native = y in stored and self.is_native(self.schedule.item[y])
            native = native and y not in self.schedule.assembled
            native = native and all(isinstance(self.schedule.item[u], Nest) for u in self.schedule.users[y])
            if y.shape and native and times == 1 and y not in shown and y not in self.memories:
                self.outputs.append(y)
                self._argument(y, y.shape, y.dtype)
        end = max(self.position.values(), default=0) + 1  # items may have been dropped, and others keep their positions
        for value in stored:
            if value not in self.memories and value not in self.schedule.parts and has_kind(value) and value.size:
                self.memories[value] = Memory(value.shape, value.dtype)
        for item in self.items:
            for value in [
                *item.values,
                *(item.reductions if isinstance(item, Nest) else ()),
                *self.schedule.reads(item),
            ]:
                whole_of = self.schedule.parts[value][0] if value in self.schedule.parts else value
                if whole_of in self.memories:
                    self.memories[whole_of].use(self.position[item])
        for y in [*program.outputs, *[new for _, new in program.writes]]:
            if isinstance(y, Value) and self.schedule.base(y) in self.memories:
                self.memories[self.schedule.base(y)].use(end)

    def _join_adjacent(self) -> None:
        """Vectors put together from parts that lie one behind the other in somebody's memory, such as the gradient of
        all parameters: they are there already."""
        targets = {new: target for target, new in self.targets}
        for value, copies in list(self.schedule.assembled.items()):
            bases = [self.schedule.base(c.inputs[0]) if isinstance(c.inputs[0], Value) else None for c in copies]
            whole_parts = all(b in targets and b.size == c.size for b, c in zip(bases, copies, strict=True))
            if value in self.memories or value.op is not OPS["concatenate"] or not whole_parts or len(value.shape) != 1:
                continue
            parts = [targets[b] for b in bases if b is not None]
            if adjacent([self.memory_of[t] for t in parts]) is not None and all(self._shows_whole(c) for c in copies):
                self.schedule.drop(copies, value)
                self._argument(value, value.shape, value.dtype)
                self.regions[value] = parts

    def _shows_whole(self, copy: Value) -> bool:
        """Whether a part is all of a memory in C order."""
        view = self.view(copy.inputs[0])
        return view.offset == 0 and view.strides == contiguous(view.shape)

    def _argument(self, value: Value, shape: tuple[int, ...], dtype: Any) -> None:
        self.memories[value] = memory = Memory(shape, dtype, len(self.arguments))
        self.arguments.append(memory)

    def apart(self) -> list[tuple[int, int, bool]]:
        """The arguments, by number, that must not share memory; if the third is true, unless they are the same."""
        found = []
        for new, source, same in self.in_place.apart():
            numbers = self.memories[new].argument, self.memories[source].argument
            assert numbers[0] is not None
            assert numbers[1] is not None
            found.append((numbers[0], numbers[1], same))
        return found

    def view(self, value: Value) -> View:
        """Where a value lies."""
        if value in self.memories:
            return whole(self.memories[value])
        if value in self.schedule.parts:
            of, part = self.schedule.parts[value]
            return view_of_part(part, whole(self.memories[of]))
        found = viewed(self.view(self.schedule.copies.get(value, value.inputs[0])), value)
        assert found is not None
        return found

    def _free_layouts(self) -> set[Value]:
        """The values in scratch memory that may lie with any axis last: every view of them can show that."""
        free = {v for v, m in self.memories.items() if m.argument is None and len(v.shape) > 1 and self._is_nested(v)}
        for view in self.schedule.views:
            base = self.schedule.base(view)
            if base in free and not self._shows_any_order(base, view):
                free.discard(base)
        return free

    def _is_nested(self, value: Value) -> bool:
        return isinstance(self.schedule.item[value], Nest) and self.schedule.inline(value)

    def _shows_any_order(self, base: Value, view: Value) -> bool:
        memory = self.memories[base]
        try:
            for order in permutations(range(len(base.shape))) if len(base.shape) < 4 else ():
                memory.strides = contiguous(base.shape, order)
                self.view(view)
        except AssertionError:
            return False
        finally:
            memory.strides = contiguous(base.shape)
        return len(base.shape) < 4

    # -- products ------------------------------------------------------------------------------------------------------

    def is_large(self, value: Value) -> bool:
        """Whether it is a product that NumPy computes."""
        return isinstance(self.schedule.item[value], Product) and multiply_adds(value) > LIMIT

    def is_own_product(self, item: Item | None) -> bool:
        """Whether an item is a product that is computed here."""
        return isinstance(item, Product) and not self.is_large(item.values[0])

    def _product(self, item: Item) -> BlockedProduct:
        (value,) = item.values
        kind = kind_of(value.dtype)
        assert kind is not None
        views = [self.view(i) for i in (*value.operands, value)]
        threads = self.threads if self.work([item]) >= LARGE else 1
        return BlockedProduct(kind, views, self.vector_bytes, self.registers, stack_of(value), threads)

    # -- phases --------------------------------------------------------------------------------------------------------

    def is_native(self, item: Item | None) -> bool:
        """Whether an item is compiled."""
        return isinstance(item, (Nest, Scatter)) or self.is_own_product(item)

    def is_shared(self, item: Item) -> bool:
        """Whether several threads share an item."""
        return self.threads > 1 and self.work([item]) >= LARGE and not can_fail(item) and self.blocks(item) > 1

    def blocks(self, item: Item) -> int:
        """In how many blocks, which do not depend on each other, an item is computed."""
        return self.products[item].pieces if item in self.products else self.loops[item].outer  # type: ignore[index]

    def _write(self) -> None:
        numbers = [v for v in self.program.values if not v.shape and self.schedule.inline(v)]
        self.is_scalar = len(numbers) > CALLED_OFTEN and 2 * len(numbers) > len(self.program.values)
        self.module = Module(outline=self.is_scalar)
        written = [False] * len(self.sources) + [True] * (len(self.arguments) - len(self.sources))
        expected = [k for k, s in enumerate(self.sources) if s in self.in_place.fixed]
        self.table = Table(self.arguments, written, expected)
        self.start = -(-8 * self.table.words // 64) * 64
        self.phases: list[tuple[str, list[Item]]] = []  # (name of a native function or "", items)
        for native, run in groupby(self.items, self.is_native):
            items = list(run)
            for k in range(0, len(items), TOGETHER if native else len(items)):
                self.phases.append((f"phase{len(self.phases)}" if native else "", items[k : k + TOGETHER]))
        entry = Entry(self.module, self.table, self.where, self.apart())
        if self.phases and self.phases[0][0].startswith("phase"):
            self.phases[0] = ("start", self.phases[0][1])
            self._phase(entry.writer, self.phases[0][1])
        else:
            close(entry.writer)
        for name, items in self.phases:
            if name.startswith("phase"):
                writer = Writer(self.module, name, PARAMETERS, "i64")
                open_context(writer, self.where)
                self._phase(writer, items)
        self.ir = str(self.module)

    def _part(self, item: Item) -> str:
        """The function that does some of the blocks of an item."""
        name = f"part{self.position[item]}"
        writer = Writer(
            self.module, name, ["ptr %context", "i64 %thread", "i64 %begin", "i64 %end"], linkage="internal"
        )
        pointer = self._pointers(writer)
        thread, *span = [Register(writer, name, I64) for name in ("%thread", "%begin", "%end")]
        if isinstance(item, Nest):
            partials = pointer(self.partials[item]) if item in self.partials else ""
            self.loops[item].write(writer, pointer, tuple(span), partials)
        else:
            self._multiply(writer, pointer, item, thread, [x.name for x in span])
        writer.end()
        return name

    def _pointers(self, writer: Writer) -> Callable[[Memory], str]:
        """The addresses of all memories, for the function that is being written."""
        known: dict[Memory, str] = {}
        begin = writer.here

        def pointer(memory: Memory) -> str:
            if memory not in known:
                if memory.argument is not None:
                    known[memory] = load_pointer(writer, self.table.slot(memory.argument), begin)
                else:
                    known[memory] = writer.pointer("%context", self.start + memory.offset, 1, begin)
            return known[memory]

        return pointer

    def _phase(self, writer: Writer, items: list[Item]) -> None:
        """The items of one native function, and its return."""
        pointer, released, long = self._pointers(writer), False, self.work(items) > MANY
        for item in items:
            if long and not released and not can_fail(item):
                released = True
                release(writer)
            self._item(writer, pointer, item)
            if can_fail(item):
                if released:
                    released = False
                    take_back(writer)
                writer.require(writer.made(f"load i1, ptr {writer.fine}", BOOL))
        if released:
            take_back(writer)
        close(writer)

    def _item(self, writer: Writer, pointer: Callable[[Memory], str], item: Item) -> None:
        """A nest, a scatter or a product."""
        partials = pointer(self.partials[item]) if item in self.partials else ""
        if self.is_shared(item):
            writer.declare("declare void @autograd_lite_share(ptr, ptr, i64, i64)")
            blocks = self.blocks(item)
            counts = f"i64 {blocks}, i64 {min(blocks, PIECES * self.threads)}"
            writer.line(f"call void @autograd_lite_share(ptr @{self._part(item)}, ptr %context, {counts})")
            if isinstance(item, Nest):
                self.loops[item].end(writer, pointer, partials)
        elif isinstance(item, Nest):
            self.loops[item].write(writer, pointer, None, partials)
        elif isinstance(item, Scatter):
            (value,) = item.values
            width = self.vector_bytes // value.dtype.itemsize
            scatters.write(writer, value, self.schedule.scatters[value], self.view, pointer, width)
        else:
            self._multiply(writer, pointer, item, 0, ["0", str(self.blocks(item))])

    def _multiply(self, writer: Writer, pointer: Callable[[Memory], str], item: Item, thread: Any, span: Any) -> None:
        """Call the function that computes pieces of a product."""
        product, size = self.products[item], item.values[0].dtype.itemsize
        places = [writer.pointer(pointer(v.memory), v.offset, size, writer.here) for v in product.views]
        packed = pointer(self.packed[item]) if item in self.packed else places[0]
        if product.scratch:
            packed = writer.pointer(packed, thread * product.scratch, size, writer.here)
        arguments = [f"ptr {place}" for place in [*places, packed]] + [f"i64 {k}" for k in span]
        writer.line(f"call void @{product.write(self.module)}({', '.join(arguments)})")

    def work(self, items: list[Item]) -> float:
        """About how much there is to do, in additions."""
        total = 0.0
        for item in items:
            if isinstance(item, Nest):
                size = float(np.prod(item.domain))
                forms = self.schedule.forms
                total += size * sum(forms[v].cost if v in forms else 2 for v in self.loops[item].body)
                total += size * (len(item.reductions) + LOAD * len(self.loops[item].accesses))
            elif isinstance(item, Scatter):
                total += LOAD * (item.values[0].size + item.values[0].operands[0].size)
            else:
                total += multiply_adds(item.values[0]) * stack_of(item.values[0])
        return total
