"""micrograd: scalars only, and a recursive walk."""

import sys

from micrograd.engine import Value

from benchmarks.problems import SCALARS, run_python, scalar_program

sys.setrecursionlimit(10_000)  # the walk is as deep as the graph: 1,000 here


def import_library():
    return run_python("import micrograd.engine")


def scalar_chain():
    leaves = [Value(value) for value in SCALARS]

    def step():
        for leaf in leaves:
            leaf.grad = 0
        scalar_program(*leaves).backward()
        return tuple(leaf.grad for leaf in leaves)

    return step
