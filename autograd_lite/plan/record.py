"""Recording: a function is run once, on arrays that stand for all others like them; its flow graph is a program.

What the function takes in from outside is read anew at each replay where that can be seen: leaves, arrays that an op
gets, random generators. What it computes from numbers and arrays alone, with no argument, leaf or generator in it, is
computed here, once.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..batch import recomputed
from ..diagnose.lines import line_of_user
from ..errors import ArgumentError
from ..node import (
    FlatNode,
    Leaf,
    Node,
    enable_grad,
    is_tracing,
    last_change,
    tick,
    topological_order,
    tracing,
)
from ..ops.elementwise import stop_gradient
from ..ops.index import Index
from ..ops.reduce import spread
from ..ops.shape import getitem, reshape
from ..runtime import address, is_constant
from ..tensor import Tensor, constant_tensor
from ..trace import traced_input
from ..tree import leaves, map_leaves
from .leaves import LeafTrace
from .program import Argument, Captured, Program, Value


def recording() -> Recording | None:
    """The recording that is under way, if one is."""
    traces = is_tracing()
    return traces[-1] if traces and isinstance(traces[-1], Recording) else None


# What an op of numbers of Python's runs where it is one of Python's operators: then it gives such a number again.
_OPERATORS = {operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pos, operator.abs,
              operator.mod, operator.floordiv, operator.pow}  # fmt: skip
_FLOAT = np.dtype(float)
_PYTHON = (float, int, bool, type(None))
_CONSTANTS = (int, float, complex, str, bytes, enum.Enum)


class WeakNumber(Exception):
    """What Python's floats become here is not what they were taken for: one is differentiated by, or a function of
    NumPy's makes a float64 of it. `dtype` is what they should be taken for, None where no dtype will do."""

    def __init__(self, dtype: Any = None):
        self.dtype = dtype


class Elsewhere(Exception):
    """The function reaches a value that somebody outside differentiates by: it is to be run, not replayed."""


