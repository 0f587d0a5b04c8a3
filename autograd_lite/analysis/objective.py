"""What is analysed: a scalar function of one flat vector theta, made from what the caller has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..batch import vmap
from ..errors import ArgumentError, AutogradError, ShapeError
from ..jacobians import hessian
from ..node import no_grad
from ..runtime import without_history
from ..transforms import grad, linearize
from ..tree import leaves, rebuilt

Array = np.ndarray[Any, Any]

ENTRIES = 1 << 20  # numbers in the points that are evaluated as one batch


class Objective:
    """E(theta), a scalar function `f` of a vector of shape (size,), and the place `theta` that is looked at.

    Made by `objective`, which every function of this folder calls with its first two arguments.
    """

    def __init__(self, f: Callable[[Any], Any], theta: Array):
        self.f, self.theta, self.size = f, theta, theta.size

    def value(self, theta: Any) -> float:
        """E(theta)."""
        with no_grad():
            value = without_history(self.f(theta))
        if np.shape(value) != ():
            raise ShapeError(f"analysis: the function gives shape {np.shape(value)}; it must give a scalar")
        return float(value)

    def values(self, thetas: Array) -> Array:
        """E at each row of `thetas`, shape (n, size): by vmap, or one after another where f branches on values."""
        step = max(1, ENTRIES // max(self.size, 1))
        parts = [self._values(thetas[k : k + step]) for k in range(0, len(thetas), step)]
        return np.concatenate(parts) if parts else np.empty(0)

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

    def _values(self, thetas: Array) -> Array:
        try:
            with no_grad():
                values = np.asarray(without_history(vmap(self.f)(thetas)), float)
            if values.shape == (len(thetas),):
                return values
        except AutogradError:
            pass  # what is wrong with f itself comes up again below
        return np.array([self.value(theta) for theta in thetas])


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
