"""Floor 7: networks, losses and optimizers on top of the engine, in PyTorch's habits."""

from . import activations, initializers, losses, regularizers
from .activations import ACTIVATIONS
from .initializers import INITIALIZERS, constant, glorot_uniform
from .layers import MLP, Dropout, Embedding, Linear, Sequential
from .losses import (
    LOSSES,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    squared_error,
)
from .module import Module
from .normalization import BatchNorm, LayerNorm
from .optimizers import SGD, Optimizer
from .regularizers import L1, L2, ElasticNet, Frobenius
from .theta import Theta

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "L1",
    "L2",
    "LOSSES",
    "MLP",
    "SGD",
    "BatchNorm",
    "Dropout",
    "ElasticNet",
    "Embedding",
    "Frobenius",
    "LayerNorm",
    "Linear",
    "Module",
    "Optimizer",
    "Sequential",
    "Theta",
    "activations",
    "binary_cross_entropy_with_logits",
    "constant",
    "cross_entropy",
    "glorot_uniform",
    "hinge_loss",
    "huber_loss",
    "initializers",
    "kl_div",
    "l1_loss",
    "losses",
    "mse_loss",
    "nll_loss",
    "regularizers",
    "squared_error",
]
