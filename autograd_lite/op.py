"""Floor 2: Op, one row of the derivative table, and the call that runs it forward and records it.

A row gives a NumPy function and, for each input, the formula of that input's gradient:

    tanh = Op(np.tanh, x=lambda g, y: g * (1 - y * y))

The parameter names of a formula say what it needs, and only that is saved: `g` is the gradient of the
output, `y` the output, any input goes by its name in the function's signature, `<input>_shape` is its shape,
a keyword-only parameter of the function is a static, and `r` the residual of a function that returns
`(y, r)`. From these names `Op` writes two small Python functions on first use, one that runs and records and
one that calls the formulas: `print(ag.tanh.source)` shows them.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import ArgumentError, AutogradError, AxisError, IndexingError, NotDifferentiableError, ShapeError
from .node import FlatNode, Leaf, Node, is_recording
from .source import formula_text
from .tensor import Tensor, constant_tensor, own

Formula = Callable[..., Any] | None

# Constants that need no conversion. Python numbers stay what they are: NumPy promotes them weakly.
PLAIN = frozenset(
    {float, int, complex, bool, type(None), np.ndarray, np.random.Generator}
    | {np.dtype(c).type for c in "?bhilqBHILQefdgFDG"}
)
LIVE = frozenset({Node, Leaf})  # the nodes that a gradient flows to


class _Doc:
    """`__doc__` of an Op: that of the class, or for one op its meaning and its formulas."""

    def __init__(self, of_class: str):
        self.of_class = of_class

    def __get__(self, op: Op | None, owner: type) -> str:
        return self.of_class if op is None else op.describe()


class Op:
    """One row of the derivative table; calling it runs the op, and records it where an input is recorded.

    Parameters
    ----------
    fprop: the NumPy function. Its positional parameters are the inputs, a `*xs` any number of them, its
        keyword-only parameters the statics: hashable values that never change between two runs. A function
        written in C takes its inputs' names from the formulas' keywords, in order.
    symbol: how the op is written between or before its inputs, for pictures and errors.
    **formulas: for each input the formula of its gradient, or None where the op is flat in that input.
        A formula calls public ops and operators only and never branches on values, so it can itself be
        recorded: that is what gives derivatives of any order.
    bprop: one function that returns the gradients of all inputs, where their formulas share work.
    run: a cheaper callable with the same result as `fprop`, such as operator.mul for np.multiply.
    r: for a `fprop` that returns `(y, r)`: the public op that computes the residual r, as a formula.
    into: for each input whose gradient is mostly zeros, a function that adds it to a buffer in place.
    linear: inputs that the op is jointly linear in.
    elementwise: whether each entry of the output depends on the same entry of the inputs only.
    view: whether the output may share memory with an input.
    effect: what the op does besides computing, such as drawing random numbers; its value is always kept.
    advice: a function of the inputs' shapes that says why they do not fit, for the error message.

    Raises
    ------
    ArgumentError (a TypeError) when a formula names something the op does not have, or an input has no
    formula.

    >>> import numpy as np, autograd_lite as ag
    >>> cube = ag.Op(lambda x: x**3, name="cube", x=lambda g, x: 3 * g * x * x)
    >>> ag.grad(cube)(2.0), ag.grad(ag.grad(cube))(2.0)
    (np.float64(12.0), np.float64(12.0))
    """

    __doc__ = _Doc(__doc__)  # type: ignore[assignment]

    def __init__(
        self,
        fprop: Callable[..., Any],
        symbol: str | None = None,
        *,
        name: str | None = None,
        run: Callable[..., Any] | None = None,
        bprop: Callable[..., Any] | None = None,
        r: Callable[..., Any] | None = None,
        into: dict[str, Callable[..., None]] | None = None,
        linear: tuple[str, ...] = (),
        elementwise: bool | None = None,
        view: bool = False,
        effect: str | None = None,
        advice: Callable[..., str | None] | None = None,
        **formulas: Formula,
    ):
        self.fprop = fprop
        self.run = run or fprop
        self.name = self.__name__ = name or fprop.__name__.strip("_")
        self.symbol = symbol
        self.inputs, self.variadic, self.defaults = _signature(fprop, formulas)
        self.statics = tuple(static for static in self.defaults if static != "out")
        self.formulas, self.bprop_joint, self.residual, self.into = formulas, bprop, r, into or {}
        self.is_ufunc = isinstance(fprop, np.ufunc)
        self.linear, self.view, self.effect, self.advice = linear, view, effect, advice
        self.elementwise = self.is_ufunc and fprop.signature is None if elementwise is None else elementwise  # type: ignore[attr-defined]
        self.flat = bprop is None and all(formula is None for formula in formulas.values())
        self._check_names()
        self.saves = self._names_to_save()
        self._source = ""

    def describe(self) -> str:
        """What the op computes, in NumPy's words where it is NumPy's, and the formula of each gradient."""
        doc = getattr(np, self.name, self.fprop).__doc__ or ""
        lines = [line.strip() for line in doc.strip().splitlines() if line.strip()]
        if lines and lines[0].startswith(f"{self.name}("):  # a ufunc's first line is its signature
            lines = lines[1:]
        formulas = [f"d{i} = {self.formula_text(i)}" for i in self.all_inputs]
        return " ".join([*lines[:1], "Gradient: " + ", ".join(formulas) + "."])

    def formula_text(self, name: str) -> str:
        """The formula of the gradient of input `name`, as written in the table; "0" where the op is flat."""
        formula = self.bprop_joint or self.formulas[name]
        return "0" if formula is None else formula_text(formula) or "?"

    # -- what the formulas need --------------------------------------------------------------------------

    @property
    def all_inputs(self) -> tuple[str, ...]:
        return (*self.inputs, self.variadic) if self.variadic else self.inputs

    def _check_names(self) -> None:
        reserved = {"g", "y", "r"} & set(self.all_inputs)
        if reserved:
            raise ArgumentError(f"{self.name}: an input may not be called {reserved.pop()!r}; that name is taken")
        missing = set() if self.bprop_joint else set(self.all_inputs) - set(self.formulas)
        if missing or set(self.formulas) - set(self.all_inputs):
            raise ArgumentError(
                f"{self.name}: formulas for {sorted(self.formulas)}, but the inputs are {list(self.all_inputs)};"
                " write x=None for an input that has no gradient"
            )
        known = {"g", "y", *self.all_inputs, *self.statics, *(f"{i}_shape" for i in self.all_inputs)}
        known |= {"r"} if self.residual else set()
        for owner, formula in self._named_formulas():
            unknown = [n for n in _parameters(formula) if n not in known]
            if unknown:
                raise ArgumentError(
                    f"{self.name}: the formula of {owner} names {unknown[0]!r}, which is none of {sorted(known)}"
                )

    def _named_formulas(self) -> list[tuple[str, Callable[..., Any]]]:
        pairs = [(name, formula) for name, formula in self.formulas.items() if formula is not None]
        return [*pairs, ("bprop", self.bprop_joint)] if self.bprop_joint else pairs

    def _names_to_save(self) -> tuple[str, ...]:
        """Inputs, `y` and `r` that some formula names, in a fixed order. Shapes and statics are on the node."""
        named = {n for _, formula in self._named_formulas() for n in _parameters(formula)}
        if self.residual and "r" in named:
            named |= set(_parameters(self.residual))  # a recorded backward pass computes r anew
        if self.effect:
            named.add("y")
        return tuple(n for n in (*self.all_inputs, "y", "r") if n in named)

    def _savers(self, name: str) -> list[str] | None:
        """The inputs whose gradients need `name`; None if it is needed whichever input wants one."""
        if self.bprop_joint or self.effect or name in ("y", "r") or self.residual:
            return None
        users = [i for i, formula in self.formulas.items() if formula is not None and name in _parameters(formula)]
        differentiable = [i for i, formula in self.formulas.items() if formula is not None]
        return None if users == differentiable else users

    # -- running -----------------------------------------------------------------------------------------

    def __call__(self, *inputs: Any, **statics: Any) -> Any:
        """Run the op on arrays, or on Tensors and record it."""
        return self.call(*inputs, **statics)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """An Op in a class body is a method, and `help` treats it as a function."""
        return self if instance is None else types.MethodType(self, instance)

    def __getattr__(self, name: str) -> Any:
        # Reached only while the generated functions do not exist yet.
        if name in ("call", "bprop"):
            self._generate()
            return self.__dict__[name]
        if name == "__signature__":
            return inspect.signature(self.call)
        raise AttributeError(name)

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    @property
    def source(self) -> str:
        """The Python source of the two functions generated from this row."""
        if not self._source:
            self._generate()
        return self._source

    def value_and_saved(self, inputs: tuple[Any, ...], statics: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Run forward on plain values: the output and the tuple that `bprop` wants as `saved`."""
        y, r = self.run(*inputs, **dict(zip(self.statics, statics, strict=True))), None
        if self.residual:
            y, r = y
        y = _value(y)
        scope = {**dict(zip(self.inputs, inputs, strict=False)), "y": y, "r": r}
        if self.variadic:
            scope[self.variadic] = inputs[len(self.inputs) :]
        return y, tuple(scope[name] for name in self.saves)

    def saved_as_tensors(self, node: Node) -> tuple[Any, ...]:
        """`node.saved` with its history: what the formulas get when a backward pass is itself recorded."""
        scope: dict[str, Any] = dict(zip(self.statics, node.statics, strict=True))
        for name, value in zip(self.saves, node.saved, strict=True):
            if name == "y":
                scope[name] = _handle(value, node)
            elif name == self.variadic:
                rest = node.inputs[len(self.inputs) :]
                scope[name] = tuple(map(_handle, value, rest))
            elif name != "r":
                scope[name] = _handle(value, node.inputs[self.inputs.index(name)])
        if self.residual and "r" in self.saves:
            scope["r"] = self.residual(*(scope[name] for name in _parameters(self.residual)))
        return tuple(scope[name] for name in self.saves)

    # -- code generation ---------------------------------------------------------------------------------

    def _generate(self) -> None:
        self._source = "\n\n".join([self._call_source(), *([] if self.flat else [self._bprop_source()])])
        scope: dict[str, Any] = {
            **{f"{name}_formula": formula for name, formula in self._named_formulas()},
            **{f"{name}_into": function for name, function in self.into.items()},
            **{f"{name}_default": value for name, value in self.defaults.items()},
            **{"op": self, "fprop": self.run, "LIVE": LIVE, "PLAIN": PLAIN, "Node": Node, "FlatNode": FlatNode},
            **{"Tensor": Tensor, "new": Tensor.__new__, "is_recording": is_recording, "constant": _constant},
            **{"value": _value, "shape_of": _shape_of, "off_the_graph": _off_the_graph, "failure": _failure},
            **{"refuse_out": _refuse_out, "frozen": _frozen},
        }
        exec(compile(self._source, f"<autograd_lite op {self.name}>", "exec"), scope)
        self.call = scope["call"]
        self.call.__name__ = self.call.__qualname__ = self.name
        self.bprop = scope.get("bprop")

    def _call_source(self) -> str:
        names, variadic = self.inputs, self.variadic
        statics = "".join(f", {s}" if d is _REQUIRED else f", {s}={s}_default" for s, d in self.defaults.items())
        star = f", *{variadic}" if variadic else ""
        lines = [f"def call({', '.join(names)}{star}{statics}):".replace("(, ", "(")]
        if "out" in self.defaults:
            lines.append("    if out is not None: refuse_out(op)")
        data, nodes = [f"{n}_data" for n in names], [f"{n}_node" for n in names]
        for n in names:
            lines += [
                f"    if type({n}) is Tensor: {n}_data = {n}._data; {n}_node = {n}.node",
                f"    else: {n}_data = {n} if type({n}) in PLAIN else constant(op, {n}); {n}_node = None",
            ]
        if variadic:
            lines += [
                f"    {variadic}_data = tuple([x._data if type(x) is Tensor else x if type(x) in PLAIN"
                f" else constant(op, x) for x in {variadic}])",
                f"    {variadic}_nodes = [x.node if type(x) is Tensor else None for x in {variadic}]",
            ]
        every_data = ", ".join([*data, *([f"*{variadic}_data"] if variadic else [])])
        keywords = "".join(f", {s}={s}" for s in self.statics)
        if self.statics:
            tuple_of_statics = " ".join(f"{s}," for s in self.statics)
            lines += [
                f"    statics = ({tuple_of_statics})",
                "    try: hash(statics)",
                f"    except TypeError: {tuple_of_statics} = statics = frozen(op, statics)",
            ]
        lines += [
            f"    try: y = fprop({every_data}{keywords})",
            f"    except Exception as error: raise failure(op, error, ({every_data},)) from error",
        ]
        if self.residual:
            lines.append("    y, r = y")
        if not self.is_ufunc:
            lines.append("    y = value(y)")
        any_node = [f"{n} is not None" for n in nodes]
        any_tensor = [f"type({n}) is Tensor" for n in names]
        if variadic:
            any_node.append(f"any(node is not None for node in {variadic}_nodes)")
            any_tensor.append(f"any(type(x) is Tensor for x in {variadic})")
        recorded = " or ".join(any_node)
        lines += [
            f"    if not ({recorded}):",
            f"        if not ({' or '.join(any_tensor)}): return y",
            "        node = None",
            "    elif not is_recording():",
            *(["        y = off_the_graph(y)"] if self.view else []),
            "        node = None",
            "    else:",
            f"        node = {self._node_class(nodes)}(op, {self._inputs_tuple()}, {self._saved_tuple()},"
            f" {'statics' if self.statics else '()'}, y.shape, y.dtype)",
            "    tensor = new(Tensor); tensor._data = y; tensor.node = node",
            "    return tensor",
        ]
        return "\n".join(lines)

    def _node_class(self, nodes: list[str]) -> str:
        if self.flat:
            return "FlatNode"
        if self.bprop_joint:
            live = [f"type({node}) in LIVE" for node in nodes]
            live += [f"any(type(node) in LIVE for node in {self.variadic}_nodes)"] if self.variadic else []
        else:
            live = [f"type({i}_node) in LIVE" for i in self.inputs if self.formulas[i] is not None]
        return f"(Node if {' or '.join(live)} else FlatNode)"

    def _inputs_tuple(self) -> str:
        parts = [f"{i}_data if {i}_node is None else {i}_node" for i in self.inputs]
        if self.variadic:
            v = self.variadic
            parts.append(f"*[d if n is None else n for d, n in zip({v}_data, {v}_nodes)]")
        return f"({', '.join(parts)},)"

    def _saved_tuple(self) -> str:
        parts = []
        for name in self.saves:
            users = self._savers(name)
            value = name if name in ("y", "r") else f"{name}_data"
            wanted = " or ".join(f"{user}_node is not None" for user in users or [])
            parts.append(f"{value} if {wanted} else None" if users else value)
        return f"({', '.join(parts)},)" if parts else "()"

    def _bprop_source(self) -> str:
        """`wanted` is `inputs` with None for those whose gradient is not asked for. `buffer(node)` gives the
        array in which that node's gradient adds up, where the engine can own one."""
        lines = ["def bprop(inputs, wanted, saved, statics, g, buffer=None):"]
        if self.saves:
            lines.append(f"    {' '.join(f'{name},' for name in self.saves)} = saved")
        used = {n for _, formula in self._named_formulas() for n in _parameters(formula)}
        if used & set(self.statics):
            lines.append(f"    {' '.join(f'{name},' for name in self.statics)} = statics")
        for k, name in enumerate(self.inputs):
            if f"{name}_shape" in used:
                lines.append(f"    {name}_shape = shape_of(inputs[{k}])")
        if f"{self.variadic}_shape" in used:
            lines.append(f"    {self.variadic}_shape = tuple(map(shape_of, inputs[{len(self.inputs)}:]))")
        if self.bprop_joint:
            return "\n".join([*lines, f"    return bprop_formula({', '.join(_parameters(self.bprop_joint))})"])
        results = []
        alone = sum(formula is not None for formula in self.formulas.values()) == 1
        for k, name in enumerate(self.inputs):
            formula = self.formulas[name]
            if formula is None:
                results.append("None")
                continue
            result = f"{name}_formula({', '.join(_parameters(formula))})"
            if name in self.into:
                arguments = ", ".join(_parameters(self.into[name])[1:])
                result = f"({result} if buffer is None else {name}_into(buffer(wanted[{k}]), {arguments}))"
            results.append(result if alone else f"{result} if type(wanted[{k}]) in LIVE else None")
        return "\n".join([*lines, f"    return ({', '.join(results)},)"])


