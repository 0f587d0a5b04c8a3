"""What a backend makes of a program: something that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .lifetimes import Home
from .program import Value


class Built(Protocol):
    """A program that is ready to run, with buffers of its own: one call at a time."""

    reason: str  # why this backend was chosen, after its name
    peak_bytes: int  # what its buffers take

    @property
    def source(self) -> str:
        """The Python that runs."""

    @property
    def homes(self) -> Mapping[Value, Home]:
        """Where values lie, of those that have a place of their own."""

    @property
    def constants(self) -> Mapping[str, Any]:
        """The constants in the source that have a name, by it."""

    def run(self, sources: list[Any]) -> Any:
        """What the program gives for these arrays, in the order of `program.sources`."""
