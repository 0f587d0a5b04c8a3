"""Optimizers: how theta moves, given its gradient. Each is a few operations on whole vectors."""

from .base import Optimizer
from .first_order import SGD, Adam, AdamW, Momentum

__all__ = ["SGD", "Adam", "AdamW", "Momentum", "Optimizer"]
