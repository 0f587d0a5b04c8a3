"""numpy.random, its functions taking Tensors and lists of them."""

from __future__ import annotations

from typing import Any

import numpy.random

from .dropin import taking_lists


def __getattr__(name: str) -> Any:
    value = globals()[name] = taking_lists(getattr(numpy.random, name))
    return value


def __dir__() -> list[str]:
    return sorted({*dir(numpy.random), *globals()})
