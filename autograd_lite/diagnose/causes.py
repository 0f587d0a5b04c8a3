"""Why an op gives a NaN or an infinity: from the floating-point flags that it raises, and from the numbers it gets.

No op is known by its name: NumPy says whether it divided by zero, overflowed or left a function's domain.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..op import Op
from ..several import Cotangents

OVERFLOW, DIVISION, LOGARITHM = "overflow", "division by zero", "logarithm of zero"
PRODUCT, DIFFERENCE, DOMAIN = "0 x inf", "inf - inf", "outside the domain"
TRAP, INPUT = "where trap", "non-finite input"

ADVICE = {
    OVERFLOW: "scale the values down, or use a form that takes logarithms (logsumexp, log_softmax, logaddexp)",
    DIVISION: "keep the divisor away from zero, or treat zero apart",
    LOGARITHM: "keep the argument away from zero, or use a form that needs no logarithm of it (log_softmax, xlogy)",
    PRODUCT: "a zero met an infinity, a value or a local derivative; keep the input away from where that is infinite",
    DIFFERENCE: "find where the infinities come from; a mask of -inf must leave one entry at least",
    DOMAIN: "the function is not defined there; keep the input inside its domain",
    TRAP: "both branches are computed, and a gradient of 0 times an infinite derivative is NaN; make the branch safe"
    " before it is computed: f(np.where(mask, x, 1.0)) in the place of f(x)",
    INPUT: "it came in from outside; look at the data, or at the update that made it",
}


@contextmanager
def quiet() -> Iterator[None]:
    """Context manager inside which NumPy warns of nothing."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def parts_of(value: Any) -> list[Any]:
    """The arrays of a value, or of a gradient, which is several of an op with several outputs."""
    if isinstance(value, Cotangents):
        return list(value.parts.values())
    return list(value) if isinstance(value, (tuple, list)) else [value]


def finite(value: Any) -> bool:
    """Whether no entry is NaN or infinite."""
    if type(value) is np.float64:
        return math.isfinite(value)
    return all(bool(np.isfinite(part).all()) for part in parts_of(value) if _inexact(part))


def _inexact(value: Any) -> bool:
    return getattr(value, "dtype", np.dtype(type(value) if isinstance(value, (float, complex)) else bool)).kind in "fc"


def flags(run: Callable[[], Any]) -> set[str]:
    """What NumPy would warn of: "divide by zero", "overflow", "invalid value"."""
    raised: set[str] = set()
    with warnings.catch_warnings(), np.errstate(all="call", under="ignore", call=lambda kind, _: raised.add(kind)):
        warnings.simplefilter("ignore", RuntimeWarning)
        run()
    return raised


def forward_cause(op: Op, inputs: list[Any], statics: dict[str, Any], result: Any) -> str:
    """Why `op` of these inputs gives `result`: scalars, the values at one entry, if the op is element-wise."""
    flat = [np.asarray(x) for x in inputs if x is not None and _is_numeric(x)]
    infinite = any(not np.isfinite(x).all() for x in flat)
    undefined = any(bool(np.isnan(x).any()) for x in flat)
    is_nan = any(bool(np.isnan(part).any()) for part in parts_of(result))
    if undefined or (infinite and not is_nan):
        return INPUT
    if infinite:
        return _of_infinities(op, flat)
    raised = flags(lambda: op.run(*inputs, **statics))
    if is_nan:
        if "overflow" in raised:
            return OVERFLOW
        zeros = [x.ndim == 0 and x == 0 for x in flat]
        return DIVISION if len(flat) > 1 and any(zeros) else DOMAIN
    if "overflow" in raised or ("divide by zero" not in raised and _huge(flat)):
        return OVERFLOW
    return LOGARITHM if op.elementwise and _grows_slowly(op, inputs, statics) else DIVISION


def _of_infinities(op: Op, inputs: list[Any]) -> str:
    """What makes a NaN of infinities: 0 x inf in products, inf - inf in sums, or a function that has no limit."""
    if op.multilinear or (op.elementwise and any(bool((x == 0).any()) for x in inputs)):
        return PRODUCT
    if op.elementwise and len(inputs) == 1:
        return DOMAIN
    return DIFFERENCE if op.symbol in (None, "-", "+") else f"inf {op.symbol} inf"


def _is_numeric(x: Any) -> bool:
    return np.asarray(x).dtype.kind in "biufc"


def _huge(inputs: list[Any]) -> bool:
    """Whether inputs are so large that their square overflows, or the op has no pole in sight."""
    sizes = [(float(np.max(np.abs(x))), x.dtype) for x in inputs if x.size and x.dtype.kind in "fc"]
    return any(size > math.sqrt(float(np.finfo(dtype).max)) for size, dtype in sizes)


def _grows_slowly(op: Op, inputs: list[Any], statics: dict[str, Any]) -> bool:
    """Whether the op's values beside a pole are of a logarithm's size: log(1e-308) is -708, 1 / 1e-308 is 1e308."""
    for k, x in enumerate(inputs):
        if not _inexact(x):
            continue
        for direction in (-np.inf, np.inf):
            beside = list(inputs)
            dtype = np.asarray(x).real.dtype
            tiny = np.finfo(dtype).tiny * np.sign(direction)
            beside[k] = dtype.type(tiny) if x == 0 else np.nextafter(np.real(x), dtype.type(direction))
            with quiet():
                y = op.run(*beside, **statics)
            if finite(np.asarray(y)):
                return float(np.abs(y)) < 1000
    return False


def backward_cause(bprop: Callable[[], Any], g: Any, saved: list[Any], d: Any, masked: bool) -> str:
    """Why a formula makes `d`, an entry that is not finite, of the gradient `g` there and of saved values."""
    if g is not None and g == 0:
        return TRAP if masked else PRODUCT
    raised = flags(bprop)
    if "divide by zero" in raised:
        return DIVISION
    if "overflow" in raised:
        return OVERFLOW
    if any(not finite(np.asarray(x)) for x in saved if _inexact(x)):
        return DIFFERENCE if np.isnan(d) else OVERFLOW
    return PRODUCT if "invalid value" in raised and any(bool(np.any(x == 0)) for x in saved) else DOMAIN
