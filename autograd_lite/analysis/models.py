"""The loss of a model as a function of its flat theta, which can be differentiated to any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..node import Leaf, Node, topological_order
from ..runtime import handle, without_history
from ..several import SEVERAL
from ..tensor import Tensor


class LossOfTheta:
    """theta -> what `closure` computes when the parameters of `model` have the values in theta; they keep their own.

    The closure runs as it is, with the values written into the parameters. To differentiate, the graph that it records
    is computed once more from theta instead of the leaves, so that whatever reads `model.parameters()`, such as a
    regularizer, is seen. `others` are Tensors which the closure reads and which are traced as well.
    """

    def __init__(self, model: Any, closure: Callable[[], Any], others: Iterable[Tensor] = ()):
        self.vector, self.closure = model.theta, closure
        self.others: dict[Any, Any] = {t.node: t for t in others if isinstance(t, Tensor) and t.node is not None}

    def __call__(self, theta: Any) -> Any:
        memory = self.vector.data
        own = memory.copy()
        memory[...] = without_history(theta)
        try:
            loss = self.closure()
            if not isinstance(theta, Tensor) or not isinstance(loss, Tensor) or loss.node is None:
                return without_history(loss)
            return _recomputed(loss.node, {**self._parts(theta), **self.others})
        finally:
            memory[...] = own

    def _parts(self, theta: Any) -> dict[Any, Any]:
        parts, end = {}, 0
        for parameter, leaf in zip(self.vector.parameters, self.vector.leaves, strict=True):
            start, end = end, end + parameter.size
            parts[leaf] = theta[start:end].reshape(leaf.shape)
        return parts


def _recomputed(root: Node, values: dict[Any, Any]) -> Any:
    """The value of `root` as a Tensor, from `values` for some of the nodes that it was computed from."""
    for node in topological_order(root):
        if node in values:
            continue
        if isinstance(node, Leaf):
            values[node] = handle(node.data, node)
        elif getattr(node.inputs[0], "dtype", None) is SEVERAL:  # one of the outputs of an op that has several
            values[node] = tuple(values[node.inputs[0]])[node.statics[0]]
        else:
            inputs = [values[i] if isinstance(i, Node) else i for i in node.inputs]
            values[node] = node.op(*inputs, **dict(zip(node.op.statics, node.statics, strict=True)))
    return values[root]
