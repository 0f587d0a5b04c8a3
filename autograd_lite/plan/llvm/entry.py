"""The code at the start of a plan: are the arguments what it was compiled for? Their addresses are kept for all of it.

In front of the scratch memory stands a table of words: the objects that arguments are compared with, and then the
address of each argument's entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .calling import ALIGNED, C_CONTIGUOUS, WRITEABLE, Offsets
from .memory import Memory
from .registers import BOOL, I32, I64, Register
from .writer import Module, Writer

_TRUE, _FALSE, _ARRAY, _FLOAT = range(4)
_FIRST = 4

PARAMETERS = ["ptr %self", "ptr %arguments", "i64 %count"]


class Table:
    """The words in front of scratch memory: `objects` by number, then an address for each of `arguments`, and the
    addresses that those are to have whose numbers are `expected`."""

    def __init__(self, arguments: Sequence[Memory], written: Sequence[bool], expected: Sequence[int]):
        self.arguments, self.written, self.expected = list(arguments), list(written), list(expected)
        dtypes = list(dict.fromkeys(a.dtype for a in arguments))
        self.objects: list[Any] = [True, False, np.ndarray, float, *dtypes, *[d.type for d in dtypes]]
        self._dtype = {d: _FIRST + k for k, d in enumerate(dtypes)}
        self._scalar = {d: _FIRST + len(dtypes) + k for k, d in enumerate(dtypes)}
        self.words = len(self.objects) + len(self.arguments) + len(expected)

    def fill(self, memory: np.ndarray[Any, Any], expected: Sequence[int]) -> None:
        """Write the objects' addresses, and the expected ones, into the memory that the table stands in."""
        words = memory[: 8 * self.words].view(np.intp)
        words[: len(self.objects)] = [id(x) for x in self.objects]
        words[len(self.objects) + len(self.arguments) :] = expected

    def expectation(self, argument: int) -> int:
        """In which word the address stands that an argument is expected to have."""
        return len(self.objects) + len(self.arguments) + self.expected.index(argument)

    def object(self, writer: Writer, number: int) -> Register:
        """The address of an object."""
        return writer.load(writer.pointer("%context", number, 8, writer.here), I64)

    def slot(self, argument: int) -> int:
        """In which word the address of an argument's entries stands."""
        return len(self.objects) + argument

    def dtype(self, memory: Memory) -> int:
        """The number of a dtype among the objects."""
        return self._dtype[memory.dtype]

    def scalar(self, memory: Memory) -> int:
        """The number of a dtype's scalar type among the objects."""
        return self._scalar[memory.dtype]


def open_context(writer: Writer, where: Offsets) -> None:
    """Load the address of the table, which is what `self` has for its entries, as %context."""
    place = writer.pointer("%self", where.data, 1, 0)
    writer.line(f"%context = load ptr, ptr {place}, align 8", 0)


def release(writer: Writer) -> None:
    """Let other threads of Python's run while this one computes."""
    writer.declare("declare ptr @PyEval_SaveThread()")
    writer.declare("declare void @PyEval_RestoreThread(ptr)")
    writer.line(f"%thread{writer.releases} = call ptr @PyEval_SaveThread()", writer.here)


def take_back(writer: Writer) -> None:
    """End what `release` began."""
    writer.line(f"call void @PyEval_RestoreThread(ptr %thread{writer.releases})", writer.here)
    writer.releases += 1


def close(writer: Writer) -> None:
    """Return a new reference to True; or to False for what was refused."""
    writer.declare("declare void @Py_IncRef(i64)")
    true = writer.load(writer.pointer("%context", 8 * _TRUE, 1, writer.here), I64)
    writer.line(f"call void @Py_IncRef(i64 {true.name})")
    refused = [
        "refused:",
        f"  %place = getelementptr i8, ptr %context, i64 {8 * _FALSE}",
        "  %false = load i64, ptr %place, align 8",
        "  call void @Py_IncRef(i64 %false)",
        "  ret i64 %false",
    ]
    writer.end(true, refused)


