"""Programs of numbers alone: nested expressions of Python's floats, which cost a third of NumPy's scalars.

>>> import autograd_lite as ag
>>> f = ag.compile(ag.grad(lambda x, a: (x * a + 1.0) * x), backend="numpy")
>>> f(2.0, 3.0)
np.float64(13.0)
>>> print(f.plan.source)
def program(x0, x1):
    v0 = x0 * x1
    return [float64(((v0 + 1.0) + v0))]

Python's +, -, * and / are IEEE's, as NumPy's, so no bit differs. A division by zero, where Python raises an error, is
left to NumPy.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from . import numpy_backend
from .lifetimes import Home
from .program import Program, Value, names_of, uses
from .statements import INFIX, defined

_DEPTH = 60  # of nested parentheses; Python's parser ends at 200


def fits(program: Program) -> bool:
    """Whether all that the program computes are sums, products and quotients of float64 numbers."""
    numbers = [*program.sources, *program.values, *program.outputs]
    return (
        bool(program.steps)
        and not program.writes
        and all(np.shape(v) == () and getattr(v, "dtype", None) == np.float64 for v in numbers)
        and all(source.is_argument for source in program.sources)
        and all(v.op.run in INFIX or v.op.run is operator.neg for v in program.values)
    )


class Built:
    """A program of numbers that is ready to run; where Python's floats raise an error, NumPy's scalars take over."""

    def __init__(self, program: Program):
        self.program, self.reason, self.peak_bytes = program, "Python, as all are numbers,", 0
        self.source, self.homes, self.constants = _source(program), dict[Value, Home](), dict[str, Any]()
        scope: dict[str, Any] = {"float64": np.float64, "inf": np.inf, "nan": np.nan}  # as repr writes them
        self._expressions = defined(self.source, "program", scope)
        self._plain: numpy_backend.Built | None = None

    def run(self, sources: list[Any]) -> Any:
        """What the program gives for these numbers."""
        try:
            return self._expressions(*map(float, sources))
        except (ZeroDivisionError, OverflowError):
            self._plain = self._plain or numpy_backend.Built(self.program)
            return self._plain.run([np.float64(x) for x in sources])


def _source(program: Program) -> str:
    names, read, lines = dict(names_of(program)), uses(program), []
    shown = [y for y in program.outputs if isinstance(y, Value)]
    text: dict[Any, str] = {source: names[source] for source in program.sources}
    depth: dict[Any, int] = {}
    for value in program.values:
        a = [text[i] if isinstance(i, Value) else repr(float(i)) for i in value.inputs]
        expression = f"-{a[0]}" if value.op.run is operator.neg else f"{a[0]} {INFIX[value.op.run]} {a[1]}"
        depth[value] = 1 + max([depth.get(i, 0) for i in value.operands], default=0)
        times = sum(user.inputs.count(value) for user in read[value]) + shown.count(value)
        if times == 1 and depth[value] < _DEPTH:
            text[value] = f"({expression})"
        else:
            lines.append(f"    {names[value]} = {expression}")
            text[value], depth[value] = names[value], 0
    outputs = ", ".join([f"float64({text[y] if isinstance(y, Value) else repr(float(y))})" for y in program.outputs])
    given = ", ".join([names[s] for s in program.sources])
    return "\n".join([f"def program({given}):", *lines, f"    return [{outputs}]"])
