"""An update rule, recorded once on Tensors and replayed on blocks of the vectors, in place.

A rule is a pure formula; computed as it stands, each of its operations would take memory of its own. Its graph tells
when a value is needed for the last time, so a replay gets by with a few blocks that stay in the cache, and writes the
new theta and state where the old ones were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...node import Node, enable_grad, last_uses, topological_order
from ...tensor import Tensor
from ...trace import on_new_node

# Entries updated together: a block of theta, its gradient and its state stay in the cache between operations.
BLOCK = 1 << 14


class Replay:
    """The program of a rule, a function of vectors and numbers, whose results go back into the vectors at `targets`.

    The numbers (inputs that are no arrays), and what is computed from numbers alone, are done once; the rest block by
    block. A value has a place in the list `values`: first the inputs, then the constants, results and scratch blocks.
    """

    def __init__(self, rule: Callable[..., Any], inputs: list[Any], targets: list[int]):
        dtype = inputs[0].dtype
        self.vectors = [k for k, x in enumerate(inputs) if isinstance(x, np.ndarray)]
        with enable_grad(), np.errstate(all="ignore"):
            examples = [
                on_new_node(np.ones(2, dtype) if k in self.vectors else dtype.type(1)) for k in range(len(inputs))
            ]
            new = rule(*examples)
        if len(new) != len(targets) or not all(isinstance(y, Tensor) and y.shape for y in new):
            raise ArgumentError(
                f"update returned {len(new)} values; it must return {len(targets)} vectors, theta first"
            )
        results: list[Any] = [y.node for y in new]
        self.place: dict[Any, int] = {t.node: k for k, t in enumerate(examples)}
        self.values: list[Any] = [None] * len(inputs)
        nodes = [node for node in topological_order(*results) if node not in self.place]
        last = last_uses(nodes, results)
        at_home = _written_in_place(nodes, results, [examples[k].node for k in targets])
        self.numbers, self.steps = [], []
        kind_of: dict[int, Any] = {}  # the scratch blocks, and their dtypes
        free: dict[Any, list[int]] = defaultdict(list)
        for node in nodes:
            arguments = [self._place_of(i) for i in node.inputs]
            if not node.shape:
                if any(isinstance(i, Node) and i.shape for i in node.inputs):
                    raise ArgumentError(f"update: {node.op.name} makes a number of a vector; rules are entry by entry")
                self.place[node] = self._new(None)
                self.numbers.append((_call(node), _picker(arguments), self.place[node]))
                continue
            for i in last[node]:
                if self.place[i] in kind_of:
                    free[kind_of[self.place[i]]].append(self.place[i])
            if node in at_home:
                out = targets[at_home[node]]
            else:
                kind = np.dtype(bool) if node.dtype.kind == "b" else dtype
                out = free[kind].pop() if free[kind] else self._new(np.empty(min(BLOCK, inputs[0].size), kind))
                kind_of[out] = kind
            self.place[node] = out
            self.steps.append((_call_into(node), _picker(arguments), out))
        self.scratch = list(kind_of)
        self.moves = [(self.place[y], t) for y, t in zip(results, targets, strict=True) if self.place[y] != t]
        self.swaps = any(place in targets for place, _ in self.moves)

    def _new(self, value: Any) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def _place_of(self, i: Any) -> int:
        return self.place[i] if isinstance(i, Node) else self._new(i)

    def __call__(self, inputs: list[Any]) -> None:
        values = self.values.copy()
        values[: len(inputs)] = inputs
        for number, pick, place in self.numbers:
            values[place] = float(number(*pick(values)))  # Python's: NumPy would promote float32 to its own float64
        size = len(inputs[0])
        if size <= BLOCK:
            self._run(values)
            return
        whole = [(k, inputs[k]) for k in self.vectors]
        for start in range(0, size, BLOCK):
            block = slice(start, start + BLOCK)
            for k, vector in whole:
                values[k] = vector[block]
            if size - start < BLOCK:
                for k in self.scratch:
                    values[k] = values[k][: size - start]
            self._run(values)

    def _run(self, values: list[Any]) -> None:
        for step, pick, place in self.steps:
            step(*pick(values), out=values[place])
        moved = [values[place].copy() if self.swaps else values[place] for place, _ in self.moves]
        for (_, target), new in zip(self.moves, moved, strict=True):
            values[target][...] = new


def _written_in_place(nodes: list[Node], results: list[Any], old: list[Any]) -> dict[Any, int]:
    """The results that may take the memory of the old values they replace, because no later operation reads those."""
    found = {}
    for number, (new, before) in enumerate(zip(results, old, strict=True)):
        if new in nodes and results.count(new) == 1:
            later = nodes[nodes.index(new) + 1 :]
            if not any(before is i for node in later for i in node.inputs) and before not in results:
                found[new] = number
    return found


def _picker(places: list[int]) -> Callable[[Any], tuple[Any, ...]]:
    return itemgetter(*places) if len(places) > 1 else lambda values: (values[places[0]],)


def _call(node: Node) -> Callable[..., Any]:
    statics = dict(zip(node.op.statics, node.statics, strict=True))
    run: Callable[..., Any] = node.op.run
    return (lambda *inputs: run(*inputs, **statics)) if statics else run


def _call_into(node: Node) -> Callable[..., Any]:
    """A function that writes the result into `out`."""
    if isinstance(node.op.fprop, np.ufunc):
        return node.op.fprop
    run = _call(node)

    def call(*inputs: Any, out: Any) -> None:
        out[...] = run(*inputs)

    return call
