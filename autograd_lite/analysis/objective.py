"""What is analysed: a scalar function of one flat vector theta, made from what the caller has."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..batch import Batch
from ..errors import ArgumentError, AutogradError, ShapeError
from ..jacobians import hessian
from ..node import no_grad
from ..runtime import without_history
from ..several import SEVERAL
from ..transforms import grad, linearize
from ..tree import leaves, rebuilt

Array = np.ndarray[Any, Any]

ENTRIES = 1 << 20  # of the largest intermediate value, in points that are evaluated as one batch


class Objective:
    """E(theta), a scalar function `f` of a vector of shape (size,), and the place `theta` that is looked at.

    Made by `objective`, which every function of this folder calls with its first two arguments.
    """

    def __init__(self, f: Callable[[Any], Any], theta: Array):
        self.f, self.theta, self.size = f, theta, theta.size

    def value(self, theta: Any) -> float:
        """E(theta)."""
        with no_grad():
            return _scalar(self.f(theta))

    def values(self, thetas: Array) -> Array:
        """E at each row of `thetas`, shape (n, size)."""
        return evaluated(self.f, thetas)

    def gradient(self, theta: Any) -> Array:
        """dE/dtheta, shape (size,)."""
        return np.asarray(without_history(grad(self.f)(theta)))

    def hessian(self, theta: Any) -> Array:
        """d2E/dtheta2, shape (size, size), symmetric to the last bit."""
        H = np.asarray(without_history(hessian(self.f)(theta)))
        return np.asarray((H + H.T) / 2)

    def hessian_product(self, theta: Any) -> Callable[[Any], Array]:
        """The function v -> H(theta) v, without the matrix; the pass backward is recorded once."""
        _, product = linearize(grad(self.f), theta)
        return lambda v: np.asarray(without_history(product(np.asarray(v, theta.dtype).reshape(theta.shape))))


def evaluated(f: Callable[[Any], Any], xs: Array) -> Array:
    """The scalar f at each of `xs`, shape (n, ...): f is recorded once and run with as many together as fit into
    `ENTRIES`; or called for one after another, where it branches on values."""
    with no_grad():
        try:
            batch = Batch(f, [xs], [True])
            largest = max((math.prod(node.shape) for node in batch.nodes if node.dtype is not SEVERAL), default=1)
            step = max(1, ENTRIES // max(largest, 1))
            parts = [xs[k : k + step] for k in range(0, len(xs), step)]
            values = np.concatenate([np.asarray(batch.run([part], len(part), False), float) for part in parts])
            if values.shape == (len(xs),):
                return values
        except AutogradError:
            pass  # what is wrong with f itself comes up again below
        return np.array([_scalar(f(x)) for x in xs])


def _scalar(value: Any) -> float:
    if np.shape(value) != ():
        raise ShapeError(f"analysis: the function gives shape {np.shape(value)}; it must give a scalar")
    return float(without_history(value))


def objective(f: Any, theta: Any) -> Objective:
    """E as a function of one vector.

    Parameters
    ----------
    f, theta: a scalar function of arrays or Tensors and its argument there: a number, an array of any shape, or nested
        tuples, lists and dicts of them. Or a model (an `nn.Module`) and its closure, a function without arguments
        that computes the loss.

    Raises
    ------
    ArgumentError (a TypeError) for what is neither, for complex numbers and for no numbers at all.
    """
    if isinstance(f, Objective):
        return f
    if hasattr(f, "named_parameters"):
        return _of_model(f, theta)
    if not callable(f):
        raise ArgumentError(f"analysis: a {type(f).__name__} is neither a function of theta nor a model")
    arrays = [np.asarray(without_history(x)) for x in leaves(theta)]
    if any(x.dtype.kind not in "fiub" for x in arrays):
        raise ArgumentError(f"analysis: theta of dtype {', '.join(str(x.dtype) for x in arrays)}; it must be real")
    if not sum(x.size for x in arrays):
        raise ArgumentError("analysis: theta has no entries")
    dtype = np.result_type(*arrays)
    flat = np.concatenate([x.ravel() for x in arrays]).astype(dtype if dtype.kind == "f" else float)
    return Objective(lambda v: f(_in_form_of(theta, arrays, v)), flat)


def _in_form_of(theta: Any, arrays: list[Array], v: Any) -> Any:
    if len(arrays) == 1 and np.ndim(arrays[0]) == 1 and not isinstance(theta, (list, tuple, dict)):
        return v
    parts, end = [], 0
    for x in arrays:
        start, end = end, end + x.size
        parts.append(v[start:end].reshape(x.shape) if x.ndim else v[start])
    return rebuilt(theta, parts)


def flat(point: Any, like: Objective, name: str) -> Array:
    """Another place or direction in the form of theta, as a vector; raises ShapeError if it has another size."""
    parts = [np.asarray(without_history(x)).ravel() for x in leaves(point)]
    vector = np.concatenate(parts).astype(like.theta.dtype) if parts else np.empty(0)
    if vector.size != like.size:
        raise ShapeError(f"{name}: {vector.size} numbers, and theta has {like.size}")
    return vector


def _of_model(model: Any, closure: Any) -> Objective:
    if not callable(closure):
        raise ArgumentError(
            f"analysis: with a model comes the closure that computes its loss, not a {type(closure).__name__}"
        )
    from ..nn.functional import as_function_of_theta  # a function of arrays needs no networks

    theta = model.theta
    return Objective(as_function_of_theta(closure, theta), theta.data.copy())
