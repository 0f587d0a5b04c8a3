"""Looking up what a user names by a string: activations, losses, initializers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
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
    close = difflib.get_close_matches(str(name), table, 1) or [known for known in table if name and str(name) in known]
    advice = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(table)}"
    raise ArgumentError(f"{kind} {name!r} is unknown; {advice}")
