"""How Python calls native code, and how that reads NumPy's arrays.

A native function is made a built-in function of Python's, by the C API through ctypes: a call then costs what `len`
costs, about 50 ns, where ctypes itself would take ten times that. It gets its arguments as objects, and looks itself
whether they are what it was compiled for: arrays of one type, dtype, shape and layout. Their structure is part of
NumPy's C API (PyArrayObject); `offsets` holds it against an array all the same.

The built-in function keeps alive what it needs: the memory that the code works in is its `self`, the code its module.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .objects import Code, add_symbols

FASTCALL = 0x0080
C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x0001, 0x0100, 0x0400

_SYMBOLS = ("Py_IncRef", "PyEval_SaveThread", "PyEval_RestoreThread")


class Offsets(NamedTuple):
    """Where the fields of an object, an array or a NumPy scalar stand, in bytes."""

    type: int
    data: int
    ndim: int
    shape: int
    dtype: int
    flags: int
    number: int


class _MethodDef(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


class Held:
    """What must live as long as a built-in function does."""

    def __init__(self, *things: Any):
        self.things = things


@lru_cache(maxsize=1)
def offsets() -> Offsets | None:
    """The layout of objects in this Python; None if it is another than CPython's and NumPy's."""
    head = object.__basicsize__
    found = Offsets(head - 8, head, head + 8, head + 16, head + 40, head + 48, head)

    def word(x: Any, offset: int, kind: Any = ctypes.c_void_p) -> Any:
        return kind.from_address(id(x) + offset).value

    try:
        a = np.arange(12.0, dtype=np.float32).reshape(3, 4)[:, :3]
        fits = word(a, found.type) == id(np.ndarray) and word(a, found.data) == a.ctypes.data
        fits = fits and word(a, found.ndim, ctypes.c_int) == 2 and word(a, found.dtype) == id(a.dtype)
        shape = (ctypes.c_ssize_t * 2).from_address(word(a, found.shape))
        fits = fits and tuple(shape) == (3, 3) and word(a, found.flags, ctypes.c_int) == a.flags.num
        numbers = [(np.float32(0.5), ctypes.c_float), (np.float64(0.5), ctypes.c_double), (0.5, ctypes.c_double)]
        fits = fits and all(word(x, found.number, kind) == 0.5 for x, kind in numbers)
        api: Any = ctypes.pythonapi
        add_symbols({name: ctypes.cast(getattr(api, name), ctypes.c_void_p).value for name in _SYMBOLS})
    except (AttributeError, ValueError, TypeError):
        return None
    return found if fits else None


def builtin(code: Code, name: str, memory: np.ndarray[Any, Any], *held: Any) -> Callable[..., Any]:
    """The native function `name`, `PyObject *f(PyObject *self, PyObject *const *args, Py_ssize_t n)`, for Python."""
    definition = _MethodDef(name.encode(), code.address(name), FASTCALL, None)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
    function: Callable[..., Any] = make(ctypes.addressof(definition), memory, Held(code, definition, *held))
    return function
