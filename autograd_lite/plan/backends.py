"""Which backend runs a program: the one that was asked for, or the faster of those that are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError
from . import numpy_backend, scalars
from .program import Program

BACKENDS = ("numpy", "llvm")


def backend_for(program: Program, wanted: str | None) -> Callable[[Program], Any]:
    """The function that builds `program`.

    Raises
    ------
    ArgumentError (a TypeError) for an unknown backend, or one whose packages are not installed.
    """
    if wanted is not None and wanted not in BACKENDS:
        raise ArgumentError(f"compile: backend {wanted!r}; there are {' and '.join(BACKENDS)}")
    if wanted == "llvm":
        return _llvm()
    return scalars.build if scalars.fits(program) else numpy_backend.build


def _llvm() -> Callable[[Program], Any]:
    try:
        from . import llvm
    except ImportError:
        raise ArgumentError('compile: backend "llvm" needs llvmlite: pip install "autograd_lite[llvm]"') from None
    return llvm.build
