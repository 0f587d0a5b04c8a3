"""Layers: an affine map, and the multi-layer perceptron made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops.neural import affine
from ..protocol import tensor
from .activations import activation_named
from .initializers import glorot_uniform
from .module import Module


class Linear(Module):
    """The pre-activation a = b + W h, for each row h of a batch: h W^T + b.

    Parameters
    ----------
    in_features, out_features: H_{k-1} and H_k; `weight` has shape (H_k, H_{k-1}) and is drawn by Glorot's rule,
        `bias` has shape (H_k,) and is 0.
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
        rng: np.random.Generator | int = 0,
        dtype: Any = float,
        name: str = "",
    ):
        self.in_features, self.out_features = in_features, out_features
        if in_features < 1 or out_features < 1:
            raise ArgumentError(f"{self}: a layer needs at least one input and one output")
        weight = glorot_uniform((out_features, in_features), np.random.default_rng(rng), dtype)
        self.weight = tensor(weight, requires_grad=True, name=f"W{name}")
        self.bias = tensor(np.zeros(out_features, dtype), requires_grad=True, name=f"b{name}")

    def forward(self, h: Any) -> Any:
        """`h` of shape (..., in_features); returns (..., out_features)."""
        try:
            return affine(h, self.weight, self.bias)
        except ShapeError as error:
            raise ShapeError(f"{self}: {error}") from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_features}, {self.out_features})"


class MLP(Module):
    """A multi-layer perceptron: h_k = activation(b_k + W_k h_{k-1}), and a last layer without activation.

    Parameters
    ----------
    sizes: units per layer, from the input to the output, such as [64, 64, 10].
    activation: a name in `nn.ACTIVATIONS`, or any function of a Tensor.
    rng, dtype: as for Linear.

    >>> import numpy as np, autograd_lite as ag
    >>> model = ag.nn.MLP([64, 64, 10], activation="tanh")
    >>> model(np.zeros((5, 64))).shape, len(model.theta)
    ((5, 10), 4810)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Callable[[Any], Any] = "tanh",
        *,
        rng: np.random.Generator | int = 0,
        dtype: Any = float,
    ):
        if len(sizes) < 2:
            raise ArgumentError(f"MLP: sizes {list(sizes)}; it needs at least an input and an output size")
        self.activation = activation_named(activation)
        rng = np.random.default_rng(rng)
        pairs = enumerate(pairwise(sizes), 1)
        self.layers = [Linear(m, n, rng=rng, dtype=dtype, name=str(k)) for k, (m, n) in pairs]
        _ = self.theta  # all parameters in one vector from the start

    def forward(self, x: Any) -> Any:
        """`x` of shape (..., sizes[0]); returns pre-activations of shape (..., sizes[-1])."""
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)

    def __repr__(self) -> str:
        return f"MLP({[layer.in_features for layer in self.layers] + [self.layers[-1].out_features]})"
