"""What each pass changed about a program, in words. Values keep their names from pass to pass, so that one can be
followed.

>>> import numpy as np, autograd_lite as ag
>>> f = ag.compile(lambda x: np.tanh(x) * 1.0 + np.tanh(x))
>>> y = f(np.ones(3))
>>> for change in f.plan.changes:
...     if change:
...         print(change)
simplified: 3 values after 4, 72 bytes after 96
- v1: float64[3]  v0 * 1.0
- v3: float64[3]  v1 + v2
+ v3: float64[3]  v0 + v2
without_repeats: 2 values after 3, 48 bytes after 72
- v2: float64[3]  tanh(x0)
- v3: float64[3]  v0 + v2
+ v3: float64[3]  v0 + v0
fused: the same values in 1 step after 2
  x0: float64[3]  x
┌ v0: float64[3]  tanh(x0)
└ v3: float64[3]  v0 + v0
  return v3
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from .passes import PASSES
from .program import Program, Value, aligned, names_of, rows, text


class Change(NamedTuple):
    """One pass over a program: its name, the programs before and after, and the names of the values of both.

    False where it changed nothing.
    """

    name: str
    before: Program
    after: Program
    names: dict[Value, str]

    def __bool__(self) -> bool:
        return self._lines(self.before) != self._lines(self.after) or len(self.before.steps) != len(self.after.steps)

    def __str__(self) -> str:
        if not self:
            return f"{self.name}: nothing to do"
        old, new = self._lines(self.before), self._lines(self.after)
        if sorted(old) == sorted(new):
            steps = f"{_count(len(self.after.steps), 'step')} after {len(self.before.steps)}"
            return f"{self.name}: the same values in {steps}\n{text(self.after, self.names)}"
        sizes = [(len(p.values), sum(v.nbytes for v in p.values if not v.op.view)) for p in (self.before, self.after)]
        (values, nbytes), (values_now, nbytes_now) = sizes
        head = f"{self.name}: {_count(values_now, 'value')} after {values}, {nbytes_now:,} bytes after {nbytes:,}"
        return "\n".join([head, *_difference(old, new)])

    def _lines(self, program: Program) -> list[tuple[str, str, str]]:
        return rows(program, self.names)


def changes(program: Program, passes: tuple[Callable[[Program], Program], ...] = PASSES) -> list[Change]:
    """What each of the passes does to a program, in turn."""
    found = []
    names = dict(names_of(program))
    for improve in passes:
        after = improve(program)
        names |= _names_after(program, after, names)
        found.append(Change(improve.__name__, program, after, names))
        program = after
    return found


def _names_after(before: Program, after: Program, names: dict[Value, str]) -> dict[Value, str]:
    """Names for the values after a pass: each that a value before it had, which stands at the same place in the order
    and is computed by the same op, if not from the same inputs; new ones for the others."""
    given: dict[Value, str] = {value: names[value] for value in [*after.sources, *after.values] if value in names}
    old = [v for v in before.values if v not in given]
    new = [v for v in after.values if v not in given]
    blocks = SequenceMatcher(None, [*map(_kind, old)], [*map(_kind, new)], autojunk=False).get_matching_blocks()
    for i, j, n in blocks:
        given.update({value: names[same] for value, same in zip(new[j : j + n], old[i : i + n], strict=True)})
    counts = {letter: 1 + max([int(n[1:]) for n in names.values() if n[0] == letter], default=-1) for letter in "cv"}
    for value in [*after.sources, *after.values]:
        if value not in given and not value.is_argument:
            letter = "c" if value.op is None else "v"
            given[value] = f"{letter}{counts[letter]}"
            counts[letter] += 1
    return given


def _kind(value: Value) -> Any:
    return value.op, value.statics, value.shape, value.dtype


def _difference(old: list[tuple[str, str, str]], new: list[tuple[str, str, str]]) -> list[str]:
    """Lines that went, and lines that came."""
    marks: list[str] = []
    lines: list[tuple[str, str, str]] = []
    for _, i, j, k, n in [
        code for code in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if code[0] != "equal"
    ]:
        marks += ["-"] * (j - i) + ["+"] * (n - k)
        lines += [*old[i:j], *new[k:n]]
    return [f"{mark} {line}" for mark, line in zip(marks, aligned(lines), strict=True)]


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
