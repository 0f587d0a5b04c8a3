"""Module: a function with parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..node import Leaf, tick
from ..scopes import note_call
from ..tensor import Tensor
from .theta import Theta


class Module:
    """A function with parameters: whatever attributes are leaves, modules, or lists and dicts of them.

    A subclass defines `forward`; calling the module calls it.

    >>> import autograd_lite as ag
    >>> class Scale(ag.nn.Module):
    ...     def __init__(self):
    ...         self.factor = ag.tensor(2.0, requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> [name for name, _ in Scale().named_parameters()]
    ['factor']
    """

    def forward(self, *inputs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def __call__(self, *inputs: Any) -> Any:
        start = tick()
        output = self.forward(*inputs)
        note_call(self, start)  # pictures draw a frame around what was recorded in between
        return output

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Each parameter once, with the path of attributes that leads to it, in order of definition."""
        seen: set[Tensor] = set()
        stack: list[tuple[str, Any]] = [("", self)]
        while stack:
            path, item = stack.pop()
            if isinstance(item, Tensor):
                if isinstance(item.node, Leaf) and item not in seen:
                    seen.add(item)
                    yield path, item
                continue
            parts: Any = ()
            if isinstance(item, Module):
                parts = vars(item).items()
            elif isinstance(item, dict):
                parts = item.items()
            elif isinstance(item, (list, tuple)):
                parts = enumerate(item)
            stack.extend(reversed([(f"{path}.{key}" if path else str(key), part) for key, part in parts]))

    def parameters(self) -> list[Tensor]:
        """All parameters, each once, in order of definition."""
        return [parameter for _, parameter in self.named_parameters()]

    @property
    def theta(self) -> Theta:
        """All parameters as one vector; they become views of it."""
        return Theta(self.parameters())

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()
