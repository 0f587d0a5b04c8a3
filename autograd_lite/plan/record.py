"""Recording: a function is run once, on arrays that stand for all others like them; its flow graph is a program.

What the function takes in from outside is read anew at each replay where that can be seen: leaves, arrays that an op
gets, random generators. What it computes from numbers and arrays alone, with no argument, leaf or generator in it, is
computed here, once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..batch import recomputed
from ..diagnose.lines import line_of_user
from ..errors import LeakError
from ..node import FlatNode, Leaf, Node, Trace, enable_grad, is_tracing, tick, topological_order, tracing
from ..ops.elementwise import add, stop_gradient
from ..ops.reduce import spread
from ..tensor import Tensor, constant_tensor
from ..trace import traced_input
from ..tree import leaves, map_leaves
from .program import Argument, Captured, Program, Value


def recording() -> Recording | None:
    """The recording that is under way, if one is."""
    traces = is_tracing()
    return traces[-1] if traces and isinstance(traces[-1], Recording) else None


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


class WeakNumber(Exception):
    """A float among arrays is differentiated by: then it is no number of Python's any more, but a float64."""


class Recording(Trace):
    """One run of a function on `arrays`, among them floats, which take the dtype `numbers`.

    `program` is what it did, and `form` the containers that it returned. Outputs of the program are what stands in
    these, and then a value for each of `afterwards`, which are called with them after each replay. The run itself
    leaves nothing behind: no gradient, no step of an optimizer or generator.
    """

    def __init__(self, f: Callable[[list[Tensor]], Any], arrays: list[Any], numbers: Any = None):
        self.start = tick()
        self.known: dict[Any, Value] = {}  # of nodes, and of what was captured by its identity
        self.stand_ins: dict[int, Tensor] = {}  # for arrays from outside, by their identity
        self.held: list[Any] = []  # so that no identity is used again
        self.effects: list[Node] = []
        self.generators: list[tuple[Any, Any]] = []  # and the state they were in
        self.grads: dict[Leaf, Any] = {}  # what .grad was before, where a backward pass inside of f adds to it
        self.writes: dict[int, tuple[Captured, Tensor]] = {}  # by the memory's address
        self.guards: list[tuple[Callable[[], Any], Any]] = []  # what must be as it is now for a replay to be right
        self.afterwards: list[tuple[Callable[[Any], None], Any]] = []
        weak = any(isinstance(x, (np.ndarray, np.generic)) for x in arrays)  # floats among arrays take their dtype
        arguments = [
            self._stand_in(numbers.type(x), Argument(k), weak) if type(x) is float else self._stand_in(x, Argument(k))
            for k, x in enumerate(arrays)
        ]
        self.arguments = [self.known[t.node] for t in arguments]
        try:
            with enable_grad(), tracing(self):
                returned = f(arguments)
            gradients = {leaf: leaf.grad for leaf in self.grads}
        finally:  # it was run to see what it does, not to do it
            for leaf, before in self.grads.items():
                leaf.grad = before
            for generator, state in self.generators:
                generator.bit_generator.state = state
        self._leave_gradients(gradients)
        self.program = self._program(returned)
        self.form = map_leaves(lambda _: ".", returned)

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
        if isinstance(value, Tensor) and value.node in self.known and self.known[value.node].weak:
            raise WeakNumber
        if type(value) is not np.ndarray:
            return value
        if id(value) not in self.stand_ins:
            self.held.append(value)
            self.stand_ins[id(value)] = self._stand_in(value, Captured(lambda: value, "captured array", value))
        return self.stand_ins[id(value)]

    def happens(self, inputs: tuple[Any, ...]) -> None:
        for i in inputs:
            if hasattr(i, "bit_generator") and all(i is not known for known, _ in self.generators):
                self.generators.append((i, i.bit_generator.state))

    def happened(self, node: Node) -> None:
        self.effects.append(node)

    def deposit(self, leaf: Leaf, gradient: Any) -> None:
        """Add to `leaf.grad`, which holds a Tensor until the recording ends."""
        if leaf not in self.grads:
            self.grads[leaf] = leaf.grad
            self.guards.append((lambda: leaf.grad is None, leaf.grad is None))
            if leaf.grad is not None:
                leaf.grad = self.reads(lambda: leaf.grad, leaf.grad, "gradient")
        leaf.grad = gradient if leaf.grad is None else add(leaf.grad, gradient)

    def gradient(self, leaf: Leaf) -> Any:
        """What `leaf.grad` is at this point of the function, zeros if None."""
        if leaf.grad is None:
            return np.zeros(leaf.shape, leaf.dtype)
        return leaf.grad if isinstance(leaf.grad, Tensor) else self.memory(leaf.grad)

    def forgotten(self, leaf: Leaf) -> None:
        self.grads.setdefault(leaf, leaf.grad)
        leaf.grad = None

    # -- what parts of the library tell it that have memory of their own -----------------------------------------------

    def reads(self, now: Callable[[], Any], example: Any, what: str, weak: bool = False) -> Tensor:
        """A Tensor for what `now()` gives at each replay, an array or number like `example`; if `weak` a number of
        Python's."""
        return self._stand_in(example, Captured(now, what), weak)

    def memory(self, array: Any) -> Tensor:
        """A Tensor for what an array holds at this point of the function."""
        for place, tensor in self.writes.values():
            if place.memory.shape == array.shape and _address(place.memory) == _address(array):
                return tensor
            if np.may_share_memory(place.memory, array):
                raise LeakError(f"a part of the {place.what} is written to, and then all of it is read")
        return self.captured(array)  # type: ignore[no-any-return]

    def writes_to(self, memory: Any, tensor: Tensor, what: str) -> None:
        """Have `tensor` written to the array `memory` at the end of each replay."""
        self.writes[_address(memory)] = Captured(lambda: memory, what, memory), tensor

    def requires(self, now: Callable[[], Any]) -> None:
        self.guards.append((now, now()))

    def then(self, call: Callable[[Any], None], tensor: Any = None) -> None:
        """Have `call` called with the value of `tensor` when a replay has ended."""
        self.afterwards.append((call, tensor))

    def _leave_gradients(self, gradients: dict[Leaf, Any]) -> None:
        """Leave in each `.grad` what the function left there: in a model's memory, or in an array of its own."""
        home = {leaf: g is not None and leaf.grad_memory for leaf, g in gradients.items()}
        for leaf, gradient in gradients.items():
            if home[leaf] is not None and home[leaf] is not False:
                self.writes_to(home[leaf], gradient, f"gradient of {leaf.name or 'a leaf'}")
            elif gradient is not None:
                self.then(partial(setattr, leaf, "grad"), gradient)

        def in_place(_: Any) -> None:
            for leaf, memory in home.items():
                if memory is False:
                    leaf.grad = None
                elif memory is not None:
                    leaf.grad = memory

        if any(memory is not None for memory in home.values()):
            self.then(in_place)

    # -- the program ---------------------------------------------------------------------------------------------------

    def _stand_in(self, x: Any, source: Any, weak: bool = False) -> Tensor:
        tensor = constant_tensor(x)
        tensor.node = node = FlatNode(traced_input, (x,), (), (), x)
        self.known[node] = Value(None, (), (), node.shape, node.dtype, source, weak)
        return tensor

    def _program(self, returned: Any) -> Program:
        written = [tensor for _, tensor in self.writes.values()]
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
                operands = [i for i in inputs if isinstance(i, Value)]
                weak = node.shape == () and bool(operands) and all(i.weak for i in operands)
                self.known[node] = value = Value(node.op, inputs, node.statics, node.shape, node.dtype, weak=weak)
                steps.append(value)
        outputs = tuple([self._input(t.node or t._data if isinstance(t, Tensor) else t) for t in given])
        writes = tuple(
            [
                (Value(None, (), (), t.shape, t.dtype, place), self._input(t.node or t._data))
                for place, t in self.writes.values()
            ]
        )
        read = [*[i for value in steps for i in value.inputs], *outputs, *[new for _, new in writes]]
        read = [i for i in read if isinstance(i, Value)]
        sources = dict.fromkeys([*self.arguments, *[i for i in read if i.op is None]])
        constants = [i for i in read if i.op is spread and not i.operands]
        steps = list(dict.fromkeys([*constants, *steps]))
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
