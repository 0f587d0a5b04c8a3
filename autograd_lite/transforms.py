"""Floor 5: derivatives as functions of functions, with JAX's signatures."""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import cached_property, wraps
from typing import Any

import numpy as np

from .backprop import between, cotangent_for, pull
from .errors import ArgumentError, ShapeError
from .forward import push
from .node import enable_grad, is_recording, is_tracing, no_grad
from .runtime import shape_of, without_history
from .tensor import Tensor, constant_tensor
from .trace import traced
from .tree import leaves, map_leaves, rebuilt

# -- reverse mode ------------------------------------------------------------------------------------------------


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
        run = Run(f, args, argnums, kwargs, has_aux=has_aux, caller="grad")
        _check_scalar(f, run.y)
        recorded, gradients = run.pull([cotangent_for(y, None, "grad") for y in run.outputs], strict)
        keep = _unchanged if recorded else without_history
        y, aux = keep(run.y), map_leaves(keep, run.aux)
        return ((y, aux) if has_aux else y), gradients

    return value_and_gradient_of_f


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """`(y, pullback)`: the value of `f(*primals)`, and the function that takes a cotangent of y, in the form of y, to
    the tuple of gradients by the primals, v'J. With `has_aux`, `(y, pullback, aux)` for an f that returns (y, aux).

    >>> import numpy as np, autograd_lite as ag
    >>> y, pullback = ag.vjp(lambda a, b: a * b, np.array([1.0, 2.0]), 3.0)
    >>> pullback(np.array([1.0, 1.0]))
    (array([3., 3.]), np.float64(3.0))
    """
    run = Run(f, primals, tuple(range(len(primals))), {}, has_aux=has_aux, caller="vjp")

    def pullback(cotangent: Any) -> Any:
        given = list(leaves(_in_form_of(run.y, cotangent, "pullback")))
        recorded, gradients = run.pull([_checked(y, v, "pullback") for y, v in zip(run.outputs, given, strict=True)])
        return gradients if recorded else map_leaves(without_history, gradients)

    y = run.result()
    return (y, pullback, run.result_aux()) if has_aux else (y, pullback)


# -- forward mode ------------------------------------------------------------------------------------------------


def jvp(f: Callable[..., Any], primals: Any, tangents: Any, *, has_aux: bool = False) -> Any:
    """`(y, tangent)`: the value of `f(*primals)` and its derivative along `tangents`, Ju, in the form of y. With
    `has_aux`, `(y, tangent, aux)` for an f that returns (y, aux).

    Parameters
    ----------
    primals, tangents: tuples or lists of the same form, shapes and kinds.

    >>> import autograd_lite as ag
    >>> ag.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (np.float64(6.0), np.float64(23.0))
    """
    _check_pairs(primals, tangents, "jvp")
    run = Run(f, tuple(primals), tuple(range(len(primals))), {}, has_aux=has_aux, caller="jvp")
    tangent = run.push(tangents, "jvp")
    return (run.result(), tangent, run.result_aux()) if has_aux else (run.result(), tangent)


def linearize(f: Callable[..., Any], *primals: Any) -> Any:
    """`(y, f_jvp)`: the value of `f(*primals)`, and its derivative there as a function of tangents; f runs once.

    >>> import autograd_lite as ag
    >>> y, f_jvp = ag.linearize(lambda x: x**3, 2.0)
    >>> f_jvp(1.0), f_jvp(0.5)
    (np.float64(12.0), np.float64(6.0))
    """
    run = Run(f, primals, tuple(range(len(primals))), {}, caller="linearize")

    def f_jvp(*tangents: Any) -> Any:
        _check_pairs(primals, tangents, "linearize")
        return run.push(tangents, "linearize")

    return run.result(), f_jvp