_REQUIRED = object()


def _signature(fprop: Any, formulas: Any) -> tuple[tuple[str, ...], str | None, dict[str, Any]]:
    """Names of the inputs, of `*xs` if any, and the statics with their defaults."""
    code = getattr(fprop, "__code__", None)
    if code is None:
        return tuple(formulas), None, {}
    names, n = code.co_varnames, code.co_argcount
    keywords = names[n : n + code.co_kwonlyargcount]
    variadic = names[n + len(keywords)] if code.co_flags & 0x04 else None
    defaults = fprop.__kwdefaults__ or {}
    return names[:n], variadic, {k: defaults.get(k, _REQUIRED) for k in keywords}


def _parameters(formula: Any) -> tuple[str, ...]:
    code = formula.__code__ if isinstance(formula, types.FunctionType) else formula.fprop.__code__
    return tuple(code.co_varnames[: code.co_argcount])


def _shape_of(value: Any) -> tuple[int, ...]:
    return getattr(value, "shape", ())


def _value(y: Any) -> Any:
    """What `fprop` returned, 0-d arrays as NumPy scalars."""
    if isinstance(y, np.ndarray):
        return y if y.ndim else y[()]
    return y if isinstance(y, np.generic) else _value(np.asarray(y))


def _handle(value: Any, node: Any) -> Any:
    if not isinstance(node, Node) or value is None:
        return value
    tensor = constant_tensor(value)
    tensor.node = node
    return tensor


