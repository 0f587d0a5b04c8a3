"""Which backend runs a program: the one that was asked for, or the faster of those that are there."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from math import prod

import numpy as np

from ..errors import ArgumentError
from . import numpy_backend, scalars
from .built import Built
from .program import Program

BACKENDS = ("numpy", "llvm")
LARGE_PRODUCTS = 50_000_000  # multiplications in one run; then NumPy's BLAS, on all cores, is what counts


def backend_for(program: Program, wanted: str | None) -> Callable[[Program], Built]:
    """The function that builds `program`; its `reason` says why by this backend.

    Where none is wanted, the environment variable AUTOGRAD_LITE_BACKEND names one, or the faster one is taken: native
    code, where llvmlite is installed, unless the program's time goes into large matrix products.

    Raises
    ------
    ArgumentError (a TypeError) for an unknown backend, or one whose packages are not installed.
    """
    wanted = wanted or os.environ.get("AUTOGRAD_LITE_BACKEND") or None
    if wanted is not None and wanted not in BACKENDS:
        raise ArgumentError(f"compile: backend {wanted!r}; there are {' and '.join(BACKENDS)}")
    if wanted == "llvm":
        if not _has_llvm():
            raise ArgumentError('compile: backend "llvm" needs llvmlite: pip install "autograd_lite[llvm]"')
        return _native("LLVM")
    if wanted is None and _has_llvm():
        if _multiplications(program) <= LARGE_PRODUCTS:
            return _native("LLVM, which is installed")
        return partial(numpy_backend.Built, reason="NumPy, whose BLAS has all cores for large products")
    return scalars.Built if scalars.fits(program) else numpy_backend.Built


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


def _multiplications(program: Program) -> int:
    """How many multiplications the program's matrix products take."""
    products = [value for value in program.values if value.op.fprop is np.matmul and len(value.operands) == 2]
    return sum(prod(value.shape) * value.operands[0].shape[-1] for value in products)
