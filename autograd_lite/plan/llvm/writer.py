"""Functions in LLVM IR being written: loops inside loops, and memory.

A `Writer` writes one function. Code goes to one of the loops that are open: loop 0 is the function itself. Each loop
has a head, straight-line code that runs before the loops inside it: instructions that depend on outer loops only are
appended to the outer head, also when an inner loop is open already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .registers import BOOL, I64, Kind, Register, typed

# Where the machine has 512-bit registers, they are to be used; elsewhere these attributes mean nothing.
ATTRIBUTES = 'nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512"'


class Module:
    """IR of several functions, and what they declare: each name once.

    `outline`: whether exp and its like are functions of their own, for programs where they stand a thousand times.
    """

    def __init__(self, outline: bool = False) -> None:
        self.functions: list[str] = []
        self.declared: dict[str, str] = {}
        self.outline = outline
        self._names: dict[Any, str] = {}

    def function(self, key: Any, parameters: Sequence[str], write: Callable[[Writer], None]) -> str:
        """The name of a function of the module's own, which is written when its key, a tuple that begins with what it
        does, is asked for first."""
        if key not in self._names:
            self._names[key] = name = f"{key[0]}{len(self._names)}"
            writer = Writer(self, name, parameters, linkage="internal")
            write(writer)
            writer.end()
        return self._names[key]

    def __str__(self) -> str:
        return "\n".join([*self.declared.values(), "", *self.functions])


class _Loop:
    """An open loop: `head` is its straight-line code, `inner` what comes after that."""

    def __init__(self, label: str):
        self.label, self.block = label, label
        self.head: list[str] = []
        self.inner: list[str] = []


class Writer:
    """Writes one function `name` of `module`; `parameters` are texts such as `ptr %context`."""

    def __init__(self, module: Module, name: str, parameters: Sequence[str], result: str = "void", linkage: str = ""):
        self.module = module
        self.header = f"define {linkage} {result} @{name}({', '.join(parameters)}) {ATTRIBUTES} {{"
        self.count = 0
        self.loops = [_Loop("entry")]
        self.slots: list[str] = []
        self.start: float = 0  # loads are not hoisted out of the item that is being written
        self.releases = 0
        self.fine = ""  # the slot of whether all checks have held, if there are any

    # -- instructions ------------------------------------------------------------------------------------------------

    def fresh(self, letter: str = "t") -> str:
        """A name that is not taken."""
        self.count += 1
        return f"{letter}{self.count}"

    @property
    def here(self) -> float:
        """The level of code that is written now: k in the head of loop k, k + 1/2 behind loops that stand in it."""
        return len(self.loops) - (0.5 if self.loops[-1].inner else 1)

    def line(self, text: str, level: float | None = None) -> None:
        """An instruction without result, here or at an outer level."""
        level = self.here if level is None else level
        loop = self.loops[int(level)]
        (loop.head if level == int(level) else loop.inner).append(f"  {text}")

    def made(self, text: str, kind: Kind, width: int = 1, level: float | None = None) -> Register:
        """What an instruction makes, here or at an outer level."""
        level, name = self.here if level is None else level, f"%{self.fresh()}"
        self.line(f"{name} = {text}", level)
        return Register(self, name, kind, width, level)

    def constant(self, kind: Kind, value: Any) -> Register:
        """A number."""
        return Register(self, kind.literal(value), kind)

    def call(self, function: str, values: Sequence[Register]) -> Register:
        """Call a function of registers of one type that returns that type."""
        type_ = values[0].type
        self.declare(f"declare {type_} @{function}({', '.join([type_] * len(values))})")
        arguments = ", ".join(f"{v.type} {v.name}" for v in values)
        level = max(v.level for v in values)
        return self.made(f"call {type_} @{function}({arguments})", values[0].kind, values[0].width, level)

    def own_function(self, name: str, of: Callable[[Register], Register], x: Register) -> Register:
        """`of(x)` by a function of the module, which is written when it is first needed."""
        if f"@{name}" not in self.module.declared:
            self.module.declared[f"@{name}"] = f"; {name}"
            inner = Writer(self.module, name, [f"{x.type} %x"], x.type, "internal")
            inner.end(of(Register(inner, "%x", x.kind, x.width)))
        return self.made(f"call {x.type} @{name}({x.type} {x.name})", x.kind, x.width, x.level)

    def declare(self, text: str) -> None:
        """Declare a function that is defined elsewhere, unless it is known already."""
        name = text[text.index("@") : text.index("(")]
        self.module.declared.setdefault(name, text)

    # -- memory ------------------------------------------------------------------------------------------------------

    def pointer(self, base: str, offset: Register | int, size: int, level: float) -> str:
        """The address `offset` entries of `size` bytes behind `base`."""
        if isinstance(offset, Register):
            name = f"%{self.fresh('p')}"
            self.line(f"{name} = getelementptr [{size} x i8], ptr {base}, i64 {offset.name}", level)
            return name
        if offset == 0:
            return base
        name = f"%{self.fresh('p')}"
        self.line(f"{name} = getelementptr i8, ptr {base}, i64 {offset * size}", level)
        return name

    def load(self, pointer: str, kind: Kind, width: int = 1, level: float | None = None) -> Register:
        """`width` entries from memory; a truth value takes a byte there."""
        type_ = kind.in_memory if width == 1 else f"<{width} x {kind.in_memory}>"
        found = self.made(f"load {type_}, ptr {pointer}, align {max(kind.bits // 8, 1)}", kind, width, level)
        return found.made(f"trunc {type_} {found.name} to {found.type}") if kind is BOOL else found

    def store(self, pointer: str, value: Register, level: float | None = None) -> None:
        """Entries to memory, here or at an outer level."""
        kind = value.kind
        if kind is BOOL:
            bytes_ = "i8" if value.width == 1 else f"<{value.width} x i8>"
            name = f"%{self.fresh()}"
            self.line(f"{name} = zext {value.type} {value.name} to {bytes_}", level)
            self.line(f"store {bytes_} {name}, ptr {pointer}, align 1", level)
        else:
            self.line(f"store {value.type} {value.name}, ptr {pointer}, align {kind.bits // 8}", level)

    def prefetch(self, pointer: str) -> None:
        """Have memory brought into the first cache, which may be any address."""
        self.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        self.line(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 0, i32 3, i32 1)")

    def store_slot(self, slot: str, value: Register, level: float) -> None:
        """A new value for what a slot holds."""
        self.line(f"store {value.type} {value.name}, ptr {slot}", level)

    def slot(self, kind: Kind, width: int = 1) -> str:
        """Memory on the stack for a value that changes in a loop; LLVM turns it into a register."""
        name = f"%{self.fresh('s')}"
        self.slots.append(f"  {name} = alloca {typed(kind, width)}, align 64")
        return name

    def check(self, condition: Register) -> None:
        """Note that `condition` must hold in every lane."""
        if not self.fine:
            self.fine = self.slot(BOOL)
            self.slots.append(f"  store i1 true, ptr {self.fine}")
        if condition.width > 1:
            name = f"llvm.vector.reduce.and.v{condition.width}i1"
            self.declare(f"declare i1 @{name}({condition.type})")
            condition = condition.made(f"call i1 @{name}({condition.type} {condition.name})", width=1)
        level = max(condition.level, self.start)
        before = self.made(f"load i1, ptr {self.fine}", BOOL, 1, level)
        now = before & condition
        self.line(f"store i1 {now.name}, ptr {self.fine}", level)

    # -- loops -------------------------------------------------------------------------------------------------------

    def loop(self, start: Any, stop: Any, step: int, body: Callable[[Register], None]) -> None:
        """`for i in range(start, stop, step)`; at least once if both ends are known here."""
        outer, label, after = self.loops[-1], self.fresh("loop"), self.fresh("after")
        if isinstance(start, Register) or isinstance(stop, Register):
            some, begin = self.made(f"icmp slt i64 {_text(start)}, {_text(stop)}", BOOL), self.fresh("begin")
            outer.inner += [f"  br i1 {some.name}, label %{begin}, label %{after}", f"{begin}:"]
            outer.block = begin
        self.loops.append(_Loop(label))
        level = len(self.loops) - 1
        index = Register(self, f"%{self.fresh('i')}", I64, 1, level)
        body(index)
        inner = self.loops.pop()
        following, more = f"%{self.fresh('n')}", f"%{self.fresh('m')}"
        first = f"  {index.name} = phi i64 [ {_text(start)}, %{outer.block} ], [ {following}, %{inner.block} ]"
        last = [
            f"  {following} = add i64 {index.name}, {step}",
            f"  {more} = icmp slt i64 {following}, {_text(stop)}",
            f"  br i1 {more}, label %{label}, label %{after}",
            f"{after}:",
        ]
        outer.inner += [f"  br label %{label}", f"{label}:", first, *inner.head, *inner.inner, *last]
        outer.block = after

    def require(self, condition: Register) -> None:
        """Go to the code at label `refused`, which `end` is given, if the condition is false."""
        loop, good = self.loops[-1], self.fresh("good")
        loop.inner += [f"  br i1 {condition.name}, label %{good}, label %refused", f"{good}:"]
        loop.block = good

    def end(self, result: Register | str = "void", refused: Sequence[str] = ()) -> None:
        """Close the function with what it returns; `refused` is the code for what it requires in vain."""
        (entry,) = self.loops
        text = f"{result.type} {result.name}" if isinstance(result, Register) else result
        lines = [self.header, "entry:", *self.slots, *entry.head, *entry.inner, f"  ret {text}"]
        lines += refused
        self.module.functions.append("\n".join([*lines, "}", ""]))


def _text(x: Any) -> str:
    return x.name if isinstance(x, Register) else str(x)
