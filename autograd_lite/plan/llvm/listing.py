"""What native code does, in words: a line for each loop nest and product, between the lines of Python that call it.

for each of (32, 16): v2 = v1 + c1, v3 = tanh(v2); keep v3
v5 = v3 @ v4
"""

from __future__ import annotations

from ..program import Value, call_text, names_of
from .lowering import Lowering
from .schedule import Item, Nest


def listing(lowered: Lowering) -> str:
    """All phases of a program, each with what it does."""
    names = _names(lowered)
    parts = []
    for name, items in lowered.phases:
        if name:
            texts = [f"    {_shared(i, lowered)}{_text(i, lowered, names)}" for i in items]
            parts.append("\n".join([f"{name}:", *texts]))
    return "\n\n".join(parts)


def _shared(item: Item, lowered: Lowering) -> str:
    return f"on {lowered.threads} threads, in {lowered.blocks(item)} blocks: " if lowered.is_shared(item) else ""


def _names(lowered: Lowering) -> dict[Value, str]:
    names = names_of(lowered.program)
    names.update({copy: f"copy for {names[value]}" for value, copy in lowered.schedule.copies.items()})
    for part, (whole, _) in lowered.schedule.parts.items():
        names[part] = f"part of {names[whole]}"
    return names


def _text(item: Item, lowered: Lowering, names: dict[Value, str]) -> str:
    if not isinstance(item, Nest):
        return ", ".join(f"{names[v]} = {call_text(v, names)}" for v in item.values)
    schedule = lowered.schedule
    does = [f"{names[v]} = {call_text(v, names)}" for v in [*schedule.body(item), *item.reductions]]
    kept = [
        names[v] for v in [*schedule.body(item), *item.reductions] if v in schedule.stored and schedule.item[v] is item
    ]
    where = f"for each of {item.domain}: " if item.domain else ""
    return f"{where}{', '.join(does)}{'; keep ' if kept else ''}{', '.join(kept)}"