def hvp(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The product of the Hessian of a scalar function with a vector, `hvp(f)(x, v)` = H(x) v, without the matrix:
    the gradient's derivative along v (Pearlmutter, 1994). Further arguments of f come after v.

    >>> import numpy as np, autograd_lite as ag
    >>> ag.hvp(lambda x: (x**3).sum())(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """

    def product(x: Any, v: Any, *others: Any, **kwargs: Any) -> Any:
        def gradient(x: Any) -> Any:
            return grad(f, argnums)(*others[:argnums], x, *others[argnums:], **kwargs)

        return jvp(gradient, (x,), (v,))[1]

    return product


# -- a run of f, and what it left ------------------------------------------------------------------------------------


class Run:
    """One call of f with the arguments at `argnums` traced, and the graph from them to what f returned."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: int | tuple[int, ...],
        kwargs: dict[str, Any],
        *,
        has_aux: bool = False,
        caller: str,
    ):
        self.single = isinstance(argnums, int)
        self.positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self.traced_for_many = bool(is_tracing())  # now; a pullback may be called by a vmap that came later
        arguments = list(args)
        for position in self.positions:
            if not -len(args) <= position < len(args):
                raise ArgumentError(
                    f"{caller}: argnums {position}, but {_name(f)} got {len(args)} positional arguments"
                )
        with enable_grad():
            for position in self.positions:
                arguments[position] = map_leaves(lambda x: traced(x, caller), args[position])
            self.trees = [arguments[position] for position in self.positions]
            # Their nodes, before f may assign into the arguments, which gives these Tensors other nodes.
            self.wanted: list[Any] = [t.node for tree in self.trees for t in leaves(tree)]
            result = f(*arguments, **kwargs)
        if has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise ArgumentError(f"{caller}: has_aux=True, and {_name(f)} did not return a pair (y, aux)")
        self.y: Any
        self.aux: Any
        self.y, self.aux = result if has_aux else (result, None)
        self.outputs = list(leaves(self.y))

    def pull(self, cotangents: list[Any], strict: bool = False) -> tuple[bool, Any]:
        """Whether the backward pass was recorded, and the gradients in the form of the arguments."""
        pairs = zip(self.outputs, cotangents, strict=True)
        starts = [(y.node, v) for y, v in pairs if isinstance(y, Tensor) and y.node is not None]
        recorded, ends = pull(starts, self.wanted, self.traced_for_many) if starts and self.wanted else (False, {})
        return recorded, self.in_form_of_arguments(in_memory_of_their_own(self.wanted, ends, strict))

    def in_form_of_arguments(self, values: list[Any]) -> Any:
        """`values`, one for each array among the arguments, in their containers."""
        trees = rebuilt(self.trees, values)
        return trees[0] if self.single else tuple(trees)

    def push(self, tangents: Any, caller: str) -> Any:
        """The tangents of what f returned, in its form, from those of the arguments."""
        given = [_checked(node, t, caller) for node, t in zip(self.wanted, leaves(list(tangents)), strict=True)]
        return rebuilt(self.y, self.pushed(dict(zip(self.wanted, given, strict=True))))

    @cached_property
    def graph(self) -> tuple[list[Any], bool]:
        """The nodes from the arguments to what f returned, and whether there is a recorded value from outside."""
        nodes, _, foreign = between(self.wanted, self.roots)
        return nodes, foreign

    @property
    def roots(self) -> list[Any]:
        """The nodes of what f returned."""
        return [y.node for y in self.outputs if isinstance(y, Tensor) and y.node is not None]

    def pushed(self, given: dict[Any, Any], moving: Container[Any] | None = None) -> list[Any]:
        """The tangents of the outputs, from those `given` for some of the nodes of the arguments, where no other nodes
        move than `moving`, if that is not None."""
        roots, (nodes, foreign) = self.roots, self.graph
        recorded = bool(is_tracing()) or (
            is_recording() and (foreign or any(isinstance(t, Tensor) for t in given.values()))
        )
        as_given = (lambda t: t if isinstance(t, Tensor) else constant_tensor(t)) if recorded else without_history
        found = {node: as_given(t) for node, t in given.items()}
        with enable_grad() if recorded else no_grad():
            push(nodes, found, roots, recorded and (foreign or self.traced_for_many), moving)

        def tangent_of(y: Any) -> Any:
            node = y.node if isinstance(y, Tensor) else None
            return found[node] if node in found else np.zeros(np.shape(y), getattr(y, "dtype", float))[()]

        return [tangent_of(y) for y in self.outputs]

    @property
    def foreign(self) -> bool:
        """Whether the outputs, or the arguments, were computed from something recorded outside of this call."""
        return self.graph[1] or bool(is_tracing())

    def result(self) -> Any:
        return map_leaves(self._as_outside, self.y)

    def result_aux(self) -> Any:
        return map_leaves(self._as_outside, self.aux)

    def _as_outside(self, y: Any) -> Any:
        """A value without the history inside of this call, unless somebody outside is recording."""
        if not isinstance(y, Tensor) or y.node is None:
            return without_history(y)
        foreign = between(self.wanted, [y.node])[2]
        return y if is_tracing() or (foreign and is_recording()) else y._data


def in_memory_of_their_own(wanted: list[Any], ends: dict[Any, Any], strict: bool = False) -> list[Any]:
    """The gradient by each of `wanted`, zeros where none came, in memory of its own."""
    if strict and len(ends) < len(set(wanted)):
        raise ArgumentError("grad: strict=True, and the function does not depend on one of its arguments")
    seen: set[int] = set()
    gradients = []
    for node in wanted:
        g = ends[node] if node in ends else np.zeros(node.shape, node.dtype)[()]
        if isinstance(g, np.ndarray):  # the caller owns what it gets: never a view, nor the same array twice
            g = g.copy() if g.base is not None or not g.flags.writeable or id(g) in seen else g
            seen.add(id(g))
        gradients.append(g)
    return gradients


def _checked(like: Any, v: Any, caller: str) -> Any:
    """The tangent or cotangent `v` of `like`, in its dtype."""
    shape, dtype = np.shape(like), like.dtype if hasattr(like, "dtype") else np.asarray(like).dtype
    if np.shape(v) != shape:
        raise ShapeError(f"{caller}: a tangent or cotangent of shape {np.shape(v)} for a value of shape {shape}")
    if isinstance(v, Tensor):
        return v if v.dtype == dtype else v.astype(dtype)
    return np.asarray(v).astype(dtype)[()]


def _in_form_of(y: Any, cotangent: Any, caller: str) -> Any:
    if _form(y) != _form(cotangent):
        raise ArgumentError(f"{caller}: the cotangent has not the form of the output, {_form(y)}")
    return cotangent


def _form(tree: Any) -> Any:
    """The containers of a tree, with a dot for what stands in them."""
    if isinstance(tree, dict):
        return {key: _form(item) for key, item in tree.items()}
    return tuple(map(_form, tree)) if isinstance(tree, (list, tuple)) else "."


def _check_pairs(primals: Any, tangents: Any, caller: str) -> None:
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ArgumentError(f"{caller}: primals and tangents are tuples, one entry for each argument")
    if _form(list(primals)) != _form(list(tangents)):
        raise ArgumentError(f"{caller}: tangents of the form {_form(tangents)} for primals of {_form(primals)}")


def _unchanged(y: Any) -> Any:
    return y


def _check_scalar(f: Any, y: Any) -> None:
    if isinstance(y, (tuple, list, dict)):
        raise ArgumentError(f"grad: {_name(f)} returned a {type(y).__name__}; with has_aux=True it may return (y, aux)")
    if (shape := shape_of(y)) != ():
        raise ShapeError(
            f"grad: {_name(f)} returned shape {shape}, and only a scalar has a gradient; reduce it, by .sum()"
            " or .mean()"
        )


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)