class Entry:
    """Writes the checks of all arguments. `apart`: pairs of arguments whose memory must not overlap, or if the third is
    true must be either the same or apart."""

    def __init__(self, module: Module, table: Table, where: Offsets, apart: Sequence[tuple[int, int, bool]]):
        self.writer = Writer(module, "start", PARAMETERS, "i64")
        self.table, self.where = table, where
        open_context(self.writer, where)
        for k, memory in enumerate(table.arguments):
            self.argument(k, memory, table.written[k])
        for first, second, same in apart:
            self.keep_apart(first, second, same)

    def argument(self, k: int, memory: Memory, written: bool) -> None:
        """Check one argument and keep the address of its entries."""
        writer, where = self.writer, self.where
        object_ = _pointer_at(writer, "%arguments", 8 * k)
        kind = _word(writer, object_, where.type)
        is_array = kind.compare("eq", self.table.object(writer, _ARRAY))
        slot = writer.pointer("%context", self.table.slot(k), 8, writer.here)
        if memory.shape == () and not written:
            is_number = kind.compare("eq", self.table.object(writer, self.table.scalar(memory)))
            if memory.dtype == np.float64:
                is_number = is_number | kind.compare("eq", self.table.object(writer, _FLOAT))
            writer.require(is_number)
            number = _offset(writer, object_, where.number)
            writer.line(f"store ptr {number}, ptr {slot}")
            return
        writer.require(is_array)
        dtype = _word(writer, object_, where.dtype)
        good = dtype.compare("eq", self.table.object(writer, self.table.dtype(memory)))
        flags = C_CONTIGUOUS | ALIGNED | (WRITEABLE if written else 0)
        good = good & (_word(writer, object_, where.flags, I32) & flags).compare("eq", flags)
        good = good & _word(writer, object_, where.ndim, I32).compare("eq", len(memory.shape))
        writer.require(good)
        shape = _pointer_at(writer, object_, where.shape)
        good = writer.constant(BOOL, True)
        for axis, n in enumerate(memory.shape):
            good = _word(writer, shape, 8 * axis).compare("eq", n) & good
        if memory.shape:
            writer.require(good)
        data = _word(writer, object_, where.data)
        if k in self.table.expected:
            place = writer.pointer("%context", self.table.expectation(k), 8, writer.here)
            writer.require(data.compare("eq", writer.load(place, I64)))
        writer.line(f"store i64 {data.name}, ptr {slot}")

    def keep_apart(self, first: int, second: int, same: bool) -> None:
        """Check that two arguments do not share memory."""
        writer = self.writer
        (a, n), (b, m) = (
            (
                writer.load(writer.pointer("%context", self.table.slot(k), 8, writer.here), I64),
                self.table.arguments[k].nbytes,
            )
            for k in (first, second)
        )
        good = (a + n).compare("le", b) | (b + m).compare("le", a)
        good = good | a.compare("eq", b) if same else good
        writer.require(good)


def _offset(writer: Writer, base: str, offset: int) -> str:
    return writer.pointer(base, offset, 1, writer.here)


def _word(writer: Writer, base: str, offset: int, kind: Any = I64) -> Register:
    return writer.load(_offset(writer, base, offset), kind)


def _pointer_at(writer: Writer, base: str, offset: int) -> str:
    name = f"%{writer.fresh('a')}"
    writer.line(f"{name} = load ptr, ptr {_offset(writer, base, offset)}, align 8")
    return name


def load_pointer(writer: Writer, word: int, level: float) -> str:
    """The address that stands in a word of the table."""
    name = f"%{writer.fresh('a')}"
    place = writer.pointer("%context", word, 8, level)
    writer.line(f"{name} = load ptr, ptr {place}, align 8", level)
    return name
