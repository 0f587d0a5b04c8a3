"""The line of the user's code that recorded a node. Nothing is noted, and nothing costs time, outside of `debug`."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..node import Leaf, Node
from ..trace import on_new_node

KEPT = 1_000_000  # lines; the oldest are forgotten first
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_NUMPY = os.path.dirname(os.path.abspath(np.__file__))


class Line(NamedTuple):
    """A place in a program."""

    filename: str
    number: int
    function: str

    @property
    def text(self) -> str:
        """What stands there, as far as the source is to be had."""
        return linecache.getline(self.filename, self.number).strip()

    def __str__(self) -> str:
        return f"{os.path.basename(self.filename)}:{self.number} in {self.function}: {self.text}".removesuffix(": ")


_lines: dict[int, Line] = {}  # by the time of recording, so that no node is kept alive


@contextmanager
def debug() -> Iterator[None]:
    """Context manager inside which each op that this thread records notes the line of code that called it.

    `ag.find_nonfinite(loss)` then names the line, also after the block. Inside, Python calls cost a multiple of
    their time; outside they cost what they always do. A profiler in use takes a pause.

    >>> import autograd_lite as ag
    >>> x = ag.tensor(0.0, requires_grad=True, name="x")
    >>> with ag.debug():
    ...     y = ag.sqrt(x)
    >>> print(ag.find_nonfinite(y).line.text)
    y = ag.sqrt(x)
    """
    before = sys.getprofile()
    sys.setprofile(_note)
    try:
        yield
    finally:
        sys.setprofile(before)


def line_of(node: Node) -> Line | None:
    """Where `node` was recorded, if that was inside `debug`."""
    return _lines.get(node.order)


_LEAF, _TRACED = Leaf.__init__.__code__, on_new_node.__code__


def _note(frame: Any, event: str, _: Any) -> None:
    """A profile function: what returns is the call of an op, or what makes a leaf."""
    if event != "return":
        return
    code = frame.f_code
    if code.co_name == "call" and code.co_filename.startswith("<autograd_lite op"):
        node = frame.f_locals.get("node")
    elif code is _LEAF:
        node = frame.f_locals["self"]
    elif code is _TRACED:
        node = frame.f_locals.get("node")
    else:
        return
    order = getattr(node, "order", None)  # None where nothing was recorded, or an error was raised
    if order is None:
        return
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None:
        _lines[order] = Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        if len(_lines) > KEPT:
            del _lines[next(iter(_lines))]


def line_of_user() -> Line | None:
    """The line of the user's code that is running."""
    frame: Any = sys._getframe(1)
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame and Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


@cache
def _is_ours(filename: str) -> bool:
    """Whether a file is none of the user's: of this package, of NumPy, or written from a row of the table."""
    return filename.startswith(("<autograd_lite op", _PACKAGE + os.sep, _NUMPY + os.sep))
