"""Which rows of the table have a native form, and what it is.

A row whose forward function is one of NumPy's ufuncs is found by that ufunc, and computes in the dtypes that the ufunc
itself says it would compute in. Of the other rows a few are known by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...ops import OPS
from ..program import Program, Value
from .mathematics import applied, logaddexp
from .registers import BOOL, F32, F64, KINDS, Kind, Register, select


class Form(NamedTuple):
    """How one entry of a value is computed: `build` of registers of `kinds`. `cost` is in additions.

    `called`: whether it calls C's library for each entry, so that it pays for few entries only. `checks`: whether it
    may find that an entry is none it can take.
    """

    build: Callable[..., Register]
    kinds: tuple[Kind, ...]
    cost: int = 1
    called: bool = False
    checks: bool = False


_OF_DTYPE: dict[Any, Kind] = {np.dtype(name): kind for name, kind in KINDS.items()}


def has_kind(value: Value) -> bool:
    """Whether a value can be in memory here. Integers of Python's have no bound, so they cannot."""
    return value.dtype in _OF_DTYPE and not (value.weak and value.dtype.kind != "f")


def kind_of(dtype: Any) -> Kind | None:
    """What a dtype is in IR; None if it has no native form."""
    return _OF_DTYPE.get(dtype)


# -- ufuncs ----------------------------------------------------------------------------------------------------------


def _maximum(a: Register, b: Register) -> Register:
    return select(a.compare("ge", b) | a.is_nan(), a, b) if a.kind.floating else select(a.compare("ge", b), a, b)


def _minimum(a: Register, b: Register) -> Register:
    return select(a.compare("le", b) | a.is_nan(), a, b) if a.kind.floating else select(a.compare("le", b), a, b)


def _sign(x: Register) -> Register:
    return select(x.compare("gt", 0), 1, select(x.compare("lt", 0), -1, x))  # 0 and NaN are their own


def _intrinsic(name: str) -> Callable[[Register], Register]:
    return lambda x: x.call(name)


def _own(name: str) -> Callable[[Register], Register]:
    return lambda x: applied(name, x)


def _compare(relation: str) -> Callable[..., Register]:
    return lambda a, b: a.compare(relation, b)


def _not(x: Register) -> Register:
    return x.cast(BOOL) ^ x.cast(BOOL).like(True)


_ANY, _FLOAT, _TRUTH = "number", "floating", "truth"

# ufunc: (form, on which kinds, cost)
_UFUNCS: dict[Any, tuple[Callable[..., Register], str, int]] = {
    np.add: (lambda a, b: a + b, _ANY, 1),
    np.subtract: (lambda a, b: a - b, _ANY, 1),
    np.multiply: (lambda a, b: a * b, _ANY, 1),
    np.divide: (lambda a, b: a / b, _FLOAT, 8),
    np.negative: (lambda x: -x, _ANY, 1),
    np.positive: (lambda x: x, _ANY, 1),
    np.square: (lambda x: x * x, _ANY, 1),
    np.reciprocal: (lambda x: 1.0 / x, _FLOAT, 8),
    np.sqrt: (_intrinsic("sqrt"), _FLOAT, 10),
    np.absolute: (_intrinsic("fabs"), _FLOAT, 1),
    np.floor: (_intrinsic("floor"), _FLOAT, 1),
    np.ceil: (_intrinsic("ceil"), _FLOAT, 1),
    np.trunc: (_intrinsic("trunc"), _FLOAT, 1),
    np.rint: (_intrinsic("rint"), _FLOAT, 1),
    np.sign: (_sign, _FLOAT, 3),
    np.maximum: (_maximum, _ANY, 3),
    np.minimum: (_minimum, _ANY, 3),
    np.equal: (_compare("eq"), _ANY, 1),
    np.not_equal: (_compare("ne"), _ANY, 1),
    np.less: (_compare("lt"), _ANY, 1),
    np.less_equal: (_compare("le"), _ANY, 1),
    np.greater: (_compare("gt"), _ANY, 1),
    np.greater_equal: (_compare("ge"), _ANY, 1),
    np.logical_and: (lambda a, b: a.cast(BOOL) & b.cast(BOOL), "any", 1),
    np.logical_or: (lambda a, b: a.cast(BOOL) | b.cast(BOOL), "any", 1),
    np.logical_xor: (lambda a, b: a.cast(BOOL) ^ b.cast(BOOL), "any", 1),
    np.logical_not: (_not, "any", 1),
    np.bitwise_and: (lambda a, b: a & b, _TRUTH, 1),
    np.bitwise_or: (lambda a, b: a | b, _TRUTH, 1),
    np.invert: (_not, _TRUTH, 1),
    np.isnan: (lambda x: x.is_nan(), _FLOAT, 1),
    np.isinf: (lambda x: x.call("fabs").compare("eq", math.inf), _FLOAT, 1),
    np.isfinite: (lambda x: x.call("fabs").compare("lt", math.inf), _FLOAT, 1),
    np.exp: (_own("exp"), _FLOAT, 20),
    np.log: (_own("log"), _FLOAT, 30),
    np.expm1: (_own("expm1"), _FLOAT, 25),
    np.log1p: (_own("log1p"), _FLOAT, 45),
    np.tanh: (_own("tanh"), _FLOAT, 40),
    np.logaddexp: (logaddexp, _FLOAT, 70),
}