class Recording(LeafTrace):
    """One run of a function on `arrays`, called `names`, among them floats, which take the dtype `numbers`.

    `program` is what it did, and `form` the containers that it returned. Outputs of the program are what stands in
    these, and then a value for each of `afterwards`, which are called with them after each replay. The run itself
    leaves nothing behind: no gradient, no step of an optimizer or generator.
    """

    def __init__(
        self, f: Callable[[list[Tensor]], Any], arrays: list[Any], numbers: Any = None, names: list[str] | None = None
    ):
        super().__init__()
        self.start = tick()
        self.known: dict[Any, Value] = {}  # of nodes, and of what was captured by its identity
        self.stand_ins: dict[int, Tensor] = {}  # for arrays from outside, by their identity
        self.held: list[Any] = []  # so that no identity is used again
        self.effects: list[Node] = []
        self.generators: list[tuple[Any, Any]] = []  # and the state they were in
        self.rebuilt = last_change.rebuilt
        self.numbers: set[Value] = set()  # what is a number of Python's where f is not compiled
        self.number = _FLOAT if numbers is None else numbers
        # Floats among arrays take their dtype; where all are floats, they may be differentiated by.
        self.weak = self.number != _FLOAT or any(isinstance(x, (np.ndarray, np.generic)) for x in arrays)
        places = [Argument(k, name) for k, name in enumerate(names or [f"argument {k}" for k in range(len(arrays))])]
        arguments = [
            self._stand_in(self.number.type(x), place, self.weak) if type(x) is float else self._stand_in(x, place)
            for x, place in zip(arrays, places, strict=True)
        ]
        self.arguments = [self.known[t.node] for t in arguments]
        self.numbers |= {value for value, x in zip(self.arguments, arrays, strict=True) if type(x) is float}
        self.changeable = bool(self.numbers)  # whether they can be taken for something else
        try:
            with enable_grad(), tracing(self), np.errstate(all="ignore"):  # the replay that follows warns
                returned = f(arguments)
            gradients = {leaf: leaf.grad for leaf in self.grads}
            self._check(returned)
        finally:  # it was run to see what it does, not to do it
            for leaf, before in self.grads.items():
                leaf.grad = before
            for generator, state in self.generators:
                generator.bit_generator.state = state
        self.leave(gradients)
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
            self.requires(lambda: id(value) in last_change.replaced, rebuilt=True)
            self.stand_ins[id(value)] = self._stand_in(value, Captured(lambda: value, "captured array", value))
        return self.stand_ins[id(value)]

    def happens(self, inputs: tuple[Any, ...]) -> None:
        for i in inputs:
            if hasattr(i, "bit_generator") and all(i is not known for known, _ in self.generators):
                self.generators.append((i, i.bit_generator.state))

    def happened(self, node: Node) -> None:
        self.effects.append(node)

    # -- what parts of the library tell it that have memory of their own -----------------------------------------------

    def reads(self, now: Callable[[], Any], example: Any, what: str, weak: bool = False) -> Tensor:
        """A Tensor for what `now()` gives at each replay, an array or number like `example`; if `weak` a number of
        Python's."""
        return self._stand_in(example, Captured(now, what), weak)

    # -- the program ---------------------------------------------------------------------------------------------------

    def _stand_in(self, x: Any, source: Any, weak: bool = False) -> Tensor:
        tensor = constant_tensor(x)
        tensor.node = node = FlatNode(traced_input, (x,), (), (), x)
        self.known[node] = value = Value(None, (), (), node.shape, node.dtype, source, weak)
        if weak:
            self.numbers.add(value)
        return tensor

    def _program(self, returned: Any) -> Program:
        written = [tensor for _, tensor in self.writes.values()]
        given = [*leaves(returned), *[tensor for _, tensor in self.afterwards if tensor is not None]]
        roots = [t.node for t in [*given, *written] if isinstance(t, Tensor) and t.node is not None]
        roots += [t.node for _, _, t in self.changes if t.node is not None]
        steps: list[Value] = []
        self.steps = steps
        for node in topological_order(*roots, *self.effects, since=self.start):
            if type(node) is Leaf or node in self.known:
                continue
            self.time = node.order
            if node.op is traced_input:  # the argument of a function inside of f: the same value under another name
                self.known[node] = self._input(node.inputs[0])
            else:
                inputs = tuple([self._input(i) for i in node.inputs])
                numbers = [i for i in inputs if isinstance(i, Value) and i in self.numbers]
                number = bool(numbers) and self._is_number(node, inputs)
                weak = number and all(i.weak for i in numbers)
                self.known[node] = value = Value(node.op, inputs, node.statics, node.shape, node.dtype, weak=weak)
                steps.append(value)
                if number:
                    self.numbers.add(value)
        self.time = tick()
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

    def _part(self, leaf: Leaf, vector: Any, new: Value) -> Value:
        """The leaf that lies in a vector, of the vector's new value."""
        if (new, leaf) not in self.known:
            start = (address(leaf.data) - address(vector)) // vector.itemsize
            index = Index((slice(start, start + leaf.data.size),))
            flat = Value(getitem, (new,), (index,), (leaf.data.size,), new.dtype)
            self.known[new, leaf] = part = Value(reshape, (flat,), (leaf.shape,), leaf.shape, new.dtype)
            self.steps += [flat, part]
        return self.known[new, leaf]

    def _input(self, i: Any) -> Any:
        """The Value of a node or of something from outside; a number as it is."""
        if isinstance(i, Node):
            if isinstance(i, Leaf) and (change := self.change_of(i, self.time)) is not None:
                place, tensor = change
                new = self._input(tensor.node or tensor._data)
                return new if place is i else self._part(i, place, new)
            if i not in self.known:
                if isinstance(i, Leaf):
                    leaf, what = i, f"leaf {i.name}" if i.name else "leaf"
                    self.known[i] = Value(None, (), (), i.shape, i.dtype, Captured(lambda: leaf.data, what, stays=True))
                elif i.requires_grad:
                    raise Elsewhere
                else:  # computed before f was called
                    self.known[i] = self._input(recomputed(i))
            return self.known[i]
        if type(i) is np.ndarray:
            if i.size and not any(i.strides) and is_constant(i):  # one number everywhere, for good
                return Value(spread, (i[(0,) * i.ndim],), (i.shape, None, False), i.shape, i.dtype)
            return self.known[self.captured(i).node]
        if hasattr(i, "bit_generator"):
            if id(i) not in self.known:
                self.held.append(i)
                self.known[id(i)] = Value(None, (), (), (), None, Captured(lambda: i, "random generator"))
            return self.known[id(i)]
        return i

    def _is_number(self, node: Node, inputs: tuple[Any, ...]) -> bool:
        """Whether what is computed from a float of Python's, among other things, is one too.

        Raises
        ------
        WeakNumber where it has another dtype here than it would have there.
        """
        if node.dtype == bool:
            return False
        others = [i for i in inputs if not (type(i) in _PYTHON or i in self.numbers)]
        if not others and node.op.run in _OPERATORS:
            return True
        dtypes = [getattr(i, "dtype", None) for i in others]
        floats = [d for d in dtypes if d is not None and d.kind in "fc"]
        real = max([d.type(0).real.dtype for d in floats], default=_FLOAT, key=lambda d: d.itemsize)
        number = max([i.dtype for i in inputs if i in self.numbers], key=lambda d: d.itemsize)
        if self.changeable and (real.itemsize < number.itemsize or not (floats or number == _FLOAT)):
            raise WeakNumber(real)
        if self.changeable and any(type(i) is complex for i in others):
            raise WeakNumber
        return False

    def _check(self, returned: Any) -> None:
        """Refuse what a replay could not give."""
        for y in leaves(returned):
            if not isinstance(y, (Tensor, np.ndarray, np.generic, *_CONSTANTS)):
                raise ArgumentError(
                    f"compile: the function returns a {type(y).__name__}, which would be that of the first call for"
                    " ever; it can return arrays, numbers, and tuples, lists and dicts of them"
                )
