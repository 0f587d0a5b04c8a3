"""Layers: an affine map, modules one after the other, the multi-layer perceptron, dropout, an embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ArgumentError, IndexingError, ShapeError
from ..node import is_tracing
from ..ops.neural import affine, class_labels, dropout_mask
from ..protocol import tensor
from ..tensor import Tensor
from .activations import ACTIVATIONS, Activation, activation_named, text_of
from .initializers import Initializer, glorot_uniform, initializer_named
from .module import Module


def whole(layer: str, *sizes: Any) -> tuple[int, ...]:
    """Sizes of a layer as Python's integers; raises ArgumentError (a TypeError) unless they are whole and positive."""
    if not all(isinstance(size, (int, np.integer)) and size >= 1 for size in sizes):
        raise ArgumentError(f"{layer}: sizes {', '.join(map(str, sizes))}; they must be whole numbers from 1 on")
    return tuple(map(int, sizes))


class Linear(Module):
    """The pre-activation a = b + W h, for each row h of a batch: h W^T + b (Bishop, 2006, eq. 5.2).

    Parameters
    ----------
    in_features, out_features: H_{k-1} and H_k; `weight` has shape (H_k, H_{k-1}), `bias` has shape (H_k,) and is 0.
    init: how `weight` is drawn: a name in `nn.INITIALIZERS`, a number for all weights, or a function
        (shape, rng, dtype); Glorot's rule unless said otherwise.
    rng: a numpy.random.Generator, or a seed for one.
    dtype: float64 unless said otherwise.

    Raises
    ------
    ShapeError (a ValueError) at the call, for an input without in_features columns.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        init: str | float | Initializer = glorot_uniform,
        rng: np.random.Generator | int = 0,
        dtype: Any = float,
        name: str = "",
    ):
        self.in_features, self.out_features = whole("Linear", in_features, out_features)
        shape = (self.out_features, self.in_features)
        weight = initializer_named(init)(shape, np.random.default_rng(rng), dtype)
        if np.shape(weight) != shape:
            raise ShapeError(f"{self}: init gave a weight of shape {np.shape(weight)}, not {shape}")
        self.weight = tensor(weight, requires_grad=True, name=f"W{name}")
        self.bias = tensor(np.zeros(out_features, dtype), requires_grad=True, name=f"b{name}")

    def forward(self, h: Any) -> Any:
        """`h` of shape (..., in_features); returns (..., out_features)."""
        return affine(h if hasattr(h, "ndim") else np.asarray(h), self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}"


class Sequential(Module):
    """Modules and activations one after the other, f(x) = f_K(... f_2(f_1(x))), as PyTorch's class of this name.

    Parameters
    ----------
    *parts: modules, names in `nn.ACTIVATIONS`, or functions of a Tensor.

    Raises
    ------
    ShapeError (a ValueError) for neighbours of which one gives another number of features than the next one takes.

    `in_features` and `out_features` are the numbers of features that it takes and gives, None where it may be any.

    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), "relu", nn.Dropout(0.5), nn.Linear(8, 2))
    >>> model.eval()(np.zeros((5, 4))).shape
    (5, 2)
    """

    def __init__(self, *parts: Module | str | Activation):
        self.parts: list[Any] = [activation_named(part) for part in parts]
        width, giver, untouched = None, "", True
        self.in_features: int | None = None
        for part in self.parts:
            takes, gives = getattr(part, "in_features", None), getattr(part, "out_features", None)
            if width is not None and takes is not None and takes != width:
                raise ShapeError(f"Sequential: {giver} gives {width} features, and {part.title()} takes {takes}")
            if isinstance(part, Dropout) or part in ACTIVATIONS.values():
                continue  # as many as before
            self.in_features = takes if untouched else self.in_features
            width, giver, untouched = gives, part.title() if isinstance(part, Module) else "", False
        self.out_features = width
        if self.parameters():
            _ = self.theta  # all parameters in one vector from the start

    def forward(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, position: int) -> Any:
        return self.parts[position]

    def __repr__(self) -> str:
        parts = [repr(p) if isinstance(p, Module) else text_of(p) for p in self.parts]
        lines = [f"parts.{k}: {part}".replace("\n", "\n  ") for k, part in enumerate(parts)]
        return "\n  ".join(["Sequential()", *lines])


class MLP(Module):
    """A multi-layer perceptron: h_k = activation_k(b_k + W_k h_{k-1}) (Rumelhart, Hinton and Williams, 1986; Bishop,
    2006, eq. 5.9).

    The last layer has no activation unless `output` says so, and the losses want none: they take pre-activations. So a
    regression has as many outputs as targets (nn.mse_loss), a binary task one
    (nn.binary_cross_entropy_with_logits), and a task of C classes C of them (nn.cross_entropy).

    Parameters
    ----------
    sizes: units per layer, from the input to the output, such as [64, 64, 10].
    activation: of the hidden layers: a name in `nn.ACTIVATIONS`, any function of a Tensor, or a list with one of
        these for each hidden layer.
    output: the activation of the last layer, such as "softmax"; None for pre-activations.
    init, rng, dtype: as for Linear.

    >>> import numpy as np, autograd_lite as ag
    >>> model = ag.nn.MLP([64, 64, 10], activation="tanh")
    >>> model(np.zeros((5, 64))).shape, len(model.theta)
    ((5, 10), 4810)
    >>> model
    MLP([64, 64, 10], tanh)
      layers.0: Linear(64, 64)
      layers.1: Linear(64, 10)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "tanh",
        *,
        output: str | Activation | None = None,
        init: str | float | Initializer = glorot_uniform,
        rng: np.random.Generator | int = 0,
        dtype: Any = float,
    ):
        sizes = whole("MLP", *np.ravel(sizes).tolist())
        if len(sizes) < 2:
            raise ArgumentError(f"MLP: sizes {list(sizes)}; it needs at least an input and an output size")
        hidden = len(sizes) - 2
        if isinstance(activation, str) or callable(activation):
            named = [activation_named(activation)] * hidden
        else:
            named = [activation_named(a) for a in activation]
        if len(named) != hidden:
            raise ArgumentError(f"MLP: {len(named)} activations for the {hidden} hidden layers of {list(sizes)}")
        self.activations = named
        self.output: Callable[[Any], Any] | None = None if output is None else activation_named(output)
        rng = np.random.default_rng(rng)
        pairs = enumerate(pairwise(sizes), 1)
        self.layers = [Linear(m, n, init=init, rng=rng, dtype=dtype, name=str(k)) for k, (m, n) in pairs]
        self.in_features, self.out_features = sizes[0], sizes[-1]
        _ = self.theta  # all parameters in one vector from the start

    def forward(self, x: Any) -> Any:
        """`x` of shape (..., sizes[0]); returns shape (..., sizes[-1])."""
        *hidden, last = self.layers
        for layer, activation in zip(hidden, self.activations, strict=True):
            x = activation(layer(x))
        x = last(x)
        return x if self.output is None else self.output(x)

    def extra_repr(self) -> str:
        sizes = [layer.in_features for layer in self.layers] + [self.out_features]
        names = [text_of(a) for a in self.activations]
        texts = [str(sizes), *(names[:1] if len(set(names)) == 1 else [f"[{', '.join(names)}]"] if names else [])]
        return ", ".join(texts if self.output is None else [*texts, f"output={text_of(self.output)}"])


