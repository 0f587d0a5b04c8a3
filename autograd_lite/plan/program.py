"""A program: what a function computes, as a list of values, each by one op from earlier ones. Nothing in it runs.

It is what the flow graph is while nothing has been computed: the same ops and statics, without saved values, and with
the array of today replaced by "the first argument". Passes turn one program into another (passes/), and a backend
turns the last one into something that runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..describe import SMALL, summary
from ..ops.index import as_written
from ..ops.shape import getitem
from ..several import SEVERAL


class Argument(NamedTuple):
    """Where a value comes from: the array at this place among all that the function is called with."""

    position: int
    name: str = "argument"  # in the user's words, such as `params[0]["W"]`


class Captured:
    """Where a value comes from: something of somebody else's, an array, a leaf or a generator, read at each call; one
    that `stays` is the same array as a rule."""

    __slots__ = ("memory", "read", "stays", "what")

    def __init__(self, read: Callable[[], Any], what: str, memory: Any = None, stays: bool = False):
        self.read, self.what = read, what
        self.memory = memory  # the array, where it is always the same
        self.stays = stays or memory is not None


class Value:
    """One value of a program: `op` applied to `inputs` with `statics`; or, where op is None, what `source` gives.

    `inputs` holds Values and the constants themselves: Python numbers, NumPy scalars, None. A `weak` value is a number
    of Python's, which takes the dtype of the array that it meets; its own dtype says which that is. Immutable.
    """

    __slots__ = ("dtype", "inputs", "op", "operands", "shape", "source", "statics", "weak")

    def __init__(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        statics: tuple[Any, ...],
        shape: Any,
        dtype: Any,
        source: Any = None,
        weak: bool = False,
    ):
        self.op, self.inputs, self.statics = op, inputs, statics
        self.operands = [i for i in inputs if type(i) is Value]  # the inputs that are values of the program
        self.shape, self.dtype, self.source, self.weak = shape, dtype, source, weak

    @property
    def is_argument(self) -> bool:
        """Whether it is what the function is called with."""
        return type(self.source) is Argument

    @property
    def keywords(self) -> dict[str, Any]:
        """The statics by their names."""
        return dict(zip(self.op.statics, self.statics, strict=True)) if self.op else {}

    @property
    def size(self) -> int:
        """How many entries it has; 0 where it is no array."""
        return 0 if self.dtype is SEVERAL or self.dtype is None else prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return self.size * self.dtype.itemsize if self.size else 0

    def with_inputs(self, inputs: tuple[Any, ...]) -> Value:
        """The same op applied to other inputs of the same shapes and dtypes."""
        return Value(self.op, inputs, self.statics, self.shape, self.dtype, self.source, self.weak)

    def __repr__(self) -> str:
        return f"<Value {self.op.name if self.op else self.source} {self.shape} {self.dtype}>"


class Program(NamedTuple):
    """`steps` in the order of computation; a step is the values that are computed together, mostly one.

    `outputs` are what it gives, Values or constants. `writes` are pairs (source, new value): when nothing reads the
    source any more, its memory gets the new value.
    """

    sources: tuple[Value, ...]
    steps: tuple[tuple[Value, ...], ...]
    outputs: tuple[Any, ...]
    writes: tuple[tuple[Value, Value], ...] = ()

    @property
    def values(self) -> list[Value]:
        """All computed values, in order."""
        return [value for step in self.steps for value in step]

    @property
    def roots(self) -> list[Value]:
        """What must be computed: outputs, what is written to memory, and ops with an effect."""
        given = [y for y in self.outputs if isinstance(y, Value)]
        return [*given, *[new for _, new in self.writes], *[v for v in self.values if v.op.effect]]

    def _drawn_by_(self) -> str:
        """The module that draws it; named, since it stands above this one."""
        return "autograd_lite.plan.drawing"

    def __str__(self) -> str:
        return text(self)


def rewritten(program: Program, change: Callable[[Value], Any]) -> Program:
    """The program with `change(value)` in the place of each value, whose inputs are changed already.

    What `change` gives may need values, and sources, that are new; steps of several values fall apart.
    """
    sources, values, same = program.sources, program.values, True
    new: dict[Any, Any] = {source: source for source in sources}
    for value in values:
        for i in value.operands:
            if new[i] is not i:
                with_new = value.with_inputs(tuple([new[i] if type(i) is Value else i for i in value.inputs]))
                new[value], same = change(with_new), False
                break
        else:
            new[value] = changed = change(value)
            same = same and changed is value
    if same and len(values) == len(program.steps):
        return program
    found = in_order([new[value] for value in program.values], sources)
    outputs = tuple([new[y] if isinstance(y, Value) else y for y in program.outputs])
    writes = tuple([(source, new[y] if isinstance(y, Value) else y) for source, y in program.writes])
    return Program(
        (*sources, *[value for value in found if value.op is None]),
        tuple([(value,) for value in found if value.op is not None]),
        outputs,
        writes,
    )


def outside(program: Program) -> list[Value]:
    """What stands for memory of somebody's: sources that are captured, and then what is written to."""
    captured = [source for source in program.sources if not source.is_argument]
    return [*captured, *[target for target, _ in program.writes]]


