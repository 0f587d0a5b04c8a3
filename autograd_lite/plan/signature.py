"""Signatures: what must be the same about the arguments of two calls for one recording to serve both.

That is the containers, the shapes and dtypes of the arrays in them, and all that is no array. Python's floats may
change: they take the dtype of the arrays that they meet, as in NumPy, so a program holds them as numbers of Python's.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor

ARRAY, FLOAT = "array", "float"


class Fixed(NamedTuple):
    """Stands in a form for a value that is part of the signature, with its type: 1 and True are two. So are 0.0 and
    -0.0, by their `text`: the root of -1 + 0j is i, that of -1 - 0j is -i."""

    kind: type
    value: Any
    text: str = ""


class BeingDifferentiated(Exception):
    """An argument is a Tensor that somebody differentiates by: the function is to be run, not replayed."""


def taken_apart(tree: Any, found: list[Any], floats: bool = True) -> Any:
    """The form of a tree, hashable, with ARRAY or FLOAT for what may change from call to call, which is added to
    `found`; if not `floats`, these are fixed too.

    Raises
    ------
    BeingDifferentiated for a recorded Tensor, ArgumentError (a TypeError) for what is neither an array nor hashable.
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
            raise BeingDifferentiated
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
    return Fixed(kind, tree, repr(tree) if isinstance(tree, (float, complex)) else "")


def put_together(form: Any, found: Iterator[Any]) -> Any:
    """The tree of a form, with other values in the places of those that were found."""
    if form in (ARRAY, FLOAT):
        return next(found)
    if isinstance(form, Fixed):
        return form.value
    kind = form[0]
    if issubclass(kind, dict):
        new = kind()  # empty: not all kinds of dicts are made of pairs
        for key, part in zip(form[1], form[2:], strict=True):
            new[key] = put_together(part, found)
        return new
    parts = [put_together(part, found) for part in form[1:]]
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def key_of(form: Any, found: list[Any]) -> Any:
    """What a recording is kept under."""
    return (form, *[None if type(x) is float else (x.shape, x.dtype) for x in found])


def number_dtype(found: list[Any]) -> Any:
    """The dtype that Python's floats take where they meet the arrays among `found`: float64 where there is no array of
    floats; where there are several kinds, the smallest one tells what they do to each."""
    dtypes = {x.dtype for x in found if type(x) is not float and x.dtype.kind in "fc"}
    real = {np.dtype(f"f{d.itemsize // 2}") if d.kind == "c" else d for d in dtypes}
    return min(real, default=np.dtype(float), key=lambda d: d.itemsize)


def count_places(form: Any) -> int:
    """How many arrays and floats a form has places for."""
    if form in (ARRAY, FLOAT):
        return 1
    return 0 if isinstance(form, Fixed) else sum(count_places(part) for part in form[1 + issubclass(form[0], dict) :])


def names_in(form: Any, name: str) -> list[str]:
    """What leads to each of these places, such as `params[0]['W']` where the whole is called params."""
    if form in (ARRAY, FLOAT):
        return [name]
    if isinstance(form, Fixed):
        return []
    keys, parts = (form[1], form[2:]) if issubclass(form[0], dict) else (range(len(form) - 1), form[1:])
    return [found for key, part in zip(keys, parts, strict=True) for found in names_in(part, f"{name}[{key!r}]")]


def argument_names(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """The same for the forms of a call's arguments, in f's words."""
    try:
        parameters = list(signature(f).parameters.values())
    except (TypeError, ValueError):  # some functions in C do not tell
        parameters = []
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = [*known, *[f"argument {k}" for k in range(len(known), len(args))]]
    pairs = [*zip(args, names, strict=False), *[(form, name) for name, form in kwargs.items()]]
    return [found for form, name in pairs for found in names_in(form, name)]
