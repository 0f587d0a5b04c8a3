"""Signatures: what must be the same about the arguments of two calls for one recording to serve both.

That is the containers, the shapes and dtypes of the arrays in them, and all that is no array. Python's floats may
change: they take the dtype of the arrays that they meet, as in NumPy, so a program holds them as numbers of Python's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor

ARRAY, FLOAT = "array", "float"


class Fixed(NamedTuple):
    """Stands in a form for a value that is part of the signature, with its type: 1 and True are two."""

    kind: type
    value: Any


class History(Exception):
    """An argument is a Tensor that somebody differentiates by: the function is to be run, not replayed."""


def taken_apart(tree: Any, found: list[Any], floats: bool = True) -> Any:
    """The form of a tree, hashable, with ARRAY or FLOAT for what may change from call to call, which is added to
    `found`; if not `floats`, these are fixed too.

    Raises
    ------
    History for a recorded Tensor, ArgumentError (a TypeError) for what is neither an array nor hashable.
    """
    kind = type(tree)
    if kind is np.ndarray:
        found.append(tree if tree.ndim else tree[()])
        return ARRAY
    if kind is float and floats:
        found.append(tree)
        return FLOAT
    if isinstance(tree, np.generic):
        found.append(tree)
        return ARRAY
    if kind is Tensor:
        if tree.node is not None:
            raise History
        found.append(tree._data)
        return ARRAY
    if isinstance(tree, (list, tuple)):
        return (kind, *[taken_apart(item, found, floats) for item in tree])
    if isinstance(tree, dict):
        return (kind, tuple(tree), *[taken_apart(item, found, floats) for item in tree.values()])
    try:
        hash(tree)
    except TypeError:
        raise ArgumentError(
            f"compile: an argument of type {kind.__name__}; arrays, numbers, containers of them and hashable values"
            " are possible"
        ) from None
    return Fixed(kind, tree)


def put_together(form: Any, found: Iterator[Any]) -> Any:
    """The tree of a form, with other values in the places of those that were found."""
    if form in (ARRAY, FLOAT):
        return next(found)
    if isinstance(form, Fixed):
        return form.value
    kind = form[0]
    if issubclass(kind, dict):
        return kind(zip(form[1], [put_together(part, found) for part in form[2:]], strict=True))
    parts = [put_together(part, found) for part in form[1:]]
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def key_of(form: Any, found: list[Any]) -> Any:
    """What a recording is kept under."""
    return (form, *[None if type(x) is float else (x.shape, x.dtype) for x in found])


def number_dtype(found: list[Any]) -> Any:
    """The dtype that Python's floats take where they meet the arrays among `found`: float64 where there is no array of
    floats, None where there are several kinds."""
    dtypes = {x.dtype for x in found if type(x) is not float and x.dtype.kind in "fc"}
    real = {np.dtype(f"f{d.itemsize // 2}") if d.kind == "c" else d for d in dtypes}
    return np.dtype(float) if not real else real.pop() if len(real) == 1 else None


def places(form: Any) -> int:
    """How many arrays and floats a form has places for."""
    if form in (ARRAY, FLOAT):
        return 1
    return 0 if isinstance(form, Fixed) else sum(places(part) for part in form[1 + (form[0] is dict) :])