def substituted(program: Program, instead: dict[Value, Value]) -> Program:
    """The program with other sources, and other memory to write to, in the place of some."""
    if not instead:
        return program
    new: dict[Any, Any] = {source: source for source in [*program.sources, *outside(program)]} | instead

    def of(i: Any) -> Any:
        return new[i] if type(i) is Value else i

    steps = []
    for step in program.steps:
        for value in step:
            same = all(new[i] is i for i in value.operands)
            new[value] = value if same else value.with_inputs(tuple(map(of, value.inputs)))
        steps.append(tuple(map(of, step)))
    writes = tuple([(new[target], of(y)) for target, y in program.writes])
    return Program(tuple(map(of, program.sources)), tuple(steps), tuple(map(of, program.outputs)), writes)


def in_order(roots: Iterable[Any], known: Iterable[Value]) -> list[Value]:
    """The values that `roots` need and that are not `known`, each after its inputs. Iterative."""
    found: list[Value] = []
    seen = set(known)
    for root in roots:
        stack = [root] if isinstance(root, Value) else []
        while stack:
            value = stack[-1]
            missing = [i for i in value.operands if i not in seen] if value not in seen else []
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            if value not in seen:
                seen.add(value)
                found.append(value)
    return found


def uses(program: Program) -> dict[Value, list[Value]]:
    """For each value and source, the values computed from it."""
    found: dict[Value, list[Value]] = {value: [] for value in [*program.sources, *program.values]}
    for value in program.values:
        for i in value.operands if len(value.operands) < 2 else dict.fromkeys(value.operands):
            found[i].append(value)
    return found


# -- in words ------------------------------------------------------------------------------------------------------


def names_of(program: Program) -> dict[Value, str]:
    """A name for each value: x0, x1, ... for arguments, c0, ... for what is captured, v0, ... for what is computed."""
    names, counts = {}, {"x": 0, "c": 0}
    for source in program.sources:
        letter = "x" if source.is_argument else "c"
        number = source.source.position if letter == "x" else counts["c"]
        counts[letter] += 1
        names[source] = f"{letter}{number}"
    names.update({value: f"v{k}" for k, value in enumerate(program.values)})
    return names


def text(program: Program, names: dict[Value, str] | None = None) -> str:
    """The program in static single assignment form: a line for each value, with its type, and what computes it.

    Lines in one bracket are one step.

    >>> import numpy as np, autograd_lite as ag
    >>> f = ag.compile(lambda x, y: np.tanh(x) * y + 1)
    >>> z = f(np.ones((2, 3)), np.ones(3))
    >>> print(f.plan.best)
      x0: float64[2, 3]  x
      x1: float64[3]     y
    ┌ v0: float64[2, 3]  tanh(x0)
    │ v1: float64[2, 3]  v0 * x1
    └ v2: float64[2, 3]  v1 + 1
      return v2
    """
    names = names or names_of(program)
    marks = [" "] * len(program.sources)
    for step in program.steps:
        marks += [" "] if len(step) == 1 else ["┌", *"│" * (len(step) - 2), "└"]
    lines = aligned(rows(program, names))
    marks += [" "] * (len(lines) - len(marks))
    return "\n".join([f"{mark} {line}" for mark, line in zip(marks, lines, strict=True)])


