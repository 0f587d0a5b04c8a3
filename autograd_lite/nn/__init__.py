"""Floor 7: networks, losses and optimizers on top of the engine, in PyTorch's habits."""

from typing import TYPE_CHECKING, Any

from .activations import ACTIVATIONS
from .callbacks import Callback, EarlyStopping
from .data import batches, one_hot, require_finite, split
from .history import History
from .initializers import glorot_uniform
from .layers import MLP, Linear
from .losses import cross_entropy
from .metrics import METRICS
from .module import Module
from .optimizers import SGD, Optimizer
from .prediction import evaluate, predict, predict_proba
from .theta import Theta
from .training import fit

if TYPE_CHECKING:
    from .estimators import MLPClassifier, MLPRegressor

__all__ = [
    "ACTIVATIONS",
    "METRICS",
    "MLP",
    "SGD",
    "Callback",
    "EarlyStopping",
    "History",
    "Linear",
    "MLPClassifier",
    "MLPRegressor",
    "Module",
    "Optimizer",
    "Theta",
    "batches",
    "cross_entropy",
    "evaluate",
    "fit",
    "glorot_uniform",
    "one_hot",
    "predict",
    "predict_proba",
    "require_finite",
    "split",
]


def __getattr__(name: str) -> Any:
    if name in ("MLPClassifier", "MLPRegressor"):  # they need scikit-learn
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
