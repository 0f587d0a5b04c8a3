"""numpy.linalg, its functions taking Tensors and lists of them."""

from __future__ import annotations

from typing import Any

import numpy.linalg

from .dropin import taking_lists


def __getattr__(name: str) -> Any:
    value = globals()[name] = taking_lists(getattr(numpy.linalg, name))
    return value


def __dir__() -> list[str]:
    return sorted({*dir(numpy.linalg), *globals()})
