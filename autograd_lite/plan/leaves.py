"""What a recorded function does to leaves, and to vectors of them such as theta: gradients, assignments, moves.

While it is recorded nothing of that happens: `.grad` holds Tensors, and what is written to memory is noted. A replay
does it when all is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..backprop import fitted
from ..diagnose.lines import line_of_user
from ..errors import LeakError
from ..leaf import set_leaf
from ..node import Leaf, Trace, mark_changed, tick
from ..ops.elementwise import add, stop_gradient
from ..ops.shape import astype, reshape
from ..runtime import address, handle
from ..tensor import Tensor, constant_tensor
from .program import Captured


class LeafTrace(Trace):
    """The part of a recording that concerns leaves, and what must be done, or be true, at a replay."""

    def __init__(self) -> None:
        self.grads: dict[Leaf, Any] = {}  # what .grad was before, where f reads or changes it
        self.found: dict[Leaf, Any] = {}  # what f found there
        self.assigned_to: dict[Leaf, tuple[Any, Any]] = {}  # the leaf's Tensor, and what was assigned last
        self.changes: list[tuple[int, Any, Tensor]] = []  # when which leaf, or vector of them, was given what
        self.writes: dict[int, tuple[Captured, Tensor]] = {}  # by the memory's address
        self.guards: list[tuple[Callable[[], Any], Any]] = []  # what must be as it is now for a replay to be right
        self.builds: list[tuple[Callable[[], Any], Any]] = []  # the same, which only rebuilding leaves changes
        self.afterwards: list[tuple[Callable[[Any], None], Any]] = []  # what is called, with which Tensor's value
        self.turns: dict[Any, int] = {}

    def reads(self, now: Callable[[], Any], example: Any, what: str, weak: bool = False) -> Tensor:
        """A Tensor for what `now()` gives at each replay, an array or number like `example`; if `weak` a number of
        Python's."""
        raise NotImplementedError

    # -- gradients ---------------------------------------------------------------------------------------------------

    def deposit(self, leaf: Leaf, gradient: Any) -> None:
        """Add to `leaf.grad`, which holds a Tensor until the recording ends."""
        self.requires(lambda: leaf.hooks is not None and bool(leaf.hooks.functions), rebuilt=True)
        if leaf.hooks is not None and leaf.hooks.functions:
            raise LeakError(f"a hook on the leaf {leaf.name or ''} is called at each backward pass, not once for all")
        before, gradient = self.gradient(leaf), self._tensor(gradient)
        leaf.grad = fitted(gradient, leaf) if before is None else add(before, fitted(gradient, leaf))

    def gradient(self, leaf: Leaf) -> Any:
        if leaf not in self.grads:
            self.grads[leaf] = leaf.grad
            self.guards.append((lambda: leaf.grad is None, leaf.grad is None))
            if leaf.grad is not None:
                leaf.grad = self.found[leaf] = self.reads(lambda: leaf.grad, leaf.grad, "gradient")
        return leaf.grad

    def sets_gradient(self, leaf: Leaf, gradient: Tensor) -> None:
        """Replace what `leaf.grad` is."""
        self.gradient(leaf)
        leaf.grad = gradient

    def gradient_vector(self, leaf: Leaf) -> Any:
        """The gradient of a leaf as a vector; zeros where there is none."""
        g = self.gradient(leaf)
        return np.zeros(leaf.data.size, leaf.dtype) if g is None else reshape(g, (-1,))

    def forgotten(self, leaf: Leaf) -> None:
        self.grads.setdefault(leaf, leaf.grad)
        leaf.grad = None

    def leave(self, gradients: dict[Leaf, Any]) -> None:
        """Have each leaf left as the function left it: its `.grad` in a model's memory, or in an array of its own."""
        gradients = {leaf: g for leaf, g in gradients.items() if g is None or g is not self.found.get(leaf)}
        emptied = [leaf for leaf, g in gradients.items() if g is None]
        homes = {leaf: leaf.grad_memory for leaf, g in gradients.items() if g is not None}
        homes = {leaf: memory for leaf, memory in homes.items() if memory is not None}
        for leaf, gradient in gradients.items():
            if leaf in homes:
                self.writes_to(homes[leaf], gradient, f"gradient of {leaf.name or 'a leaf'}")
            elif gradient is not None:
                self.then(partial(setattr, leaf, "grad"), gradient)

        def in_place(_: Any) -> None:
            for leaf in emptied:
                leaf.grad = None
            for leaf, memory in homes.items():
                leaf.grad = memory

        if emptied or homes:
            self.requires(lambda: [id(leaf.grad_memory) for leaf in gradients], rebuilt=True)
            self.then(in_place)
        for leaf, (tensor, new) in self.assigned_to.items():
            self.then(partial(set_leaf, leaf, tensor), new)

    # -- assignments, and what is written to memory --------------------------------------------------------------------

    def assigned(
        self, leaf: Leaf, tensor: Any, value: Any, op: Any = None, index: Any = None, arrays: Any = ()
    ) -> None:
        if any(_is_in(leaf, place) for _, place, _ in self.changes if place is not leaf):
            raise LeakError(
                f"assigning into the leaf {leaf.name or ''}, which an optimizer has moved ({line_of_user()}); compile"
                " the two one by one"
            )
        if op is not None:
            before = self.assigned_to[leaf][1] if leaf in self.assigned_to else handle(leaf.data, leaf)
            value = op(before, value, *arrays, index=index)
        value = stop_gradient(astype(self._tensor(value), leaf.dtype))
        self.assigned_to[leaf] = tensor, value
        self._change(leaf, value)
        mark_changed([leaf])

    def _change(self, place: Any, tensor: Tensor) -> None:
        self.changes.append((tick(), place, tensor))

    def contents(self, array: Any) -> Tensor:
        """A Tensor for what an array holds at this point of the function."""
        for place, tensor in self.writes.values():
            if place.memory.shape == array.shape and address(place.memory) == address(array):
                return tensor
            if np.may_share_memory(place.memory, array):
                raise LeakError(f"a part of the {place.what} is written to, and then all of it is read")
        if any(np.may_share_memory(leaf.data, array) for leaf in self.assigned_to):
            raise LeakError("assigning into a leaf and then moving it by an optimizer; compile the two one by one")
        return self.captured(array)  # type: ignore[no-any-return]

    def writes_to(self, memory: Any, tensor: Tensor, what: str) -> None:
        """Have `tensor` written to the array `memory` at the end of each replay."""
        self._change(memory, tensor)
        self.writes[address(memory)] = Captured(lambda: memory, what, memory), tensor

    def change_of(self, leaf: Leaf, time: int) -> tuple[Any, Tensor] | None:
        """The last change before `time` of a leaf: what was changed, it or a vector that it lies in, and to what."""
        for when, place, tensor in reversed(self.changes):
            if when < time and (place is leaf or (isinstance(place, np.ndarray) and _is_in(leaf, place))):
                return place, tensor
        return None

    # -- what is to be true, or done, at a replay ---------------------------------------------------------------------

    def requires(self, now: Callable[[], Any], rebuilt: bool = False) -> None:
        (self.builds if rebuilt else self.guards).append((now, now()))

    def turn(self, who: Any) -> int:
        """How often this was asked before for the same `who`, such as an optimizer that moves twice."""
        self.turns[who] = self.turns.get(who, -1) + 1
        return self.turns[who]

    def then(self, call: Callable[[Any], None], tensor: Any = None) -> None:
        """Have `call` called with the value of `tensor` when a replay has ended."""
        self.afterwards.append((call, tensor))

    def _tensor(self, value: Any) -> Any:
        value = self.captured(value)
        return value if isinstance(value, Tensor) else constant_tensor(np.asarray(value)[()])


def _is_in(leaf: Leaf, memory: Any) -> bool:
    """Whether a leaf is a part of an array."""
    both = isinstance(memory, np.ndarray) and isinstance(leaf.data, np.ndarray)
    return both and np.may_share_memory(leaf.data, memory)
