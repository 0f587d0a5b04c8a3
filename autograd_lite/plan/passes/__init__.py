"""The passes: each a function from a program to one that gives the same, and is cheaper to run."""

from __future__ import annotations

from ..program import Program
from .algebra import simplified
from .common import without_repeats
from .constants import folded
from .dead import without_dead
from .expansion import expanded
from .fusion import fused

PASSES = (expanded, folded, simplified, without_repeats, without_dead, fused)


def optimised(program: Program) -> Program:
    """The program after all passes."""
    for improve in PASSES:
        program = improve(program)
    return program
