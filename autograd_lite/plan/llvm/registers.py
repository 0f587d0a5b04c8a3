"""Values in a function being written: registers of LLVM IR with Python's operators, at the loop level they depend on.

LLVM IR is assembly for no machine in particular: each instruction names its result once (`%t7 = fadd float %t5, %t6`),
and a value may be a vector (`<16 x float>`) whatever the machine has; LLVM cuts or widens it. A `Register` stands for
such a name. `a * b + c` on registers appends instructions; each goes to the outermost loop in which its operands are
known, so what does not change in a loop is computed before it. No fast-math flags: arithmetic rounds as NumPy's does.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .writer import Writer


class Kind(NamedTuple):
    """An element type: its name in IR, its bits, and whether it is a floating type."""

    name: str
    bits: int
    floating: bool

    @property
    def in_memory(self) -> str:
        """Its name in memory, where a truth value takes a byte."""
        return "i8" if self.bits == 1 else self.name

    def literal(self, value: Any) -> str:
        """A constant in IR; a floating one, rounded to this kind, by its bits as a double."""
        if self.floating:
            rounded = np.float32(value) if self.bits == 32 else value
            return f"0x{struct.pack('>d', float(rounded)).hex().upper()}"
        return str(int(value)) if self.bits > 1 else ("true" if value else "false")


F32, F64 = Kind("float", 32, True), Kind("double", 64, True)
BOOL, I32, I64 = Kind("i1", 1, False), Kind("i32", 32, False), Kind("i64", 64, False)

# What NumPy's dtypes are here; a dtype that is not in the table has no native form.
KINDS = {"float32": F32, "float64": F64, "bool": BOOL, "int32": I32, "int64": I64}


class Register:
    """A value in a function being written: `width` entries of `kind`, known from loop `level` inward."""

    __slots__ = ("kind", "level", "name", "width", "writer")

    def __init__(self, writer: Writer, name: str, kind: Kind, width: int = 1, level: float = 0):
        self.writer, self.name, self.kind, self.width, self.level = writer, name, kind, width, level

    @property
    def type(self) -> str:
        """The type in IR, such as `<16 x float>`."""
        return typed(self.kind, self.width)

    @property
    def constant(self) -> bool:
        """Whether it is a literal."""
        return self.name[0] != "%"

    def widened(self, width: int) -> Register:
        """The same entry in every lane."""
        if self.width == width:
            return self
        if self.constant:
            return Register(self.writer, f"splat ({self.kind.name} {self.name})", self.kind, width)
        one = self.made(f"insertelement {typed(self.kind, width)} poison, {self.type} {self.name}, i64 0", width=width)
        mask = f"<{width} x i32> zeroinitializer"
        return one.made(f"shufflevector {one.type} {one.name}, {one.type} poison, {mask}")

    def lane(self, k: int) -> Register:
        """One entry of a vector."""
        return self.made(f"extractelement {self.type} {self.name}, i64 {k}", width=1)

    def made(self, text: str, kind: Kind | None = None, width: int | None = None) -> Register:
        """What an instruction makes from this register alone."""
        return self.writer.made(text, kind or self.kind, width or self.width, self.level)

    def _with(self, other: Any, instruction: str, kind: Kind | None = None) -> Register:
        a, b = together(self, other)
        text = f"{instruction} {a.type} {a.name}, {b.name}"
        return self.writer.made(text, kind or a.kind, a.width, max(a.level, b.level))

    def _is(self, other: Any, number: int) -> bool:
        return type(other) is int and other == number

    def _either(self, floating: str, integer: str, other: Any) -> Register:
        return self._with(other, floating if self.kind.floating else integer)

    def __add__(self, other: Any) -> Register:
        if self.kind is I64 and self._is(other, 0):  # places in memory read better without
            return self
        return self._either("fadd", "add", other)

    def __sub__(self, other: Any) -> Register:
        return self._either("fsub", "sub", other)

    def __mul__(self, other: Any) -> Register:
        if self.kind is I64 and self._is(other, 1):
            return self
        return self._either("fmul", "mul", other)

    __radd__ = __add__

    def __truediv__(self, other: Any) -> Register:
        return self._with(other, "fdiv")

    def __floordiv__(self, other: Any) -> Register:
        return self._with(other, "udiv")

    def __mod__(self, other: Any) -> Register:
        return self._with(other, "urem")

    def __rtruediv__(self, other: Any) -> Register:
        return self.like(other) / self

    def __neg__(self) -> Register:
        return self.made(f"fneg {self.type} {self.name}") if self.kind.floating else self.like(0) - self

    def __and__(self, other: Any) -> Register:
        return self._with(other, "and")

    def __or__(self, other: Any) -> Register:
        return self._with(other, "or")

    def __xor__(self, other: Any) -> Register:
        return self._with(other, "xor")

    def __lshift__(self, other: Any) -> Register:
        return self._with(other, "shl")

    def __rshift__(self, other: Any) -> Register:
        return self._with(other, "ashr")

    def compare(self, relation: str, other: Any) -> Register:
        """A truth value: `relation` is eq, ne, lt, le, gt or ge; false for NaN, but ne, which is true for it."""
        if self.kind.floating:
            return self._with(other, f"fcmp {'une' if relation == 'ne' else 'o' + relation}", BOOL)
        sign = "" if relation in ("eq", "ne") else "u" if self.kind is BOOL else "s"
        return self._with(other, f"icmp {sign}{relation}", BOOL)

    def is_nan(self) -> Register:
        """Whether it is no number."""
        return self._with(self, "fcmp uno", BOOL)

    def like(self, value: Any) -> Register:
        """A constant of the same kind; a register as it is."""
        if isinstance(value, Register):
            return value
        return Register(self.writer, self.kind.literal(value), self.kind)

    def cast(self, kind: Kind) -> Register:
        """The value in another kind, as NumPy's astype converts it."""
        if kind is self.kind:
            return self
        if kind is BOOL:
            return self.compare("ne", 0)
        if self.kind.floating and kind.floating:
            name = "fpext" if kind.bits > self.kind.bits else "fptrunc"
        elif self.kind.floating:
            name = "fptosi"
        elif kind.floating:
            name = "uitofp" if self.kind is BOOL else "sitofp"
        else:
            name = "trunc" if kind.bits < self.kind.bits else "zext" if self.kind is BOOL else "sext"
        return self._converted(name, kind)

    def bits(self) -> Register:
        """The bits of a floating value as an integer."""
        return self._converted("bitcast", I32 if self.kind is F32 else I64)

    def as_float(self) -> Register:
        """The floating value with these bits."""
        return self._converted("bitcast", F32 if self.kind is I32 else F64)

    def _converted(self, instruction: str, kind: Kind) -> Register:
        if self.constant:
            return self.widened_constant()._converted(instruction, kind)
        return self.made(f"{instruction} {self.type} {self.name} to {typed(kind, self.width)}", kind)

    def widened_constant(self) -> Register:
        """A constant as the result of an instruction, for instructions that fold none."""
        return self.made(f"select i1 true, {self.type} {self.name}, {self.type} {self.name}")

    def call(self, intrinsic: str, *others: Any) -> Register:
        """An LLVM intrinsic such as `sqrt` or `fabs`, for each entry."""
        values = together(self, *others)
        suffix = f"v{values[0].width}f{self.kind.bits}" if values[0].width > 1 else f"f{self.kind.bits}"
        return self.writer.call(f"llvm.{intrinsic}.{suffix}", values)


