"""Dead code: what no output, no write and no effect needs is left out."""

from __future__ import annotations

from ..program import Program, Value


def without_dead(program: Program) -> Program:
    """The program without values that nothing needs, and without sources that nothing reads."""
    needed: set[Value] = set()
    stack = program.roots
    while stack:
        value = stack.pop()
        if value not in needed:
            needed.add(value)
            stack.extend(value.operands)
    steps = [tuple([value for value in step if value in needed]) for step in program.steps]
    sources = tuple([source for source in program.sources if source in needed])
    return program._replace(sources=sources, steps=tuple([step for step in steps if step]))
