"""Activation functions h(a) of a pre-activation a, by name. Each keeps the shape of `a`.

linear        h(a) = a, for a regression (Bishop, 2006, section 5.1)
sigmoid       s(a) = 1 / (1 + exp(-a)) (Bishop, 2006, eq. 4.59)
tanh          (exp(a) - exp(-a)) / (exp(a) + exp(-a)) = 2 s(2a) - 1 (LeCun et al., 1998, section 4.4)
relu          max(0, a) (Nair and Hinton, 2010; Glorot, Bordes and Bengio, 2011)
leaky_relu    a where a > 0, else 0.01 a (Maas, Hannun and Ng, 2013)
elu           a where a > 0, else exp(a) - 1 (Clevert, Unterthiner and Hochreiter, 2016)
softplus      log(1 + exp(a)) (Dugas et al., 2001)
softmax       exp(a_c) / sum_k exp(a_k) over the last axis (Bridle, 1990)
log_softmax   a_c - log sum_k exp(a_k) over the last axis, its logarithm (Bridle, 1990)

These are rows of the derivative table; the functions below are compositions of rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError
from ..ops.elementwise import elu, leaky_relu, positive, relu, sigmoid, softplus, tanh
from ..ops.neural import log_softmax, softmax
from .names import named

Activation = Callable[[Any], Any]

# Fixed so that mean 0 and variance 1 are a fixed point of a layer (Klambauer et al., 2017).
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def selu(a: Any) -> Any:
    """scale a where a > 0, else scale alpha (exp(a) - 1), with the two constants that keep mean 0 and variance 1
    (Klambauer et al., 2017, eq. 2).

    >>> import numpy as np
    >>> selu(np.array([1.0, -np.inf])).round(4)
    array([ 1.0507, -1.7581])
    """
    return SELU_SCALE * elu(a, alpha=SELU_ALPHA)


def silu(a: Any) -> Any:
    """a s(a) = a / (1 + exp(-a)), also called swish (Elfwing, Uchibe and Doya, 2018)."""
    return a * sigmoid(a)


def gelu(a: Any) -> Any:
    """a Phi(a) = a (1 + erf(a / sqrt 2)) / 2, Phi the normal distribution function (Hendrycks and Gimpel, 2016).

    Raises ArgumentError (a TypeError) without SciPy, which has Phi; `gelu_tanh` needs none.
    """
    try:
        from ..ops.special import ndtr
    except ImportError as error:
        raise ArgumentError("gelu needs SciPy: pip install scipy; or take gelu_tanh") from error
    return a * ndtr(a)


def gelu_tanh(a: Any) -> Any:
    """a / 2 (1 + tanh(sqrt(2 / pi) (a + 0.044715 a^3))), close to gelu (Hendrycks and Gimpel, 2016, section 2)."""
    return 0.5 * a * (1 + tanh(math.sqrt(2 / math.pi) * a * (1 + 0.044715 * (a * a))))


def threshold(a: Any) -> Any:
    """h(a) = 1 where a > 0, else 0: the perceptron's (Rosenblatt, 1958). Flat: no gradient passes through it, and
    `backward` says so where nothing else leads to a parameter."""
    from ..ops.numbers import heaviside

    return heaviside(a, 0.0)


ACTIVATIONS: dict[str, Activation] = {
    "linear": positive,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": silu,
    "softplus": softplus,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "threshold": threshold,
}


def activation_named(activation: str | Activation) -> Activation:
    """The function of that name, or `activation` itself if it is one."""
    return named("activation", activation, ACTIVATIONS)


def text_of(activation: Activation) -> str:
    """The name of an activation in ACTIVATIONS, or what it is called elsewhere."""
    known = (name for name, function in ACTIVATIONS.items() if function is activation)
    return next(known, None) or getattr(activation, "__name__", None) or repr(activation)
