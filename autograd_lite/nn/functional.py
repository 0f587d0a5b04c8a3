"""A loss as a function of the vector theta, for all that differentiates functions: `grad`, `hessian`, `vmap`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..node import Leaf
from ..tensor import Tensor, constant_tensor
from .theta import Theta

# The parameters that stand for parts of a vector just now; they are no leaves then, and parameters all the same.
_bound: ContextVar[frozenset[Tensor]] = ContextVar("autograd_lite.nn.bound", default=frozenset())


def is_parameter(item: Any) -> bool:
    """Whether `item` is a leaf, or stands for a part of a vector theta inside of `as_function_of_theta`."""
    return isinstance(item, Tensor) and (isinstance(item.node, Leaf) or item in _bound.get())


def as_function_of_theta(closure: Callable[..., Any], parameters: Theta | Iterable[Tensor]) -> Callable[..., Any]:
    """The function of a vector that `closure` is of `parameters`: f(theta) is what it returns when they have the values
    in theta. They have their own again afterwards, even after an error.

    Parameters
    ----------
    closure: computes something from parameters, such as `lambda: loss(model(X), y)`; arguments of f after theta are
        handed on to it. What it does besides (dropout, running averages) it does at each call.
    parameters: `model.theta`, or Tensors.

    Returns
    -------
    f(theta, *arguments), for an array or Tensor theta of shape (size,): differentiable by theta to any order, and for
    `vmap` over a batch of them. The parameters are the model's own, so one model serves one thread at a time.

    Raises
    ------
    ShapeError (a ValueError) at the call, for theta of another shape.

    >>> import numpy as np, autograd_lite as ag
    >>> model = ag.nn.Linear(2, 1)
    >>> loss = ag.nn.as_function_of_theta(lambda: (model(np.array([1.0, 2.0])) ** 2).sum(), model.theta)
    >>> ag.hessian(loss)(model.theta.data)
    array([[2., 4., 2.],
           [4., 8., 4.],
           [2., 4., 2.]])
    """
    parameters = (parameters if isinstance(parameters, Theta) else Theta(parameters)).parameters
    ends = list(itertools.accumulate(parameter.size for parameter in parameters))
    places = [slice(end - p.size, end) for p, end in zip(parameters, ends, strict=True)]

    @wraps(closure, updated=())
    def f(theta: Any, *arguments: Any, **options: Any) -> Any:
        if np.shape(theta) != (ends[-1],):
            raise ShapeError(f"theta of shape {np.shape(theta)} for parameters with {ends[-1]} entries: ({ends[-1]},)")
        vector = theta if isinstance(theta, Tensor) else constant_tensor(np.array(theta))
        parts = [vector[place].reshape(p.shape) for p, place in zip(parameters, places, strict=True)]
        with _standing_for(parameters, parts):
            return closure(*arguments, **options)

    return f


@contextmanager
def _standing_for(parameters: list[Tensor], parts: list[Tensor]) -> Iterator[None]:
    """Context manager inside which `parameters` have the values and the history of `parts`."""
    own = [(parameter, parameter._data, parameter.node) for parameter in parameters]
    token = _bound.set(_bound.get().union(parameters))
    try:
        for parameter, part in zip(parameters, parts, strict=True):
            parameter._data, parameter.node = part._data, part.node
        yield
    finally:
        for parameter, data, node in own:
            parameter._data, parameter.node = data, node
        _bound.reset(token)
