"""What stands between the brackets of `x[...]`: slices and numbers, which are static, and arrays, which are inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

ARRAY = "array"  # stands in an Index for an array, which is an input and not a static


class Index:
    """What stands between the brackets of `x[...]`, without its arrays: hashable on every Python."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Any, ...]):
        self.parts = parts

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple((p.start, p.stop, p.step) if isinstance(p, slice) else p for p in self.parts)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Index) and self.key == other.key

    def __str__(self) -> str:
        """As it was written, with `i` for an array, such as "1:, i"."""
        return ", ".join(map(as_written, self.parts))

    def __repr__(self) -> str:
        return f"[{self}]"

    def fill(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        """The whole index, with `arrays` in their places."""
        if not arrays:
            return self.parts
        rest = iter(arrays)
        return tuple(next(rest) if part is ARRAY else part for part in self.parts)


def as_written(part: Any) -> str:
    """A part of an index in Python."""
    if isinstance(part, slice):
        ends = [part.start, part.stop, *([part.step] if part.step is not None else [])]
        return ":".join("" if end is None else str(end) for end in ends)
    return "i" if part is ARRAY else "..." if part is Ellipsis else str(part)


def split_index(index: Any) -> tuple[Index, list[Any]]:
    """`index` as the static part and the arrays in it."""
    if type(index) is slice or type(index) is int:  # most are that
        return Index((index,)), []
    parts: list[Any] = []
    arrays: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if part is None or part is Ellipsis or type(part) is int or isinstance(part, slice):
            parts.append(part)
        elif isinstance(part, (np.integer, int)) and not isinstance(part, (bool, np.bool)):
            parts.append(int(part))
        else:
            parts.append(ARRAY)
            part = np.bool(part) if isinstance(part, bool) else part
            # NumPy reads an empty list or tuple as no integers, although its default dtype is float.
            arrays.append(np.asarray(part, np.intp) if isinstance(part, (list, tuple)) and not part else part)
    return Index(tuple(parts)), arrays
