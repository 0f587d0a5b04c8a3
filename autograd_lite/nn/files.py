"""Models' states as files, in the safetensors format: names, shapes, dtypes and numbers, and nothing that runs."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .module import Module


def save(module: Module, path: str | PathLike[str]) -> None:
    """Write the module's `state_dict()` to a file. Needs safetensors (extra `files`)."""
    state = {name: np.ascontiguousarray(value) for name, value in module.state_dict().items()}
    _safetensors().save_file(state, path)


def load(module: Module, path: str | PathLike[str], strict: bool = True) -> None:
    """Give the module the state that `save` wrote, or PyTorch's with the same names.

    Raises
    ------
    As Module.load_state_dict does.
    """
    module.load_state_dict(_safetensors().load_file(path), strict)


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ArgumentError("nn.save and nn.load need safetensors: pip install 'autograd_lite[files]'") from error
    return safetensors.numpy
