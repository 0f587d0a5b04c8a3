"""Floor 5: derivatives as functions of functions, with JAX's signatures."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .backprop import cotangent_for, walk
from .errors import ArgumentError, NotDifferentiableError, ShapeError
from .node import Leaf, Node, enable_grad, is_recording, no_grad, tick, topological_order
from .op import Op
from .tensor import Tensor, constant_tensor, owned_copy
from .tree import leaves, map_leaves

# Gives each argument a node of the call's own, so that an inner derivative by an argument that is being traced
# already does not see what the outer function did with it (perturbation confusion).
traced_input = Op(lambda x: x, name="input", x=lambda g: g, linear=("x",), view=True)


def grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, strict: bool = False
) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function of the same arguments.

    Parameters
    ----------
    f: returns a scalar, or `(scalar, aux)` with `has_aux=True`.
    argnums: which positional arguments to differentiate by; a tuple gives a tuple of gradients. An argument may
        be a number, an array, a Tensor, or nested tuples, lists and dicts of them; its gradient has the same form.
    strict: raise where f does not depend on an argument, instead of giving zeros.

    Returns
    -------
    A function that gives NumPy arrays; Tensors where an argument is a recorded Tensor or f reaches other leaves
    that want a gradient, so that gradients of gradients are right. For complex arguments du/dx - i du/dy, as JAX.

    Raises
    ------
    NotDifferentiableError (a TypeError) for integer arguments, ShapeError (a ValueError) if f is not scalar.

    >>> import autograd_lite as ag
    >>> ag.grad(lambda x: x**3)(2.0)
    np.float64(12.0)
    >>> ag.grad(lambda x: ag.grad(lambda y: x * y * y)(1.0))(2.0)
    np.float64(2.0)
    """
    with_value = value_and_grad(f, argnums, has_aux=has_aux, strict=strict)

    @wraps(f, updated=())
    def gradient_of_f(*args: Any, **kwargs: Any) -> Any:
        value, gradient = with_value(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return gradient_of_f


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, strict: bool = False
) -> Callable[..., Any]:
    """Like `grad`, but the function returns `(value, gradient)`, or `((value, aux), gradient)` with `has_aux`.

    >>> import autograd_lite as ag
    >>> ag.value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (np.float64(6.0), (np.float64(3.0), np.float64(2.0)))
    """

    @wraps(f, updated=())
    def value_and_gradient_of_f(*args: Any, **kwargs: Any) -> Any:
        positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for position in positions:
            if not -len(args) <= position < len(args):
                raise ArgumentError(f"grad: argnums {position}, but {_name(f)} got {len(args)} positional arguments")
        traced = list(args)
        with enable_grad():
            for position in positions:
                traced[position] = map_leaves(_traced, args[position])
            # Their nodes, before f may assign into the arguments, which gives these Tensors other nodes.
            wanted = [t.node for position in positions for t in leaves(traced[position])]
            result = f(*traced, **kwargs)
        y, aux = result if has_aux else (result, None)
        _check_scalar(f, y)
        recorded, gradients = gradients_of(y, wanted, strict=strict)
        if not recorded:
            y, aux = _without_history(y), map_leaves(_without_history, aux)
        each = iter(gradients)
        trees = [map_leaves(lambda _: next(each), traced[position]) for position in positions]
        gradient = trees[0] if isinstance(argnums, int) else tuple(trees)
        return ((y, aux) if has_aux else y), gradient

    return value_and_gradient_of_f


def gradients_of(y: Any, wanted: list[Any], *, cotangent: Any = None, strict: bool = False) -> tuple[bool, list[Any]]:
    """The gradients of `y` by the nodes `wanted`, and whether they were recorded.

    The backward pass is recorded exactly when it must be: when one of `wanted` is itself computed from something
    (an outer derivative is being taken), or when y's graph reaches a recorded value from outside.
    """
    zeros = [np.zeros(node.shape, node.dtype)[()] for node in wanted]
    if not isinstance(y, Tensor) or y.node is None or not wanted:
        return False, _checked_dependence(wanted, zeros, {}, strict)
    since = min(node.order for node in wanted)
    nodes = topological_order(y.node, since=since)
    useful: set[Node] = set(wanted)
    foreign = any(isinstance(i, Node) for node in wanted for i in node.inputs)
    for node in nodes:
        for i in node.inputs:
            if isinstance(i, Node) and i.requires_grad:
                if i in useful and node.requires_grad:
                    useful.add(node)
                foreign |= i.order < since or type(i) is Leaf
    recorded = foreign and is_recording()
    ends: dict[Any, Any] = {}
    if y.node in useful:
        g = cotangent_for(y, cotangent, "grad")
        with enable_grad() if recorded else no_grad():
            ends = walk(y.node, constant_tensor(g) if recorded else g, frozenset(wanted), useful)
    return recorded, _checked_dependence(wanted, zeros, ends, strict)


def _checked_dependence(wanted: list[Any], zeros: list[Any], ends: dict[Any, Any], strict: bool) -> list[Any]:
    if strict and len(ends) < len(set(wanted)):
        raise ArgumentError("grad: strict=True, and the function does not depend on one of its arguments")
    seen: set[int] = set()
    gradients = []
    for node, zero in zip(wanted, zeros, strict=True):
        g = ends.get(node, zero)
        if isinstance(g, np.ndarray):  # the caller owns what it gets: never a view, nor the same array twice
            g = g.copy() if g.base is not None or not g.flags.writeable or id(g) in seen else g
            seen.add(id(g))
        gradients.append(g)
    return gradients


def _traced(x: Any) -> Tensor:
    """`x` as a Tensor with a node that belongs to this call."""
    if isinstance(x, Tensor) and x.node is not None and x.requires_grad:
        return traced_input(x)  # type: ignore[no-any-return]
    array = owned_copy(x._data if isinstance(x, Tensor) else x, None)
    if array.dtype.kind not in "fc":
        raise NotDifferentiableError(
            f"grad: an argument of dtype {array.dtype}, shape {array.shape}, cannot be differentiated; convert it"
            " to float"
        )
    tensor = constant_tensor(array)
    node: Any = traced_input.node_class()
    tensor.node = node
    node.input_x, node.rest = None, (array,)
    node.order, node.shape, node.dtype = tick(), array.shape, array.dtype
    return tensor


def _without_history(y: Any) -> Any:
    return y._data if isinstance(y, Tensor) else y


def _check_scalar(f: Any, y: Any) -> None:
    if isinstance(y, (tuple, list, dict)):
        raise ArgumentError(f"grad: {_name(f)} returned a {type(y).__name__}; with has_aux=True it may return (y, aux)")
    if np.shape(y) != ():
        raise ShapeError(
            f"grad: {_name(f)} returned shape {np.shape(y)}, and only a scalar has a gradient; reduce it, by .sum()"
            " or .mean()"
        )


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)
