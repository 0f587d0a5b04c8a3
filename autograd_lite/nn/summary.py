"""The table of a model's layers that `Module.summary` returns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..node import no_grad
from .modes import mode

if TYPE_CHECKING:
    from .module import Module


def summary(model: Module, example: Any = None) -> str:
    """One line a module, with the parameters that are in it and in no module inside it.

    >>> from autograd_lite import nn
    >>> print(nn.MLP([64, 32, 10]).summary())
    layer                       output shape  parameters
    MLP([64, 32, 10], tanh)     (..., 10)              0
      layers.0: Linear(64, 32)  (..., 32)          2,080
      layers.1: Linear(32, 10)  (..., 10)            330
    total                                          2,410
    """
    shapes = {} if example is None else _shapes(model, example)
    rows = [("layer", "output shape", "parameters")]
    counted: set[Any] = set()
    for path, module in reversed(list(model.named_modules())):  # innermost first: each parameter counts once
        own = [p for p in module.parameters() if p not in counted]
        counted.update(own)
        name = f"{path and f'  {path}: '}{module.title()}"
        rows.insert(1, (name, shapes.get(module, _known_shape(module)), f"{sum(p.size for p in own):,}"))
    rows.append(("total", "", f"{sum(p.size for p in model.parameters()):,}"))
    wide = [max(len(row[k]) for row in rows) for k in range(3)]
    return "\n".join(f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:>{wide[2]}}" for a, b, c in rows)


def _known_shape(module: Any) -> str:
    features = getattr(module, "out_features", None)
    return "" if features is None else f"(..., {features})"


def _shapes(model: Module, example: Any) -> dict[Any, str]:
    """The shape of each module's output when `model` is called with `example`."""
    shapes: dict[Any, str] = {}
    with no_grad(), mode(model, False), _watched(model, shapes):
        model(example)
    return shapes


@contextmanager
def _watched(model: Module, shapes: dict[Any, str]) -> Iterator[None]:
    """Inside, each module notes the shape of its output: an attribute `forward` stands before the class's method."""

    def watch(module: Any) -> Any:
        forward = module.forward

        def noting(*inputs: Any) -> Any:
            y = forward(*inputs)
            shapes[module] = str(getattr(y, "shape", ""))
            return y

        return noting

    modules: list[Any] = model.modules()
    for module in modules:
        vars(module)["forward"] = watch(module)
    try:
        yield
    finally:
        for module in modules:
            del vars(module)["forward"]
