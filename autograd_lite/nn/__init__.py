"""Floor 7: networks, losses and optimizers on top of the engine, in PyTorch's habits."""

import sys
from typing import TYPE_CHECKING, Any

from . import activations, initializers, losses, regularizers, schedules
from .activations import ACTIVATIONS
from .callbacks import Callback, EarlyStopping
from .data import batches, one_hot, require_finite, split
from .files import load, save
from .functional import as_function_of_theta
from .history import History
from .initializers import INITIALIZERS, constant, glorot_uniform
from .layer_health import health
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
from .metrics import METRICS
from .module import Module
from .normalization import BatchNorm, LayerNorm
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
from .prediction import evaluate, predict, predict_proba
from .regularizers import L1, L2, ElasticNet, Frobenius
from .theta import Theta
from .training import fit

if TYPE_CHECKING:
    from .estimators import MLPClassifier as MLPClassifier
    from .estimators import MLPRegressor as MLPRegressor

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "L1",
    "L2",
    "LBFGS",
    "LOSSES",
    "METRICS",
    "MLP",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Callback",
    "ClosureOptimizer",
    "Dropout",
    "EarlyStopping",
    "ElasticNet",
    "Embedding",
    "Frobenius",
    "History",
    "LayerNorm",
    "Linear",
    "Module",
    "Momentum",
    "Newton",
    "NewtonCG",
    "Optimizer",
    "RMSprop",
    "Rprop",
    "Sequential",
    "Theta",
    "TrustRegion",
    "activations",
    "as_function_of_theta",
    "batches",
    "binary_cross_entropy_with_logits",
    "clip_grad_norm_",
    "clip_grad_value_",
    "constant",
    "cross_entropy",
    "evaluate",
    "fit",
    "glorot_uniform",
    "health",
    "hinge_loss",
    "huber_loss",
    "initializers",
    "kl_div",
    "l1_loss",
    "load",
    "losses",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "predict",
    "predict_proba",
    "regularizers",
    "require_finite",
    "save",
    "schedules",
    "split",
    "squared_error",
]


def __getattr__(name: str) -> Any:
    if name in ("MLPClassifier", "MLPRegressor"):  # they need scikit-learn
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted({*globals(), "MLPClassifier", "MLPRegressor"})
