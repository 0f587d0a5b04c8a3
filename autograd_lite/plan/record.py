"""Recording: a function is run once, on arrays that stand for all others like them, and its flow graph becomes a program.

What the function takes in from outside is read anew at each replay where that can be seen: leaves, arrays that an op
gets, random generators. What it computes from numbers and arrays alone, with no argument, leaf or generator in it, is
computed here, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..batch import recomputed
from ..diagnose.lines import line_of_user
from ..node import FlatNode, Leaf, Node, Trace, enable_grad, tick, topological_order, tracing
from ..ops.elementwise import add, stop_gradient
from ..ops.reduce import spread
from ..runtime import without_history
from ..tensor import Tensor, constant_tensor
from ..trace import traced_input
from ..tree import leaves, map_leaves
from .program import Argument, Captured, Program, Value


class Recording(Trace):
    """One run of a function on `arrays`: `result`, what it returned, and `program`, what it did.

    `outputs` of the program are what it returned, and then a value for each of `afterwards`, which are called with them
    after each replay.
    """

    def __init__(self, f: Callable[[list[Tensor]], Any], arrays: list[Any]):
        self.start = tick()
        self.known: dict[Any, Value] = {}  # of nodes, and of what was captured by its identity
        self.stand_ins: dict[int, Tensor] = {}  # for arrays from outside, by their identity
        self.held: list[Any] = []  # so that no identity is used again
        self.effects: list[Node] = []
        self.grads: dict[Leaf, Any] = {}  # what .grad was before, where a backward pass inside of f adds to it
        self.writes: list[tuple[Captured, Tensor]] = []
        self.afterwards: list[tuple[Callable[[Any], None], Any]] = []
        arguments = [self._stand_in(x, Argument(k)) for k, x in enumerate(arrays)]
        self.arguments = [self.known[t.node] for t in arguments]
        try:
            with enable_grad(), tracing(self):
                returned = f(arguments)
            gradients = {leaf: leaf.grad for leaf in self.grads}
        finally:
            for leaf, before in self.grads.items():
                leaf.grad = before
        for leaf, gradient in gradients.items():
            self._leave_gradient(leaf, gradient)
        self.program = self._program(returned)
        self.result = map_leaves(without_history, returned)
        self._finish()

    # -- what every trace is asked -------------------------------------------------------------------------------------

    def concerns(self, node: Node) -> bool:
        return True

    def advice(self, how: str) -> str:
        return (
            f"{how} asks for the value of today, in a function that is recorded once for all values ({line_of_user()});"
            " choose between values by np.where, and return what you want to see"
        )

    def detached(self, tensor: Any) -> Any:
        return stop_gradient(tensor)

    def captured(self, value: Any) -> Any:
        """A Tensor for an array from outside, so that all that is computed from it is recorded too."""
        if type(value) is not np.ndarray:
            return value
        if id(value) not in self.stand_ins:
            self.held.append(value)
            self.stand_ins[id(value)] = self._stand_in(value, Captured(lambda: value, "captured array", value))
        return self.stand_ins[id(value)]

    def happened(self, node: Node) -> None:
        self.effects.append(node)

    def deposit(self, leaf: Leaf, gradient: Any) -> None:
        """Add to `leaf.grad`, which holds a Tensor until the recording ends."""
        if leaf not in self.grads:
            self.grads[leaf] = leaf.grad
            if leaf.grad is not None:
                leaf.grad = self.reads(lambda: leaf.grad, leaf.grad, "gradient")
        leaf.grad = gradient if leaf.grad is None else add(leaf.grad, gradient)

    # -- what parts of the library tell it that have memory of their own -----------------------------------------------

    def reads(self, now: Callable[[], Any], example: Any, what: str, weak: bool = False) -> Tensor:
        """A Tensor for what `now()` gives at each replay, an array or number like `example`; if `weak` a number of
        Python's."""
        return self._stand_in(example, Captured(now, what), weak)

    def writes_to(self, memory: Any, tensor: Tensor, what: str) -> None:
        """Have `tensor` written to the array `memory` at the end of this recording and of each replay."""
        self.writes.append((Captured(lambda: memory, what, memory), tensor))

    def then(self, call: Callable[[Any], None], tensor: Any = None) -> None:
        """Have `call` called with the value of `tensor` when this recording, or a replay, has ended."""
        self.afterwards.append((call, tensor))

    def _leave_gradient(self, leaf: Leaf, gradient: Any) -> None:
        if leaf.grad_memory is not None:
            self.writes_to(leaf.grad_memory, gradient, f"gradient of {leaf.name or 'a leaf'}")
            self.then(lambda _: setattr(leaf, "grad", leaf.grad_memory))
        else:
            self.then(lambda g: setattr(leaf, "grad", g), gradient)

    def _finish(self) -> None:
        """Do once, with the values of the recording, what each replay does at its end."""
        values = [np.array(without_history(t))[()] for _, t in self.writes]
        for (place, _), value in zip(self.writes, values, strict=True):
            place.memory[...] = value
        for call, tensor in self.afterwards:
            call(np.array(without_history(tensor))[()])

    # -- the program ---------------------------------------------------------------------------------------------------

    def _stand_in(self, x: Any, source: Any, weak: bool = False) -> Tensor:
        tensor = constant_tensor(x)
        tensor.node = node = FlatNode(traced_input, (x,), (), (), x)
        self.known[node] = Value(None, (), (), node.shape, node.dtype, source, weak)
        return tensor

    def _program(self, returned: Any) -> Program:
        written = [tensor for _, tensor in self.writes]
        given = [*leaves(returned), *[tensor for _, tensor in self.afterwards if tensor is not None]]
        roots = [t.node for t in [*given, *written] if isinstance(t, Tensor) and t.node is not None]
        steps: list[Value] = []
        for node in topological_order(*roots, *self.effects, since=self.start):
            if type(node) is Leaf or node in self.known:
                continue
            if node.op is traced_input:  # the argument of a function inside of f: the same value under another name
                self.known[node] = self._input(node.inputs[0])
            else:
                inputs = tuple([self._input(i) for i in node.inputs])
                self.known[node] = value = Value(node.op, inputs, node.statics, node.shape, node.dtype)
                steps += [i for i in inputs if isinstance(i, Value) and i.op is spread and not i.operands]
                steps.append(value)
        outputs = tuple([self._input(t.node or t._data if isinstance(t, Tensor) else t) for t in given])
        writes = tuple(
            [(Value(None, (), (), t.shape, t.dtype, place), self._input(t.node or t._data)) for place, t in self.writes]
        )
        read = [*[i for value in steps for i in value.inputs], *outputs, *[new for _, new in writes]]
        sources = dict.fromkeys([*self.arguments, *[i for i in read if isinstance(i, Value) and i.op is None]])
        return Program(tuple(sources), tuple([(value,) for value in steps]), outputs, writes)

    def _input(self, i: Any) -> Any:
        """The Value of a node or of something from outside; a number as it is."""
        if isinstance(i, Node):
            if i not in self.known:
                if isinstance(i, Leaf):
                    leaf, what = i, f"leaf {i.name}" if i.name else "leaf"
                    self.known[i] = Value(None, (), (), i.shape, i.dtype, Captured(lambda: leaf.data, what, stays=True))
                else:  # computed before f was called
                    self.known[i] = self._input(recomputed(i))
            return self.known[i]
        if type(i) is np.ndarray:
            if i.size and not any(i.strides) and not i.flags.writeable:  # one number everywhere, for good
                return Value(spread, (i[(0,) * i.ndim],), (i.shape, None, False), i.shape, i.dtype)
            return self.known[self.captured(i).node]
        if hasattr(i, "bit_generator"):
            if id(i) not in self.known:
                self.held.append(i)
                self.known[id(i)] = Value(None, (), (), (), None, Captured(lambda: i, "random generator"))
            return self.known[id(i)]
        return i
