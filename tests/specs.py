"""One row for each row of the derivative table: on which inputs it is tested, and what its value must equal.

`test_rows.py` asserts that the table is complete and runs every row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.ops.index import Index, split_index
from autograd_lite.testing import DOMAINS

__all__ = ["DOMAINS", "SPECS", "Spec"]

ONE = [((),), ((3,),), ((2, 3),), ((2, 1, 3),), ((0, 3),)]
TWO = [
    ((), ()),
    ((3,), ()),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((2, 3), (2, 3)),
    ((0, 3), (3,)),
    ((1, 1), (2, 2, 1)),
]
NONEMPTY = ONE[1:4]
AXES = [dict(axis=a, keepdims=k) for a in (None, 0, -1, (0, 1)) for k in (False, True)]
AXES2 = [((2, 3),), ((3, 2, 2),), ((1, 4),)]


@dataclass
class Spec:
    """`domains` one for each input, `cases` the shapes of the inputs, `statics` the keyword arguments to try."""

    domains: tuple[str, ...]
    cases: list[tuple[tuple[int, ...], ...]]
    statics: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    order: int = 2
    complex: bool = False  # whether the row is also checked on complex inputs
    value: Callable[..., Any] | None = None  # what the value must equal bit for bit; np.<name> if None
    flat: str = ""  # why there is no gradient to check


def _one(domain: str = "real", **options: Any) -> Spec:
    return Spec((domain,), ONE, **options)


def _two(a: str = "real", b: str = "real", **options: Any) -> Spec:
    return Spec((a, b), TWO, **options)


def _flat(*domains: str, reason: str = "piecewise constant", **options: Any) -> Spec:
    return Spec(domains, ONE if len(domains) == 1 else TWO, flat=reason, **options)


def _reduction(domain: str = "real", statics: list[dict[str, Any]] = AXES, **options: Any) -> Spec:
    return Spec((domain,), AXES2, statics=statics, **options)


def _indexed(*indices: Any) -> list[dict[str, Any]]:
    return [dict(index=split_index(i)[0]) for i in indices]


_ROWS = Index(("array", slice(None)))  # an integer array for the rows of a matrix
_BASIC = _indexed(1, slice(None, None, -1), (Ellipsis, None, 0), (slice(0, 2), 1))

# fmt: off
SPECS: dict[str, Spec] = {
    # Arithmetic
    "add": _two(complex=True), "subtract": _two(complex=True), "multiply": _two(complex=True),
    "divide": _two("real", "nonzero", complex=True),
    "negative": _one(complex=True), "positive": _one(complex=True),
    "remainder": _two("off grid", "above 1"), "floor_divide": _flat("off grid", "above 1"),
    # Powers
    "power": _two("positive", "real"), "raised": _two("positive", "real", value=lambda a, b: a**b), "square": _one(complex=True), "sqrt": _one("positive", complex=True),
    "cbrt": _one("nonzero"), "reciprocal": _one("nonzero", complex=True), "hypot": _two("nonzero", "nonzero"),
    # Exponentials and logarithms
    "exp": _one(complex=True), "exp2": _one(complex=True), "expm1": _one(complex=True), "log": _one("positive", complex=True),
    "log2": _one("positive"), "log10": _one("positive", complex=True), "log1p": _one("positive", complex=True),
    "logaddexp": _two(), "logaddexp2": _two(),
    # Trigonometric and hyperbolic functions
    "sin": _one(complex=True), "cos": _one(complex=True), "tan": _one("angle", complex=True),
    "arcsin": _one("unit"), "arccos": _one("unit"), "arctan": _one(complex=True), "arctan2": _two("nonzero", "nonzero"),
    "sinh": _one(complex=True), "cosh": _one(complex=True), "tanh": _one(complex=True),
    "arcsinh": _one(complex=True), "arccosh": _one("above 1"), "arctanh": _one("unit"),
    # The field's own
    "sigmoid": _one(value=lambda x: 1 / (1 + np.exp(-x))), "softplus": _one(value=lambda x: np.logaddexp(x, 0)),
    "relu": _one("nonzero", value=lambda x: np.maximum(x, 0)),
    "leaky_relu": _one("nonzero", statics=[dict(slope=0.01), dict(slope=0.3)], value=lambda x, slope: np.where(x > 0, x, slope * x)),
    "elu": _one("nonzero", statics=[dict(alpha=1.0), dict(alpha=1.7)], value=lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x))),
    # Choices and parts
    "absolute": _one("nonzero", complex=True), "sign": _flat("nonzero"),
    "maximum": _two("positive", "off grid"), "minimum": _two("positive", "off grid"),
    "where": Spec(("bool", "real", "real"), [((3,), (3,), ()), ((2, 3), (3,), (2, 1)), ((), (), (2,)), ((), (), ())], complex=True),
    "conjugate": _one(complex=True), "real": _one(complex=True), "imag": _one(complex=True),
    "stop_gradient": _flat("real", reason="what it is for", value=lambda x: x),
    # Comparisons, logic, rounding
    "equal": _flat("int", "int"), "not_equal": _flat("int", "int"), "less": _flat("real", "real"),
    "less_equal": _flat("real", "real"), "greater": _flat("real", "real"), "greater_equal": _flat("real", "real"),
    "logical_and": _flat("bool", "bool"), "logical_or": _flat("bool", "bool"), "logical_xor": _flat("bool", "bool"),
    "logical_not": _flat("bool"), "bitwise_and": _flat("bool", "int"), "bitwise_or": _flat("bool", "int"),
    "invert": _flat("bool"), "isnan": _flat("real"), "isinf": _flat("real"), "isfinite": _flat("real"),
    "floor": _flat("off grid"), "ceil": _flat("off grid"), "trunc": _flat("off grid"), "rint": _flat("off grid"),
    # Shapes
    "reshape": Spec(("real",), [((2, 3),), ((6,),)], [dict(shape=(3, 2)), dict(shape=(-1,))], complex=True),
    "transpose": Spec(("real",), [((2, 3, 1),)], [dict(axes=None), dict(axes=(2, 0, 1)), dict(axes=(-1, 0, 1))], complex=True),
    "swapaxes": Spec(("real",), [((2, 3, 1),)], [dict(axis1=0, axis2=-1)], complex=True),
    "expand_dims": Spec(("real",), [((2, 3),), ((3,),)], [dict(axis=0), dict(axis=-1), dict(axis=(0, 2))]),
    "squeeze": Spec(("real",), [((1, 3, 1),)], [dict(axis=None), dict(axis=0), dict(axis=(0, -1))]),
    "contiguous": _one(value=lambda x: x),
    "cast": _one(statics=[dict(dtype=np.dtype("float64"))], value=lambda x, dtype: x.astype(dtype)),
    "round_off": _flat("off grid", statics=[dict(dtype=np.dtype(int))], value=lambda x, dtype: x.astype(dtype)),
    "broadcast_to": Spec(("real",), [((3,),), ((1, 1),), ((),)], [dict(shape=(2, 3)), dict(shape=(4, 1, 3))], complex=True),
    "sum_to": Spec(("real",), [((4, 2, 3),)], [dict(shape=(3,)), dict(shape=(2, 1)), dict(shape=()), dict(shape=(1, 1, 1))], value=lambda x, shape: _sum_to(x, shape)),
    "concatenate": Spec(("real", "real", "real"), [((2, 3), (1, 3), (0, 3))], [dict(axis=0), dict(axis=-2)], complex=True, value=lambda *xs, axis: np.concatenate(xs, axis)),
    "stack": Spec(("real", "real"), [((2, 3), (2, 3))], [dict(axis=0), dict(axis=-1)], complex=True, value=lambda *xs, axis: np.stack(xs, axis)),
    "getitem": Spec(("real",), [((3, 2),), ((4, 3),)], _BASIC, complex=True, value=lambda x, index: x[index.parts]),
    "scatter": Spec(("real", "label"), [((4, 2), (4,))], [dict(index=_ROWS, shape=(3, 2))], value=lambda x, rows, index, shape: _scatter(x, rows, shape)),
    "assemble": Spec(("real", "real"), [((3,), (2, 2))], [dict(indices=(Index((0,)), Index((slice(1, 3), slice(1, None)))), shape=(4, 3))], value=lambda row, corner, indices, shape: _assemble(row, corner, shape)),
    "setitem": Spec(("real", "real", "label"), [((3, 2), (4, 2), (4,)), ((3, 2), (2,), (4,)), ((3, 2), (), (2,))], [dict(index=_ROWS)], value=lambda x, v, rows, index: _setitem(x, v, rows)),
    "additem": Spec(("real", "real", "label"), [((3, 2), (4, 2), (4,)), ((3, 2), (2,), (4,)), ((3, 2), (), (2,))], [dict(index=_ROWS)], value=lambda x, v, rows, index: _additem(x, v, rows)),
    "last_written": Spec(("label",), [((4,),)], [dict(index=_ROWS, shape=(3, 2))], flat="a mask", value=lambda rows, index, shape: np.repeat([[r not in rows[k + 1 :]] for k, r in enumerate(rows)], 2, 1)),
    # Reductions
    "sum": _reduction(complex=True), "mean": _reduction(complex=True), "prod": _reduction(complex=True),
    "var": _reduction(statics=[*AXES, dict(ddof=1)]), "std": _reduction("distinct", statics=[dict(axis=None), dict(axis=(0, 1), keepdims=True), dict(ddof=1)]),
    "max": _reduction("distinct"), "min": _reduction("distinct"),
    "argmax": Spec(("distinct",), AXES2, [dict(axis=0), dict(axis=None)], flat="an index"),
    "argmin": Spec(("distinct",), AXES2, [dict(axis=0), dict(axis=None)], flat="an index"),
    "all": Spec(("bool",), AXES2, AXES, flat="a boolean"), "any": Spec(("bool",), AXES2, AXES, flat="a boolean"),
    "logsumexp": _reduction(value=lambda x, axis, keepdims: np.log(np.sum(np.exp(x - np.max(x, axis, keepdims=True)), axis, keepdims=keepdims)) + np.max(x, axis, keepdims=keepdims)),
    "cumsum": Spec(("real",), AXES2, [dict(axis=None), dict(axis=0), dict(axis=-1)], complex=True),
    "masked_sum": Spec(("real", "real", "bool"), [((2, 3), (), (2, 3)), ((3, 2, 2), (), (2,))], AXES, complex=True, value=lambda x, initial, where, **statics: np.sum(x, initial=initial, where=where, **statics)),
    "masked_prod": Spec(("real", "real", "bool"), [((2, 3), (), (2, 3)), ((3, 2, 2), (), (2,))], AXES, complex=True, value=lambda x, initial, where, **statics: np.prod(x, initial=initial, where=where, **statics)),
    "spread": Spec(("real",), [((2,),)], [dict(shape=(2, 3), axis=1), dict(shape=(3, 2), axis=0)], value=lambda x, shape, axis: np.broadcast_to(np.expand_dims(x, axis), shape)),
    # Products and networks
    "matmul": Spec(("real", "real"), [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((5, 1, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3))], complex=True),
    "dot_stacks": Spec(("real", "real"), [((2, 3, 4), (4, 2)), ((2, 3), (2, 3, 4)), ((2, 2, 3), (2, 3, 1)), ((3,), (2, 3, 2)), ((2, 1, 3), (3,))], complex=True, value=np.dot),
    "affine": Spec(("real", "real", "real"), [((3,), (2, 3), (2,)), ((4, 3), (2, 3), (2,)), ((5, 4, 3), (2, 3), (2,)), ((0, 3), (2, 3), (2,))], value=lambda x, W, b: x @ W.T + b),
    "softmax": Spec(("real",), NONEMPTY, [dict(axis=-1), dict(axis=0)], value=lambda x, axis: np.exp(x - x.max(axis, keepdims=True)) / np.exp(x - x.max(axis, keepdims=True)).sum(axis, keepdims=True)),
    "log_softmax": Spec(("real",), NONEMPTY, [dict(axis=-1), dict(axis=0)], value=lambda x, axis: (x - x.max(axis, keepdims=True)) - np.log(np.exp(x - x.max(axis, keepdims=True)).sum(axis, keepdims=True))),
    "in_bounds": Spec(("unit", "above 1"), [((), ())], [{}], flat="what it is", value=lambda x, bound: x),
    "class_labels": Spec(("label",), [((4,),)], [dict(shape=(4, 3))], flat="integers", value=lambda labels, shape: labels),
    "one_hot": Spec(("label",), [((4,),), ((2, 3),)], [dict(classes=3)], flat="a mask", value=lambda labels, classes: np.eye(classes, dtype=bool)[labels]),
    "dropout_mask": Spec(("real", "int"), [((), ()), ((2, 3), ()), ((0, 3), ())], [dict(p=0.25)], flat="drawn at random", value=lambda x, rng, p: (np.random.default_rng(rng).random(x.shape) >= p) / (1 - p)),
    "mean_cross_entropy": Spec(("real", "label"), [((4, 3), (4,)), ((2, 2, 3), (2, 2)), ((3,), ())], value=lambda z, labels: _cross_entropy(z, labels).mean()),
    "softmax_cross_entropy": Spec(("real", "label"), [((4, 3), (4,)), ((2, 2, 3), (2, 2)), ((3,), ())], value=lambda z, labels: _cross_entropy(z, labels)),
}
# fmt: on


def _sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    x = x.sum(tuple(range(x.ndim - len(shape)))) if x.ndim > len(shape) else x
    copied = tuple(k for k, n in enumerate(shape) if n == 1 and x.shape[k] != 1)
    return x.sum(copied, keepdims=True) if copied else x


def _scatter(x: Any, rows: Any, shape: tuple[int, ...]) -> Any:
    y = np.zeros(shape)
    for k, row in enumerate(rows):
        y[row] += x[k]
    return y


def _assemble(row: Any, corner: Any, shape: tuple[int, ...]) -> Any:
    y = np.zeros(shape)
    y[0], y[1:3, 1:] = row, corner
    return y


def _setitem(x: Any, v: Any, rows: Any) -> Any:
    y = x.copy()
    y[rows] = v
    return y


def _additem(x: Any, v: Any, rows: Any) -> Any:
    y = x.copy()
    np.add.at(y, rows, v)
    return y


def _cross_entropy(z: Any, labels: Any) -> Any:
    z = z - z.max(-1, keepdims=True)
    picked = np.take_along_axis(z, np.expand_dims(labels, -1), -1)[..., 0]
    return np.log(np.exp(z).sum(-1)) - picked
