"""Normalization: pre-activations with mean 0 and variance 1, over a batch or over the features of each example."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..node import is_tracing
from ..ops.elementwise import sqrt, stop_gradient
from ..ops.reduce import mean
from ..ops.shape import astype
from ..plan.record import recording
from ..protocol import tensor
from ..tensor import Tensor
from .module import Module


class _Normalization(Module):
    # Scale and shift: gamma x^ + beta, from 1 and 0.

    def __init__(self, features: int, eps: float, dtype: Any):
        self.in_features = self.out_features = features
        self.eps = eps
        if features < 1 or not eps > 0:
            raise ArgumentError(f"{self}: features and eps must be positive, not {features} and {eps}")
        self.weight = tensor(np.ones(features, dtype), requires_grad=True, name="gamma")
        self.bias = tensor(np.zeros(features, dtype), requires_grad=True, name="beta")

    def _check(self, x: Any) -> None:
        shape = np.shape(x) if not isinstance(x, Tensor) else x.shape
        if not shape or shape[-1] != self.in_features:
            raise ShapeError(f"an input of shape {shape}; its last axis must be {self.in_features} features")

    def extra_repr(self) -> str:
        return f"{self.in_features}"


class BatchNorm(_Normalization):
    """gamma (x - m) / sqrt(v + eps) + beta, m and v a feature's mean and variance (Ioffe and Szegedy, 2015, alg. 1).

    In training they are those of the batch (all axes but the last), and the running statistics follow: running <-
    (1 - momentum) running + momentum now, with the unbiased variance. After `eval()` the running ones are used.

    Parameters
    ----------
    features: length of the last axis; `weight` (gamma) and `bias` (beta) have shape (features,).
    momentum: the weight of the newest batch, in [0, 1].
    eps: added to the variance.

    Raises
    ------
    ShapeError (a ValueError) at the call: for another number of features, or in training for a single example.

    >>> import numpy as np
    >>> layer = BatchNorm(1)
    >>> layer(np.array([[1.0], [3.0]])).data.round(3).tolist(), layer.running_mean.tolist()
    ([[-1.0], [1.0]], [0.2])
    """

    def __init__(self, features: int, *, momentum: float = 0.1, eps: float = 1e-5, dtype: Any = float):
        super().__init__(features, eps, dtype)
        if not 0 <= momentum <= 1:
            raise ArgumentError(f"{self}: momentum {momentum} is outside [0, 1]")
        self.momentum = momentum
        self.running_mean, self.running_var = np.zeros(features, dtype), np.ones(features, dtype)

    def forward(self, x: Any) -> Any:
        """`x` of shape (..., features); returns the same shape."""
        self._check(x)
        for trace in is_tracing():
            trace.requires(lambda: self.training)
        if not self.training:
            m, v = self._running("running_mean"), self._running("running_var")
            return (x - m) / np.sqrt(v + self.eps) * self.weight + self.bias
        n, axes = math.prod(x.shape[:-1]), tuple(range(x.ndim - 1))
        if n < 2:
            raise ShapeError(
                f"an input of shape {x.shape}: a single example has no variance; eval() to predict,"
                " or a batch size that leaves no batch of one"
            )
        m = mean(x, axis=axes)
        centred = x - m
        v = mean(centred * centred, axis=axes)
        self._follow(m, v, n)
        return centred / sqrt(v + self.eps) * self.weight + self.bias

    def _running(self, name: str) -> Any:
        """A running statistic, as it is whenever a compiled function is called."""
        trace, now = recording(), getattr(self, name)
        return now if trace is None else trace.reads(lambda: getattr(self, name), now, name.replace("_", " "))

    def _follow(self, m: Any, v: Any, n: int) -> None:
        for name, now in (("running_mean", m), ("running_var", v * (n / (n - 1)))):
            self._set(name, now)

    def _set(self, name: str, now: Any) -> None:
        """Move a running statistic towards the batch's. In new memory: graphs recorded in eval() hold the old."""
        if (trace := recording()) is not None:
            before = trace.reads(lambda: getattr(self, name), getattr(self, name), name.replace("_", " "))
            after = astype(stop_gradient((1 - self.momentum) * before + self.momentum * now), before.dtype)
            trace.then(partial(setattr, self, name), after)
            return
        before, now = getattr(self, name), now.data if isinstance(now, Tensor) else now
        setattr(self, name, ((1 - self.momentum) * before + self.momentum * now).astype(before.dtype))


class LayerNorm(_Normalization):
    """gamma (x - m) / sqrt(v + eps) + beta, m and v of each example over its features (Ba, Kiros and Hinton, 2016).

    The same in training and after it.

    Parameters
    ----------
    features: length of the last axis; `weight` (gamma) and `bias` (beta) have shape (features,).
    eps: added to the variance.

    Raises
    ------
    ShapeError (a ValueError) at the call, for another number of features.
    """

    def __init__(self, features: int, *, eps: float = 1e-5, dtype: Any = float):
        super().__init__(features, eps, dtype)

    def forward(self, x: Any) -> Any:
        """`x` of shape (..., features); returns the same shape."""
        self._check(x)
        centred = x - mean(x, axis=-1, keepdims=True)
        v = mean(centred * centred, axis=-1, keepdims=True)
        return centred / sqrt(v + self.eps) * self.weight + self.bias
