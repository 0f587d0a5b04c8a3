"""A program that is ready to run natively: its code, its memory, and the few lines of Python around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...runtime import address, is_constant
from .. import numpy_backend
from ..lifetimes import Home
from ..program import Program, Value, memory_names, names_of, outside, substituted
from ..shared import Shared, place_for, structure
from ..statements import Statements
from .calling import builtin, offsets
from .forms import has_kind, kind_of
from .listing import listing
from .lowering import Arrays, Lowering
from .memory import View, adjacent, layout
from .objects import Code, machine, vector_bytes, vector_registers
from .schedule import Item, Nest
from .threads import available


class Built:
    """A program with native code and memory of its own: one call at a time.

    `ir` is the code as LLVM gets it, `peak_bytes` what the memory takes, `reason` why this backend was chosen.
    """

    constants: Mapping[str, Any] = {}

    def __init__(self, program: Program, reason: str = "LLVM"):
        self.program, self.reason = program, reason
        self._eager: Any = None
        # Constants such as slices of unit vectors are views, which native code would have copied at each call.
        constants = {k: s.source.memory for k, s in enumerate(program.sources) if not s.is_argument and has_kind(s)}
        self._constants = [
            (k, copy)
            for k, array in constants.items()
            if array is not None and is_constant(array) and (copy := _fitting(array, program.sources[k])) is not array
        ]
        self._compile()

    def _compile(self) -> None:
        arrays = arrays_of(self.program)
        self.lowered, self.code = lowered, _ = native(self.program, arrays)
        fixed = dict(zip(lowered.program.sources, arrays.fixed, strict=True))
        self.fixed = {s: fixed[s] for s in lowered.fixed}
        memories = dict(zip([target for target, _ in lowered.program.writes], arrays.written, strict=True))
        self.peak_bytes = self.lowered.scratch_bytes
        nbytes = self.lowered.start + self.lowered.scratch_bytes
        raw = np.zeros(nbytes + 64, np.uint8)
        first = -raw.ctypes.data % 64
        self.memory = raw[first : first + nbytes]
        expected = [address(self.fixed[lowered.sources[k]]) for k in lowered.table.expected]
        lowered.table.fill(self.memory, expected)
        self._lines = _Lines(lowered, self.memory, memories, self.code, self._otherwise)
        self.ir, self._function = lowered.ir, self._lines.function

    @property
    def source(self) -> str:
        """The Python that runs, and in words the native code that it calls."""
        return f"{self._lines.source}\n\n{listing(self.lowered)}"

    @property
    def homes(self) -> dict[Value, Home]:
        """Where values lie: in scratch memory, from some byte on; in memory of others; or in a register, while a loop
        computes what is made of them."""
        lowered, schedule = self.lowered, self.lowered.schedule
        called = dict(zip([new for _, new in lowered.program.writes], memory_names(lowered.program), strict=True))
        homes: dict[Value, Home] = {}
        for value, own in zip(self.program.values, lowered.program.values, strict=True):
            memory = lowered.memories.get(own)
            if memory is None:
                if own not in schedule.views and isinstance(schedule.item.get(own), Nest):
                    homes[value] = Home("register", "registers", 0)
            elif memory.argument is None:
                homes[value] = Home("buffer", f"@{memory.offset}", memory.nbytes)
            else:
                new = own in lowered.outputs
                name = called.get(own, "gradients")  # joined where they are
                homes[value] = Home("new", "new", memory.nbytes) if new else Home("memory", name, memory.nbytes)
        return homes

    def run(self, sources: list[Any]) -> Any:
        """What the program gives for these arrays, in the order of `program.sources`."""
        for k, array in self._constants:
            sources[k] = array
        return self._function(*sources)

    def _otherwise(self, *sources: Any) -> Any:
        """What native code has refused: with arrays as it wants them, else by NumPy, which raises what is wrong."""
        if self._have_moved(sources):  # a leaf, as when its model joins a larger one
            self._compile()
            if not self._have_moved(sources):
                return self._function(*sources)
        fitting = tuple([_fitting(x, s) for x, s in zip(sources, self.lowered.program.sources, strict=True)])
        if any(a is not b for a, b in zip(fitting, sources, strict=True)):
            return self._function(*fitting)
        if self._eager is None:
            self._eager = numpy_backend.Built(self.program)
        return self._eager.run(list(sources))

    def _have_moved(self, sources: Sequence[Any]) -> bool:
        pairs = zip(sources, self.lowered.program.sources, strict=True)
        return any(self.fixed.get(s, x) is not x for x, s in pairs)


def build(program: Program) -> Built:
    """The program, compiled."""
    return Built(program)


natives = Shared()


def native(program: Program, arrays: Arrays) -> tuple[Lowering, Code]:
    """The program lowered, and its code; as of another program, if that computes the same on arrays that lie alike."""
    where, (cpu, features) = offsets(), machine()
    if where is None:
        raise NotImplementedError("llvm: arrays in this Python do not lie in memory as CPython's do")

    same, lie = structure(program), layout([*arrays.fixed, *arrays.written])
    key = None if same is None or lie is None else (same, lie, cpu, features, available())
    found: tuple[Lowering, Code] | None = natives.get(key)
    if found is None:
        template = substituted(program, {end: place_for(end) for end in outside(program)})
        lowered = Lowering(template, arrays, where, vector_bytes(features), vector_registers(features))
        found = lowered, Code(lowered.ir, optimise=not lowered.is_scalar)
        natives.put(key, found, len(program.values))
    return found


def arrays_of(program: Program) -> Arrays:
    """The arrays that a program is for just now."""
    return Arrays(list(map(_fixed, program.sources)), [target.source.memory for target, _ in program.writes])


def _fixed(source: Value) -> Any:
    """The array that a source always is, as native code takes it; None if it may be another one each time."""
    if not has_kind(source) or not source.shape or not getattr(source.source, "stays", False):
        return None
    array = source.source.read()
    good = type(array) is np.ndarray and array.dtype is source.dtype and array.shape == source.shape
    return array if good and array.flags.c_contiguous and array.flags.aligned else None


def _fitting(x: Any, source: Value) -> Any:
    """`x` as native code takes it: itself, or a copy in C order."""
    if not has_kind(source):
        return x
    if not source.shape:
        known = (source.dtype.type, float) if source.dtype == np.float64 else (source.dtype.type,)
        return x if type(x) in known else source.dtype.type(x)
    if type(x) is np.ndarray and x.dtype is source.dtype and x.flags.c_contiguous and x.flags.aligned:
        return x
    return np.array(x, source.dtype, order="C")


class _Lines:
    """Writes the Python: arrays for outputs, calls of phases, NumPy's steps, copies at the end."""

    def __init__(
        self,
        lowered: Lowering,
        memory: np.ndarray[Any, Any],
        memories: Mapping[Value, Any],
        code: Code,
        otherwise: Callable[..., Any],
    ):
        self.lowered, self.memory, self.program, self.memories = lowered, memory, lowered.program, memories
        self.statements = Statements(names_of(self.program))
        self.names = self.statements.names
        self.lines: list[str] = []
        self.there: set[Value] = set(self.program.sources)
        self.given = [self.names[s] for s in self.program.sources]
        scope = self.statements.scope
        scope["otherwise"] = otherwise
        self._outputs()
        for name, items in lowered.phases:
            if name:
                scope[name] = builtin(code, name, memory)
                self._call(name)
            else:
                for item in items:
                    self._step(item)
        if not lowered.phases or lowered.phases[0][0] != "start":
            scope["start"] = builtin(code, "start", memory)
        self._end()

    def _outputs(self) -> None:
        for y in self.lowered.outputs:
            self.lines.append(f"{self.names[y]} = empty({y.shape}, {self.statements.constant(y.dtype)})")
            self.there.add(y)
        targets = [self.statements.constant(self.memories[target]) for target, _ in self.lowered.targets]
        joined = [adjacent([self.memories[t] for t in parts]) for parts in self.lowered.regions.values()]
        regions = list(map(self.statements.constant, joined))
        arguments = [*[self.names[s] for s in self.lowered.sources], *targets, *regions]
        self.start = f"start({', '.join([*arguments, *[self.names[y] for y in self.lowered.outputs]])})"
        if not self.lowered.phases or self.lowered.phases[0][0] != "start":
            self._call("start")

    def _call(self, name: str) -> None:
        call = self.start if name == "start" else f"{name}()"
        self.lines += [f"if not {call}:", f"    return otherwise({', '.join(self.given)})"]

    def _step(self, item: Item) -> None:
        """A step of NumPy's, into scratch memory where a native item may read it."""
        for value in item.values:
            for i in value.operands:
                self._need(i)
            if value not in self.lowered.memories:
                self.lines.append(f"{self.names[value]} = {self.statements.call(value)}")
            elif self.statements.can_place(value):
                self._know(value)
                self.lines.append(self.statements.into(value, self.names[value]))
            else:
                place = self.statements.constant(self._array(self.lowered.view(value)))
                self.lines.append(f"{self.names[value]} = {self.statements.call(value)}")
                self.lines.append(f"copyto({place}, {self.names[value]})")
            self.there.add(value)

    def _need(self, value: Value) -> None:
        """Make sure that the value has its name in Python."""
        if value in self.there:
            return
        base = self.lowered.schedule.base(value)
        memory = self.lowered.memories.get(base)
        if memory is None or memory.argument is not None:  # a view of what has a name itself
            self._need(value.inputs[0])
            self.lines.append(f"{self.names[value]} = {self.statements.call(value)}")
        elif value.shape:
            self._know(value)
        else:
            cell = self.statements.constant(self._array(self.lowered.view(value)))
            self.lines.append(f"{self.names[value]} = {cell}[()]")
        self.there.add(value)

    def _know(self, value: Value) -> None:
        written = [self.memories[t] for t, new in self.lowered.targets if new is value]
        self.statements.know(value, written[0] if written else self._array(self.lowered.view(value)))

    def _array(self, view: View) -> np.ndarray[Any, Any]:
        """The array that a view of scratch memory is."""
        dtype = view.memory.dtype
        start = self.lowered.start + view.memory.offset + view.offset * dtype.itemsize
        return np.ndarray(view.shape, dtype, self.memory, start, [s * dtype.itemsize for s in view.strides])

    def _end(self) -> None:
        direct = {new for _, new in self.lowered.targets}
        late = [(self.memories[t], new) for t, new in self.program.writes if new not in direct]
        late += [
            (self.memories[t], new)
            for t, new in self.program.writes
            if new in direct and (t, new) not in self.lowered.targets
        ]
        for y in [*self.program.outputs, *[new for _, new in late]]:
            if isinstance(y, Value) and y not in direct:
                self._need(y)
        named = {new: self.statements.constant(self.memories[t]) for t, new in self.lowered.targets}
        news = [named.get(new) or self.statements.named(new) for _, new in late]
        results = [self._result(y, named) for y in self.program.outputs]
        if late:  # before anything is overwritten
            self.lines += [f"r{k} = {result}" for k, result in enumerate(results)]
            results = [f"r{k}" for k in range(len(results))]
        if len(news) > 1:
            news = [f"array({new})" for new in news]
        if news:
            self.lines.append(f"{', '.join(f'w{k}' for k in range(len(news)))} = {', '.join(news)}")
        self.lines += [f"copyto({self.statements.constant(memory)}, w{k})" for k, (memory, _) in enumerate(late)]
        self.lines.append(f"return [{', '.join(results)}]")
        body = "\n".join([f"    {line}" for line in self.lines])
        self.source = f"def program({', '.join(self.given)}):\n{body}"
        exec(compile(self.source, "<autograd_lite plan>", "exec"), self.statements.scope)
        self.function: Callable[..., Any] = self.statements.scope["program"]

    def _result(self, y: Any, targets: dict[Value, str]) -> str:
        if not isinstance(y, Value):
            return self.statements.named(y)
        if y in targets:
            return f"array({targets[y]})"
        if (
            y in self.lowered.outputs
            or not y.shape
            or (kind_of(y.dtype) is None and getattr(y.dtype, "kind", "") == "several")
        ):
            return self.names[y]
        return f"array({self.names[y]})"


__all__ = ["Built", "Nest", "build"]