def typed(kind: Kind, width: int) -> str:
    """The type in IR of `width` entries of `kind`."""
    return kind.name if width == 1 else f"<{width} x {kind.name}>"


def together(first: Register, *others: Any) -> list[Register]:
    """Registers and numbers as registers of one width; numbers take the kind of the first."""
    values = [first, *[first.like(x) for x in others]]
    width = max(v.width for v in values)
    return [v.widened(width) for v in values]


def select(condition: Register, a: Any, b: Any) -> Register:
    """`a` where the condition holds, else `b`; at least one of them is a register."""
    first = a if isinstance(a, Register) else b
    a, b = first.like(a), first.like(b)
    width = max(condition.width, a.width, b.width)
    c, a, b = (v.widened(width) for v in (condition, a, b))
    text = f"select {c.type} {c.name}, {a.type} {a.name}, {b.type} {b.name}"
    return condition.writer.made(text, a.kind, width, max(c.level, a.level, b.level))


def fma(a: Register, b: Any, c: Any) -> Register:
    """a b + c, rounded once where the machine can do that as fast, else twice."""
    return a.call("fmuladd", b, c)


def shuffled(a: Register, b: Register, lanes: Sequence[int]) -> Register:
    """Lanes of `a`, and of `b` as if they stood behind them; one alone is no vector any more, and one of `a`."""
    if len(lanes) == 1:
        return a.lane(lanes[0])
    mask = ", ".join([f"i32 {lane}" for lane in lanes])
    text = f"shufflevector {a.type} {a.name}, {b.type} {b.name}, <{len(lanes)} x i32> <{mask}>"
    return a.writer.made(text, a.kind, len(lanes), max(a.level, b.level))
