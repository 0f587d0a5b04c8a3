"""Module: a function with parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..node import tick
from ..scopes import note_call
from ..tensor import Tensor
from .functional import is_parameter
from .theta import Theta


class Module:
    """A function with parameters: whatever attributes are leaves, modules, or lists and dicts of them.

    A subclass defines `forward`; calling the module calls it. Attributes that are NumPy arrays are its buffers, such
    as running statistics: no parameters, but part of its state. `training` tells layers such as Dropout whether they
    are in training; `train()` and `eval()` set it for a whole model.

    Raises
    ------
    ShapeError (a ValueError) at the call, for inputs that a layer cannot take; it names the layer and where it is.

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

    training: bool = True

    def forward(self, *inputs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def __call__(self, *inputs: Any) -> Any:
        start = tick()
        try:
            output = self.forward(*inputs)
        except ShapeError as error:
            self._locate(error)
            raise
        note_call(self, start)  # pictures draw a frame around what was recorded in between
        return output

    def _locate(self, error: Any) -> None:
        """Put the layer that failed, and its path from here, in front of the error's message."""
        if not hasattr(error, "layer"):
            error.layer, error.reason = self, str(error)
        path = next((path for path, module in self.named_modules() if module is error.layer), "")
        error.args = (f"{path and f'{path}, '}{error.layer.title()}: {error.reason}",)

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _walk(self) -> Iterator[tuple[str, Any]]:
        """Each module, Tensor and array that attributes lead to, once, with its path, in order of definition."""
        seen: set[int] = set()
        stack: list[tuple[str, Any]] = [("", self)]
        while stack:
            path, item = stack.pop()
            if isinstance(item, (Module, Tensor, np.ndarray)):
                if id(item) in seen:
                    continue
                seen.add(id(item))
                yield path, item
            parts: Any = ()
            if isinstance(item, Module):
                parts = vars(item).items()
            elif isinstance(item, dict):
                parts = item.items()
            elif isinstance(item, (list, tuple)):
                parts = enumerate(item)
            stack.extend(reversed([(f"{path}.{key}" if path else str(key), part) for key, part in parts]))

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Each parameter once, with the path of attributes that leads to it, in order of definition."""
        for path, item in self._walk():
            if is_parameter(item):
                yield path, item

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
        """Each array that belongs to the state but is no parameter, with its path."""
        return ((path, item) for path, item in self._walk() if isinstance(item, np.ndarray))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (its path is "") and every one inside it, each once."""
        return ((path, item) for path, item in self._walk() if isinstance(item, Module))

    def parameters(self) -> list[Tensor]:
        """All parameters, each once, in order of definition."""
        return [parameter for _, parameter in self.named_parameters()]

    def modules(self) -> list[Module]:
        """This module and every one inside it."""
        return [module for _, module in self.named_modules()]

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that are inside this one and inside no other one in it, with their paths."""
        inner: set[Module] = set()
        for path, module in self.named_modules():
            if module is not self and module not in inner:
                inner.update(module.modules()[1:])
                yield path, module

    def children(self) -> list[Module]:
        """The modules of `named_children`."""
        return [module for _, module in self.named_children()]

    @property
    def theta(self) -> Theta:
        """All parameters as one vector; they become views of it."""
        return Theta(self.parameters())

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    # -- training, and after it ----------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Say that this module, and every one inside it, is in training; returns the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Say that training is over: dropout passes everything on, batch normalization uses running statistics."""
        return self.train(False)

    # -- state ---------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """A copy of every parameter and every buffer, by its path."""
        return {name: np.array(value) for name, value in self._state()}

    def _state(self) -> Iterator[tuple[str, Any]]:
        for path, parameter in self.named_parameters():
            yield path, parameter.data
        yield from self.named_buffers()

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Take the values in `state`, all or none of them; parameters stay views of theta.

        Parameters
        ----------
        state: arrays by path, as `state_dict` gives them; they are copied and take the dtypes of this model.
        strict: whether `state` must have exactly the names of this model; else what only one of them has is left.

        Raises
        ------
        ArgumentError (a TypeError) for missing or unknown names, ShapeError (a ValueError) for another shape.
        """
        own = dict(self._state())
        missing, unknown = [n for n in own if n not in state], [n for n in state if n not in own]
        if strict and (missing or unknown):
            raise ArgumentError(
                f"{self.title()}: a state without {missing} and with unknown {unknown}; or strict=False"
            )
        new = {name: np.array(state[name], value.dtype) for name, value in own.items() if name in state}
        for name, value in new.items():
            if value.shape != own[name].shape:
                raise ShapeError(f"{self.title()}: {name} has shape {own[name].shape}, the state's {value.shape}")
        for path, item in list(self._walk()):
            if path in new and isinstance(item, Tensor):
                item.data = new[path]
            elif path in new:
                item[...] = new[path]

    # -- texts ---------------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`; a subclass may say more."""
        return ""

    def title(self) -> str:
        """The module in one line, without those inside it."""
        return f"{type(self).__name__}({self.extra_repr()})"

    def __repr__(self) -> str:
        inside = [f"{path}: {child!r}".replace("\n", "\n  ") for path, child in self.named_children()]
        return "\n  ".join([self.title(), *inside])

    def summary(self, example: Any = None) -> str:
        """A table of the layers: path, kind, output shape and number of parameters, and their total.

        Parameters
        ----------
        example: an input, as arrays have them; the model is called with it (as after training, and unrecorded) and
            the shapes are those of its outputs. Without one, they are given where the layer alone tells them.
        """
        from .summary import summary

        return summary(self, example)
