"""Mutation: change any formula of the table, and the checks must notice."""

from __future__ import annotations

import ast
import types

import numpy as np
import pytest
from specs import SPECS
from test_rows import differentiable, draw, of_live_inputs

import autograd_lite as ag
from autograd_lite.source import formula_source

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
NAMES = {"cos": "sin", "sin": "cos", "sinh": "cosh", "cosh": "sinh", "log": "exp", "exp": "log1p"}

# Mutants that compute the same thing, each with its reason.
EQUIVALENT = {
    (
        "power",
        "a",
    ): "b + (b == 0) - 1: the guard is for b = 0, outside the domain tested (test_values.py has it)",
    ("raised", "a"): "as power",
    ("power", "b"): "log(a + (a == 0)): the guard is for a = 0",
    ("raised", "b"): "as power",
    ("hypot", "a"): "y + (y == 0): the guard is for the origin",
    ("hypot", "b"): "as a",
    ("maximum", "a"): "g / 2 is for ties, which test_values.py has",
    ("maximum", "b"): "as a",
    ("minimum", "a"): "as maximum",
    ("minimum", "b"): "as maximum",
    ("std", "x"): "g / (y + (y == 0)): the guard is for equal entries",
}


class Mutate(ast.NodeTransformer):
    """Change the `target`-th place that can be changed."""

    def __init__(self, target):
        self.target, self.seen = target, -1

    def _here(self):
        self.seen += 1
        return self.seen == self.target

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if type(node.op) in SWAPS and self._here():
            return ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)
        return node

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        return node.operand if isinstance(node.op, ast.USub) and self._here() else node

    def visit_Name(self, node):
        return ast.Name(NAMES[node.id], ast.Load()) if node.id in NAMES and self._here() else node


def mutants(text):
    """The whole formula negated and doubled, and each place in it changed."""
    yield f"-1.0 * ({text})"
    yield f"2.0 * ({text})"
    for target in range(20):
        mutate = Mutate(target)
        changed = ast.unparse(mutate.visit(ast.parse(text, mode="eval")))
        if mutate.seen < target:
            return
        yield changed


def scope_of(formula):
    """Where a changed formula finds its names: its module, and the functions that it may now call instead."""
    return {**{name: ag.OPS[name] for name in NAMES}, "log1p": ag.log1p, **formula.__globals__}


FORMULAS = [
    (name, i)
    for name, op in ((name, ag.OPS[name]) for name in SPECS)
    for i, f in op.formulas.items()
    if f is not None and name not in ("cast",)  # its formula is g itself, and its spec casts to the same dtype
]


@pytest.mark.parametrize(("name", "i"), FORMULAS)
def test_every_mutant_is_caught(name, i):
    op = ag.OPS[name]
    formula = op.formulas[i]
    text = formula_source(formula)
    survivors = []
    for mutant in mutants(text):
        code = compile(f"lambda {', '.join(formula.__code__.co_varnames)}: {mutant}", "<mutant>", "eval")
        wrong = types.FunctionType(code.co_consts[0], scope_of(formula))
        changed = ag.Op(op.fprop, op.symbol, name=name, r=op.residual, **{**op.formulas, i: wrong})
        if passes(changed, name):
            survivors.append(mutant)
    if (name, i) in EQUIVALENT:
        assert len(survivors) <= 3
        assert survivors, f"{name} {i} is in EQUIVALENT without need"
    else:
        assert survivors == [], f"d{i} = {text}"


def passes(op, name):
    for k in range(len(SPECS[name].cases)):
        for seed in range(3):
            for complex_inputs in (False, True) if SPECS[name].complex else (False,):
                _, inputs, statics = draw(name, k, seed, complex_inputs=complex_inputs)
                if any(x.size == 0 for x in inputs):
                    continue
                live = differentiable(op, inputs)
                try:
                    with np.errstate(all="ignore"):
                        ag.check_grads(of_live_inputs(op, inputs, live, statics), *[inputs[j] for j in live])
                except NameError:  # no wrong formula but a text that is none: nothing would be tested
                    raise
                except Exception:
                    return False
    return True
