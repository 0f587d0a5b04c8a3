"""Constant folding: a number that is computed from numbers alone is computed here."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...runtime import as_value
from ..program import Program, Value, rewritten


def folded(program: Program) -> Program:
    """The program with constants in the place of numbers that depend on nothing else."""
    return rewritten(program, _folded)


def _folded(value: Value) -> Any:
    op = value.op
    if value.operands or value.shape != () or op.effect or op.several or op.residual or value.dtype.kind not in "biufc":
        return value
    with np.errstate(all="ignore"):
        return as_value(op.run(*value.inputs, **value.keywords))
