"""Optimizers: how theta moves, given its gradient. Each is a few operations on whole vectors."""

from .adaptive import Adagrad, RMSprop, Rprop
from .base import Optimizer
from .clipping import clip_grad_norm_, clip_grad_value_
from .first_order import SGD, Adam, AdamW, Momentum
from .minimizers import LBFGS, TrustRegion
from .newton import ClosureOptimizer, Newton, NewtonCG

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "ClosureOptimizer",
    "Momentum",
    "Newton",
    "NewtonCG",
    "Optimizer",
    "RMSprop",
    "Rprop",
    "TrustRegion",
    "clip_grad_norm_",
    "clip_grad_value_",
]
