"""Floor 6: gradients held against central differences along random directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .errors import ArgumentError, GradientError
from .flow import Box, Graph
from .node import Node, no_grad
from .op import Op
from .ops.elementwise import real
from .ops.reduce import sum
from .tensor import Tensor, constant_tensor, owned_copy
from .transforms import value_and_grad
from .tree import leaves, map_leaves


def check_grads(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    rtol: float | None = None,
    atol: float | None = None,
    eps: float | None = None,
    rng: np.random.Generator | None = None,
) -> None:
    """Compare the derivatives of `f` at `args`, up to `order`, with central differences.

    With a random cotangent v and a random direction u, <v, J u> from the backward pass must equal
    (h(x + eps u) - h(x - eps u)) / (2 eps) for h = <v, f>; order 2 asks the same of the gradient of h along u.

    Parameters
    ----------
    f: any function of arrays (or nested containers of them) that returns arrays, or containers of them.
    args: float or complex numbers, arrays or Tensors, away from kinks by more than `eps` times their scale.
    order: 1 or more.
    rtol, atol, eps: by default from the coarsest dtype among args. With machine epsilon e, eps = e^(1/3), which
        balances truncation and rounding at about e^(2/3), and rtol = atol = e^0.4 leaves room for curvature.

    Raises
    ------
    GradientError (an AssertionError), naming the worst entry, both values, and the op if one op alone is wrong.

    >>> import autograd_lite as ag
    >>> import numpy as np
    >>> ag.check_grads(lambda x: ag.sum(ag.tanh(x) ** 2), np.array([0.3, -0.7]))
    >>> wrong = ag.Op(lambda x: x * x, name="wrong", x=lambda g, x: g * x)
    >>> ag.check_grads(wrong, 1.5)
    Traceback (most recent call last):
        ...
    autograd_lite.errors.GradientError: order 1: argument 0: the gradient is 1.5, central differences give 3 (op wrong)
    """
    rng = np.random.default_rng(0) if rng is None else rng
    values = map_leaves(_inexact, list(args))
    precision = max((float(np.finfo(x.dtype).eps) for x in leaves(values)), default=2.2e-16)
    how = _How(
        step=precision ** (1 / 3) if eps is None else eps,
        rtol=precision**0.4 if rtol is None else rtol,
        atol=precision**0.4 if atol is None else atol,
        rng=rng,
    )
    failure = _first_failure(f, values, order, how)
    if failure:
        entry = _worst_entry(failure, values, how)
        raise GradientError(f"order {failure.order}: {entry}{_wrong_op(f, values, order, how)}")


class _How(NamedTuple):
    """How to compare: the step of the differences and what counts as equal."""

    step: float
    rtol: float
    atol: float
    rng: np.random.Generator

    def equal(self, a: float, b: float, scale: float) -> bool:
        return bool(np.isfinite(a) and abs(a - b) <= self.atol + self.rtol * max(abs(a), abs(b), scale))


class _Failure(NamedTuple):
    """Where the gradient of `h`, a scalar function, differs from its central difference."""

    order: int
    h: Callable[..., Any]
    gradient: list[Any]
    along: float
    numeric: float


def _first_failure(f: Callable[..., Any], values: Any, order: int, how: _How) -> _Failure | None:
    h = _contracted(f, values, how.rng)
    for k in range(1, order + 1):
        direction = map_leaves(lambda x: _random_like(x, how.rng), values)
        along, gradient = _gradient_along(h, values, direction)
        numeric, scale = _central_difference(h, values, direction, how.step)
        if not how.equal(along, numeric, scale):
            return _Failure(k, h, gradient, along, numeric)
        h = _directional(h, direction)
    return None


def _inexact(x: Any) -> Any:
    value = owned_copy(x._data if isinstance(x, Tensor) else x, None)
    if value.dtype.kind not in "fc":
        raise ArgumentError(f"check_grads: an argument of dtype {value.dtype}; convert it to float")
    return value


def _random_like(x: Any, rng: np.random.Generator) -> Any:
    u = rng.standard_normal(x.shape)
    u = u + 1j * rng.standard_normal(x.shape) if x.dtype.kind == "c" else u
    return np.asarray(u).astype(x.dtype)[()]


def _contracted(f: Callable[..., Any], values: Any, rng: np.random.Generator) -> Callable[..., Any]:
    """h = Re <v, f> with a random cotangent v for every array that f returns."""
    with no_grad():
        outputs = list(leaves(f(*map_leaves(constant_tensor, values))))
    if not outputs:
        raise ArgumentError("check_grads: the function returned nothing")
    shaped = [y._data if isinstance(y, Tensor) else np.asarray(y) * 1.0 for y in outputs]
    scalar = len(shaped) == 1 and shaped[0].shape == () and shaped[0].dtype.kind == "f"
    cotangents = [1.0] if scalar else [_random_like(y, rng) for y in shaped]

    def h(*args: Any) -> Any:
        terms = [real(sum(v * y)) for v, y in zip(cotangents, leaves(f(*args)), strict=True)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    return h


def _directional(h: Callable[..., Any], direction: Any) -> Callable[..., Any]:
    """The derivative of h along `direction`, Re sum(grad h * u), as a function of the same arguments."""

    def along(*args: Any) -> Any:
        _, gradient = value_and_grad(h, tuple(range(len(args))))(*args)
        total: Any = 0.0
        for g, u in zip(leaves(list(gradient)), leaves(direction), strict=True):
            total = total + real(sum(g * u))
        return total

    return along


def _gradient_along(h: Callable[..., Any], values: Any, direction: Any) -> tuple[float, list[Any]]:
    """The derivative of h along `direction` by backpropagation, and the whole gradient."""
    _, gradient = value_and_grad(h, tuple(range(len(values))))(*values)
    flat = [_plain(g) for g in leaves(list(gradient))]
    return float(np.sum([np.sum(g * u).real for g, u in zip(flat, leaves(direction), strict=True)])), flat


def _central_difference(h: Callable[..., Any], values: Any, direction: Any, step: float) -> tuple[float, float]:
    """(h(x + eps u) - h(x - eps u)) / (2 eps), and the size of what was subtracted."""
    forward, backward = _at(h, values, direction, step), _at(h, values, direction, -step)
    return (forward - backward) / (2 * step), max(abs(forward), abs(backward))


def _at(h: Callable[..., Any], values: Any, direction: Any, step: float) -> float:
    us = leaves(direction)
    moved = map_leaves(lambda x: constant_tensor((x + next(us) * step).astype(x.dtype)), values)
    with no_grad():
        return float(_plain(h(*moved)).real)


def _plain(y: Any) -> Any:
    return y._data if isinstance(y, Tensor) else np.asarray(y)


def _worst_entry(failure: _Failure, values: Any, how: _How) -> str:
    """Which entry of which argument has the worst derivative, with both values."""
    flat = list(leaves(values))
    worst, text = (
        0.0,
        (f"along a random direction the gradient gives {failure.along:.6g}, central differences {failure.numeric:.6g}"),
    )
    for k, (x, g) in enumerate(zip(flat, failure.gradient, strict=True)):
        for index in np.ndindex(x.shape):
            for unit in (1, 1j) if x.dtype.kind == "c" else (1,):
                directions = [np.zeros(z.shape, z.dtype) for z in flat]
                directions[k][index] = unit
                numeric, scale = _central_difference(failure.h, values, directions, how.step)
                analytic = float((g[index] * unit).real)
                error = abs(analytic - numeric) / (1 + abs(numeric))
                if not how.equal(analytic, numeric, scale) and not error <= worst:  # NaN is worst of all
                    worst, entry = error, f"[{', '.join(map(str, index))}]" if index else ""
                    text = (
                        f"argument {k}{entry}: the gradient is {analytic:.6g}, central differences give {numeric:.6g}"
                    )
    return text


def _wrong_op(f: Any, values: Any, order: int, how: _How) -> str:
    """The first op of f's graph that fails the same check alone, if one does."""
    traced = map_leaves(lambda x: Tensor(x, requires_grad=True), values)
    for y in leaves(f(*traced)):
        if isinstance(y, Tensor) and y.node is not None:
            for box in Graph(y):
                if box.op is not None and box.node.requires_grad and _fails_alone(box, box.op, order, how):
                    return f" (op {box.op.name})"
    return ""


def _fails_alone(box: Box, op: Op, order: int, how: _How) -> bool:
    values = [i.value if isinstance(i, Box) else i for i in box.inputs]
    live = [k for k, i in enumerate(box.node.inputs) if isinstance(i, Node) and i.requires_grad]

    def alone(*moving: Any) -> Any:
        inputs = list(values)
        for k, x in zip(live, moving, strict=True):
            inputs[k] = x
        return op(*inputs, **dict(zip(op.statics, box.node.statics, strict=True)))

    return _first_failure(alone, [values[k] for k in live], order, how) is not None
