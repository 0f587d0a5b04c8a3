"""The gradient of one number by another as a sum over paths: how the chain rule adds up."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import ArgumentError, IndexingError
from ..flow import Box, Graph
from ..local import local_derivatives, scalar_derivatives, size_of, slots
from ..node import Node, no_grad
from ..tensor import Tensor
from .explanation import Explanation, Path, Step, entry_text
from .paths import Web


def explain(x: Tensor, loss: Tensor, *, entry: Any = None, loss_entry: Any = None, paths: int = 10) -> Explanation:
    """The derivative of `loss` by `x` as a sum over paths, each a product of local derivatives.

    A path goes from one entry of `x` to one of `loss`, through one entry of each value on its way, and counts where
    the op is element-wise or its derivative is not 0. A value that an op takes twice, as in x * x, gives two paths.

    Parameters
    ----------
    x: a leaf, or any other recorded Tensor; of real numbers, as all that is computed from it.
    loss: a Tensor computed from it. Values are those that the leaves give now.
    entry, loss_entry: the index of an entry, an integer or a tuple; needed where there is more than one.
    paths: how many to list, the largest first; the others are counted and summed up.

    Returns
    -------
    An Explanation: `gradient`, `count` (an exact integer), `paths` and `rest`, what the others add; it prints as text
    and shows itself in a notebook as mathematics.

    Raises
    ------
    ArgumentError (a TypeError) for what was not recorded or is complex, or where one op alone relates more than
    50,000,000 pairs of entries; IndexingError (an IndexError) for an entry that is not there.

    >>> import autograd_lite as ag
    >>> w = ag.tensor(0.5, requires_grad=True, name="w")
    >>> ag.explain(w, ag.tanh(w) * w)
    d loss / d w = 0.8553, the sum over 2 paths:
      1.  0.4621 = 0.4621        w → multiply
      2.  0.3932 = 0.7864 · 0.5  w → tanh → multiply
    with multiply: da = g * b, db = g * a; tanh: dx = g * (1 - y * y), for g = 1
    """
    for name, t in (("x", x), ("loss", loss)):
        if not isinstance(t, Tensor) or t.node is None or not t.requires_grad:
            raise ArgumentError(f"explain: {name} was not recorded; compute it from a Tensor with requires_grad=True")
    start, end = _position(x, entry, "x", "entry"), _position(loss, loss_entry, "loss", "loss_entry")
    with no_grad(), np.errstate(all="ignore"):
        return _Tracer(x, loss, start).explanation(end, paths)


def _position(t: Tensor, entry: Any, name: str, argument: str) -> int:
    """The place of an entry in C order."""
    if entry is None:
        if t.size != 1:
            raise ArgumentError(f"explain: {name} has shape {t.shape}; choose an entry of it by {argument}=")
        return 0
    index = tuple(map(operator.index, entry if isinstance(entry, (tuple, list)) else (entry,)))
    if len(index) != t.ndim or any(not -n <= i < n for i, n in zip(index, t.shape, strict=True)):
        raise IndexingError(f"explain: {argument}={entry} is no entry of {name}, which has shape {t.shape}")
    wrapped = [i % n for i, n in zip(index, t.shape, strict=True)]
    return int(np.ravel_multi_index(wrapped, t.shape)) if wrapped else 0


_ONLY = np.zeros(1, int)  # the one entry of a scalar


class _Tracer:
    """Which entries depend on one entry of x, and their local derivatives, from x up to the loss."""

    def __init__(self, x: Tensor, loss: Tensor, start: int):
        self.x, self.loss, self.start = x, loss, start
        self.graph = Graph(loss)
        self.reached: dict[Node, Any] = {}  # the entries, sorted
        self.base: dict[Node, int] = {}  # the vertex of the first of them
        self.vertices: list[tuple[Box, int]] = []
        self.tails: list[int] = []
        self.heads: list[int] = []
        self.weights: list[float] = []
        self.taken: list[int] = []  # which input each edge goes into
        self.ends: list[Box] = []  # where all derivatives are 0
        for box in self.graph:
            if box.node is x.node:
                self._enter(box, np.array([start]))
            elif any(i in self.reached for i in box.node.inputs if isinstance(i, Node)) and box.node.requires_grad:
                self._follow(box)

    def _edge(self, tail: int, head: int, weight: float, slot: int) -> None:
        self.tails.append(tail)
        self.heads.append(head)
        self.weights.append(weight)
        self.taken.append(slot)

    def _enter(self, box: Box, entries: Any) -> None:
        self.reached[box.node], self.base[box.node] = entries, len(self.vertices)
        self.vertices += [(box, entry) for entry in entries.tolist()]

    def _follow(self, box: Box) -> None:
        """Enter the entries of a box that depend on what is reached, and the edges to them."""
        if getattr(box.node.dtype, "kind", "f") == "c":
            raise ArgumentError(f"explain: {box.name} is complex; a path of real numbers only has a product")
        node = box.refilled()
        scalars = scalar_derivatives(node)
        if scalars is not None:
            self._enter(box, _ONLY)
            for slot, derivative in scalars:
                if (i := node.inputs[slot]) in self.base:
                    self._edge(self.base[i], self.base[box.node], derivative, slot)
            return
        found = [local_derivatives(node, k, self.reached[i]) for k in slots(node) if (i := node.inputs[k]) in self.base]
        entries = np.unique(np.concatenate([d.outputs for d in found])) if found else np.zeros(0, int)
        if not len(entries):
            self.ends.append(box)
            return
        self._enter(box, entries)
        for d in found:
            source = node.inputs[d.slot]
            self.tails += (self.base[source] + np.searchsorted(self.reached[source], d.inputs)).tolist()
            self.heads += (self.base[box.node] + np.searchsorted(entries, d.outputs)).tolist()
            self.weights += np.asarray(d.values, float).tolist()
            self.taken += [d.slot] * len(d.inputs)

    def explanation(self, end: int, limit: int) -> Explanation:
        """The paths to entry `end` of the loss, the `limit` largest of them listed."""
        name, target = self.x.name or "x", self.loss.name or "loss"
        found: list[Path] = []
        gradient, count = 0.0, 0
        entries = self.reached.get(self.loss.node, ())  # type: ignore[arg-type]
        if end in entries:
            last = self.base[self.loss.node] + int(np.searchsorted(entries, end))  # type: ignore[index]
            web = Web(self.tails, self.heads, self.weights, 0, last, len(self.vertices))
            gradient, count = web.total(), web.count()
            found = [self._path(edges) for edges in web.largest(limit)]
        return Explanation(
            name + entry_text(self.x.shape, self.start),
            target + entry_text(self.loss.shape, end),
            gradient,
            count,
            found,
            [box.name for box in self.ends] if not count else [],
            self.loss,
        )

    def _path(self, edges: list[int]) -> Path:
        return Path([self._step(e) for e in edges])

    def _step(self, e: int) -> Step:
        box, entry = self.vertices[self.heads[e]]
        op: Any = box.op
        name = op.input_name(self.taken[e])
        return Step(box.node, entry_text(_shape(box.node), entry), name, self.weights[e])


def _shape(node: Node) -> tuple[int, ...]:
    """The shape that entries are counted in; several outputs are counted one after another."""
    return node.shape if getattr(node.dtype, "kind", "") in "fiub" else (size_of(node),)
