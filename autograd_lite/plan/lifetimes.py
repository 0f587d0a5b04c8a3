"""Lifetimes: when each value is read for the last time, so that another can have its memory from then on.

A view is its operand's memory under another shape: whoever reads the view reads that, so both live equally long.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from .program import Program, Value


class Lifetimes:
    """For the values of a program, by their place in its order.

    `owner[value]` is the value whose memory it is in, itself where it has its own; `last[owner]` the place of the last
    value that reads it, and `forever` where an output or a write does.
    """

    def __init__(self, program: Program):
        order = program.values
        self.forever = len(order)
        self.owner: dict[Value, Value] = {source: source for source in program.sources}
        self.last: dict[Value, int] = defaultdict(int)
        self.place = {value: k for k, value in enumerate(order)}
        for k, value in enumerate(order):
            self.owner[value] = self.owner[value.operands[0]] if value.op.view and value.operands else value
            self.last[self.owner[value]] = k
            for i in value.operands:
                self.last[self.owner[i]] = k
        for y in [*program.outputs, *[new for _, new in program.writes]]:
            if isinstance(y, Value):
                self.last[self.owner[y]] = self.forever


class Home(NamedTuple):
    """Where a value lies while a program runs, and how many bytes that is.

    `kind` is "buffer" for one that values take in turn, "new" for memory that the caller gets, "memory" for somebody
    else's that the value is written to, "blocks" for scratch memory in which it exists a block at a time, "register"
    where a loop has only one entry of it at a time, "part" where it lies in what it is joined to with others, and
    "view" for an array that is known before the program runs, in the memory of others.
    """

    kind: str
    name: str
    nbytes: int


class BufferPool:
    """Buffers that values take in turn, each of some bytes and one dtype."""

    def __init__(self) -> None:
        self.buffers: list[tuple[int, Any]] = []
        self.free: dict[Any, list[int]] = defaultdict(list)
        self.home: dict[Value, int] = {}

    def take(self, value: Value, nbytes: int, dtype: Any) -> int:
        """A buffer for the value: the one of that size that was freed last, or a new one."""
        if self.free[nbytes, dtype]:
            number = self.free[nbytes, dtype].pop()
        else:
            number = len(self.buffers)
            self.buffers.append((nbytes, dtype))
        self.home[value] = number
        return number

    def give_back(self, value: Value) -> None:
        """Nothing reads the value any more."""
        number = self.home.pop(value, None)
        if number is not None:
            self.free[self.buffers[number]].append(number)