def rows(program: Program, names: dict[Value, str]) -> list[tuple[str, str, str]]:
    """What each line of a program says: name, type and how it is computed; then what is written where, and returned."""
    texts = source_texts(program)
    found = [(f"{names[s]}:", type_text(s), texts[s]) for s in program.sources]
    found += [(f"{names[v]}:", type_text(v), call_text(v, names)) for v in program.values]
    pairs = zip(memory_names(program), program.writes, strict=True)
    found += [("", "", f"{name} <- {input_text(new, names)}") for name, (_, new) in pairs]
    return [*found, ("", "", f"return {', '.join([input_text(y, names) for y in program.outputs])}")]


def aligned(lines: list[tuple[str, str, str]]) -> list[str]:
    """Names and types in columns."""
    name, kind = [max(len(line[k]) for line in lines) for k in (0, 1)]
    return [f"{a.ljust(name)} {b.ljust(kind)}  {how}" if a else how for a, b, how in lines]


def memory_names(program: Program) -> list[str]:
    """A name for each memory that is written to."""
    return _numbered([str(target.source.what) for target, _ in program.writes])


def _numbered(names: list[str]) -> list[str]:
    """The names; those that stand there several times with a number."""
    times, seen, found = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        found.append(name if times[name] == 1 else f"{name} #{seen[name]}")
    return found


def call_text(value: Value, names: dict[Value, str]) -> str:
    """How a value is computed, such as `tanh(v3)`, `v1 + v2` or `v4[v5, 2:]`."""
    inputs = [input_text(i, names) for i in value.inputs]
    if value.op is getitem:
        return f"{inputs[0]}[{index_text(value.keywords['index'].parts, inputs[1:])}]"
    if value.op.symbol and len(inputs) == 2 and not value.statics:
        return f"{inputs[0]} {value.op.symbol} {inputs[1]}"
    statics = [f"{n}={s!r}" for n, s in value.keywords.items() if s is not None and s is not value.op.defaults.get(n)]
    return f"{value.op.name}({', '.join([*inputs, *statics])})"


def index_text(parts: Iterable[Any], arrays: Iterable[str]) -> str:
    """An index as it is written, with names for the arrays in it."""
    rest = iter(arrays)
    return ", ".join([next(rest) if part == "array" else as_written(part) for part in parts])


def input_text(x: Any, names: dict[Value, str]) -> str:
    """The name of a value, or a constant as it is written."""
    if isinstance(x, Value):
        return names[x]
    return repr(x.item() if isinstance(x, np.generic) else x)


def source_texts(program: Program) -> dict[Value, str]:
    """Where each source comes from, such as `params[0]`, "theta", or "leaf W #2" where several are called so."""
    targets = [target.source.memory for target, _ in program.writes]
    written = dict(zip(map(id, targets), memory_names(program), strict=True))
    found: dict[Value, str] = {}
    unnamed: list[Value] = []
    for source in program.sources:
        if source.is_argument:
            found[source] = source.source.name
        elif id(source.source.memory) in written:
            found[source] = written[id(source.source.memory)]
        elif (memory := source.source.memory) is not None:
            now = f", now {summary(memory, ends=False)}" if 0 < memory.size <= SMALL else ""
            found[source] = f"{source.source.what}{now}"
        else:
            unnamed.append(source)
    return found | dict(zip(unnamed, _numbered([str(source.source.what) for source in unnamed]), strict=True))


def type_text(value: Value) -> str:
    """The dtype and shape of a value, such as float32[64, 10]; a number of Python's is a float."""
    if value.dtype is None:
        return ""
    if value.weak:
        return "float"
    return str(value.dtype) if value.dtype is SEVERAL else f"{value.dtype}{list(value.shape)}"
