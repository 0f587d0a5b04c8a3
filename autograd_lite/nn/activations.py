"""Activation functions h(a) of a pre-activation a, by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError
from ..ops.elementwise import positive, relu, sigmoid, softplus, tanh

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": positive,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "softplus": softplus,
}


def activation_named(activation: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function of that name, or `activation` itself if it is one."""
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        close = difflib.get_close_matches(str(activation), ACTIVATIONS, 1)
        advice = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(ACTIVATIONS)}"
        raise ArgumentError(f"activation {activation!r} is unknown; {advice}")
    return ACTIVATIONS[activation]
