"""Which backend runs a program: the one that was asked for, or the faster of those that are there."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from ..errors import ArgumentError
from . import numpy_backend, scalars
from .built import Built
from .program import Program

BACKENDS = ("numpy", "llvm")


def backend_for(program: Program, wanted: str | None) -> Callable[[Program], Built]:
    """The function that builds `program`; its `reason` says why by this backend.

    Where none is wanted, the environment variable AUTOGRAD_LITE_BACKEND names one, or the faster one is taken: native
    code, where llvmlite is installed. Raises as `require` does.
    """
    wanted = wanted or os.environ.get("AUTOGRAD_LITE_BACKEND") or None
    require(wanted)
    if wanted == "llvm":
        return _native("LLVM")
    if wanted is None and _has_llvm():
        return _native("LLVM, which is installed")
    return scalars.Built if scalars.fits(program) else numpy_backend.Built


def require(wanted: str | None) -> None:
    """Import what a backend needs that is asked for.

    Raises
    ------
    ArgumentError (a TypeError) for an unknown backend, or one whose packages are not installed.
    """
    if wanted is not None and wanted not in BACKENDS:
        raise ArgumentError(f"compile: backend {wanted!r}; there are {' and '.join(BACKENDS)}")
    if wanted == "llvm":
        if not _has_llvm():
            raise ArgumentError('compile: backend "llvm" needs llvmlite: pip install "autograd_lite[llvm]"')
        from . import llvm  # noqa: F401


@cache
def _has_llvm() -> bool:
    return find_spec("llvmlite") is not None


def _native(reason: str) -> Callable[[Program], Built]:
    def build(program: Program) -> Built:
        from . import llvm

        try:
            return llvm.Built(program, reason)
        except NotImplementedError as error:
            return numpy_backend.Built(program, f"NumPy, since {error}")

    return build
