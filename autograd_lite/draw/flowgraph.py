"""The flow graph as a picture: boxes for ops, rounded boxes for leaves, upward as on the lecture's slides."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..flow import Box, Graph
from ..node import Leaf
from ..several import SEVERAL
from ..tensor import Tensor
from .picture import Picture

# Okabe and Ito's palette: told apart by the colour-blind, and readable on white and on black.
FPROP, BPROP, LEAF, OP, CONSTANT = "#0072B2", "#D55E00", "#E8F3FA", "#FFFFFF", "#F2F2F2"
LARGEST = 2000  # boxes; beyond that no layout is readable


def draw(loss: Tensor, *, values: bool = True) -> Picture:
    """The flow graph that `loss` was computed by, each box with its value and the gradient of `loss` by it.

    Values are recomputed where nobody saved them, and the gradients are those of this loss alone: the `.grad` of the
    leaves is neither read nor changed.

    Parameters
    ----------
    loss: a recorded Tensor; for one that is not a scalar the gradients are those of the sum of its entries.
    values: whether to show values and gradients, or shapes only.

    Returns
    -------
    A graphviz.Digraph; `.write("loss.svg")` makes a picture of it, and a notebook shows it by itself.

    Raises
    ------
    ArgumentError (a TypeError) if `loss` was not recorded, or its graph has more than 2,000 boxes.

    >>> import autograd_lite as ag
    >>> w = ag.tensor(2.0, requires_grad=True, name="w")
    >>> "multiply" in ag.draw(w * w).source
    True
    """
    graph = Graph(loss, np.ones(loss.shape, loss.dtype))
    if len(graph) > LARGEST:
        raise ArgumentError(f"draw: {len(graph)} boxes are more than {LARGEST}; draw a smaller part of the computation")
    if values:
        graph.run()
    picture = Picture("flow", format="svg")
    picture.attr(rankdir="BT", bgcolor="transparent", nodesep="0.25", ranksep="0.45")
    picture.attr("node", fontname="Helvetica,Arial,sans-serif", fontsize="11", shape="box", margin="0.12,0.06")
    picture.attr(
        "edge", color=FPROP, fontcolor=FPROP, arrowsize="0.7", fontname="Helvetica,Arial,sans-serif", fontsize="9"
    )
    names = {box: f"n{k}" for k, box in enumerate(graph)}
    for box, name in names.items():
        leaf = isinstance(box.node, Leaf)
        style, fill = ("rounded,filled", LEAF) if leaf else ("filled", OP)
        picture.node(name, _label(box, values), style=style, fillcolor=fill, color=FPROP)
        for k, i in enumerate(box.inputs):
            slot = _slot(box, k)
            if isinstance(i, Box):
                picture.edge(names[i], name, label=slot)
            elif np.ndim(i):
                constant = f"{name}c{k}"
                text = _table([_row(f"{slot or 'constant'}", bold=True), _row(_kind(np.shape(i), np.asarray(i).dtype))])
                picture.node(constant, text, style="rounded,filled,dashed", fillcolor=CONSTANT, color="#7F7F7F")
                picture.edge(constant, name, color="#7F7F7F")
    return picture


def _label(box: Box, values: bool) -> str:
    rows = [_row(_title(box), bold=True), _row(_kind(box.shape, box.node.dtype))]
    if values and box.node.dtype is not SEVERAL:  # several outputs have boxes of their own
        rows.append(_row(f"value {_summary(box.value)}", color=FPROP))
        if box.grad is not None:
            rows.append(_row(f"grad {_summary(box.grad)}", color=BPROP))
    return _table(rows)


def _title(box: Box) -> str:
    """The op with its Python-number inputs, such as `multiply  1.5 * .`, or the leaf's name."""
    numbers = [f"{i:.4g}" if np.ndim(i) == 0 and isinstance(i, (int, float, np.number)) else "·" for i in box.inputs]
    if box.op is None or all(n == "·" for n in numbers):
        return box.name
    symbol = box.op.symbol or ","
    return f"{box.name}  {f' {symbol} '.join(numbers)}"


def _slot(box: Box, k: int) -> str:
    """The name of input k, where the order of inputs matters and does not show."""
    op = box.op
    if op is None or len(box.inputs) == 1 or op.symbol in ("+", "*") or k >= len(op.inputs):
        return ""
    return str(op.inputs[k])


def _kind(shape: tuple[int, ...], dtype: Any) -> str:
    if dtype is SEVERAL:
        return f"{len(shape)} outputs"
    return f"{'×'.join(map(str, shape))} {dtype}" if shape else str(dtype)


def _summary(value: Any) -> str:
    """A scalar or a small array in full, a large one by its mean and standard deviation."""
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array[()]:.4g}" if array.dtype.kind != "b" else str(bool(array))
    if array.size <= 6:
        return np.array2string(array, precision=3, separator=", ", suppress_small=True).replace("\n", "")
    if array.dtype.kind == "b":
        return f"{int(array.sum())} of {array.size} true"
    return f"mean {array.mean():.3g}, sd {array.std():.2g}"


def _row(text: str, *, bold: bool = False, color: str | None = None) -> str:
    text = escape(text)
    text = f"<B>{text}</B>" if bold else text
    return f'<TR><TD><FONT COLOR="{color}">{text}</FONT></TD></TR>' if color else f"<TR><TD>{text}</TD></TR>"


def _table(rows: list[str]) -> str:
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>>'
