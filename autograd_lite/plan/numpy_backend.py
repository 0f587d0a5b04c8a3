"""The NumPy backend: a program as straight-line Python on arrays that were allocated once.

What can be known before the first run is done before it: which buffer each value takes, all views of buffers, of leaves
and of captured arrays, the methods of the matrix products. What is left is a function of one line an op.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops.index import as_written
from ..ops.shape import join, join_new, reshape, transpose
from ..runtime import address
from ..several import SEVERAL
from .blocks import write_blocks
from .lifetimes import BufferPool, Home, Lifetimes
from .passes.fusion import LARGE, folds_all
from .printing import comment, with_comments
from .program import Program, Value, memory_names, names_of, uses
from .statements import Statements, defined


class Built:
    """A program that is ready to run, with buffers of its own: one call at a time.

    `source` is the Python that runs, `peak_bytes` what its buffers take, `homes` which value lies in which of them,
    `reason` why this backend was chosen.
    """

    def __init__(self, program: Program, reason: str = "NumPy"):
        self.program, self.reason = program, reason
        self._write()

    def _write(self) -> None:
        writer = _Writer(self.program)
        self.source, self.peak_bytes, self._function = writer.source, writer.bytes, writer.function
        self.homes, self.constants = writer.homes, writer.statements.constants
        always = [source.source.memory for source in self.program.sources if not source.is_argument]
        self._held = [(k, array) for k, array in writer.held.items() if all(array is not memory for memory in always)]
        self._read = [k for k in range(len(self.program.sources)) if k not in writer.held]
        self._apart = writer.apart
        memories = [target.source.memory for target, _ in self.program.writes]
        self._written = {id(memory if memory.base is None else memory.base) for memory in memories}

    def run(self, sources: list[Any]) -> Any:
        """What the program gives for these arrays, in the order of `program.sources`."""
        for k, array in self._held:
            if sources[k] is not array:  # a leaf has moved, as when its model joins a larger one
                self._write()
                break
        if len(self._read) < len(sources):
            sources = [sources[k] for k in self._read]
        if self._apart:
            for k, x in enumerate(sources):
                if type(x) is np.ndarray and id(x if x.base is None else x.base) in self._written:
                    sources[k] = x.copy()
        return self._function(*sources)


def build(program: Program) -> Built:
    """The program, ready to run."""
    return Built(program)


class _Writer:
    """Finds a place for each value, and writes the function."""

    def __init__(self, program: Program):
        self.program = program
        self.life, self.uses = Lifetimes(program), uses(program)
        self.pool, self.buffers, self.bytes = BufferPool(), list[Any](), 0
        self.homes: dict[Value, Home] = {}
        self.computed: dict[int, Value] = {}  # by the number of a line the value that it computes
        self.statements = Statements(names_of(program))
        self.names = self.statements.names
        self.targets = {new: target.source.memory for target, new in program.writes if isinstance(new, Value)}
        self.called = dict(zip([new for _, new in program.writes], memory_names(program), strict=True))
        self.fresh = self._fresh_outputs()
        self.joins = self._joins()
        self.checked = max([k for k, value in enumerate(program.values) if value.op.effect], default=0)
        self.held: dict[int, Any] = {}  # by their place the sources that are arrays known by now
        self.apart = False  # whether memory is written to before all arguments are read, which must not lie in it then
        for k, source in enumerate(program.sources):
            stays = not source.is_argument and source.source.stays
            if stays and isinstance(array := source.source.read(), np.ndarray):
                self.held[k] = array
                self.statements.know(source, array)
        self.functions: list[str] = []
        self.lines: list[str] = []
        place = 0
        for step in program.steps:
            self._step(step, place)
            place += len(step)
        self._end()

    def _step(self, step: tuple[Value, ...], place: int) -> None:
        if len(step) > 1 and step[0].size >= LARGE:
            end, inside = place + len(step), set(step)
            whole = [v for v in step if not folds_all(v) and (self._lasts(v, end) or set(self.uses[v]) - inside)]
            read = dict.fromkeys(i for value in step for i in value.operands)
            through_views = {self.life.owner[i] for i in read if self.life.owner[i] is not i}
            for at, value in enumerate(step, place):
                if value in whole:  # it may take the place of what no entry needs any more, row for row
                    ufunc = value.op.is_ufunc
                    same = [i for i in read if i.shape == value.shape and i.dtype == value.dtype]
                    apart = {*through_views, *(() if ufunc else value.operands)}
                    self._let_go([i for i in same if self.life.owner[i] is i and i not in apart], at)
                    self._place(value, place, at)
            name = f"blocks{len(self.functions)}"
            function, call, nbytes = write_blocks(name, step, whole, self.statements)
            self.homes |= {v: Home("blocks", name, nbytes) for v in step if v not in whole and not folds_all(v)}
            self.functions.append(function)
            self.lines.append(call)
            self.bytes += nbytes
            self._let_go([i for value in step for i in (*value.operands, value)], end - 1)
            return
        for at, value in enumerate(step, place):
            before = len(self.lines)
            self._statement(value, at)
            if len(self.lines) > before:
                self.computed[len(self.lines) - 1] = value
            self._let_go([*value.operands, value], at)

    def _lasts(self, value: Value, end: int) -> bool:
        return self.life.last[self.life.owner[value]] >= end

    def _statement(self, value: Value, at: int) -> None:
        if value.op.view and self._is_known_view(value):
            return
        if value in self.homes:  # its parts lie in its place already
            return
        if value.op is join and (array := self._side_by_side(value)) is not None:
            self.statements.know(value, array)
            self.homes[value] = Home("view", "view", 0)
            return
        if not self.statements.can_place(value):
            self.lines.append(f"{self.names[value]} = {self.statements.call(value)}")
            return
        if value.op.overwrites:
            same = [i for i in value.operands if i.shape == value.shape and i.dtype == value.dtype]
            self._let_go([i for i in same if self.life.owner[i] is i], at)
        self._place(value, at, at)
        self.lines.append(self.statements.into(value, self.names[value]))

    def _is_known_view(self, value: Value) -> bool:
        """Whether the value is a view of an array that is known now, and so is known itself."""
        arrays = self.statements.arrays
        array, *others = value.inputs
        if not value.shape or array not in arrays or value.op.effect or any(isinstance(i, Value) for i in others):
            return False
        y = value.op.run(arrays[array], *others, **value.keywords)
        if not isinstance(y, np.ndarray) or not np.may_share_memory(y, arrays[array]):
            return False
        self.statements.know(value, y)
        self.homes[value] = Home("view", "view", 0)
        return True

    def _side_by_side(self, value: Value) -> Any:
        """The array that vectors are parts of which follow each other in memory, such as the gradients of a model's
        parameters: then joining them is no work."""
        owners = [self.life.owner[i] for i in value.operands]
        if not all(i in self.targets and self.statements.arrays.get(i) is self.targets[i] for i in owners):
            return None  # buffers are given to others later
        parts = [self.statements.arrays.get(i) for i in value.inputs]
        base = getattr(parts[0], "base", None)
        if len(value.shape) != 1 or base is None or base.ndim != 1 or not base.flags.c_contiguous:
            return None
        start = place = address(parts[0])
        for part in parts:
            if part is None or part.base is not base or not part.flags.c_contiguous or address(part) != place:
                return None
            place += part.nbytes
        first = (start - address(base)) // base.itemsize
        return base[first : first + value.size]

    # -- places --------------------------------------------------------------------------------------------------------

    def _fresh_outputs(self) -> set[Value]:
        """What is computed into memory that the caller gets: outputs, and what an output is in another shape."""
        given = [y for y in self.program.outputs if isinstance(y, Value) and y.op is not None]
        owners = [self._arranged(y) for y in given]
        return {y for y in owners if y.op and not y.op.view and y not in self.targets and owners.count(y) == 1}

    def _arranged(self, y: Value) -> Value:
        """The value that has the entries of `y`, each once, in another order or shape."""
        while y.op in (reshape, transpose) and y.operands:
            y = y.operands[0]
        return y

    def _joins(self) -> dict[Value, tuple[Value, slice | int]]:
        """For each value that can be computed right into an array that it is joined to with others, that array and the
        place in it."""
        found: dict[Value, tuple[Value, slice | int]] = {}
        for whole in self.program.values:
            if whole.op not in (join, join_new) or whole.keywords["axis"] != 0 or not whole.size:
                continue
            parts, start = {}, 0
            for k, i in enumerate(whole.operands):
                stop = start + (i.shape[0] if whole.op is join else 1)
                if self._can_be_part(i, whole) and i not in found:
                    parts[i] = whole, slice(start, stop) if whole.op is join else k
                start = stop
            if len(parts) == len(whole.inputs):  # else to copy the rest one by one could take longer than to join them
                found |= parts
        return found

    def _can_be_part(self, value: Value, whole: Value) -> bool:
        if value.op is None or value.op.view or value in self.fresh or value in self.targets:
            return False
        if self.life.last[value] > self.life.place[whole]:  # it is read when the whole may be gone
            return False
        return self.statements.can_place(value) and value.dtype == whole.dtype and not value.weak

    def _place(self, value: Value, start: int, at: int) -> None:
        """Find memory for a value, at `at` in a step that begins at `start`: new memory for an output, the memory of
        what it replaces, or a buffer."""
        if value in self.fresh:
            dtype = self.statements.constant(value.dtype)
            self.lines.append(f"{self.names[value]} = empty({value.shape}, {dtype})")
            self.homes[value] = Home("new", "new", value.nbytes)
        elif value in self.joins:
            whole, place = self.joins[value]
            if whole not in self.homes:
                self._place(whole, at, at)
            if whole in self.statements.arrays:
                self.statements.know(value, self.statements.arrays[whole][place])
            else:
                self.lines.append(f"{self.names[value]} = {self.names[whole]}[{as_written(place)}]")
            self.homes[value] = Home("part", self.names[whole], 0)
        elif value in self.targets and self._may_overwrite(self.targets[value], value, start, at):
            self.statements.know(value, self.targets[value])
            self.homes[value] = Home("memory", self.called[value], value.nbytes)
        else:
            number = self.pool.take(value, value.nbytes, value.dtype)
            if number == len(self.buffers):
                self.buffers.append(np.empty(value.nbytes, np.uint8).view(value.dtype))
                self.bytes += value.nbytes
            self.statements.know(value, self.buffers[number].reshape(value.shape))
            self.homes[value] = Home("buffer", f"b{number}", value.nbytes)

    def _may_overwrite(self, target: Any, value: Value, start: int, at: int) -> bool:
        """Whether nothing reads the target's memory after `value` has been computed into it, and nothing can fail."""
        if at < self.checked:
            return False
        if target.shape != value.shape or target.dtype != value.dtype or not target.flags.c_contiguous:
            return False
        for source in self.program.sources:
            array, last = self.statements.arrays.get(source), self.life.last[source]
            if source.dtype is None or last < start or not source.shape:
                continue
            if array is None:
                self.apart = True  # an argument, which `run` keeps apart
            elif np.may_share_memory(array, target) and not (value.op.overwrites and last <= at and array is target):
                return False
        return True

    def _let_go(self, values: list[Value], at: int) -> None:
        """Free the memory of those values that nothing reads after `at`."""
        for i in dict.fromkeys(values):
            if self.life.last[self.life.owner[i]] <= at:
                self.pool.give_back(self.life.owner[i])

    # -- the function --------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        arrays, constant = self.statements.arrays, self.statements.constant
        # What was not computed right where it belongs is copied there when all is read.
        late = [(m, new) for (target, new) in self.program.writes if arrays.get(new) is not (m := target.source.memory)]
        news = [self.statements.named(new) for _, new in late]
        if len(news) > 1:  # one may be a view of what another overwrites
            news = [f"array({new})" for new in news]
        if news:
            self.lines.append(f"{', '.join(f'w{k}' for k in range(len(news)))} = {', '.join(news)}")
        outputs = [self._output(y) for y in self.program.outputs]
        if late:  # what is returned of a memory is what it held before
            for k, text in enumerate(outputs):
                if text.startswith("array("):
                    self.lines.append(f"y{k} = {text}")
                    outputs[k] = f"y{k}"
        self.lines += [f"copyto({constant(memory)}, w{k})" for k, (memory, _) in enumerate(late)]
        self.lines.append(f"return [{', '.join(outputs)}]")
        given = [self.names[s] for s in self.program.sources if s not in arrays]
        comments = {k: comment(value, self.homes) for k, value in self.computed.items()}
        body = "\n".join([f"    {line}" for line in with_comments(self.lines, comments)])
        text, scope = f"def program({', '.join(given)}):\n{body}", self.statements.scope
        self.source = "\n\n".join([*self.functions, text])
        for k, function in enumerate(self.functions):
            scope[f"blocks{k}"] = defined(function, f"blocks{k}", dict(scope))
        self.function: Callable[..., Any] = defined(text, "program", scope)

    def _output(self, y: Any) -> str:
        name = self.statements.named(y)
        if not isinstance(y, Value):
            return name
        if y.op is None and y.is_argument and not y.shape and not y.weak:  # it may be a float of Python's
            return f"{self.statements.constant(y.dtype.type)}({name})"
        if self._arranged(y) in self.fresh or not y.shape or y.dtype is SEVERAL:
            return name
        return f"array({name})"
