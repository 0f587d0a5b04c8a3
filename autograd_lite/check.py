"""Floor 6: gradients held against central differences along random directions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .errors import ArgumentError, GradientError
from .finite_differences import How, Line, compare, plain, random_like, scale_of, sides
from .flow import Box, Graph
from .node import Node, no_grad
from .op import Op
from .ops.elementwise import real
from .ops.reduce import sum
from .ops.shape import mT
from .several import SEVERAL, Cotangents
from .tensor import Tensor, constant_tensor, owned_copy
from .transforms import jvp, value_and_grad
from .tree import leaves, map_leaves


def check_grads(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    rtol: float | None = None,
    atol: float | None = None,
    eps: float | None = None,
    rng: np.random.Generator | None = None,
    modes: Sequence[str] = ("rev",),
) -> None:
    """Compare the derivatives of `f` at `args`, up to `order`, with central differences.

    With a random cotangent v and a random direction u, <v, J u> from the backward pass must equal
    (h(x + eps u) - h(x - eps u)) / (2 eps) for h = <v, f>; order 2 asks the same of the gradient of h along u. Where
    they differ, other steps are tried, and Richardson's extrapolation of the best of them decides.

    Parameters
    ----------
    f: any function of arrays (or nested containers of them) that returns arrays, or containers of them.
    args: float or complex numbers, arrays or Tensors, away from kinks. u has the scale of each argument, so that all
        may be as small as 1e-6 or as large as 1e6.
    order: 1 or more.
    rtol, atol, eps: by default from the coarsest dtype among args and results. With machine epsilon e, eps = e^(1/3),
        which balances truncation and rounding at about e^(2/3), and rtol = atol = e^0.4 leaves room for curvature.
    modes: "rev" for the backward pass, "fwd" for `jvp`, or both; then they must also equal each other, closely.

    Raises
    ------
    GradientError (an AssertionError), naming the worst entry, both values, the mode where it is not the backward pass
    alone, and the op if one op alone is wrong; at a kink, where the differences from the left and from the right
    disagree and the gradient lies between them, it says so instead.

    Warns
    -----
    UserWarning, where rounding in a coarse dtype may hide an error as large as the derivative's tolerance.

    >>> import autograd_lite as ag
    >>> import numpy as np
    >>> ag.check_grads(lambda x: ag.sum(ag.tanh(x) ** 2), np.array([0.3, -0.7]), modes=("fwd", "rev"))
    >>> wrong = ag.Op(lambda x: x * x, name="wrong", x=lambda g, x: g * x)
    >>> ag.check_grads(wrong, 1.5)
    Traceback (most recent call last):
        ...
    autograd_lite.errors.GradientError: order 1: argument 0: the gradient is 1.5, central differences give 3 (op wrong)
    """
    if not modes or not set(modes) <= {"fwd", "rev"}:
        raise ArgumentError(f'check_grads: modes={modes!r}; it is a tuple of "fwd" and "rev"')
    rng = np.random.default_rng(0) if rng is None else rng
    values = map_leaves(_inexact, list(args))
    how = How(_precision(leaves(values)), rng, modes, (eps, rtol, atol))
    failure, doubt = _first_failure(f, values, order, how)
    if failure:
        where = f"order {failure.order}{'' if tuple(modes) == ('rev',) else _MODES[failure.mode]}"
        entry, kink = _worst_entry(failure, values)
        raise GradientError(f"{where}: {entry}{'' if kink else _wrong_op(f, values, order, how)}")
    if doubt:
        warnings.warn(f"check_grads: {doubt}", UserWarning, stacklevel=2)


_MODES = {"rev": ", reverse mode", "fwd": ", forward mode", "both": ""}


class _Failure(NamedTuple):
    """Where the derivative of `h`, a scalar function, differs from its central difference."""

    order: int
    mode: str  # "both" where forward and reverse mode differ from each other
    h: Callable[..., Any]
    derivative: Callable[[Any], float]  # along a direction
    text: str
    mass: float
    how: How


def _first_failure(f: Callable[..., Any], values: Any, order: int, how: How) -> tuple[_Failure | None, str]:
    """The lowest order at which f's derivatives are wrong, or else what makes that doubtful, if anything does."""
    h, mass, precision = _contracted(f, values, how)
    how = how._replace(precision=max(how.precision, precision))
    pushed, doubt = h, ""
    scales = [scale_of(x) for x in leaves(values)]
    relative = any(s != 1.0 for s in scales)
    for k in range(1, order + 1):
        direction = _direction(values, scales, how.rng)
        along, size, found = 0.0, mass, {}
        if "rev" in how.modes:
            along, size, gradient = _gradient_along(h, values, direction)
            found["rev"] = along
        if "fwd" in how.modes:
            found["fwd"] = _pushed_along(pushed, values, direction)
            size = max(size, abs(found["fwd"])) if "rev" in how.modes else abs(found["fwd"])
        line = Line(h if "rev" in how.modes else pushed, values, direction, mass)
        for mode, derivative in found.items():
            result = compare(line, derivative, size, how, relative)
            if not result.holds:
                at = partial(_at_nonzero, gradient) if mode == "rev" else partial(_pushed_along, pushed, values)
                text = (
                    f"along a random direction the {_WORDS[mode]} gives {derivative:.6g}, central differences"
                    f" {result.numeric:.6g}"
                )
                return _Failure(k, mode, line.h, at, text, mass, how), ""
            if result.blind and not doubt:
                if relative:  # the argument may be zero but for rounding: steps of ordinary length see more
                    plainly = _direction(values, [1.0] * len(scales), how.rng)
                    along, size, _ = _gradient_along(line.h, values, plainly)
                    result = compare(line._replace(direction=plainly), along, size, how, False)
                if result.blind:
                    doubt = (
                        f"at order {k} rounding (to 1 in {1 / how.precision:.0e}) may move the differences by"
                        f" {result.rounding:.1g}, and the derivative's size is {size:.1g}; they say little about it,"
                        " so use float64 or a function with smaller values"
                    )
        if len(found) == 2 and not abs(found["fwd"] - found["rev"]) <= 100 * how.precision**0.75 * max(size, mass):
            text = f"forward mode gives {found['fwd']:.12g} along a direction, reverse mode {found['rev']:.12g}"
            return _Failure(k, "both", h, partial(_pushed_along, pushed, values), text, mass, how), ""
        h, mass = _directional(h, direction), size
        pushed = _pushed(pushed, direction) if "fwd" in how.modes else pushed
    return None, doubt