# ufunc: the name of the function in C's library
_CALLED = {
    np.sin: "sin", np.cos: "cos", np.tan: "tan", np.arcsin: "asin", np.arccos: "acos", np.arctan: "atan",
    np.sinh: "sinh", np.cosh: "cosh", np.arcsinh: "asinh", np.arccosh: "acosh", np.arctanh: "atanh", np.cbrt: "cbrt",
    np.exp2: "exp2", np.log2: "log2", np.log10: "log10", np.power: "pow", np.arctan2: "atan2", np.hypot: "hypot",
}  # fmt: skip

_POWERS: dict[float, Callable[[Register], Register]] = {
    2: lambda x: x * x, 1: lambda x: x, 0.5: _intrinsic("sqrt"), -1: lambda x: 1.0 / x,
}  # fmt: skip


def _called(name: str) -> Callable[..., Register]:
    def build(*xs: Register) -> Register:
        writer, kind = xs[0].writer, xs[0].kind
        full = name if kind is F64 else f"{name}f"
        if xs[0].width == 1:
            return writer.call(full, xs)
        raise AssertionError(f"{full} is called for one entry at a time")

    return build


def _weak(x: Any) -> Any:
    """The dtype of an input; the type of a Python number, which takes the others' dtype."""
    if isinstance(x, Value) and x.weak:
        return {"f": float, "i": int, "c": complex}.get(x.dtype.kind, x.dtype)
    if isinstance(x, (Value, np.generic)):
        return x.dtype
    return type(x) if type(x) in (int, float, complex) else np.dtype(type(x))


