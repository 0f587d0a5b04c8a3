"""What is drawn besides the graph: what a diagnosis found, where shapes do not fit, and how each bprop was checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..check import check_box
from ..errors import ArgumentError, ShapeError
from ..flow import Graph
from ..node import FlatNode, Node
from ..op import Op
from ..runtime import aligned_inputs
from ..several import Outputs
from ..tensor import Tensor, constant_tensor
from .styles import Mark


def drawable(thing: Any, marks: Mapping[Any, Mark] | None) -> tuple[Any, dict[Any, Mark]]:
    """A loss to draw and marks on its nodes, of what is no loss but has found something out about one: a diagnosis, an
    explanation, a ShapeError. Anything else stays what it is. The caller's `marks` go first."""
    found: dict[Any, Mark] = {}
    if isinstance(thing, BaseException):
        thing, found = _failed(thing)
    elif hasattr(thing, "_drawn_"):
        thing, found = thing._drawn_()
    return thing, {**found, **(marks or {})}


def checked(graph: Graph) -> dict[Node, Mark]:
    """A mark for each box whose bprop can be held against central differences: the error, and "bad" for a wrong one."""
    marks = {}
    with np.errstate(all="ignore"):
        gradients = graph._afresh().run()._sums
    for box in graph:
        with np.errstate(all="ignore"):
            result = check_box(box, gradients.get(box.node))
        if result is None:
            continue
        if result.holds:
            marks[box.node] = Mark("good", f"bprop checked, error {result.error:.0e}")
        elif result.kink:
            marks[box.node] = Mark("warning", "at a kink or a jump, where there is no gradient to check")
        else:
            marks[box.node] = Mark("bad", f"wrong bprop: error {result.error:.2g}")
    return marks


def _failed(error: BaseException) -> tuple[Tensor, dict[Node, Mark]]:
    """The graph up to an op that failed, which stands last and marked, with the shapes one below the other."""
    cause: Any = error
    while cause is not None and not (isinstance(cause, ShapeError) and cause.op is not None):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        raise ArgumentError(f"draw: no op failed with shapes here; this is a {type(error).__name__}: {error}")
    variadic = [f"{cause.op.variadic}{k}" for k in range(len(cause.inputs) - len(cause.op.inputs))]
    flat: dict[str, Any] = dict.fromkeys([*cause.op.inputs, *variadic])
    stand_in = Op(_NotComputed(), cause.op.symbol, name=cause.op.name, **flat)
    last = constant_tensor(np.float64(np.nan))
    last.node = FlatNode(stand_in, cause.inputs, (), (), Outputs(tuple, ()))  # it gave nothing
    reason = str(cause).rpartition("): ")[2]
    return last, {last.node: Mark("bad", aligned_inputs(cause) + ("" if cause.op.elementwise else f"\n{reason}"))}


class _NotComputed:
    """The forward function of an op that failed."""

    __name__ = "failed"

    def __call__(self, *inputs: Any) -> Any:
        return np.float64(np.nan)
