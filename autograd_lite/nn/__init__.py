"""Floor 7: networks, losses and optimizers on top of the engine, in PyTorch's habits."""

from typing import TYPE_CHECKING, Any

from . import schedules
from .activations import ACTIVATIONS
from .callbacks import Callback, EarlyStopping
from .data import batches, one_hot, require_finite, split
from .functional import as_function_of_theta
from .history import History
from .initializers import glorot_uniform
from .layers import MLP, Linear
from .losses import cross_entropy
from .metrics import METRICS
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
from .prediction import evaluate, predict, predict_proba
from .theta import Theta
from .training import fit

if TYPE_CHECKING:
    from .estimators import MLPClassifier as MLPClassifier
    from .estimators import MLPRegressor as MLPRegressor

__all__ = [
    "ACTIVATIONS",
    "LBFGS",
    "METRICS",
    "MLP",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Callback",
    "ClosureOptimizer",
    "EarlyStopping",
    "History",
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
    "batches",
    "clip_grad_norm_",
    "clip_grad_value_",
    "cross_entropy",
    "evaluate",
    "fit",
    "glorot_uniform",
    "one_hot",
    "predict",
    "predict_proba",
    "require_finite",
    "schedules",
    "split",
]


def __getattr__(name: str) -> Any:
    if name in ("MLPClassifier", "MLPRegressor"):  # they need scikit-learn
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "MLPClassifier", "MLPRegressor"})