@lru_cache(maxsize=4096)
def _loop(ufunc: Any, dtypes: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The dtypes that the ufunc computes in, for inputs of these, and that of its output."""
    try:
        return tuple(ufunc.resolve_dtypes((*dtypes, None)))
    except (TypeError, ValueError):
        return None


def _ufunc_form(value: Value, ufunc: Any) -> Form | None:
    dtypes = tuple([_weak(i) for i in value.inputs])
    if value.weak:  # numbers of Python's alone
        dtypes = tuple([np.dtype(float) if d in (int, float) else d for d in dtypes])
    loop = _loop(ufunc, dtypes)
    if loop is None:
        return None
    kinds = tuple([kind_of(d) for d in loop])
    if None in kinds or loop[-1] != value.dtype:
        return None
    known: tuple[Kind, ...] = tuple([k for k in kinds if k is not None])
    ins = known[:-1]
    exponent = value.inputs[1] if ufunc is np.power and not isinstance(value.inputs[1], Value) else None
    if exponent in _POWERS and ins[0].floating:
        return Form(lambda x, _: _POWERS[exponent](x), ins, 8)
    if ufunc in _CALLED:
        return Form(_called(_CALLED[ufunc]), ins, 100, True) if all(k.floating for k in ins) else None
    if ufunc not in _UFUNCS:
        return None
    build, on, cost = _UFUNCS[ufunc]
    fits = {
        _ANY: all(k is not BOOL for k in ins),
        _FLOAT: all(k.floating for k in ins),
        _TRUTH: all(k is BOOL for k in ins),
        "any": True,
    }
    if value.weak and ufunc is np.divide:  # an error in Python
        return Form(_checked_quotient, ins, cost, checks=True)
    return Form(build, ins, cost) if fits[on] else None


def _checked_quotient(a: Register, b: Register) -> Register:
    b.writer.check(b.compare("ne", 0))
    return a / b


def _is_pythons(value: Value, inputs: tuple[Any, ...]) -> bool:
    """Whether Python's own operators compute the value from numbers of Python's."""
    if value.op is None or value.shape != () or getattr(value.op.run, "__module__", "") != "_operator":
        return False
    numbers = [i.weak if isinstance(i, Value) else type(i) in (int, float) for i in inputs]
    return all(numbers) and any(isinstance(i, Value) for i in inputs)


def with_own_numbers(program: Program) -> Program:
    """The program with the numbers of Python's that it computes as what they are: double precision, until they meet
    an array and take its dtype."""
    new: dict[Any, Value] = {}

    def of(value: Value) -> Value:
        inputs = tuple([new[i] if isinstance(i, Value) else i for i in value.inputs])
        weak = value.weak or _is_pythons(value, inputs)
        dtype = np.dtype(float) if weak and value.dtype.kind == "f" else value.dtype
        if (
            dtype == value.dtype
            and weak == value.weak
            and all(a is b for a, b in zip(inputs, value.inputs, strict=True))
        ):
            new[value] = value
        else:
            new[value] = Value(value.op, inputs, value.statics, value.shape, dtype, value.source, weak)
        return new[value]

    sources = tuple([of(s) for s in program.sources])
    steps = tuple([tuple([of(value) for value in step]) for step in program.steps])
    outputs = tuple([new[y] if isinstance(y, Value) else y for y in program.outputs])
    writes = tuple([(target, new[y] if isinstance(y, Value) else y) for target, y in program.writes])
    return Program(sources, steps, outputs, writes)


# -- rows that are no ufuncs -----------------------------------------------------------------------------------------


def _relu(x: Register) -> Register:
    return _maximum(x, x.like(0))


def _leaky_relu(slope: float) -> Callable[[Register], Register]:
    return lambda x: _maximum(x, x * slope)


def _named_form(value: Value) -> Form | None:
    name, kind = value.op.name, kind_of(value.dtype)
    if kind is None:
        return None
    if name == "where":
        return Form(select_, (BOOL, kind, kind), 1)
    if name == "class_labels":
        classes = value.keywords["shape"][-1]
        good = not kind.floating and kind is not BOOL
        return Form(lambda labels: _class(labels, classes), (kind,), checks=True) if good else None
    if name == "in_bounds":
        return Form(_bounded, (kind, F64), checks=True) if kind.floating else None
    if name in ("cast", "round_off", "stop_gradient", "contiguous"):
        source = kind_of(_dtype(value.inputs[0]))
        exact = source is not None and (not source.floating or kind.floating or kind is BOOL)
        return Form(lambda x: x.cast(kind), (source,), 1) if source and exact else None
    if name in ("spread", "broadcast_to"):  # a number for each entry; of an array it is a view
        return None if value.operands else Form(lambda x: x, (kind,), 1)
    same = isinstance(value.inputs[0], Value) and value.inputs[0].dtype == value.dtype
    if name == "raised" and len(value.inputs) == 2:
        return _ufunc_form(value, np.power)
    if not same or not kind.floating:
        return None
    if name in ("sigmoid", "softplus"):
        return Form(_own(name), (kind,), 30 if name == "sigmoid" else 70)
    if name == "relu":
        return Form(_relu, (kind,), 2)
    if name == "leaky_relu":
        return Form(_leaky_relu(value.keywords["slope"]), (kind,), 3)
    return None


def select_(c: Register, a: Register, b: Register) -> Register:
    """np.where."""
    return select(c, a, b)


def _dtype(x: Any) -> Any:
    return x.dtype if isinstance(x, (Value, np.generic)) else np.asarray(x).dtype


def _class(labels: Register, classes: int) -> Register:
    labels.writer.check(labels.compare("ge", 0) & labels.compare("lt", classes))
    return labels


def _bounded(x: Register, bound: Register) -> Register:
    wide = x.cast(F64)
    x.writer.check(wide.compare("lt", bound) & wide.compare("gt", -bound))
    return x


_NAMED = (
    "where",
    "cast",
    "round_off",
    "stop_gradient",
    "contiguous",
    "spread",
    "broadcast_to",
    "class_labels",
    "in_bounds",
    "raised",
    "sigmoid",
    "softplus",
    "relu",
    "leaky_relu",
)


def form_of(value: Value) -> Form | None:
    """How an entry of `value` is computed from an entry of each input, natively; None if it is not."""
    op = value.op
    if op.several:
        return None
    if any(i is None for i in value.inputs):
        return None
    if op.is_ufunc and op.elementwise:
        return _ufunc_form(value, op.fprop)
    return _named_form(value) if op.name in _NAMED and OPS.get(op.name) is op else None


__all__ = ["F32", "F64", "Form", "form_of", "kind_of"]
