"""Blocks: a fused step on large arrays is run some rows at a time, so that all of a block stays in the cache.

>>> import numpy as np, autograd_lite as ag
>>> f = ag.compile(lambda x: np.tanh(x) * x + 1, backend="numpy")
>>> y = f(np.ones(100_000))
>>> print(f.plan.source.split("def program")[0].rstrip())
def blocks0(x0, v2):
    for start in range(0, 100000, 16384):
        rows = slice(start, start + 16384)
        x0_b = x0[rows]
        v2_b = v2[rows]
        s0 = blocks0_s0[:len(v2_b)]
        tanh(x0_b, s0)
        multiply(s0, x0_b, s0)
        add(s0, n1, v2_b)
"""

from __future__ import annotations

import numpy as np

from .lifetimes import BufferPool
from .passes.fusion import folds_all
from .program import Value
from .statements import Statements

BLOCK = 2**14  # entries


def write_blocks(name: str, step: tuple[Value, ...], whole: list[Value], outer: Statements) -> tuple[str, str, int]:
    """The function `name` of a step, its call, and the bytes that its blocks take beyond those of steps before.

    `whole` are the values of the step that are read outside of it: they have arrays of their full size, under the names
    of `outer`. The others exist a block at a time; sums of everything are sums of the blocks' sums.
    """
    shape, size, inside = step[0].shape, step[0].size, set(step)
    folds = [value for value in step if folds_all(value)]
    operands = [i for i in dict.fromkeys(i for value in step for i in value.operands) if i not in inside]
    parameters = [*operands, *whole]
    cut = [v for v in parameters if len(v.shape) == len(shape) and v.shape[0] == shape[0]]
    flat = all(v.shape in (shape, ()) for v in parameters)  # then entries are as good as rows
    length = size if flat else shape[0]
    rows = max(BLOCK * length // size, 1)
    inner = Statements({**outer.names, **{v: f"{outer.names[v]}_b" for v in cut}}, outer)
    scratch, last = BufferPool(), {i: value for value in step for i in value.operands}
    loop = []
    for value in step:
        if value in folds:
            loop.append(f"{outer.names[value]}.append({inner.call(value)})")
        else:
            inputs = [i for i in dict.fromkeys(value.operands) if last[i] is value]
            if value not in whole:
                if value.op.overwrites:
                    for i in inputs:
                        scratch.give_back(i)
                place = scratch.take(value, rows * (size // length) * value.dtype.itemsize, value.dtype)
                out = f"s{place}"
            else:
                out = inner.names[value]
            loop.append(inner.into(value, out))
            inner.names[value] = out
            for i in inputs:
                scratch.give_back(i)
    block = (rows,) if flat else (rows, *shape[1:])
    taken = 0
    for k, (nbytes, dtype) in enumerate(scratch.buffers):
        if k == len(outer.scratch) or len(outer.scratch[k]) < nbytes:  # steps take turns, so they share their blocks
            outer.scratch[k : k + 1] = [np.empty(nbytes, np.uint8)]
            taken += nbytes
        outer.scope[f"{name}_s{k}"] = outer.scratch[k][:nbytes].view(dtype).reshape(block)
    lines = [
        f"def {name}({', '.join([outer.names[v] for v in parameters])}):",
        *[f"    {outer.names[v]} = []" for v in folds],
        f"    for start in range(0, {length}, {rows}):",
        f"        rows = slice(start, start + {rows})",
        *[f"        {inner.names[v]} = {outer.names[v]}[rows]" for v in cut],
        *[f"        s{k} = {name}_s{k}[:len({inner.names[cut[-1]]})]" for k in range(len(scratch.buffers))],
        *[f"        {line}" for line in loop],
    ]
    if folds:
        sums = [f"{outer.function(f'{v.op.fold.__name__}_reduce', v.op.fold.reduce)}({outer.names[v]})" for v in folds]
        lines.append(f"    return {', '.join(sums)}")
    given = [f"{outer.names[v]}{'.reshape(-1)' if flat and len(v.shape) > 1 else ''}" for v in parameters]
    call = f"{name}({', '.join(given)})"
    call = f"{', '.join([outer.names[v] for v in folds])} = {call}" if folds else call
    return "\n".join(lines), call, taken
