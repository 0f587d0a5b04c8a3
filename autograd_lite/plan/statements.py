"""Statements: how one value of a program is computed, as a line of NumPy.

`multiply(v3, c0, v4)` writes to v4; numbers, and what only NumPy can allocate, read `v5 = v3 + 1.0`.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..errors import LeakError
from ..ops.batching import rows_first
from ..ops.index import as_written
from ..ops.shape import expand_dims, getitem, reshape, squeeze, transpose
from ..runtime import as_value
from .program import Value

INFIX = {operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/"}
_OUT_BY_NAME = (np.maximum, np.minimum)  # NumPy deprecates a third argument there; elsewhere it is 40 ns cheaper
_BLAS = frozenset("fdFD")


def defined(source: str, name: str, scope: dict[str, Any]) -> Any:
    """The function called `name` that `source` defines, with `scope` for its globals; it is none of them itself, since
    such a cycle would keep all buffers until the garbage collector comes by."""
    exec(compile(source, "<autograd_lite plan>", "exec"), scope)
    return scope.pop(name)


def sized(y: Any, shape: tuple[int, ...]) -> Any:
    """A value whose size may depend on values, which has that of the recording."""
    y = as_value(y)
    if y.shape != shape:
        raise LeakError(
            f"compile: a result has the shape {y.shape} here, and had {shape} when the function was recorded: how large"
            " it is depends on values, as that of x[x > 0] does; write it with np.where, or with weights of 0 and 1"
        )
    return y


_ALWAYS = {"float": float, "as_value": as_value, "sized": sized, "array": np.array, "empty": np.empty,
           "copyto": np.copyto}  # fmt: skip


class Statements:
    """Writes statements in which values go by `names`, and collects in `scope` what else they name.

    `arrays` are those of the values that are known before the program runs. Statements inside of others (a loop) share
    their scope, and know no arrays.
    """

    def __init__(self, names: dict[Value, str], outer: Statements | None = None):
        self.names = dict(names)
        self.arrays: dict[Value, Any] = {}
        self.scratch: list[Any] = []  # of blocks
        self.scope: dict[str, Any] = outer.scope if outer else dict(_ALWAYS)
        self._constants: dict[int, str] = outer._constants if outer else {}

    def know(self, value: Value, array: Any) -> None:
        """Let a value be this array, at every run."""
        self.arrays[value] = self.scope[self.names[value]] = array

    def can_place(self, value: Value) -> bool:
        """Whether the value can be computed into memory that is there already."""
        return bool(value.op.places and value.shape and value.size)

    def into(self, value: Value, out: str) -> str:
        """The statement that computes a value into the array called `out`."""
        op, inputs = value.op, [self.named(i) for i in value.inputs]
        if op.fprop is np.matmul and self._is_dot(value):
            return f"{self._method(value.inputs[0], 'dot')}({inputs[1]}, {out})"
        if op.is_ufunc:
            inputs = self._operands(value)
            out = f"out={out}" if op.fprop in _OUT_BY_NAME else out
            return f"{self.function(op.name, op.fprop)}({', '.join([*inputs, out])})"
        if op.fold is not None:
            return self._fold(value, inputs[0], out)
        statics = [f"{name}={self.constant(static)}" for name, static in value.keywords.items()]
        return f"{self.function(f'{op.name}_into', op.write)}({', '.join([out, *inputs, *statics])})"

    def call(self, value: Value) -> str:
        """The expression of a value that is a number, or whose memory its function allocates."""
        op, inputs = value.op, [self.named(i) for i in value.inputs]
        if not value.shape and op.run in INFIX:
            return f"{inputs[0]} {INFIX[op.run]} {inputs[1]}"
        if op.fold is not None and not value.shape:
            return self._fold(value, inputs[0], None)
        if text := self._view(value, inputs):
            return text
        statics = [f"{name}={self.constant(static)}" for name, static in value.keywords.items()]
        text = f"{self.function(op.name, op.run)}({', '.join([*inputs, *statics])}){'[0]' * bool(op.residual)}"
        if value.weak:  # still a number of Python's
            return f"float({text})"
        if op.several:
            return f"list(map(as_value, {text}))"
        if op.is_ufunc:
            return text
        return f"sized({text}, {value.shape})" if value.shape else f"as_value({text})"

    def _view(self, value: Value, inputs: list[str]) -> str | None:
        """Rearranging ops that NumPy has a short way for."""
        op, x = value.op, inputs[0]
        if not value.shape:
            return None
        if op in (reshape, expand_dims, squeeze):
            return f"{x}.reshape({value.shape})"
        if op is transpose:
            axes = value.statics[0]
            return f"{x}.T" if axes is None else f"{x}.transpose({axes})"
        if op is getitem:
            arrays, parts = iter(inputs[1:]), value.keywords["index"].parts
            index = [next(arrays) if part == "array" else as_written(part) for part in parts]
            text = f"{x}[{', '.join(index)}{',' * (len(index) == 1)}]" if index else None
            masked = any(isinstance(i, Value) and i.dtype == bool for i in value.inputs[1:])
            return f"sized({text}, {value.shape})" if masked else text
        return None

    def _operands(self, value: Value) -> list[str]:
        """The inputs of a ufunc; numbers are arrays of the dtype that it would give them, which saves it 0.2 us a call:
        `n0_9` is 0.9."""
        kinds = [i.dtype if hasattr(i, "dtype") else type(i) for i in value.inputs]
        names = [self.named(i) for i in value.inputs]
        if any(isinstance(i, Value) and i.weak for i in value.inputs):
            return names
        try:
            taken = value.op.fprop.resolve_dtypes((*kinds, *[None] * value.op.fprop.nout))
            for k, x in enumerate(value.inputs):
                if not isinstance(x, Value) and np.isfinite(x):
                    names[k] = self._number(str(x), np.asarray(x, taken[k]))
        except (TypeError, OverflowError):  # no such loop, or no such number in it: NumPy is to say so, when it runs
            pass
        return names

    def _number(self, text: str, x: Any) -> str:
        """The name of the array x of one number, which is written `text`."""
        text = text.replace(".", "_").replace("-", "m").replace("+", "")
        name = f"n{text}" if text.replace("_", "").isalnum() else "n"
        while name in self.scope and (self.scope[name].dtype != x.dtype or self.scope[name].tobytes() != x.tobytes()):
            name += f"_{x.dtype.char}"
        if name not in self.scope:
            self.scope[name] = x
            self._constants[id(x)] = name
        return name

    def named(self, i: Any) -> str:
        """The name of a value; a constant in words, or under a name of its own."""
        return self.names[i] if isinstance(i, Value) else self.constant(i)

    def constant(self, x: Any) -> str:
        """A constant in words, or under a name of its own."""
        kind = type(x)
        if x is None or kind in (bool, int) or (kind is float and math.isfinite(x)):
            return repr(x) if not isinstance(x, (int, float)) or x >= 0 else f"({x!r})"
        if kind is tuple and all(type(part) is int for part in x):
            return repr(x)
        if id(x) not in self._constants:
            self._constants[id(x)] = name = f"k{len(self._constants)}"
            self.scope[name] = x
        return self._constants[id(x)]

    @property
    def constants(self) -> dict[str, Any]:
        """The constants that have a name, by it."""
        return {name: self.scope[name] for name in self._constants.values()}

    def function(self, name: str, function: Any) -> str:
        """The name that the program has for a function."""
        while self.scope.setdefault(name, function) is not function and self.scope[name] != function:
            name += "_"
        return name

    def _fold(self, value: Value, x: str, out: str | None) -> str:
        statics = value.keywords
        dtype = None if statics.get("dtype") is None else self.constant(statics["dtype"])
        arguments = [x, repr(statics["axis"]), str(dtype), str(out), str(statics["keepdims"])]
        while len(arguments) > 2 and arguments[-1] in ("None", "False"):
            arguments.pop()
        fold = value.op.fold
        order = rows_first(value.operands[0].shape, statics["axis"])
        if order is not None and dtype is None and not statics["keepdims"]:
            arguments[:2] = [f"{x}.transpose({order}).copy()", "0"]
        return f"{self.function(f'{fold.__name__}_reduce', fold.reduce)}({', '.join(arguments)})"

    def _is_dot(self, value: Value) -> bool:
        """Whether the product is one that `dot` makes of two matrices, at half the cost of calling matmul."""
        a, b = value.inputs
        matrices = isinstance(a, Value) and isinstance(b, Value) and len(a.shape) == len(b.shape) == 2
        return matrices and a.dtype == b.dtype == value.dtype and value.dtype.char in _BLAS

    def _method(self, of: Value, name: str) -> str:
        """A method, looked up once where its array is known."""
        if of not in self.arrays:
            return f"{self.names[of]}.{name}"
        return self.function(f"{self.names[of]}_{name}", getattr(self.arrays[of], name))
