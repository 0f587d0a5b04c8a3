"""How the layers of a network are doing in one step of training: saturated and dead units, gradients, step sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..describe import columns
from ..draw.styles import Mark
from ..errors import ArgumentError
from ..flow import Box, Graph
from ..local import local_derivatives, size_of
from ..node import Node
from ..tensor import Tensor
from ..transforms import vjp

SATURATED = 0.05  # a derivative below this share of the activation's largest lets hardly any gradient through
MOSTLY = 0.9  # saturated entries that are worth a warning; half of them are usual for relu
_GRID = np.linspace(-20.0, 20.0, 401)  # where an activation's largest derivative is looked for
HEADINGS = ["layer", "parameters", "activation", "saturated", "dead", "|gradient|", "|weights|", "|update|/|weights|"]
_STEEPEST = 10.0  # an op that is steeper somewhere there is a loss or a scale, and no activation


@dataclass(frozen=True)
class LayerHealth:
    """One layer: a module's own parameters, and the activation behind them.

    `saturated` is the share of the activation's entries, over units and examples, whose derivative is below 5 % of the
    largest that it has anywhere; `dead` the number of units whose derivative is 0 for every example, of `units`. Both
    are None where no activation follows. `gradient` and `weights` are Euclidean norms, of all parameters of the layer
    together; `ratio` is the norm of the update over that of the weights, None where it is not known. About 1e-3 is
    usual; far above, training jumps, and far below it stands still.
    """

    name: str
    parameters: int
    activation: str | None
    saturated: float | None
    dead: int | None
    units: int | None
    gradient: float
    weights: float
    ratio: float | None
    node: Node | None = field(default=None, compare=False, repr=False)


class Health(tuple[LayerHealth, ...]):
    """The layers of a model, from the input to the output; prints as a table, and `ag.draw` shows it in the flow
    graph of `loss`, with a warning where units are dead or most entries saturated."""

    loss: Tensor

    @classmethod
    def _of(cls, loss: Tensor, layers: Iterable[LayerHealth]) -> Health:
        found = cls(layers)
        found.loss = loss
        return found

    def __repr__(self) -> str:
        return "\n".join(columns([HEADINGS, *map(_cells, self)], right=(1, 3, 4, 5, 6, 7)))

    def _drawn_(self) -> tuple[Tensor, dict[Node, Mark]]:
        """What `ag.draw` draws: the loss, and at each layer's activation (or else its op) how the layer does."""
        return self.loss, {layer.node: _mark(layer) for layer in self if layer.node is not None}


def _mark(layer: LayerHealth) -> Mark:
    cells = dict(zip(HEADINGS, _cells(layer), strict=True))
    said = [f"{name} {cells[name]}" for name in HEADINGS[3:] if cells[name] != "-"]
    ill = layer.saturated is not None and (layer.saturated > MOSTLY or bool(layer.dead))
    return Mark("warning" if ill else "good", "\n".join([layer.name, *said]))


def _cells(layer: LayerHealth) -> list[str]:
    return [
        layer.name,
        f"{layer.parameters:,}",
        layer.activation or "-",
        "-" if layer.saturated is None else f"{layer.saturated:.0%}",
        "-" if layer.dead is None else f"{layer.dead} of {layer.units}",
        f"{layer.gradient:.2e}",
        f"{layer.weights:.2e}",
        "-" if layer.ratio is None else f"{layer.ratio:.1e}",
    ]


def health(model: Any, loss: Tensor, *, rate: float | None = None, before: Any = None) -> Health:
    """Saturation, dead units, gradient norms and update-to-weight ratios of each layer of `model`.

    Parameters
    ----------
    model: a Module; a layer is a module with parameters of its own.
    loss: a scalar recorded by calling it on a batch; its gradients are computed here, and no `.grad` changes.
    rate: the learning rate of gradient descent, whose update is rate * gradient.
    before: or the vector theta as it was before the last update (`np.array(model.theta)`), for any optimizer.

    Raises
    ------
    ArgumentError (a TypeError) if `loss` was not recorded, or no parameter of the model is in its graph.

    >>> import numpy as np, autograd_lite as ag
    >>> model = ag.nn.MLP([4, 3, 2], activation="relu")
    >>> model.layers[0].bias.data = [0.0, -100.0, 0.0]                     # one unit never fires
    >>> loss = ag.nn.cross_entropy(model(np.ones((5, 4))), np.array([0, 1, 0, 1, 0]))
    >>> [(layer.name, layer.dead, layer.units) for layer in ag.nn.health(model, loss)]
    [('layers.0', 2, 3), ('layers.1', None, None)]
    """
    graph = Graph(loss)
    layers = _layers(model)
    boxes = {box.node: box for box in graph}
    if not any(t.node in boxes for parameters in layers.values() for t in parameters):
        raise ArgumentError("health: no parameter of the model is in the graph of this loss; call the model for it")
    with np.errstate(all="ignore"):
        graph.run()
        users = _users(graph)
        moved = _moved(model, rate, before)
        each = [_layer(name, own, layers, boxes, users, rate, moved) for name, own in layers.items()]
        return Health._of(loss, each)


