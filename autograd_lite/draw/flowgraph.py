"""`ag.draw`: the flow graph as a picture or as a tree of text, upward as on the lecture's slides."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from ..describe import leaf_names
from ..errors import ArgumentError
from ..flow import Box, Graph
from ..node import Leaf, Node
from ..tensor import Tensor
from .cells import label, text
from .dot import Dot
from .legend import how_to_read
from .marked import checked, drawable
from .picture import Picture
from .recorded import gradient_graph, loss_of
from .styles import BPROP, LEAF, Mark
from .tree import Text, tree
from .view import View

DIRECTIONS = ("fprop", "bprop", "both")


def draw(
    loss: Tensor | Callable[..., Any] | Any,
    *args: Any,
    direction: str = "both",
    values: bool | str = True,
    depth: int | None = None,
    fold: bool | None = None,
    constants: bool | None = None,
    broadcasting: bool = False,
    format: str = "svg",
    marks: Mapping[Any, Mark] | None = None,
    check: bool = False,
    legend: bool = False,
) -> Picture | Text:
    """The flow graph that `loss` was computed by: a box for each op, a rounded one for each leaf, edges upward.

    Values are recomputed where nobody saved them, and the gradients are those of this loss alone: the `.grad` of the
    leaves is neither read nor changed.

    Parameters
    ----------
    loss: a recorded Tensor; for one that is not a scalar the gradients are those of the sum of its entries. Or a
        function that returns one, called with `args`: its arguments of floats are leaves, with their names. Or what
        `find_nonfinite`, `explain`, `memory` or `nn.health` returned, or a ShapeError, whose graph is drawn up to the
        op that failed. Or a plan or program of `ag.compile`, whose values are drawn with the buffers that they lie in.
    direction: "fprop" shows values; "both" gradients as well, and a dashed edge for each that is sent back, the thicker
        the larger; "bprop" the graph of the gradient computation itself, which is recorded for this.
    values: whether to show values and gradients, small ones in full and large ones by mean ± standard deviation in
        [minimum, maximum]; "heatmap" adds their entries as colours (green is positive, purple negative).
    depth: how many levels of modules and named scopes are open; 0 shows each as one box, None opens all.
    fold: whether repeats of equal structure are shown once, as "× 10"; if None, in a graph of 12 ops or more.
    constants: whether arrays that want no gradient have boxes; if None, in a graph of up to 24 ops.
    broadcasting: whether ops that only copy entries for broadcasting, or sum such copies up, are shown.
    format: what the picture is shown as in a notebook, "svg", "png", ...; "text" gives a tree for terminals.
    marks: a Mark for each node (`tensor.node`, `box.node`) or Tensor that is to be coloured or to have a note.
    check: whether each op's bprop is held against central differences at its inputs: its box shows the error, and is
        red where that is wrong.
    legend: whether a few words below the picture say how to read it, for somebody who sees one for the first time.

    Returns
    -------
    A graphviz.Digraph; `.write("loss.svg")` makes a picture of it, and a notebook shows it by itself. For "text" a
    string that shows itself.

    Raises
    ------
    ArgumentError (a TypeError) if `loss` was not recorded, or more than 2,000 boxes would be left.

    >>> import autograd_lite as ag
    >>> w = ag.tensor(2.0, requires_grad=True, name="w")
    >>> "multiply" in ag.draw(w * w).source
    True
    >>> ag.draw(lambda w, x: ag.tanh(w * x), 0.5, 2.0, format="text")
    tanh        float64  value 0.7616  grad 1
    └─ multiply float64  value 1  grad 0.42
       ├─ w     float64  value 0.5  grad 0.8399
       └─ x     float64  value 2  grad 0.21
    """
    if direction not in DIRECTIONS:
        raise ArgumentError(f"draw: direction {direction!r}; one of {', '.join(DIRECTIONS)}")
    if values not in (True, False, "heatmap"):
        raise ArgumentError(f"draw: values {values!r}; True, False or 'heatmap'")
    if hasattr(loss, "_drawn_by_"):
        if direction != "both" or values is not True or args or marks or check:
            raise ArgumentError("draw: a program has neither values nor gradients; only format= and legend= apply")
        return import_module(loss._drawn_by_()).picture_of(loss, format, legend)  # type: ignore[no-any-return]
    loss, marks = drawable(loss, marks)
    if not isinstance(loss, Tensor) and callable(loss):
        loss = loss_of(loss, args)
    elif args:
        raise ArgumentError("draw: arguments are for a function; this is the value of one already")
    if not isinstance(loss, Tensor) or loss.node is None:
        raise ArgumentError(
            f"draw: a {type(loss).__name__} that was not recorded; compute it from a Tensor with requires_grad=True"
        )
    graph = Graph(loss, np.ones(loss.shape, loss.dtype))
    gradients: list[tuple[Leaf, Node]] = []
    since = math.inf
    if direction == "bprop":
        graph, gradients, since = gradient_graph(loss)
    if check:
        marks = {**checked(graph), **_by_node(marks)}
    view = View(
        graph,
        depth=depth,
        folded=fold,
        constants=constants,
        broadcasting=broadcasting,
        marks=_by_node(marks),
        since=since,
    )
    with np.errstate(all="ignore"):  # whatever is wrong with the values, the forward pass has said it
        backward = direction == "both" and loss.requires_grad
        if backward:
            graph.run()
        if format == "text":
            return tree(view, bool(values))
        picture = Dot(view, values, backward, since).write()
    if legend:
        picture.attr(label=how_to_read(direction, values), labelloc="b", labeljust="l")
    picture.format = format
    if gradients:
        _name_gradients(picture, view, gradients, leaf_names(Graph(loss)))
    return picture


def _name_gradients(picture: Picture, view: View, gradients: list[tuple[Leaf, Node]], names: dict[Node, str]) -> None:
    """A rounded box on each node that is a gradient; one for all that a folded repeat stands for."""
    shown: dict[tuple[str | None, Any], list[str]] = {}
    for leaf, node in gradients:
        key = view.key_of(node)
        item = view.items[key] if key else None
        one = isinstance(item, Box) and item.node not in view.last_of
        shown.setdefault((key, leaf if one else None), []).append(names[leaf])
    for k, ((key, _), by) in enumerate(shown.items()):
        ends = dict.fromkeys([by[0], by[-1]])
        rows = [text(" … ".join(f"∂loss/∂{name}" for name in ends), bold=True, color=BPROP)]
        picture.node(f"d{k}", label(rows), style="rounded,filled", fillcolor=LEAF, color=BPROP, penwidth="1.5")
        picture.edge(key, f"d{k}", color=BPROP)


def _by_node(marks: Mapping[Any, Mark]) -> dict[Node, Mark]:
    pairs = [(key.node if isinstance(key, Tensor) else key, mark) for key, mark in marks.items()]
    return {node: mark for node, mark in pairs if isinstance(node, Node)}
