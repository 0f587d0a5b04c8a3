"""All parameters as one vector theta, its gradient as another: what the lectures call the parameters of f(x; theta).

Each parameter is a view into theta and its `.grad` a view into the gradient, so an optimizer is a few vector
operations whatever the number of layers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import ArgumentError, LeakError
from ..leaf import forget_gradient
from ..node import Leaf, is_tracing, mark_changed, mark_rebuilt
from ..runtime import address
from ..tensor import Tensor


class Theta:
    """The vector of `parameters`, in their order.

    If they are neighbours in one vector already (a part of a larger model), theta is that part of it; otherwise
    they move into a new vector, and keep their values and gradients.

    Raises
    ------
    ArgumentError (a TypeError) for no parameters, one that is no leaf, or several dtypes.
    """

    def __init__(self, parameters: Iterable[Tensor]):
        self.parameters = list(dict.fromkeys(parameters))
        self.leaves = [_leaf_of(parameter) for parameter in self.parameters]
        if not self.leaves:
            raise ArgumentError("theta: no parameters")
        if len({leaf.dtype for leaf in self.leaves}) > 1:
            raise ArgumentError(f"theta: parameters of several dtypes, {sorted({str(x.dtype) for x in self.leaves})}")
        self.size = sum(parameter.size for parameter in self.parameters)
        self._gather()

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The vector itself, shape (size,); whoever writes to it calls `changed`. A function that is being compiled
        has the parameters instead."""
        if traces := is_tracing():
            raise LeakError(traces[-1].advice("theta.data"))
        return self.memory

    @property
    def memory(self) -> np.ndarray[Any, Any]:
        """The same, for who has the values read anew at each replay."""
        for leaf, view in self._views:
            if leaf.data is not view:  # a larger model has taken the parameters in since
                self._gather()
                break
        return self._data  # type: ignore[no-any-return]

    @property
    def grad(self) -> np.ndarray[Any, Any]:
        """The gradient as a vector; a parameter that no backward pass has reached has gradient 0."""
        if traces := is_tracing():
            raise LeakError(traces[-1].advice("theta.grad"))
        for leaf, view in self._views:
            if leaf.data is not view:
                self._gather()
                return self.grad
            if leaf.grad is None:
                leaf.grad_memory[...] = 0
        return self._grad  # type: ignore[no-any-return]

    def changed(self) -> None:
        """Say that the values have changed: graphs recorded before can no longer be walked backwards."""
        mark_changed(self.leaves)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for leaf in self.leaves:
            forget_gradient(leaf)

    def __len__(self) -> int:
        return self.size

    def _gather(self) -> None:
        data, grad = _neighbours(self.leaves)
        if data is None:
            data = np.empty(self.size, self.leaves[0].dtype)
            grad = np.zeros_like(data)
            ends = itertools.accumulate(parameter.size for parameter in self.parameters)
            for parameter, leaf, end in zip(self.parameters, self.leaves, ends, strict=True):
                place = slice(end - parameter.size, end)
                _move(parameter, leaf, data[place].reshape(leaf.shape), grad[place].reshape(leaf.shape))
        self._data, self._grad = data, grad
        self._views = [(leaf, leaf.data) for leaf in self.leaves]


def _leaf_of(parameter: Tensor) -> Leaf:
    if not isinstance(parameter, Tensor) or not isinstance(parameter.node, Leaf):
        raise ArgumentError(f"theta: {parameter!r} is not a parameter (a Tensor with requires_grad=True)")
    return parameter.node


def _move(parameter: Tensor, leaf: Leaf, data: Any, grad: Any) -> None:
    data[...] = leaf.data
    leaf.data = parameter._data = data
    leaf.grad_memory = grad
    if leaf.grad is not None:
        grad[...] = leaf.grad
        leaf.grad = grad
    mark_rebuilt()


def _neighbours(leaves: list[Leaf]) -> tuple[Any, Any]:
    """The part of one data vector, and of one gradient vector, that `leaves` fill in order; else (None, None)."""
    base, grad = (getattr(memory, "base", None) for memory in (leaves[0].data, leaves[0].grad_memory))
    if base is None or grad is None or base.ndim != 1:
        return None, None
    start = place = (address(leaves[0].data) - address(base)) // base.itemsize
    for leaf in leaves:
        if leaf.grad_memory is None or leaf.data.base is not base or leaf.grad_memory.base is not grad:
            return None, None
        if address(leaf.data) != address(base) + place * base.itemsize:
            return None, None
        place += leaf.data.size
    return base[start:place], grad[start:place]
