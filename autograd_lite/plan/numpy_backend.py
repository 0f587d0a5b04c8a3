"""The NumPy backend: a program as straight-line Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..runtime import as_value
from .program import Program, Value


class Built:
    """A first one: interprets."""

    def __init__(self, program: Program):
        self.program = program

    def run(self, sources: list[Any]) -> list[Any]:
        """What the program gives for these arrays, in the order of `program.sources`."""
        program = self.program
        values: dict[Any, Any] = dict(zip(program.sources, sources, strict=True))

        def of(i: Any) -> Any:
            return values[i] if isinstance(i, Value) else i

        for value in program.values:
            y = value.op.run(*map(of, value.inputs), **value.keywords)
            if value.op.residual:
                y = y[0]
            values[value] = [as_value(part) for part in y] if value.op.several else as_value(y)
        outputs = [np.array(of(y))[()] for y in program.outputs]
        news = [np.array(of(new)) for _, new in program.writes]
        for (target, _), new in zip(program.writes, news, strict=True):
            target.source.memory[...] = new
        return outputs


def build(program: Program) -> Built:
    """The program, ready to run."""
    return Built(program)
