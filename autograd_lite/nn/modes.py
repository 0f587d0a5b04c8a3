"""In training, and after it: what tells dropout and batch normalization which of the two it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def mode(model: Any, training: bool) -> Iterator[None]:
    """Inside, the modules of `model` work as in training, or as after it; each then goes back to what it was in."""
    before = [(module, module.training) for module in model.modules()] if hasattr(model, "modules") else []
    for module, _ in before:
        module.training = training
    try:
        yield
    finally:
        for module, was in before:
            module.training = was
