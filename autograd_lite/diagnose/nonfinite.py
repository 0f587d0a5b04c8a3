"""The first NaN or infinity, forward or backward, on the way to a loss or to its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ..backprop import accumulator
from ..describe import summary
from ..draw.recorded import with_leaves
from ..errors import ArgumentError
from ..flow import Box, Graph
from ..node import Node, enable_grad
from ..runtime import shape_of
from ..tensor import Tensor
from ..tree import leaves
from .causes import INPUT, OVERFLOW, backward_cause, finite, forward_cause, parts_of, quiet
from .finding import Entry, NonFinite
from .lines import debug, line_of

SHOWN = 5  # entries


def find_nonfinite(loss: Tensor | Callable[..., Any], *args: Any) -> NonFinite | None:
    """The first op, forward or backward, whose NaN or infinity reaches `loss` or the gradient of a leaf.

    Parameters
    ----------
    loss: a recorded Tensor (of one that is not a scalar, the sum counts), whose values are computed again from the
        leaves as they are now; or a function that computes it.
    args: the function's arguments: floats and arrays of them, or containers, want a gradient, the rest is passed on.
        The function runs inside `ag.debug()`, so that the line of code is known.

    Returns
    -------
    None if the loss and its gradients are finite; an infinity on the way that nothing comes of is none. Else a
    NonFinite: `node`, `direction` ("fprop" or "bprop"), `kind` ("overflow", "division by zero", "logarithm of zero",
    "0 x inf", "inf - inf", "outside the domain", "where trap", "non-finite input"), `entries`, `line`. It prints
    itself, and `ag.draw` marks it and what it has spoilt.

    Raises
    ------
    ArgumentError (a TypeError) if nothing was recorded.

    >>> import numpy as np, autograd_lite as ag
    >>> print(ag.find_nonfinite(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), np.array([4.0, 0.0])).where)
    bprop of sqrt: where trap, in 1 of 2 entries of the gradient by x
    """
    if isinstance(loss, Tensor):
        if args:
            raise ArgumentError("find_nonfinite: arguments go with a function; the loss is a Tensor already")
        return _Search(loss).result()
    arguments = with_leaves(loss, args, "find_nonfinite")
    with quiet(), debug(), enable_grad():
        y = loss(*arguments)
    recorded = [t for t in leaves(y) if isinstance(t, Tensor) and t.node is not None]
    if not recorded:
        raise ArgumentError("find_nonfinite: the function returned nothing that was recorded; return the loss itself")
    return next((found for t in recorded if (found := _Search(t).result())), None)


class _Sent(NamedTuple):
    """A gradient that is not finite, made by a bprop of one that is."""

    box: Box
    target: Node
    d: Any
    added: bool  # finite itself: the sum with what others sent is not


class _Search:
    """Every value and every gradient of the graph of a loss, and which of them are not finite."""

    def __init__(self, loss: Tensor):
        if loss.node is None:
            raise ArgumentError("find_nonfinite: the loss was not recorded; compute it from a leaf")
        self.loss = loss
        self.graph = Graph(loss)
        self.box = {box.node: box for box in self.graph}
        self.sent: list[_Sent] = []
        with quiet():
            self.graph[-1].value  # noqa: B018 - fills in every value
            self.bad = {box.node for box in self.graph if not finite(box.value)}
            self.sums = self._gradients()
            self.bad_gradients = {node for node, g in self.sums.items() if not finite(g)}

    def _gradients(self) -> dict[Node, Any]:
        """The reverse walk, with an eye on what each bprop sends."""
        sums: dict[Node, Any]
        sums, _, send, _ = accumulator(recorded=True)  # without memory of its own: every gradient is sent
        last = self.graph[-1].node
        if last.requires_grad:
            send(last, np.ones(last.shape, last.dtype)[()])
        for box in reversed(self.graph):
            g = sums.get(box.node)
            if g is None or box.op is None:
                continue
            sound = finite(g)

            def watched(i: Node, d: Any, box: Box = box, sound: bool = sound) -> None:
                before = sound and (i not in sums or finite(sums[i]))
                send(i, d)
                if before and not finite(sums[i]):
                    self.sent.append(_Sent(box, i, d, finite(d)))

            try:
                box.refilled().bprop(g, watched)
            except Exception:
                if self.bad:  # such as a decomposition of NaN: the values tell what is wrong
                    break
                raise
        return sums

    def result(self) -> NonFinite | None:
        """The first of them that matters."""
        with quiet():
            if self.graph[-1].node in self.bad:
                return self._forward()
            return self._backward()

    # -- forward ---------------------------------------------------------------------------------------------------

    def _forward(self) -> NonFinite:
        spoils = {self.graph[-1].node}  # the values that are not finite and come to the loss by others that are not
        for box in reversed(self.graph):
            if box.node in spoils:
                spoils.update(i for i in box.node.inputs if isinstance(i, Node) and i in self.bad)
        path = [box for box in self.graph if box.node in spoils]
        culprit = path[0]
        then = None
        if not _has_nan(culprit.value):
            nan = next((box for box in path if _has_nan(box.value)), None)
            then = None if nan is None else self._value_finding(nan)
        return self._value_finding(
            culprit,
            values=frozenset(self.bad - {culprit.node}),
            gradients=frozenset(self.bad_gradients),
            then=then,
        )

    def _value_finding(self, box: Box, **more: Any) -> NonFinite:
        y = next(part for part in parts_of(box.value) if not finite(part))
        places = np.argwhere(~np.isfinite(np.asarray(y)))
        inputs = _named_inputs(box)
        entries = [_entry(p, y, inputs, box) for p in places[:SHOWN]]
        kind = INPUT
        if box.op is not None:
            whole = [i.value if isinstance(i, Box) else i for i in box.inputs]
            statics = dict(zip(box.op.statics, box.node.statics, strict=True))
            if box.op.elementwise and not statics:
                whole = [_at(x, tuple(places[0]), np.shape(y)) for x in whole]
                y = np.asarray(y)[tuple(places[0])]
            kind = forward_cause(box.op, whole, statics, y)
        size = int(np.size(box.value)) if not isinstance(box.value, tuple) else int(np.size(y))
        return NonFinite(self.loss, box.node, "fprop", kind, entries, len(places), size, line_of(box.node), **more)

    # -- backward --------------------------------------------------------------------------------------------------

    def _backward(self) -> NonFinite | None:
        spoils: set[Node] = set()  # the gradients that are not finite and come to a leaf by others that are not
        for box in self.graph:
            live = [i for i in box.node.inputs if isinstance(i, Node) and i.requires_grad]
            if box.node in self.bad_gradients and (not live or any(i in spoils for i in live)):
                spoils.add(box.node)
        first = next((sent for sent in self.sent if sent.target in spoils), None)
        return None if first is None else self._gradient_finding(first)

    def _gradient_finding(self, sent: _Sent) -> NonFinite:
        box, op = sent.box, sent.box.op
        d = next(part for part in parts_of(self.sums[sent.target] if sent.added else sent.d) if not finite(part))
        places = np.argwhere(~np.isfinite(np.asarray(d)))
        g = self.sums[box.node]
        there = tuple(places[0])
        same = np.shape(d) == shape_of(g)
        g_there = np.asarray(g)[there] if same else None
        if not same and np.size(g) and all(not np.any(part) for part in parts_of(g)):
            g_there = np.float64(0)
        inputs = {"g": g, **_named_inputs(box)}
        masked_by = self._masked_by(box) if g_there is not None and g_there == 0 else ""
        refilled = box.refilled()
        saved = [_at(x, there, np.shape(d)) for x in refilled.saved if _is_array(x)]

        def again() -> None:
            refilled.bprop(g, lambda i, d: None, None, {sent.target})

        kind = OVERFLOW if sent.added else backward_cause(again, g_there, saved, np.asarray(d)[there], bool(masked_by))
        return NonFinite(
            self.loss,
            box.node,
            "bprop",
            kind,
            [_entry(p, d, inputs, box) for p in places[:SHOWN]],
            len(places),
            int(np.size(d)),
            line_of(box.node),
            input=_slot_name(op, box.node, sent.target),
            masked_by=masked_by,
            values=frozenset(self.bad),
            gradients=frozenset(self.bad_gradients),
        )

    def _masked_by(self, box: Box) -> str:
        """The nearest op behind `box` that gives the same where NaN stands at the entries that got a gradient of 0: it
        has not used them. Nothing if there is none."""
        users: dict[Node, list[Box]] = {}
        for each in self.graph:
            for i in each.node.inputs:
                if isinstance(i, Node):
                    users.setdefault(i, []).append(each)
        stack, seen = [box], {box.node}
        for each in stack:  # grows while it is read: the nearest come first
            g = self.sums[each.node]
            if not _is_array(g) or not _is_array(each.value) or np.all(g):
                continue  # no zeros are left: they were made by now
            for user in users.get(each.node, []):
                if user.node in seen or user.node not in self.sums:
                    continue
                seen.add(user.node)
                if _ignores(user, each, g):
                    return user.name
                stack.append(user)
        return ""


def _ignores(user: Box, source: Box, g: Any) -> bool:
    """Whether the value of `user` stays as it is with NaN where the gradient of `source` is 0."""
    x = source.value
    poisoned = np.where(np.asarray(g) == 0, np.nan, x).astype(x.dtype)[()]
    inputs = [poisoned if i is source else i.value if isinstance(i, Box) else i for i in user.inputs]
    try:
        y, _ = user.node.op.value_and_saved(tuple(inputs), user.node.statics)
    except Exception:  # NaN is refused there
        return False
    pairs = zip(parts_of(y), parts_of(user.value), strict=True)
    return all(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc") for a, b in pairs)


def _has_nan(value: Any) -> bool:
    return any(bool(np.isnan(part).any()) for part in parts_of(value) if np.asarray(part).dtype.kind in "fc")


def _is_array(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc"


def _named_inputs(box: Box) -> dict[str, Any]:
    """The values of a box's inputs by their names in the table."""
    if box.op is None:
        return {}
    values = [i.value if isinstance(i, Box) else i for i in box.inputs]
    return {_name_of(box.op, k): x for k, x in enumerate(values)}


def _name_of(op: Any, k: int) -> str:
    return op.inputs[k] if k < len(op.inputs) else f"{op.variadic}[{k - len(op.inputs)}]"


def _slot_name(op: Any, node: Node, target: Node) -> str:
    return " and ".join(_name_of(op, k) for k, i in enumerate(node.inputs) if i is target)


def _at(x: Any, place: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """The entry of `x`, as broadcast to `shape`, at a place; `x` itself where it does not broadcast."""
    try:
        return np.broadcast_to(x, shape)[place] if np.ndim(x) else x
    except ValueError:
        return x


def _entry(place: Iterable[int], result: Any, inputs: dict[str, Any], box: Box) -> Entry:
    """One entry of a result with the numbers that it was made of; of an op that takes more than entries, in sum."""
    there = tuple(int(i) for i in place)
    made_of = {}
    for name, x in inputs.items():
        if _is_array(x) or np.asarray(x).dtype.kind in "biuf":
            value = _at(x, there, np.shape(result)) if box.op is not None and box.op.elementwise else x
            made_of[name] = value if np.ndim(value) == 0 else summary(value)
    return Entry(there, np.asarray(result)[there], made_of)