def _off_the_graph(y: Any) -> Any:
    """A view computed while nothing is recorded is copied, so that a later change of the leaf under it cannot
    reach other graphs; and locked, so that assigning into it is an error and not a lost write."""
    if own(y) is not y:
        y = y.copy()
        y.flags.writeable = False
    return y


def _constant(op: Op, value: Any) -> Any:
    """An input that is not a Tensor, as something NumPy computes with like an array."""
    if isinstance(value, np.ma.MaskedArray):
        raise ArgumentError(f"{op.name}: masked arrays have no gradient here; fill it first: x.filled(0.0)")
    array = np.asarray(value)
    if array.dtype == object:
        raise ArgumentError(f"{op.name}: cannot compute with a {type(value).__name__}")
    return array if array.ndim else array[()]


def _frozen(op: Op, statics: tuple[Any, ...]) -> tuple[Any, ...]:
    """Statics as hashable values: lists become tuples, arrays are refused."""
    return tuple(_freeze(op, name, value) for name, value in zip(op.statics, statics, strict=True))


def _freeze(op: Op, name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_freeze(op, name, item) for item in value)
    try:
        hash(value)
    except TypeError:
        raise ArgumentError(
            f"{op.name}: {name} is a static and cannot be a {type(value).__name__}; pass Python numbers or a tuple"
        ) from None
    return value


def _refuse_out(op: Op) -> None:
    raise ArgumentError(
        f"{op.name}: out= would overwrite memory that a recorded graph may still need; use the returned value"
    )


def _failure(op: Op, error: Exception, inputs: tuple[Any, ...]) -> Exception:
    """`error` as one of ours that names the op and the shapes; others pass with a note."""
    shapes = [str(np.shape(x)) for x in inputs]
    binary = op.symbol is not None and len(shapes) == 2
    where = f"{op.name}: {f' {op.symbol} '.join(shapes) if binary else ', '.join(shapes)}"
    if isinstance(error, AutogradError):
        return error
    reason = (op.advice and op.advice(*map(np.shape, inputs))) or str(error)
    kinds: dict[type, type[Exception]] = {
        ValueError: ShapeError,
        IndexError: IndexingError,
        TypeError: ArgumentError,
        np.exceptions.AxisError: AxisError,
    }
    if type(error) in kinds:
        return kinds[type(error)](f"{where}: {reason}")
    error.add_note(f"in {where}")
    return error


__all__ = ["Op", "NotDifferentiableError"]