def _layers(model: Any) -> dict[str, list[Tensor]]:
    """The parameters by the module that they are attributes of, in order."""
    found: dict[str, list[Tensor]] = {}
    for path, parameter in model.named_parameters():
        found.setdefault(path.rpartition(".")[0] or type(model).__name__, []).append(parameter)
    return found


def _moved(model: Any, rate: float | None, before: Any) -> dict[Tensor, Any]:
    """How far each parameter is from where it was."""
    if before is None:
        return {}
    if rate is not None:
        raise ArgumentError("health: either the rate or theta as it was before, not both")
    parameters = model.parameters()
    before = np.asarray(before).ravel()
    if before.size != sum(p.size for p in parameters):
        raise ArgumentError(f"health: before has {before.size} entries, theta {sum(p.size for p in parameters)}")
    starts = np.cumsum([0, *[p.size for p in parameters]])
    return {p: p.data.ravel() - before[start : start + p.size] for p, start in zip(parameters, starts, strict=False)}


def _users(graph: Graph) -> dict[Node, list[Box]]:
    users: dict[Node, list[Box]] = {}
    for box in graph:
        for i in box.node.inputs:
            if isinstance(i, Node):
                users.setdefault(i, []).append(box)
    return users


def _layer(
    name: str,
    own: list[Tensor],
    layers: dict[str, list[Tensor]],
    boxes: dict[Node, Box],
    users: dict[Node, list[Box]],
    rate: float | None,
    moved: dict[Tensor, Any],
) -> LayerHealth:
    others = {t.node for parameters in layers.values() if parameters is not own for t in parameters}
    activation = next(_activations([t.node for t in own], others, users), None)
    saturated = dead = units = None
    if activation is not None:
        slopes = np.abs(_slopes(activation))
        saturated = float(np.mean(slopes < SATURATED * _steepest(activation)))
        per_unit = slopes.reshape(-1, slopes.shape[-1]) if slopes.ndim else slopes.reshape(1, 1)
        dead, units = int(np.sum(~np.any(per_unit, axis=0))), per_unit.shape[1]
    gradients = [boxes[t.node].grad for t in own if t.node in boxes]
    gradient, weights = _norm(gradients), _norm([t.data for t in own])
    step = None if rate is None else rate * gradient
    step = _norm([moved[t] for t in own]) if moved else step
    return LayerHealth(
        name,
        sum(t.size for t in own),
        activation.name if activation else None,
        saturated,
        dead,
        units,
        gradient,
        weights,
        None if step is None or not weights else step / weights,
        activation.node if activation else _first_user(own, users),
    )


def _first_user(own: list[Tensor], users: dict[Node, list[Box]]) -> Node | None:
    """The first op that takes one of the parameters."""
    nodes = [box.node for t in own if t.node is not None for box in users.get(t.node, [])]
    return min(nodes, key=lambda node: node.order, default=None)


def _norm(arrays: list[Any]) -> float:
    return float(np.sqrt(sum(np.sum(np.abs(np.asarray(a, float)) ** 2) for a in arrays if a is not None)))


def _activations(start: list[Any], others: set[Any], users: dict[Node, list[Box]]) -> Iterator[Box]:
    """The activations behind a layer, nearest first, up to where another layer begins."""
    queue, seen = list(start), set(start)
    for node in queue:  # grows while it is read
        for box in users.get(node, []):
            if box.node in seen or any(i in others for i in box.node.inputs if isinstance(i, Node)):
                continue
            seen.add(box.node)
            if _is_activation(box):
                yield box
            queue.append(box.node)


def _is_activation(box: Box) -> bool:
    """Whether an op is element-wise, of one input, curved, and of bounded slope."""
    op: Any = box.op
    if not op.elementwise or op.inputs != (*op.inputs[:1],) or op.variadic or op.flat or op.linear:
        return False
    return bool(np.isfinite(_steepest(box)) and 0 < _steepest(box) <= _STEEPEST)


def _steepest(box: Box) -> float:
    """The largest slope of the op among inputs from -20 to 20."""
    op: Any = box.op
    _, pullback = vjp(lambda x: op(x, **dict(zip(op.statics, box.node.statics, strict=True))), _GRID)
    (slopes,) = pullback(np.ones(_GRID.shape))
    return float(np.max(np.abs(slopes)))


def _slopes(box: Box) -> Any:
    """The derivative of each entry of an element-wise op by its own input."""
    node = box.refilled()
    found = local_derivatives(node, 0, np.arange(size_of(node)))
    return np.asarray(found.values).reshape(node.shape)
