"""The sentences of the page that steps through a computation, for who has never seen backpropagation."""

from __future__ import annotations

import math
from typing import Any

from ..several import Shapes

LARGE = "Of a large array the boxes show the mean ± the standard deviation of its entries."
END_FORWARD = "This is the end of the forward pass."
TURN = " Now back."
FLAT = "No gradient passes through here: a small change of the inputs does not change the value."
SEED = "A small change of the result changes the result by just as much: the backward pass starts with the gradient 1."
NOTHING_SENT = "No input of this box asks for a gradient."
END_BACKWARD = "That was the last call. Each input that asked for it (solid, rounded) now has its gradient."


def plan(leaves: int, constants: int, forward: int, backward: int) -> str:
    dashed = "; those that ask for no gradient are dashed" * bool(constants)
    return (
        f"{_count(leaves + constants, 'input is', 'inputs are')} given (rounded boxes{dashed})."
        f" {_count(forward, 'forward call', 'forward calls')} will compute the value at the top, then"
        f" {_count(backward, 'backward call', 'backward calls')} will find how much it changes when an input changes"
        " a little."
    )


def _count(n: int, one: str, more: str) -> str:
    return f"{n} {one if n == 1 else more}"


def goes_into(places: int) -> str:
    return f"This value goes into {places} places. On the way back their gradients will add."


def arrived(gradients: int) -> str:
    return f"{gradients} gradients have arrived here, one from each place this value went to: they were added."


def copied(name: str, shape: tuple[int, ...], wide: tuple[int, ...]) -> str:
    return (
        f"Broadcasting: {name} {'is' if math.prod(shape) == 1 else 'has'} {_of(shape)} and was copied"
        f" {times(shape, wide)} times to fit {size(wide)}. On the way back the gradients of the copies will be summed."
    )


def summed(name: str, wide: tuple[int, ...], shape: tuple[int, ...]) -> str:
    return (
        f"{name} was copied {times(shape, wide)} times on the way forward (broadcasting): the gradients of the copies,"
        f" {size(wide)}, are summed to {_of(shape)}."
    )


def times(shape: Any, wide: Any) -> int:
    """How often a value of `shape` was copied to fit `wide`."""
    if isinstance(shape, Shapes) or isinstance(wide, Shapes):
        return 1
    return int(math.prod(wide) // max(1, math.prod(shape)))


def _of(shape: tuple[int, ...]) -> str:
    if math.prod(shape) == 1:
        return "one number"
    return size(shape) if len(shape) == 1 else f"the shape {size(shape)}"


def size(shape: tuple[int, ...]) -> str:
    """A shape in a sentence: "2 entries", "4 × 2"."""
    return " × ".join(map(str, shape)) if len(shape) != 1 else _count(shape[0], "entry", "entries")
