"""Floor 7: networks, losses and optimizers on top of the engine, in PyTorch's habits."""

from .activations import ACTIVATIONS
from .initializers import glorot_uniform
from .layer_health import health
from .layers import MLP, Linear
from .losses import cross_entropy
from .module import Module
from .optimizers import SGD, Optimizer
from .theta import Theta

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "SGD",
    "Linear",
    "Module",
    "Optimizer",
    "Theta",
    "cross_entropy",
    "glorot_uniform",
    "health",
]