_WORDS = {"rev": "gradient", "fwd": "tangent"}


def _inexact(x: Any) -> Any:
    value = owned_copy(x._data if isinstance(x, Tensor) else x, None)
    if value.dtype.kind not in "fc":
        raise ArgumentError(f"check_grads: an argument of dtype {value.dtype}; convert it to float")
    return value


def _precision(arrays: Iterable[Any]) -> float:
    return max((float(np.finfo(x.dtype).eps) for x in arrays if x.dtype.kind in "fc"), default=2.2e-16)


def _direction(values: Any, scales: list[float], rng: np.random.Generator) -> Any:
    each = iter(scales)

    def scaled(x: Any) -> Any:
        u, scale = random_like(x, rng), next(each)
        return u if scale == 1.0 else (u * scale).astype(x.dtype)

    return map_leaves(scaled, values)


def _in_form_of(values: Any, each: Iterator[Any]) -> Any:
    return map_leaves(lambda _: next(each), values)


def _contracted(
    f: Callable[..., Any], values: Any, how: How, given: Sequence[Any] | None = None
) -> tuple[Callable[..., Any], float, float]:
    """h = Re <v, f> with a cotangent v for every array that f returns, random unless `given`; the size of its terms;
    their epsilon."""
    with no_grad():
        outputs = list(leaves(f(*map_leaves(constant_tensor, values))))
    if not outputs:
        raise ArgumentError("check_grads: the function returned nothing")
    shaped = [y._data if isinstance(y, Tensor) else np.asarray(y) * 1.0 for y in outputs]
    scalar = len(shaped) == 1 and shaped[0].shape == () and shaped[0].dtype.kind == "f"
    cotangents = given or ([1.0] if scalar else [random_like(y, how.rng) for y in shaped])
    mass = float(np.sum([np.sum(np.abs(v * y)) for v, y in zip(cotangents, shaped, strict=True)]))

    def h(*args: Any) -> Any:
        terms = [real(sum(v * y)) for v, y in zip(cotangents, leaves(f(*args)), strict=True)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    return h, mass, _precision(shaped)


def _directional(h: Callable[..., Any], direction: Any) -> Callable[..., Any]:
    """The derivative of h along `direction`, Re sum(grad h * u), as a function of the same arguments."""

    def along(*args: Any) -> Any:
        _, gradient = value_and_grad(h, tuple(range(len(args))))(*args)
        total: Any = 0.0
        for g, u in zip(leaves(list(gradient)), leaves(direction), strict=True):
            total = total + real(sum(g * u))
        return total

    return along


def _pushed(h: Callable[..., Any], direction: Any) -> Callable[..., Any]:
    """The same, by forward mode."""
    return lambda *args: jvp(h, args, direction)[1]


def _gradient_along(h: Callable[..., Any], values: Any, direction: Any) -> tuple[float, float, list[Any]]:
    """The derivative of h along `direction` by backpropagation, the size of its terms, and the whole gradient."""
    _, gradient = value_and_grad(h, tuple(range(len(values))))(*values)
    flat = [plain(g) for g in leaves(list(gradient))]
    return *_pair(flat, leaves(direction)), flat


def _pair(gradient: list[Any], direction: Iterable[Any]) -> tuple[float, float]:
    """Re sum(g * u), and the size of its terms."""
    products = [(g * u).real for g, u in zip(gradient, direction, strict=True)]
    return float(np.sum([np.sum(p) for p in products])), float(np.sum([np.sum(np.abs(p)) for p in products]))


def _at_nonzero(gradient: list[Any], direction: Any) -> float:
    """Re sum(g * u) over the entries where u is not zero: an infinite gradient elsewhere does not matter."""
    pairs = zip(gradient, leaves(direction), strict=True)
    return float(np.sum([np.sum((g * u).real[u != 0]) for g, u in pairs if np.any(u)]))


def _pushed_along(h: Callable[..., Any], values: Any, direction: Any) -> float:
    return float(plain(jvp(h, values, direction)[1]).real)


def _worst_entry(failure: _Failure, values: Any) -> tuple[str, bool]:
    """Which entry of which argument has the worst derivative, with both values, and whether there is a kink."""
    flat, how = list(leaves(values)), failure.how
    worst, text, kink = 0.0, failure.text, False
    for k, x in enumerate(flat if failure.mode != "both" else []):
        scale = scale_of(x)
        for index in np.ndindex(x.shape):
            for unit in (1, 1j) if x.dtype.kind == "c" else (1,):
                each = iter([np.zeros(z.shape, z.dtype) for z in flat])
                direction = _in_form_of(values, each)
                list(leaves(direction))[k][index] = unit * scale
                line = Line(failure.h, values, direction, failure.mass)
                analytic = failure.derivative(direction)
                result = compare(line, analytic, abs(analytic), how, scale != 1.0)
                error = abs(analytic - result.numeric) / (scale + abs(result.numeric))
                if result.holds or error <= worst:  # NaN is worst of all
                    continue
                worst, between = error, sides(line, analytic, how)
                entry, slope = f"[{', '.join(map(str, index))}]" if index else "", analytic / scale
                text, kink = f"argument {k}{entry}: ", between is not None
                if between:
                    text += (
                        f"f is not differentiable there, it has a kink: differences give {between[0] / scale:.6g} from"
                        f" the left and {between[1] / scale:.6g} from the right, the {_WORDS[failure.mode]} is"
                        f" {slope:.6g}; check at another point"
                    )
                else:
                    numeric = result.numeric / scale
                    text += f"the {_WORDS[failure.mode]} is {slope:.6g}, central differences give {numeric:.6g}"
    return text, kink


def _wrong_op(f: Any, values: Any, order: int, how: How) -> str:
    """The first op of f's graph that fails the same check alone, if one does. Those with several outputs are passed
    by: a random gradient of eigenvectors, say, makes no sense."""
    traced = map_leaves(lambda x: Tensor(x, requires_grad=True), values)
    for y in leaves(f(*traced)):
        if isinstance(y, Tensor) and y.node is not None:
            for box in Graph(y):
                op, kinds = box.op, [getattr(i, "dtype", None) for i in (box.node, *box.node.inputs)]
                if op is None or not box.node.requires_grad or SEVERAL in kinds:
                    continue
                if _first_failure(*_alone(box, op), order, how)[0] is not None:
                    return f" (op {op.name})"
    return ""


def _alone(box: Box, op: Op) -> tuple[Callable[..., Any], list[Any]]:
    """The op of a box as a function of the inputs that want a gradient, and their values."""
    values = [i.value if isinstance(i, Box) else i for i in box.inputs]
    statics = dict(zip(op.statics, box.node.statics, strict=True))
    mirrored = op.mirrored if statics.get("hermitian", True) else ()
    live = [k for k, i in enumerate(box.node.inputs) if isinstance(i, Node) and i.requires_grad]

    def alone(*moving: Any) -> Any:
        inputs = list(values)
        for k, x in zip(live, moving, strict=True):
            inputs[k] = (x + mT(x).conj()) / 2 if op.input_name(k) in mirrored else x
        return op(*inputs, **statics)

    return alone, [values[k] for k in live]


class BoxCheck(NamedTuple):
    """How a box's bprop compares with central differences: the relative error along a random direction, whether it
    is small enough, and whether there is a kink or a jump, where no gradient can agree."""

    error: float
    holds: bool
    kink: bool


def check_box(box: Box, gradient: Any = None, rng: np.random.Generator | None = None) -> BoxCheck | None:
    """Hold the gradients that one box's formulas give, at the values it has now, against central differences.

    Its own `gradient` is a random one but where the op has several outputs: these may be defined up to a phase only,
    as eigenvectors are, and then not every gradient makes sense. There it is the one given.

    None where there is nothing to compare: a leaf, an op that no gradient passes, one with an effect, the parts of
    an op with several outputs, several outputs that no gradient was given of, and values that are not finite.
    """
    op, node = box.op, box.node
    if op is None or op.effect or not node.requires_grad:
        return None
    if op.several and gradient is None:
        return None
    f, values = _alone(box, op)
    if not values or not all(isinstance(x, (np.ndarray, np.generic)) and np.isfinite(x).all() for x in values):
        return None
    rng = np.random.default_rng(0) if rng is None else rng
    how = How(_precision(values), rng, ("rev",), (None, None, None))
    with np.errstate(all="ignore"):
        given = gradient.with_zeros() if isinstance(gradient, Cotangents) else None
        h, mass, precision = _contracted(f, values, how, given)
        how = how._replace(precision=max(how.precision, precision))
        scales = [scale_of(x) for x in values]
        direction = _direction(values, scales, rng)
        along, size, _ = _gradient_along(h, values, direction)
        line = Line(h, values, direction, mass)
        result = compare(line, along, size, how, any(s != 1.0 for s in scales))
        error = abs(along - result.numeric) / max(abs(along), abs(result.numeric), np.finfo(float).tiny)
        kink = not result.holds and sides(line, along, how) is not None
    return BoxCheck(error, result.holds, kink)
