"""An update rule, recorded once on Tensors and replayed on blocks of the vectors, in place.

A rule is a pure formula; computed as it stands, each of its operations would take memory of its own. Its graph tells
when a value is needed for the last time, so a replay gets by with a few blocks that stay in the cache, and writes the
new theta and state where the old ones were. A plan (`ag.compile`) of the step has the same bits, and takes 1.1 to 1.4
times as long, for ten parameters as for a million. This is straight-line Python, written from the graph:

>>> import autograd_lite as ag
>>> w = ag.tensor([1.0, 2.0], requires_grad=True)
>>> optimizer = ag.nn.SGD([w], lr=0.1, momentum=0.9)
>>> optimizer.step(lambda: (w * w).sum())
5.0
>>> print(optimizer.source)              # x0 ... x4: theta, g, rate, k, v
def block(x0, x1, x2, x3, x4, s0):
    multiply(0.9, x4, out=s0)
    add(s0, x1, out=x4)
    multiply(x2, x4, out=s0)
    subtract(x0, s0, out=x0)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
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

    What is computed from numbers alone is done once, the rest block by block. Values have names: x the inputs, n the
    numbers, s the scratch blocks.
    """

    def __init__(self, rule: Callable[..., Any], inputs: list[Any], targets: list[int]):
        self.is_vector = [isinstance(x, np.ndarray) for x in inputs]
        self.dtype, self.size = inputs[0].dtype, min(BLOCK, inputs[0].size)
        examples, results = self._recorded(rule, len(targets))
        self.names = {node: f"x{k}" for k, node in enumerate(examples)}
        self.scope: dict[str, Any] = {"float": float}
        self.scratch: list[Any] = []
        self.free: dict[Any, list[str]] = defaultdict(list)
        own = [f"x{k}" for k in targets]
        nodes = [node for node in topological_order(*results) if node not in self.names]
        last, at_home = last_uses(nodes, results), _written_in_place(nodes, results, [examples[k] for k in targets])
        numbers: list[str] = []
        block: list[str] = []
        for node in nodes:
            if not node.shape:
                numbers.append(self._number(node, f"n{len(numbers)}"))
                continue
            call = self._call(node)
            for i in last[node]:
                if self.names[i].startswith("s"):
                    self.free[i.dtype.kind == "b"].append(self.names[i])
            self.names[node] = out = own[at_home[node]] if node in at_home else self._memory(node)
            block.append(call.format(out))
        moves = [(self.names[y], x) for y, x in zip(results, own, strict=True) if self.names[y] != x]
        block += [f"m{k} = {y}.copy()" for k, (y, _) in enumerate(moves)]  # two results may change places
        block += [f"{x}[...] = m{k}" for k, (_, x) in enumerate(moves)]
        xs = [f"x{k}" for k in range(len(inputs))]
        ns = [f"n{k}" for k in range(len(numbers))]
        self.block = self._function(
            "block", [*xs, *ns, *[f"s{k}" for k in range(len(self.scratch))]], block or ["pass"]
        )
        self.numbers = self._function("numbers", xs, [*numbers, f"return [{', '.join(ns)}]"]) if numbers else None

    def __call__(self, inputs: list[Any]) -> None:
        numbers = self.numbers(*inputs) if self.numbers else ()
        size, scratch = len(inputs[0]), self.scratch
        if size <= BLOCK:
            self.block(*inputs, *numbers, *scratch)
            return
        for start in range(0, size, BLOCK):
            part = slice(start, start + BLOCK)
            own = [x[part] if vector else x for x, vector in zip(inputs, self.is_vector, strict=True)]
            if size - start < BLOCK:
                scratch = [memory[: size - start] for memory in scratch]
            self.block(*own, *numbers, *scratch)

    @property
    def source(self) -> str:
        """The program, as Python."""
        functions: list[Any] = [function for function in (self.numbers, self.block) if function]
        return "\n\n".join(function.source for function in functions)

    def _recorded(self, rule: Callable[..., Any], count: int) -> tuple[list[Any], list[Any]]:
        """The nodes of the rule's inputs, and those of its results."""
        with enable_grad(), np.errstate(all="ignore"):
            ones = [np.ones(2, self.dtype) if vector else self.dtype.type(1) for vector in self.is_vector]
            examples = [on_new_node(one) for one in ones]
            results = rule(*examples)
        if len(results) != count or not all(isinstance(y, Tensor) and y.shape for y in results):
            raise ArgumentError(f"update returned {len(results)} values; it must return {count} vectors, theta first")
        return [t.node for t in examples], [y.node for y in results]

    def _number(self, node: Node, name: str) -> str:
        """A line that computes a number: Python's, as NumPy would promote float32 to its own float64."""
        if any(isinstance(i, Node) and i.shape for i in node.inputs):
            raise ArgumentError(f"update: {node.op.name} makes a number of a vector; rules are entry by entry")
        text = f"{name} = float({self._named(node.op.name, _run(node))}({self._arguments(node)}))"
        self.names[node] = name
        return text

    def _call(self, node: Node) -> str:
        """A line that computes a vector, with a gap for the name of its memory."""
        arguments = self._arguments(node)
        if isinstance(node.op.fprop, np.ufunc):
            return f"{self._named(node.op.name, node.op.fprop)}({arguments}, out={{}})"
        return f"{{}}[...] = {self._named(node.op.name, _run(node))}({arguments})"

    def _arguments(self, node: Node) -> str:
        return ", ".join(self.names[i] if isinstance(i, Node) else self._constant(i) for i in node.inputs)

    def _constant(self, value: Any) -> str:
        plain = type(value) in (int, float) and np.isfinite(value)
        return repr(value) if plain else self._named("c", value)

    def _named(self, name: str, value: Any) -> str:
        """The name that the program has for a function or constant."""
        while self.scope.setdefault(name, value) is not value:
            name += "_"
        return name

    def _memory(self, node: Node) -> str:
        is_mask = node.dtype.kind == "b"
        if not self.free[is_mask]:
            self.scratch.append(np.empty(self.size, bool if is_mask else self.dtype))
            return f"s{len(self.scratch) - 1}"
        return self.free[is_mask].pop()

    def _function(self, name: str, parameters: list[str], lines: list[str]) -> Callable[..., Any]:
        source = f"def {name}({', '.join(parameters)}):\n" + "".join(f"    {line}\n" for line in lines)
        exec(source, self.scope)
        function: Any = self.scope[name]
        function.source = source.rstrip()
        return function  # type: ignore[no-any-return]


def _written_in_place(nodes: list[Node], results: list[Any], old: list[Any]) -> dict[Any, int]:
    """The results that may take the memory of the old values they replace, because no later operation reads those."""
    found = {}
    for number, (new, before) in enumerate(zip(results, old, strict=True)):
        if new in nodes and results.count(new) == 1:
            later = nodes[nodes.index(new) + 1 :]
            if not any(before is i for node in later for i in node.inputs) and before not in results:
                found[new] = number
    return found


def _run(node: Node) -> Callable[..., Any]:
    statics = dict(zip(node.op.statics, node.statics, strict=True))
    run: Callable[..., Any] = node.op.run
    return (lambda *inputs: run(*inputs, **statics)) if statics else run
