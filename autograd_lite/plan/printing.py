"""A plan in words: the table of its inputs and buffers, and the comments in its source.

Buffers are b0, b1, ... in a plan that NumPy runs; @0, @256, ... are places in native code's one piece of memory.

>>> import numpy as np, autograd_lite as ag
>>> f = ag.compile(lambda x, y: np.exp(np.tanh(x) * y) + 1, backend="numpy")
>>> z = f(np.ones((2, 3)), np.ones(3))
>>> print(f.plan)
4 values, by NumPy, in 48 bytes of buffers
<BLANKLINE>
x0   48 bytes  float64[2, 3]  x
x1   24 bytes  float64[3]     y
b0   48 bytes  float64[2, 3]  v0, v1, v2
new  48 bytes  float64[2, 3]  v3
k0             dtype          float64
n1             number         1.0 as float64
<BLANKLINE>
def program(x0, x1):
    tanh(x0, v0)          # float64[2, 3] in b0
    multiply(v0, x1, v1)  # float64[2, 3] in b0, in place
    exp(v1, v2)           # float64[2, 3] in b0, in place
    v3 = empty((2, 3), k0)
    add(v2, n1, v3)       # float64[2, 3], new
    return [v3]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import numpy as np

from ..describe import columns
from .lifetimes import Home
from .program import Program, Value, call_text, names_of, source_texts, type_text

_KINDS = ("buffer", "blocks", "register", "memory", "new", "part", "view")  # in the order in which they are listed
FAR = 60  # characters; comments stand at most so far to the right for the sake of others, and lists go on below


def comment(value: Value, homes: Mapping[Value, Home]) -> str:
    """Type and home of a value, such as "float64[8, 4] in b0, in place"."""
    home = homes.get(value)
    if home is None:
        return type_text(value)
    if home.kind == "new":
        return f"{type_text(value)}, new"
    over = home.kind == "buffer" and any(homes.get(i) == home for i in value.operands)
    return f"{type_text(value)} in {home.name}{', in place' * over}"


def with_comments(lines: list[str], comments: Mapping[int, str]) -> list[str]:
    """The lines of a source, with comments one below the other."""
    column = max([len(lines[k]) for k in comments if len(lines[k]) <= FAR], default=0)
    return [f"{line.ljust(column)}  # {comments[k]}" if comments.get(k) else line for k, line in enumerate(lines)]


def summary(program: Program, reason: str, peak_bytes: int) -> str:
    """How large a program is, what runs it, and in how much memory."""
    count = len(program.values)
    return f"{count} value{'s' * (count != 1)}, by {reason.rstrip(',')}, in {peak_bytes:,} bytes of buffers"


def table(program: Program, homes: Mapping[Value, Home], constants: Mapping[str, Any]) -> str:
    """A line for each input, for each memory that values are computed into, with those that lie in it in turn, for each
    view that is known before the program runs, and for each constant that has a name."""
    names = names_of(program)
    texts = source_texts(program)
    rows = [(names[s], _bytes(s.nbytes), type_text(s), texts[s]) for s in program.sources]
    held: dict[Any, list[Value]] = defaultdict(list)
    for value in sorted(homes, key=lambda v: _KINDS.index(homes[v].kind)):
        held[(homes[value], value) if homes[value].kind == "new" else (homes[value], None)].append(value)
    for (home, _), values in held.items():
        if home.kind == "view":
            rows += [(names[v], "", type_text(v), f"view: {call_text(v, names)}") for v in values]
            continue
        of_type: dict[str, list[str]] = defaultdict(list)
        for value in values:
            of_type[type_text(value)].append(names[value])
        for k, (kind, together) in enumerate(of_type.items()):
            first = (home.name, _bytes(home.nbytes)) if k == 0 else ("", "")
            rows.append((*first, kind, ", ".join(together)))
    rows += [(k, "", _kind_text(x), _constant_text(x)) for k, x in constants.items()]
    return "\n".join(columns([part for row in rows for part in _wrapped(row)], right={1}))


def _wrapped(row: tuple[str, str, str, str]) -> list[tuple[str, str, str, str]]:
    """The row, and more of them for what is long in it."""
    first, *others = wrap(row[3], FAR) or [""]
    return [(*row[:3], first), *[("", "", "", other) for other in others]]


def _kind_text(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return "array" if x.ndim else "number"
    return "dtype" if isinstance(x, np.dtype) else type(x).__name__


def _constant_text(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"{x.dtype}{list(x.shape)}" if x.ndim else f"{x[()]} as {x.dtype}"
    text = str(x.item() if isinstance(x, np.generic) else x)
    return text if len(text) <= FAR else f"{text[: FAR - 1]}…"


def _bytes(n: int) -> str:
    return f"{n:,} bytes" if n else ""
