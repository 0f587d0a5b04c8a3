"""Looking up what a user names by a string: activations, losses, initializers, metrics, measurements."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import ArgumentError


def named(kind: str, name: Any, table: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The function of that name in `table`, or `name` itself if it is a function.

    Raises
    ------
    ArgumentError (a TypeError) for an unknown name, with the nearest known one.

    >>> named("activation", "rellu", {"relu": max})
    Traceback (most recent call last):
    autograd_lite.errors.ArgumentError: activation 'rellu' is unknown; did you mean 'relu'?
    """
    if callable(name):
        return name  # type: ignore[no-any-return]
    if isinstance(name, str) and name in table:
        return table[name]
    raise unknown(kind, name, table)


def unknown(kind: str, name: Any, known: Iterable[str]) -> ArgumentError:
    """The error for a name that is none of `known`; it suggests the nearest one, or lists them."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, 1) or [k for k in known if name and str(name) in k]
    advice = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
    return ArgumentError(f"{kind} {name!r} is unknown; {advice}")
