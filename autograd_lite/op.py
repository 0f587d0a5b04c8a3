"""Floor 2: Op, one row of the derivative table, and the call that runs it forward and records it.

A row gives a NumPy function and, for each input, the formula of that input's gradient:

    tanh = Op(np.tanh, x=lambda g, y: g * (1 - y * y))

The parameter names of a formula say what it needs, and only that is saved: `g` is the gradient of the
output, `y` the output, any input goes by its name in the function's signature, `<input>_shape` is its shape,
a keyword-only parameter of the function is a static, and `r` the residual of a function that returns
`(y, r)`. From these names the call that records and the call of the formulas are
written on first use (generate.py): `print(ag.tanh.source)` shows them.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from .errors import ArgumentError
from .generate import REQUIRED, generate, parameters
from .node import Node
from .runtime import as_value, handle, shape_of
from .several import Cotangents, Outputs
from .source import formula_text
from .tensor import Tensor

Formula = Callable[..., Any] | None


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
    several: whether `fprop` returns a tuple (or list) of outputs. Then `y` is the tuple of them and `g` the tuple of
        their gradients, zeros where none came.
    into: for an input whose gradient is mostly zeros, a function that adds it to a buffer in place.
    out: for an input whose gradient is large, a function that writes it to memory it is given, and returns that.
    change: for an input whose gradient is `g` but for a few entries, a function that changes `g` in place to it.
    write: what `fprop` does, written to memory that it is given: called with that, the inputs and the statics. A ufunc
        does that by itself.
    fold: the ufunc that the op is the `reduce` of, along `axis`.
    parts: the same function written in other rows, for a replay that computes these together; without it `fprop` is,
        where it takes Tensors. Bit by bit the same. It returns `(y, r)` where `fprop` does.
    in_place: what `fprop` does, done to the memory of the first input, for a caller who knows that nobody else
        holds that; called for with `in_place=True`.
    beyond: the same function with more keyword arguments, such as `where=`, called when one of them is given.
    linear: inputs that the op is jointly linear in.
    multilinear: whether it is linear in each input alone.
    holomorphic: of an elementwise op, whether its derivative at complex numbers is a complex number.
    tangent: a function of the node and its inputs' tangents that gives the output's, where no fact above does.
    mirrored: inputs that are Hermitian matrices, of which the op reads one triangle; where it has a static `hermitian`,
        only if that is true. Their gradients are right along Hermitian directions.
    elementwise: whether each entry of the output depends on the same entry of the inputs only.
    view: whether the output may share memory with an input.
    together: a function of several Tensors that the op computed, which gives their sum in one step, or None where it
        does not know one. It takes their places in a gradient that is recorded.
    quiet: the floating-point errors, in np.errstate's words, of which `fprop` keeps NumPy from warning: its result is
        right all the same.
    hashed: statics that are sure to be hashable, so that no call has to look.
    effect: what the op does besides computing, such as drawing random numbers; its value is always kept.
    batch: how the op takes an extra leading axis on some inputs, a rule of ops/batching.py; none is needed where it is
        element-wise.
    reach: which entries of the inputs each entry of the output depends on, a rule of ops/reach.py; none is needed where
        it is element-wise, and without one it may be all of them.
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

    __doc__ = _Doc(__doc__)

    call: Callable[..., Any]
    node_class: type[Node]
    source: str

    def __init__(
        self,
        fprop: Callable[..., Any],
        symbol: str | None = None,
        *,
        name: str | None = None,
        run: Callable[..., Any] | None = None,
        bprop: Callable[..., Any] | None = None,
        r: Callable[..., Any] | None = None,
        several: bool = False,
        into: dict[str, Callable[..., None]] | None = None,
        out: dict[str, Callable[..., Any]] | None = None,
        change: dict[str, Callable[..., Any]] | None = None,
        write: Callable[..., Any] | None = None,
        fold: Any = None,
        parts: Callable[..., Any] | None = None,
        in_place: Callable[..., Any] | None = None,
        beyond: Callable[..., Any] | None = None,
        linear: tuple[str, ...] = (),
        multilinear: bool = False,
        mirrored: tuple[str, ...] = (),
        holomorphic: bool = True,
        tangent: Callable[..., Any] | None = None,
        batch: Callable[..., Any] | None = None,
        reach: Callable[..., Any] | None = None,
        elementwise: bool | None = None,
        view: bool = False,
        together: Callable[..., Any] | None = None,
        effect: str | None = None,
        quiet: tuple[str, ...] = (),
        hashed: tuple[str, ...] = (),
        advice: Callable[..., str | None] | None = None,
        **formulas: Formula,
    ):
        self.fprop = fprop
        self.run = run or fprop
        self.name = self.__name__ = name or fprop.__name__.strip("_")
        self.__module__ = sys._getframe(1).f_globals["__name__"]  # where pickle finds the row by its name
        self.symbol = symbol
        self.inputs, self.variadic, self.defaults = _signature(fprop, formulas)
        self.statics = tuple(static for static in self.defaults if static != "out")
        self.formulas, self.bprop, self.residual, self.several = formulas, bprop, r, several
        self.into, self.out, self.change, self.in_place = into or {}, out or {}, change or {}, in_place
        self.beyond, self.hashed, self.quiet = beyond, hashed, quiet
        self.write, self.fold, self.parts = write, fold, parts
        self.is_ufunc = isinstance(fprop, np.ufunc)
        self.places = bool((self.is_ufunc or write or fold) and not r and not several)  # its result, where one says
        self.multilinear, self.holomorphic, self.tangent, self.batch = multilinear, holomorphic, tangent, batch
        self.linear, self.view, self.effect, self.advice = linear, view, effect, advice
        self.mirrored, self.reach, self.together = mirrored, reach, together
        by_nature = isinstance(fprop, np.ufunc) and fprop.signature is None
        self.elementwise = by_nature if elementwise is None else elementwise
        self.overwrites = self.is_ufunc and self.elementwise  # it may write its result over an input
        self.flat = bprop is None and all(formula is None for formula in formulas.values())
        self._check_names()
        self.saves = self._names_to_save()

    @property
    def meaning(self) -> str:
        """What the op computes, in a sentence: NumPy's where it is NumPy's; "" where nobody has said it."""
        known = [getattr(module, self.name, None) for module in (np, np.linalg, np.fft)]
        function = next((f for f in known if callable(f)), self.fprop)
        paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(function.__doc__ or "").split("\n\n")]
        signature = re.compile(rf"({re.escape(self.name)}|{re.escape(self.fprop.__name__)})\(.*\)")
        told = [part for part in paragraphs if not signature.fullmatch(part)]  # functions in C begin with theirs
        sentence = (told or [""])[0].partition(". ")[0].rstrip(".:")
        return f"{sentence}." if sentence else ""

    def describe(self) -> str:
        """What the op computes, and the formula of each gradient."""
        formulas = [f"d{i} = {self.formula_text(i)}" for i in self.all_inputs]
        return f"{self.meaning} Gradient: {', '.join(formulas)}.".lstrip()

    def formula_text(self, name: str) -> str:
        """The formula of the gradient of input `name`, as written in the table; "0" where the op is flat."""
        formula = self.bprop or self.formulas[name]
        return "0" if formula is None else formula_text(formula) or "?"

    # -- what the formulas need --------------------------------------------------------------------------

    @property
    def live_inputs(self) -> list[str]:
        """The named inputs that have a gradient."""
        return [i for i in self.inputs if self.bprop or self.formulas[i] is not None]

    @property
    def all_inputs(self) -> tuple[str, ...]:
        return (*self.inputs, self.variadic) if self.variadic else self.inputs

    def input_name(self, k: int) -> str:
        """The name of input number k; all of `*xs` go by one."""
        return self.inputs[k] if k < len(self.inputs) else str(self.variadic)

    def _check_names(self) -> None:
        reserved = {"g", "y", "r"} & set(self.all_inputs)
        if reserved:
            raise ArgumentError(f"{self.name}: an input may not be called {reserved.pop()!r}; that name is taken")
        missing = set() if self.bprop else set(self.all_inputs) - set(self.formulas)
        if missing or set(self.formulas) - set(self.all_inputs):
            raise ArgumentError(
                f"{self.name}: formulas for {sorted(self.formulas)}, but the inputs are {list(self.all_inputs)};"
                " write x=None for an input that has no gradient"
            )
        known = {"g", "y", *self.all_inputs, *self.statics, *(f"{i}_shape" for i in self.all_inputs)}
        known |= {"r"} if self.residual else set()
        for owner, formula in self.named_formulas():
            unknown = [n for n in parameters(formula) if n not in known]
            if unknown:
                raise ArgumentError(
                    f"{self.name}: the formula of {owner} names {unknown[0]!r}, which is none of {sorted(known)}"
                )

    def named_formulas(self) -> list[tuple[str, Callable[..., Any]]]:
        pairs = [(name, formula) for name, formula in self.formulas.items() if formula is not None]
        return [*pairs, ("bprop", self.bprop)] if self.bprop else pairs

    def _names_to_save(self) -> tuple[str, ...]:
        """Inputs, `y` and `r` that some formula names, in a fixed order. Shapes and statics are on the node."""
        named = {n for _, formula in self.named_formulas() for n in parameters(formula)}
        if self.residual and "r" in named:
            named |= set(parameters(self.residual))  # a recorded backward pass computes r anew
        if self.effect:
            named.add("y")
        return tuple(n for n in (*self.all_inputs, "y", "r") if n in named)

    def savers(self, name: str) -> list[str] | None:
        """The inputs whose gradients need `name`; None if it is needed whichever input wants one."""
        if self.bprop or self.effect or name in ("y", "r") or self.residual:
            return None
        users = [i for i in self.live_inputs if name in parameters(self.formulas[i])]
        return None if users == self.live_inputs else users

    # -- running -----------------------------------------------------------------------------------------

    # Calling an Op is calling its `call`, to which the arguments go as they are: a method would pack and unpack them.
    __call__ = property(attrgetter("call"), doc="Run the op on arrays, or on Tensors and record it.")

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """An Op in a class body is a method, and `help` treats it as a function."""
        return self if instance is None else types.MethodType(self.call, instance)

    def __getattr__(self, name: str) -> Any:
        # Reached only until they are there: what is generated from the row is generated on first use.
        if name in ("call", "node_class", "source"):
            generate(self)
            return self.__dict__[name]
        if name == "__signature__":
            return inspect.signature(self.call)
        raise AttributeError(name)

    def __reduce__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    def value_and_saved(self, inputs: tuple[Any, ...], statics: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Run forward on plain values: the output and the tuple that `bprop` wants as `saved`."""
        y, r = self.run(*inputs, **dict(zip(self.statics, statics, strict=True))), None
        if self.residual:
            y, r = y
        y = Outputs(type(y), map(as_value, y)) if self.several else as_value(y)
        scope = {**dict(zip(self.inputs, inputs, strict=False)), "y": y, "r": r}
        if self.variadic:
            scope[self.variadic] = inputs[len(self.inputs) :]
        return y, tuple(scope[name] for name in self.saves)

    def unpack(self, ys: Any) -> Any:
        """The several outputs of this op, from the Tensor of all of them."""
        return ys._data.filled_in(
            [(output if y.dtype.kind in "fc" else flat_output)(ys, k) for k, y in enumerate(ys._data)]
        )

    def scope(self, node: Node) -> dict[str, Any]:
        """What the formulas' parameter names stand for at `node`, but for `g`."""
        names = [*zip(self.inputs, node.inputs, strict=False)]
        shapes: dict[str, Any] = {f"{name}_shape": shape_of(i) for name, i in names}
        if self.variadic:
            shapes[f"{self.variadic}_shape"] = tuple([shape_of(i) for i in node.inputs[len(self.inputs) :]])
        statics = dict(zip(self.statics, node.statics, strict=True))
        return {**shapes, **statics, **dict(zip(self.saves, node.saved, strict=True))}

    def known_inputs(self, node: Node) -> list[Any]:
        """The values of the inputs that are constants or were saved, None for the others."""
        saved = dict(zip(self.saves, node.saved, strict=True))
        values = [saved.get(name) for name in self.inputs]
        rest = len(node.inputs) - len(self.inputs)
        values += list(saved.get(self.variadic or "") or [None] * rest)
        return [value if isinstance(i, Node) else i for value, i in zip(values, node.inputs, strict=True)]

    def saved_as_tensors(self, node: Node) -> tuple[Any, ...]:
        """`node.saved` with its history: what the formulas get when a backward pass is itself recorded."""
        scope: dict[str, Any] = dict(zip(self.statics, node.statics, strict=True))
        for name, value in zip(self.saves, node.saved, strict=True):
            if name == "y":
                scope[name] = self.unpack(handle(value, node)) if self.several else handle(value, node)
            elif name == self.variadic:
                rest = node.inputs[len(self.inputs) :]
                scope[name] = tuple(map(handle, value, rest))
            elif name != "r":
                scope[name] = handle(value, node.inputs[self.inputs.index(name)])
        if self.residual and "r" in self.saves:
            r = self.residual(*(scope[name] for name in parameters(self.residual)))
            kept = dict(zip(self.saves, node.saved, strict=True))["r"]
            scope["r"] = handle(kept, r.node) if isinstance(r, Tensor) and r.node is not None else r
        return tuple(scope[name] for name in self.saves)


def _signature(fprop: Any, formulas: Any) -> tuple[tuple[str, ...], str | None, dict[str, Any]]:
    """Names of the inputs, of `*xs` if any, and the statics with their defaults."""
    code = getattr(fprop, "__code__", None)
    if code is None:
        return tuple(formulas), None, {}
    names, n = code.co_varnames, code.co_argcount
    keywords = names[n : n + code.co_kwonlyargcount]
    variadic = names[n + len(keywords)] if code.co_flags & 0x04 else None
    defaults = fprop.__kwdefaults__ or {}
    return names[:n], variadic, {k: defaults.get(k, REQUIRED) for k in keywords}


# One of an op's several outputs; flat where it is an integer, such as a rank.
output = Op(
    lambda ys, *, k: ys[k],
    name="output",
    ys=lambda g, ys_shape, k: Cotangents(ys_shape, {k: g}),
    tangent=lambda node, moving: moving[0][node.statics[0]],
    batch=lambda node, inputs, batched, size: inputs[0][node.statics[0]],
)
flat_output = Op(lambda ys, *, k: ys[k], name="output", ys=None, batch=output.batch)
