"""Floor 7: networks, losses and optimizers on top of the engine, in PyTorch's habits."""

from . import schedules
from .activations import ACTIVATIONS
from .functional import as_function_of_theta
from .initializers import glorot_uniform
from .layers import MLP, Linear
from .losses import cross_entropy
from .module import Module
from .optimizers import SGD, Adam, AdamW, Momentum, Optimizer
from .theta import Theta

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "Linear",
    "Module",
    "Momentum",
    "Optimizer",
    "Theta",
    "as_function_of_theta",
    "cross_entropy",
    "glorot_uniform",
    "schedules",
]
