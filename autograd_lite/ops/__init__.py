"""The derivative table, one file per chapter of calculus.

The first chapters are loaded with the package. The others are loaded when a function of theirs is first asked for,
so that `import autograd_lite` stays as quick as `import numpy`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from ..op import Op
from . import elementwise, neural, products, reduce, shape

# Every row of the table by its name; `load_all` completes it.
OPS: dict[str, Op] = {}

# What is called by its NumPy name (or the field's): rows, and compositions of rows.
FUNCTIONS: dict[str, Callable[..., Any]] = {}

# The same for the names of NumPy's and SciPy's submodules.
SUBMODULES: dict[str, dict[str, Callable[..., Any]]] = {"numpy.linalg": {}, "numpy.fft": {}, "scipy.special": {}}

# What NumPy's own function is here.
BY_FUNCTION: dict[Any, Callable[..., Any]] = {}

# Chapters that are loaded later, and the module whose names they have.
_LATER = {
    "flat": "numpy",
    "numbers": "numpy",
    "arrange": "numpy",
    "chosen": "numpy",
    "fills": "numpy",
    "differences": "numpy",
    "statistics": "numpy",
    "contractions": "numpy",
    "polynomials": "numpy",
    "decompositions": "numpy.linalg",
    "linear_algebra": "numpy.linalg",
    "norms": "numpy.linalg",
    "matrices": "numpy.linalg",
    "fft": "numpy.fft",
    "special": "scipy.special",
}


def _register(chapter: Any, of: str) -> None:
    """Enter the rows of a chapter, and its compositions, which stand in its `__all__`."""
    rows = {value.name: value for value in vars(chapter).values() if isinstance(value, Op)}
    own = {name: row for name, row in rows.items() if row.__module__ == chapter.__name__}
    OPS.update(own)
    named = {**own, **{name: getattr(chapter, name) for name in getattr(chapter, "__all__", ())}}
    (FUNCTIONS if of == "numpy" else SUBMODULES[of]).update(named)
    theirs = sys.modules.get(of)
    BY_FUNCTION.update({row.fprop: row for row in own.values() if row.is_ufunc})
    BY_FUNCTION.update({getattr(theirs, name): function for name, function in named.items() if hasattr(theirs, name)})


def _load(chapter: str) -> None:
    of = _LATER.pop(chapter)
    _register(import_module(f".{chapter}", __name__), of)


def load_all() -> dict[str, Op]:
    """Load every chapter whose library is installed, and return the complete table."""
    for chapter, of in list(_LATER.items()):
        try:
            import_module(of)
        except ImportError:  # SciPy is not installed: its functions cannot be called either
            continue
        if chapter in _LATER:
            _load(chapter)
    return OPS


def counterpart(function: Any) -> Callable[..., Any] | None:
    """Our function for one of NumPy's or SciPy's, None if there is none. Loads the chapter it may stand in."""
    if function not in BY_FUNCTION:
        for chapter, of in list(_LATER.items()):
            if of in ("numpy", getattr(function, "__module__", "scipy.special")) and of in sys.modules:
                _load(chapter)
    return BY_FUNCTION.get(function)


def by_name(name: str) -> Callable[..., Any] | None:
    """Our function for NumPy's function `name`, None if there is none."""
    if name not in FUNCTIONS:
        function = getattr(np, name, None)
        return counterpart(function) if callable(function) else None
    return FUNCTIONS[name]


for _chapter in (elementwise, shape, reduce, products, neural):
    _register(_chapter, "numpy")
