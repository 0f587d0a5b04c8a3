"""Fusion: element-wise ops of one shape that lead into each other become one step.

A step is run block by block, so that what one op writes is still in the cache when the next reads it (NumPy), or as one
loop, so that it is never written at all (LLVM).
"""

from __future__ import annotations

from collections import defaultdict

from ..program import Program, Value

SEARCHED = 500  # groups; more, for each value, would be a time that grows with the square of the program
LARGE = 2**16  # entries; arrays of that size leave the fastest cache, and are run block by block


def fused(program: Program) -> Program:
    """The program with element-wise ops gathered into as few steps as their order allows."""
    if not any(can_fuse(value) or folds_all(value) for value in program.values):
        return program
    group: dict[Value, int] = {}  # a group is known by the number of its first value
    needs: dict[int, set[int]] = defaultdict(set)  # the groups whose values a group reads
    members: dict[int, list[Value]] = defaultdict(list)
    latest: dict[tuple[int, ...], int] = {}  # of each shape the last group that an op joined

    def reaches(start: int, goal: int) -> bool:
        """Whether group `start` reads, directly or not, what group `goal` computes; or may do so, as far as a search of
        a bounded length tells."""
        stack, seen = [start], {start}
        while stack:
            if len(seen) > SEARCHED:
                return True
            for k in needs[stack.pop()]:
                if k == goal:
                    return True
                if k not in seen:
                    seen.add(k)
                    stack.append(k)
        return False

    happened: set[int] = set()  # the last effect's group: what draws random numbers goes on in the order that it had
    for number, value in enumerate(program.values):
        before = {group[i] for i in value.operands if i in group}
        if value.op.effect:
            before, happened = before | happened, {number}
        closed = {group[i] for i in value.operands if i in group and folds_all(i)}  # all of it comes first
        home, shape = number, value.operands[0].shape if folds_all(value) else value.shape
        if can_fuse(value) or folds_all(value):
            beside = latest.get(shape, -1)  # not where that would wait: then whole batches wait for each other
            near = before | {beside} if beside >= 0 and all(k < beside for k in before) else before
            for k in sorted(near - closed, reverse=True):
                first = members[k][0]
                if can_fuse(first) and first.shape == shape and not any(reaches(j, k) for j in before - {k}):
                    home = k
                    break
            latest[shape] = home
        group[value] = home
        members[home].append(value)
        needs[home] |= before - {home}
    return program._replace(steps=tuple(map(tuple, _ordered(members, needs))))


def can_fuse(value: Value) -> bool:
    """Whether each entry of the value depends on one entry of each input, and can be computed where it is wanted."""
    op = value.op
    return bool(value.shape and op.elementwise and op.places and not op.variadic and not op.effect and value.size)


def folds_all(value: Value) -> bool:
    """Whether the value is the sum, or another fold, of all entries of a large array: a block at a time will do."""
    if value.op is None or value.op.fold is None or value.shape or not value.operands:
        return False
    return value.operands[0].size >= LARGE and value.keywords.get("dtype") is None


def _ordered(members: dict[int, list[Value]], needs: dict[int, set[int]]) -> list[list[Value]]:
    """The groups, each after those it needs, else in the order of their first values."""
    steps, done = [], set[int]()
    for goal in sorted(members):
        stack = [goal]
        while stack:
            k = stack[-1]
            missing = [j for j in sorted(needs[k], reverse=True) if j not in done] if k not in done else []
            if missing:
                stack.extend(missing)
            else:
                stack.pop()
                if k not in done:
                    done.add(k)
                    steps.append(members[k])
    return steps
