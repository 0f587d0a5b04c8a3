"""Floor 5: functions that are called with a gradient on its way, and gradients of values that are no leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import ArgumentError
from .node import Leaf, is_tracing, mark_rebuilt
from .op import Op
from .runtime import without_history
from .tensor import Tensor


class Hooks:
    """What is done with the gradient of one value; stands as a static on a node behind it."""

    def __init__(self) -> None:
        self.functions: list[Callable[[Any], Any]] = []
        self.retain = False
        self.grad: Any = None

    def __call__(self, g: Any) -> Any:
        for function in self.functions:
            changed = function(g)
            g = g if changed is None else changed
        if self.retain:
            kept = g if is_tracing() else np.array(without_history(g))[()]
            self.grad = kept if self.grad is None else self.grad + kept
        return g


class Handle:
    """What `register_hook` returns: `remove()` takes the hook away again."""

    def __init__(self, functions: list[Callable[[Any], Any]], function: Callable[[Any], Any]):
        self._functions = functions
        self._function = function

    def remove(self) -> None:
        """Take the hook away."""
        if self._function in self._functions:
            self._functions.remove(self._function)
            mark_rebuilt()


# Stands behind a value that has hooks: the same value, its gradient handed to them.
hooked = Op(lambda x, *, hooks: x, name="hook", x=lambda g, hooks: hooks(g), elementwise=True, view=True, linear=("x",),
            tangent=lambda node, moving: moving[0])  # fmt: skip


def register_hook(self: Tensor, function: Callable[[Any], Any]) -> Handle:
    """Call `function(gradient)` when the gradient of this Tensor has been found; what it returns, if not None, takes
    its place. Concerns what is computed from this Tensor after this call. Returns a handle with `remove()`.

    >>> import autograd_lite as ag
    >>> x = ag.tensor(2.0, requires_grad=True)
    >>> y = x * x
    >>> handle = y.register_hook(lambda g: 10 * g)
    >>> (3 * y).backward()
    >>> x.grad
    np.float64(120.0)
    """
    functions = _hooks_of(self, "register_hook").functions
    functions.append(function)
    mark_rebuilt()
    return Handle(functions, function)


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this Tensor, which is no leaf, in `.grad` when it has been found.

    >>> import autograd_lite as ag
    >>> x = ag.tensor(2.0, requires_grad=True)
    >>> y = x * x
    >>> y.retain_grad()
    >>> (3 * y).backward()
    >>> y.grad
    np.float64(3.0)
    """
    if not isinstance(self.node, Leaf):
        _hooks_of(self, "retain_grad").retain = True


def _hooks_of(x: Tensor, caller: str) -> Any:
    """The hooks of a Tensor, which has some from here on."""
    node: Any = x.node
    if node is None or not x.requires_grad:
        raise ArgumentError(f"{caller}: this Tensor has no gradient; it was not computed from one that wants one")
    if isinstance(node, Leaf):
        node.hooks = Hooks() if node.hooks is None else node.hooks
        return node.hooks
    if node.op is not hooked:
        x.node = hooked(x, Hooks()).node
    return x.node.statics[0]  # type: ignore[union-attr]


hooked.node_class.grad = property(lambda node: node.statics[0].grad)
Tensor.register_hook = register_hook  # type: ignore[attr-defined]
Tensor.retain_grad = retain_grad  # type: ignore[attr-defined]
