"""Expansion: an op that is written in other ops becomes these, so that they can be shared, fused and put in place.

A row's forward function is NumPy, and NumPy's functions take Tensors here. So calling it on Tensors tells what it is
made of: an affine layer of a product and a sum, a softmax of five ops. Rows whose function needs arrays say it by
`parts=`; where neither works, or what comes out is no simpler, the op stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...op import Op
from ...tensor import Tensor
from ..program import Program, Value, rewritten
from ..record import Recording
from .common import identity


def expanded(program: Program) -> Program:
    """The program in simpler ops. The residual that a backward pass computes anew is that of the forward pass."""
    known: dict[Any, Any] = {}  # identity of a value -> what stands for it

    def change(value: Value) -> Any:
        if identity(value) in known:
            return known[identity(value)]
        parts = _parts(value)
        if parts is None:
            return value
        y, r, residual = parts
        if residual is not None:
            known[identity(residual)] = r
        return y

    return rewritten(program, change)


def is_simple(op: Op) -> bool:
    """Whether a backend can put the op's result where it likes, or it is no more than another view."""
    return op.places or (op.view and not op.several and not op.residual)


def _parts(value: Value) -> tuple[Any, Any, Any] | None:
    """A value as simpler ops compute it, and its residual, and the residual as a backward pass computes it."""
    op = value.op
    if is_simple(op) or op.several or op.effect:
        return None
    found = _run(op.parts or op.fprop, value, value.keywords)
    if found is None or not all(is_simple(v.op) or v.op.effect for v in found[0].values):
        return None
    if not op.residual:
        return found[1][0], None, None
    anew = _run(op.residual, value, {})
    y, r = found[1]
    return (y, r, anew[1][0]) if anew is not None and anew[1][0].op is not None else (y, None, None)


def _run(function: Any, value: Value, keywords: dict[str, Any]) -> tuple[Program, list[Any]] | None:
    """The program of `function`, called with the inputs of `value`, and its outputs as values of these inputs."""
    operands = list(dict.fromkeys(value.operands))
    if any(i.dtype is None or i.dtype.kind not in "biufc" or i.weak for i in operands):
        return None
    names = function.__code__.co_varnames[: function.__code__.co_argcount] if hasattr(function, "__code__") else ()

    def call(tensors: list[Tensor]) -> Any:
        given = dict(zip(operands, tensors, strict=True))
        inputs = [given[i] if isinstance(i, Value) else i for i in value.inputs]
        if not keywords and len(names) < len(inputs):  # a formula, which names the inputs that it needs
            by_name = dict(zip(value.op.inputs, inputs, strict=False))
            inputs = [by_name[name] for name in names]
        return function(*inputs, **keywords)

    try:
        found = Recording(call, [np.zeros(i.shape, i.dtype)[()] for i in operands]).program
    except Exception:  # it asks for values, or for an array of NumPy's own
        return None
    return found, list(_on(operands, found))


def _on(operands: list[Value], program: Program) -> Iterable[Any]:
    """The outputs of a program whose arguments are `operands`."""
    new: dict[Value, Any] = {}
    for source in program.sources:
        new[source] = operands[source.source.position] if source.is_argument else source
    for value in program.values:
        new[value] = value.with_inputs(tuple([new[i] if isinstance(i, Value) else i for i in value.inputs]))
    return [new[y] if isinstance(y, Value) else y for y in program.outputs]
