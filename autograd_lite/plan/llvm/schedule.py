"""From a program to what is done one after another: nests of loops, products of matrices, steps that NumPy does.

A nest goes over a domain, all index tuples of a shape, and computes at each of them every value that has that shape
and that it can: fusion. A reduction joins the nest over its operand's shape. Each value joins the first nest that has
its domain and stands behind all that it needs; a new nest is put as early as it can stand, so that later values find
it. A product stays where the program has it: brought forward, the products of all batches of tangents would come before
what is made of the first, which would not be in the cache any more. In a nest a value is a register; what a later item
needs is also stored, unless computing it anew there is cheap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...ops.shape import contiguous as contiguous_copy
from ...ops.shape import reshape
from ..program import Program, Value, uses
from .assembly import Part, copy_of, parts_of
from .forms import Form, form_of, has_kind, kind_of
from .indexing import Gather, gather_of, scatter_of
from .memory import contiguous, view_of
from .products import is_product
from .reductions import Reduction, reduction_of

CHEAP = 4  # additions that cost no more than a load
FEW = 256  # entries of a domain for which calling C's library pays


class Item:
    """One thing to do; `values` are what it computes."""

    def __init__(self) -> None:
        self.values: list[Value] = []


class Nest(Item):
    """Loops over `domain`: element-wise values, and `reductions` of those, all over the axes `reduced`."""

    def __init__(self, domain: tuple[int, ...]):
        super().__init__()
        self.domain = domain
        self.reductions: list[Value] = []
        self.reduced: tuple[int, ...] | None = None
        self.checks = False  # whether it may find that its input is wrong
        self.known: set[Value] = set()  # the values that it computes or reads, but for numbers in a nest over an array

    def takes(self, value: Value, domain: tuple[int, ...], reduced: tuple[int, ...] | None) -> bool:
        """Whether a value may join: of one domain and its reductions over the same axes; and it must have something to
        do with what the nest computes."""
        if domain != self.domain or (reduced is not None and self.reduced not in (None, reduced)):
            return False
        return any(i in self.known for i in value.operands)


class Product(Item):
    """A matrix product."""


class Scatter(Item):
    """Entries added to places of an array."""


class Step(Item):
    """What NumPy does."""


class Schedule:
    """The items of a program in order, and what is known of each value."""

    def __init__(self, program: Program):
        self.program = program
        self.items: list[Item] = []
        self.behind: dict[Item, set[Item | None]] = defaultdict(set)  # what an item must follow, though it reads it not
        self.item: dict[Value, Item | None] = dict.fromkeys(program.sources)  # None: it is there from the start
        self.forms: dict[Value, Form] = {}
        self.gathers: dict[Value, Gather] = {}
        self.scatters: dict[Value, Gather] = {}
        self.reductions: dict[Value, Reduction] = {}
        self.assembled: dict[Value, list[Value]] = {}
        self.views: dict[Value, Value] = {}  # a view, and the value in whose memory it lies
        self.copies: dict[Value, Value] = {}  # a reshape that cannot show its array, and the copy that it shows
        self.parts: dict[Value, tuple[Value, Part]] = {}  # a part, and the value of which it is one
        self.shown: dict[Value, tuple[int, ...]] = {}  # the strides of a view of memory in C order
        self.users = uses(program)
        for value in program.values:
            self._place(value)
        self.stored = self._what_is_stored()
        self._bodies: dict[Nest, list[Value]] = {}
        self._check_early()
        self.items = [i for i in self.items if not isinstance(i, Nest) or i.reductions or self.body(i)]

    # -- placing -----------------------------------------------------------------------------------------------------

    def _place(self, value: Value) -> None:
        x = value.inputs[0] if value.inputs else None
        if has_kind(value) and value.size:
            form, gather = form_of(value), gather_of(value)
            native = all(map(has_kind, value.operands))
            if form is not None and native and not (form.called and value.size > FEW):
                self.forms[value] = form
                return self._join(value, value.shape)
            if value.op.view and isinstance(x, Value) and self._is_view(value, x):
                self.views[value] = self.views.get(x, x)
                self.item[value] = self.item[x]
                return None
            if value.op is reshape and native and x is not None and x in self.views:
                return self._copied(value, x)
            if gather is not None and native:
                self.gathers[value] = gather
                return self._join(value, value.shape)
            reduction = reduction_of(value) if native else None
            if reduction is not None and x is not None:
                self.reductions[value] = reduction
                return self._join(value, x.shape, reduction.axes)
            parts = parts_of(value) if native else None
            if parts is not None and all(kind_of(_dtype(p.source)) is not None for p in parts):
                return self._assemble(value, parts)
            scatter = scatter_of(value) if native else None
            if scatter is not None:
                self.scatters[value] = scatter
                return self._alone(value, Scatter(), self._earliest(value))
        if is_product(value):
            return self._alone(value, Product(), len(self.items))
        return self._alone(value, Step(), len(self.items))

    def _alone(self, value: Value, item: Item, position: int) -> None:
        """Make a value an item of its own."""
        self.items.insert(position, item)
        item.values.append(value)
        self.item[value] = item

    def _copied(self, value: Value, x: Value) -> None:
        """Place an array in a shape in which its entries do not lie: a copy of it, seen in that shape."""
        copy = Value(contiguous_copy, (x,), (), x.shape, x.dtype)
        form = form_of(copy)
        assert form is not None
        self.forms[copy] = form
        self._join(copy, copy.shape)
        self.users[x] = [u for u in self.users[x] if u is not value] + [copy]
        self.users[copy] = [value]
        self.copies[value] = copy
        self.views[value], self.item[value] = copy, self.item[copy]
        self.shown[value] = contiguous(value.shape)

    def _assemble(self, value: Value, parts: list[Part]) -> None:
        """Place the copies that a value is put together from."""
        copies: list[Value] = []
        for part in parts:
            copy = copy_of(part, value)
            form = form_of(copy)
            assert form is not None
            self.forms[copy], self.parts[copy] = form, (value, part)
            if copy.size:
                self._join(copy, copy.shape, after=copies if part.over else ())
                copies.append(copy)
            if isinstance(part.source, Value):
                users = self.users[part.source]
                self.users[part.source] = [u for u in users if u is not value] + [copy]
        self.item[value] = max((self.item[c] for c in copies), key=self.items.index)  # type: ignore[arg-type]
        self.assembled[value] = copies

    def _is_view(self, value: Value, x: Value) -> bool:
        """Whether the row shows entries of the memory that `x` lies in, when that is in C order."""
        if not has_kind(x):
            return False
        found = view_of(x.shape, self.shown.get(x, contiguous(x.shape)), x.dtype, value)
        if found is not None:
            self.shown[value] = found[1]
        return found is not None

    def _position(self, value: Value) -> int:
        item = self.item[value]
        return -1 if item is None else self.items.index(item)

    def _earliest(self, value: Value) -> int:
        """Where an item that needs the operands of `value` can be inserted."""
        return max((self._position(i) for i in value.operands), default=-1) + 1

    def _join(
        self,
        value: Value,
        domain: tuple[int, ...],
        reduced: tuple[int, ...] | None = None,
        after: Iterable[Value] = (),
    ) -> None:
        """Put a value into the first nest over `domain` that stands behind all it needs, and behind `after`."""
        behind = max([self._position(i) + 1 for i in after], default=0)
        first = behind
        for i in value.operands:
            item = self.item[i]
            if item is None:
                continue
            position = self.items.index(item)
            inline = isinstance(item, Nest) and item.domain == domain and self.inline(i)
            inline = inline and i in self.entry_operands(value)
            first = max(first, position if inline else position + 1)
        checks = value in self.gathers or (value in self.forms and self.forms[value].checks)
        for number, item in enumerate(self.items[first:]):
            if isinstance(item, Nest) and item.takes(value, domain, reduced):
                break
            if number == 0 and not domain and isinstance(item, Nest) and not item.domain:
                break  # one more number where it could not come earlier
        else:
            item = Nest(domain)
            self.items.insert(max(self._earliest(value), behind), item)
        item.checks = item.checks or checks
        item.known.update([value, *[i for i in value.operands if i.shape or not domain]])
        self.behind[item].update([self.item[i] for i in after])
        if reduced is None:
            item.values.append(value)
        else:
            item.reduced = reduced
            item.reductions.append(value)
        self.item[value] = item

    def drop(self, copies: list[Value], value: Value) -> None:
        """Forget the parts of a value that lie where they are to be already."""
        makers = [self.item[self.base(copy.inputs[0])] for copy in copies]
        for copy in copies:
            item = self.item.pop(copy)
            assert item is not None
            item.values.remove(copy)
            del self.stored[copy], self.forms[copy], self.parts[copy]
        del self.assembled[value]
        self._bodies.clear()
        self.item[value] = max(makers, key=lambda item: -1 if item is None else self.items.index(item))
        self.items[:] = [i for i in self.items if not isinstance(i, Nest) or i.reductions or self.body(i)]

    # -- storing -----------------------------------------------------------------------------------------------------

    def base(self, value: Value) -> Value:
        """What a view shows; a value that is none itself."""
        return self.views.get(value, value)

    def inline(self, value: Any) -> bool:
        """Whether a value is computed entry by entry, where it is needed."""
        return value in self.forms or value in self.gathers

    def _check_early(self) -> None:
        """Do what may find wrong input first, with all that it needs: before that, no memory of somebody's may be
        overwritten."""
        needed: set[Item | None] = set()
        stack: list[Item | None] = [item for item in self.items if isinstance(item, Nest) and item.checks]
        while stack:
            item = stack.pop()
            if item is not None and item not in needed:
                needed.add(item)
                for read in map(self.base, self.reads(item)):
                    stack += [self.item[i] for i in self.assembled.get(read, [read])]
                stack += self.behind[item]
        self.items.sort(key=lambda item: item not in needed)

    def _what_is_stored(self) -> dict[Value, None]:
        """The values that go to memory: all that are no entries of a nest, and of those what others need."""
        program = self.program
        roots = {self.base(y) for y in [*program.outputs, *[new for _, new in program.writes]] if isinstance(y, Value)}
        stored: dict[Value, None] = {}
        for value in program.values:
            if value in self.views:
                continue
            if not self.inline(value) or value in roots or self._is_needed_in_memory(value, stored):
                stored[value] = None
        stored.update(dict.fromkeys(self.copies.values()))
        return {**stored, **dict.fromkeys([copy for copies in self.assembled.values() for copy in copies])}

    def _is_needed_in_memory(self, value: Value, stored: dict[Value, None]) -> bool:
        elsewhere = False
        for user in self.users[value]:
            if user in self.views or not (self.inline(user) or user in self.reductions):
                return True
            if user in self.gathers and user.inputs[0] is value:
                return True
            item = self.item[user]
            assert isinstance(item, Nest)
            if item.domain != value.shape:
                return True
            elsewhere = elsewhere or item is not self.item[value]
        return elsewhere and not self.is_cheap(value, stored)

    def is_cheap(self, value: Value, stored: dict[Value, None]) -> bool:
        """Whether an entry can be computed anew from what lies in memory anyway."""
        form = self.forms.get(value)
        if form is None or form.cost > CHEAP:
            return False
        return all(
            self.base(i) in stored
            or self.item[i] is None
            or (i.shape == value.shape and i not in self.views and self.is_cheap(i, stored))
            for i in value.operands
        )

    def body(self, nest: Nest) -> list[Value]:
        """The values that a nest computes at each index, in order: stored ones, operands of reductions, and what these
        need that is not in memory yet."""
        if nest not in self._bodies:
            self._bodies[nest] = self._body(nest)
        return self._bodies[nest]

    def _body(self, nest: Nest) -> list[Value]:
        wanted = [v for v in nest.values if v in self.stored or v.op.effect]
        wanted += [i for v in nest.reductions for i in v.operands]
        found: dict[Value, None] = {}
        stack: list[tuple[Value, bool]] = [(v, False) for v in reversed(wanted)]
        while stack:
            value, ready = stack.pop()
            if ready:
                found[value] = None
            elif value not in found and self.is_register(value, nest):
                stack.append((value, True))
                stack += [(i, False) for i in reversed(self.entry_operands(value))]
        return list(found)

    def is_register(self, value: Value, nest: Nest) -> bool:
        """Whether `nest` computes the value; otherwise it loads it."""
        if value in self.views or not self.inline(value) or value.shape != nest.domain:
            return False
        return self.item[value] is nest or value not in self.stored

    def entry_operands(self, value: Value) -> list[Value]:
        """The operands of which an entry is needed for an entry of `value`."""
        skip = value.inputs[0] if value in self.gathers else None
        return [i for i in value.operands if i is not skip]

    def reads(self, item: Item) -> set[Value]:
        """The values whose memory an item reads."""
        if not isinstance(item, Nest):
            return {self.base(i) for v in item.values for i in v.operands}
        found: set[Value] = set()
        body = dict.fromkeys(self.body(item))
        for value in [*body, *item.reductions]:
            found |= {self.base(i) for i in value.operands if i not in body}
        return found


def _dtype(x: Any) -> Any:
    return x.dtype if isinstance(x, (Value, np.generic)) else np.asarray(x).dtype
