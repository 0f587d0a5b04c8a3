"""Floor 5: arguments of a function that is differentiated, each with a node of that call's own."""

from __future__ import annotations

from typing import Any

from .errors import NotDifferentiableError
from .node import FlatNode, is_tracing, tick
from .op import Op
from .runtime import captured, without_history
from .tensor import Tensor, constant_tensor, owned_copy

# A node of the call's own, so that an inner derivative by an argument that is being traced already does not see what
# the outer function did with it (perturbation confusion).
traced_input = Op(lambda x: x, name="input", x=lambda g: g, linear=("x",), elementwise=True, view=True)


def traced(x: Any, caller: str = "grad") -> Tensor:
    """`x` as a Tensor with a node that belongs to this call of `caller`."""
    if isinstance(x, Tensor) and x.node is not None and x.requires_grad:
        return traced_input(x)  # type: ignore[no-any-return]
    x = captured(x)
    array = owned_copy(without_history(x), None)
    if array.dtype.kind not in "fc":
        raise NotDifferentiableError(
            f"{caller}: an argument of dtype {array.dtype}, shape {array.shape}, cannot be differentiated; convert it"
            " to float"
        )
    tensor = on_new_node(array)
    if is_tracing() and isinstance(x, Tensor) and x.node is not None:
        tensor.node.rest = (x.node,)  # type: ignore[union-attr]  # flat, and yet this call's value is computed from it
    return tensor


def placeholder(array: Any) -> Tensor:
    """A Tensor on the first of many examples; integers too have a node, on which what is computed from them depends."""
    if array.dtype.kind in "fc":
        return on_new_node(array)
    tensor = constant_tensor(array)
    tensor.node = FlatNode(traced_input, (array,), (), (), array)
    return tensor


def on_new_node(array: Any) -> Tensor:
    """A Tensor on `array` itself, with a node that no op computed."""
    tensor = constant_tensor(array)
    node: Any = traced_input.node_class()
    tensor.node = node
    node.input_x, node.rest = None, (array,)
    node.order, node.shape, node.dtype = tick(), array.shape, array.dtype
    return tensor