class Dropout(Module):
    """In training, each entry is 0 with probability p and divided by 1 - p otherwise, so that the mean stays; else x.

    Which entries are kept is drawn anew at each call, and when a recorded graph is run again
    (Srivastava et al., 2014, section 10: the "inverted" form).

    Parameters
    ----------
    p: in [0, 1).
    rng: a numpy.random.Generator, or a seed for one.

    >>> import numpy as np
    >>> Dropout(0.5, rng=0)(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | int = 0):
        if not 0 <= p < 1:
            raise ArgumentError(f"Dropout: p = {p} is outside [0, 1)")
        self.p, self.rng = p, np.random.default_rng(rng)

    def forward(self, x: Any) -> Any:
        """`x` of any shape; returns the same shape."""
        for trace in is_tracing():
            trace.requires(lambda: self.training)
        return x * dropout_mask(x, self.rng, p=self.p) if self.training and self.p else x

    def extra_repr(self) -> str:
        return f"{self.p}"


class Embedding(Module):
    """A vector for each of `count` things: for the number i row i of `weight`, of shape (count, features); that is
    h = e(i)' W without the product (Bengio et al., 2003).

    Parameters
    ----------
    init, rng, dtype: as for Linear; standard normal unless said otherwise.

    Raises
    ------
    ArgumentError (a TypeError) at the call for numbers that are not integers, IndexingError for one outside.
    """

    def __init__(
        self,
        count: int,
        features: int,
        *,
        init: str | float | Initializer | None = None,
        rng: np.random.Generator | int = 0,
        dtype: Any = float,
        name: str = "E",
    ):
        self.count, self.out_features = shape = whole("Embedding", count, features)
        rng = np.random.default_rng(rng)
        weight = rng.standard_normal(shape) if init is None else initializer_named(init)(shape, rng, dtype)
        self.weight = tensor(weight.astype(dtype), requires_grad=True, name=name)

    def forward(self, numbers: Any) -> Any:
        """Integers of any shape; returns that shape with one more axis, of length `features`."""
        numbers = numbers if isinstance(numbers, Tensor) else np.asarray(numbers)
        values = numbers._data if isinstance(numbers, Tensor) else numbers
        if values.dtype.kind not in "iu":
            raise ArgumentError(f"{self}: numbers of dtype {values.dtype}; integers are needed")
        wrong = values[(values < 0) | (values >= self.count)]
        if wrong.size:
            raise IndexingError(f"{self}: number {wrong.flat[0]} is outside 0..{self.count - 1}")
        if is_tracing():  # a replay's numbers are others
            numbers = class_labels(numbers, shape=(*numbers.shape, self.count))
        return self.weight[numbers]

    def extra_repr(self) -> str:
        return f"{self.count}, {self.out_features}"
