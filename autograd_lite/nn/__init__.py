"""Floor 7: networks, losses and optimizers on top of the engine, in PyTorch's habits."""

from . import schedules
from .activations import ACTIVATIONS
from .functional import as_function_of_theta
from .initializers import glorot_uniform
from .layers import MLP, Linear
from .losses import cross_entropy
from .module import Module
from .optimizers import (
    LBFGS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    ClosureOptimizer,
    Momentum,
    Newton,
    NewtonCG,
    Optimizer,
    RMSprop,
    Rprop,
    TrustRegion,
    clip_grad_norm_,
    clip_grad_value_,
)
from .theta import Theta

__all__ = [
    "ACTIVATIONS",
    "LBFGS",
    "MLP",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "ClosureOptimizer",
    "Linear",
    "Module",
    "Momentum",
    "Newton",
    "NewtonCG",
    "Optimizer",
    "RMSprop",
    "Rprop",
    "Theta",
    "TrustRegion",
    "as_function_of_theta",
    "clip_grad_norm_",
    "clip_grad_value_",
    "cross_entropy",
    "glorot_uniform",
    "schedules",
]
