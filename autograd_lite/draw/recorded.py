"""What `ag.draw` draws: the graph of a loss, of a function's value, or of the gradient computation itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backprop import walk
from ..errors import ArgumentError
from ..flow import Graph
from ..node import Leaf, Node, enable_grad, topological_order
from ..tensor import Tensor
from ..tree import leaf_paths, map_leaves


def loss_of(f: Callable[..., Any], args: tuple[Any, ...]) -> Tensor:
    """The value of `f(*args)`, recorded; each argument of floats is a leaf with the name it has in f's signature.

    Raises
    ------
    ArgumentError (a TypeError) if f returns something else than one Tensor.
    """
    taken = with_leaves(f, args, "draw")
    with enable_grad():
        loss = f(*taken)
    if not isinstance(loss, Tensor):
        raise ArgumentError(f"draw: {getattr(f, '__name__', f)} returned a {type(loss).__name__}, not a Tensor")
    return loss


def with_leaves(f: Callable[..., Any], args: tuple[Any, ...], caller: str) -> list[Any]:
    """`args` with a leaf for whatever is made of floats, each with the name it has in f's signature."""
    try:
        parameters = list(inspect.signature(f).bind(*args).arguments.items())
    except ValueError:  # some functions in C do not tell
        parameters = [(f"argument {k}", value) for k, value in enumerate(args)]
    except TypeError as error:
        raise ArgumentError(f"{caller}: {getattr(f, '__name__', f)}: {error}") from None
    taken: list[Any] = []
    for name, value in parameters:
        variadic = isinstance(value, tuple) and len(parameters) < len(args)
        for k, part in enumerate(value if variadic else [value]):
            taken.append(_named(f"{name}[{k}]" if variadic else name, part))
    return taken


def _named(name: str, value: Any) -> Any:
    names = leaf_paths(value, name)
    each = iter(names if len(names) > 1 else [name])

    def leaf(x: Any) -> Any:
        path = next(each)
        if isinstance(x, Tensor) or np.asarray(x).dtype.kind not in "fc":
            return x
        return Tensor(x, requires_grad=True, name=path)

    return map_leaves(leaf, value)


def gradient_graph(loss: Tensor) -> tuple[Graph, list[tuple[Leaf, Node]], int]:
    """The graph of the gradient of `loss` by its leaves, as `backward` computes it, recorded: with the node of each
    gradient, and the time when the backward pass began. For a loss that is not a scalar, of the sum of its entries."""
    if loss.node is None or not loss.node.requires_grad:
        raise ArgumentError(
            "draw: no gradient flows back from this Tensor; compute it from one with requires_grad=True"
        )
    start = Tensor(np.ones(loss.shape, loss.dtype), requires_grad=True, name="∂loss/∂loss")
    assert start.node is not None
    with enable_grad():
        found = walk([(loss.node, start)], recorded=True)
    gradients = [(leaf, found[leaf].node) for leaf in topological_order(loss.node) if leaf in found]
    pairs = [(leaf, node) for leaf, node in gradients if isinstance(leaf, Leaf) and node is not None]
    return Graph._of([node for _, node in pairs]), pairs, start.node.order
