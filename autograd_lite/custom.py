"""Floor 5: derivatives that a function's author gives, and values that are computed again instead of kept.

Each call is one node, whatever the function does inside: its row is made from the function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from .backprop import pull
from .errors import ArgumentError
from .node import Leaf, Node, enable_grad, is_recording, no_grad, tick, topological_order
from .op import Op
from .ops.elementwise import stop_gradient as stopped
from .runtime import as_value, without_history
from .tensor import Tensor, constant_tensor
from .trace import on_new_node, traced_input
from .tree import leaves, map_leaves, rebuilt


def stop_gradient(tree: Any) -> Any:
    """The same values, through which no gradient passes; of an array or nested containers of them.

    >>> import autograd_lite as ag
    >>> ag.grad(lambda x: x * ag.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return map_leaves(stopped, tree)


class _Call:
    """One call of a function: the form of its arguments, and of what it returned. Stands on the node as a static."""

    def __init__(self, args: tuple[Any, ...], fixed: dict[int, Any], kwargs: dict[str, Any]):
        self.args = tuple(None if k in fixed else a for k, a in enumerate(args))
        self.fixed = fixed
        self.kwargs = kwargs
        self.out: Any = None
        self.outside: list[Node] = []
        self.size, self.found = 0, False

    def arguments(self, xs: Any) -> list[Any]:
        """The arguments, with `xs` for what stands in them."""
        return [self.fixed.get(k, a) for k, a in enumerate(rebuilt(list(self.args), xs))]

    def outputs(self, ys: Any) -> Any:
        return rebuilt(self.out, ys)


def _plain(y: Any) -> Any:
    return as_value(without_history(y))


class _Custom:
    """A function whose derivatives are given by other functions."""

    _kind = ""

    def __init__(self, f: Callable[..., Any], nondiff_argnums: tuple[int, ...] = ()):
        self._f = f
        self._nondiff = nondiff_argnums
        self._row: Op | None = None
        update_wrapper(self, f)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._row is None:
            raise ArgumentError(f"{self._kind}: {self.__name__} has no rule yet; give it one by {self._definer}")  # type: ignore[attr-defined]
        call = _Call(args, {k: args[k] for k in self._nondiff}, kwargs)
        flat = list(leaves([a for a in call.args if a is not None]))
        if not is_recording() or not any(isinstance(x, Tensor) and x.requires_grad for x in flat):
            return self._f(*args, **kwargs)
        return call.outputs(self._row(*flat, call=call))

    _definer = ""


class custom_vjp(_Custom):
    """A function with a backward pass of its own, as JAX's `custom_vjp`.

    `f.defvjp(fwd, bwd)`: `fwd(*args)` returns `(y, residuals)`, `bwd(residuals, g)` the tuple of gradients by the
    arguments, None for zeros; arguments in `nondiff_argnums` come first in bwd. Both are written with functions that
    take Tensors, so that the backward pass can be differentiated again.

    >>> import autograd_lite as ag
    >>> @ag.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, g: (ag.clip(g, -1.0, 1.0),))
    >>> ag.grad(lambda x: 5.0 * clipped(x))(2.0)
    np.float64(1.0)
    """

    _kind, _definer = "custom_vjp", "f.defvjp(fwd, bwd)"

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Give the function its backward pass."""

        def fprop(*xs: Any, call: Any) -> Any:
            with no_grad():
                y, residuals = fwd(*call.arguments(map(constant_tensor, xs)), **call.kwargs)
            call.out = y
            return tuple(map(_plain, leaves(y))), map_leaves(_plain, residuals)

        def residuals(xs: Any, call: Any) -> Any:
            return fwd(*call.arguments(xs), **call.kwargs)[1]

        def bprop(g: Any, r: Any, call: Any) -> list[Any]:
            gradients = bwd(*call.fixed.values(), r, call.outputs(g))
            return _aligned(call, gradients, self.__name__)  # type: ignore[attr-defined]

        self._row = Op(fprop, name=self.__name__, several=True, r=residuals, bprop=bprop)  # type: ignore[attr-defined]


class custom_jvp(_Custom):
    """A function with a derivative of its own along tangents, as JAX's `custom_jvp`; reverse mode is its transpose.

    `f.defjvp(rule)`: `rule(primals, tangents)` returns `(y, tangent of y)`, linear in the tangents, written with
    functions that take Tensors; arguments in `nondiff_argnums` come first.

    >>> import autograd_lite as ag
    >>> @ag.custom_jvp
    ... def cube(x):
    ...     return x * x * x
    >>> cube.defjvp(lambda primals, tangents: (primals[0] ** 3, 3.0 * primals[0] ** 2 * tangents[0]))
    >>> ag.grad(cube)(2.0), ag.jvp(cube, (2.0,), (1.0,))[1]
    (np.float64(12.0), np.float64(12.0))
    """

    _kind, _definer = "custom_jvp", "f.defjvp(rule)"

    def defjvp(self, rule: Callable[..., Any]) -> None:
        """Give the function its derivative."""

        def along(call: _Call, xs: Any, tangents: Any) -> list[Any]:
            primals, moving = (
                [a for k, a in enumerate(call.arguments(values)) if k not in call.fixed] for values in (xs, tangents)
            )
            return list(leaves(rule(*call.fixed.values(), tuple(primals), tuple(moving))[1]))

        def fprop(*xs: Any, call: Any) -> Any:
            with no_grad():
                call.out = self._f(*call.arguments(map(constant_tensor, xs)), **call.kwargs)
            return tuple(map(_plain, leaves(call.out)))

        def bprop(g: Any, xs: Any, call: Any) -> list[Any]:
            directions = [on_new_node(np.zeros(x.shape, x.dtype)[()]) for x in xs]
            with enable_grad():
                found = along(call, xs, directions)
            return _pulled(found, g, [d.node for d in directions], recorded=_any_tensor(g, xs))

        def tangent(node: Node, moving: list[Any]) -> list[Any]:
            xs = node.op.known_inputs(node)
            filled = [np.zeros(x.shape, x.dtype)[()] if t is None else t for t, x in zip(moving, xs, strict=True)]
            return along(node.statics[0], xs, filled)

        self._row = Op(fprop, name=self.__name__, several=True, bprop=bprop, tangent=tangent)  # type: ignore[attr-defined]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, of which only the arguments are kept: the backward pass computes the values inside once more.

    Saves memory for time, one more forward pass of f. What f takes from around it gets its gradient too. f must give
    the same each time: random numbers come from outside.

    >>> import numpy as np, autograd_lite as ag
    >>> layer = ag.checkpoint(lambda x: np.tanh(np.sin(x)))
    >>> ag.grad(layer)(0.0)
    np.float64(1.0)
    """

    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        call = _Call(args, {}, kwargs)
        flat = list(leaves(list(args)))
        if not is_recording():
            return f(*args, **kwargs)
        start = tick()
        y = f(*call.arguments(map(_renewed, flat)), **kwargs)
        call.outside = _taken_from_around(y, start)
        if not call.outside and not any(isinstance(x, Tensor) and x.requires_grad for x in flat):
            return map_leaves(_plain, y)
        call.out, call.size, call.found = map_leaves(_plain, y), len(flat), True
        return call.outputs(row(*flat, *map(_stand_in, call.outside), call=call))

    def fprop(*xs: Any, call: Any) -> Any:
        if not call.found:  # run again, by a Graph
            with no_grad():
                call.out = map_leaves(_plain, f(*call.arguments(xs[: call.size]), **call.kwargs))
        call.found = False
        return tuple(leaves(call.out))

    def bprop(g: Any, xs: Any, call: Any) -> list[Any]:
        with enable_grad():
            inside = [_renewed(x) for x in xs[: call.size]]
            ys = list(leaves(f(*call.arguments(inside), **call.kwargs)))
        wanted = [x.node if isinstance(x, Tensor) else None for x in inside]
        return _pulled(ys, g, [*wanted, *call.outside], recorded=_any_tensor(g, xs))

    row = Op(fprop, name=getattr(f, "__name__", "f").strip("<>"), several=True, bprop=bprop)
    return update_wrapper(checkpointed, f)


def _any_tensor(*groups: Any) -> bool:
    """Whether a backward pass is being recorded: it gives the formulas Tensors."""
    return any(isinstance(x, Tensor) for group in groups for x in group)


def _renewed(x: Any) -> Any:
    """`x` with a node of this call's own, where it can have a gradient."""
    if isinstance(x, Tensor):
        return traced_input(x) if x.requires_grad else x
    return on_new_node(x) if getattr(x, "dtype", np.dtype(object)).kind in "fc" else x


def _taken_from_around(y: Any, start: int) -> list[Node]:
    """The recorded nodes outside of a function that its outputs depend on, with a gradient."""
    roots = [t.node for t in leaves(y) if isinstance(t, Tensor) and t.node is not None]
    nodes = topological_order(*roots, since=start)
    inputs = {i: None for n in nodes if n.op is not traced_input for i in n.inputs if isinstance(i, Node)}
    return [i for i in inputs if i.requires_grad and (i.order < start or isinstance(i, Leaf))]


def _stand_in(node: Node) -> Tensor:
    """A Tensor for a node whose value is not needed."""
    tensor = constant_tensor(np.broadcast_to(np.zeros((), node.dtype), node.shape))
    tensor.node = node
    return tensor


def _pulled(ys: list[Any], g: Any, wanted: list[Any], recorded: bool) -> list[Any]:
    """The gradients by the nodes `wanted`, None where none came or none is wanted."""
    starts = [(y.node, v) for y, v in zip(ys, g, strict=True) if isinstance(y, Tensor) and y.node is not None]
    with enable_grad() if recorded else no_grad():
        _, ends = pull(starts, [node for node in wanted if node is not None])
    return [None if node is None else ends.get(node) for node in wanted]


def _aligned(call: _Call, gradients: Any, name: str) -> list[Any]:
    """The gradients that a custom backward pass gave, one for each array among the arguments."""
    arguments = [a for k, a in enumerate(call.args) if k not in call.fixed]
    if not isinstance(gradients, tuple) or len(gradients) != len(arguments):
        raise ArgumentError(
            f"custom_vjp: the backward pass of {name} must return a tuple of {len(arguments)} gradients"
        )
    found: list[Any] = []
    for argument, gradient in zip(arguments, gradients, strict=True):
        n = len(list(leaves([argument])))
        found += [None] * n if gradient is None else list(leaves([gradient]))
    return found
