"""autograd_lite: write NumPy; see every derivative; trust it.

A computational-graph autodiff engine on NumPy: `Tensor` records the flow graph as it computes, `backward`
walks it in reverse, and every derivative is one line of the table in `autograd_lite.ops`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import backprop, hooks, protocol
from .batch import vmap
from .custom import checkpoint, custom_jvp, custom_vjp
from .errors import (
    ArgumentError,
    AutogradError,
    AxisError,
    CurvatureError,
    DivergenceError,
    GradientError,
    IndexingError,
    LeakError,
    NonFiniteError,
    NotDifferentiableError,
    ShapeError,
    StaleValueError,
)
from .jacobians import hessian, jacfwd, jacobian, jacrev
from .node import FlatNode, Leaf, Node, enable_grad, no_grad
from .op import Op
from .ops import FUNCTIONS, by_name, load_all
from .protocol import tensor
from .tensor import Tensor
from .transforms import grad, hvp, jvp, linearize, value_and_grad, vjp

if TYPE_CHECKING:
    from . import analysis, nn, testing
    from .check import check_grads
    from .diagnose.lines import debug
    from .diagnose.memory import memory
    from .diagnose.nonfinite import find_nonfinite
    from .draw import draw, step_through
    from .draw.explain import explain
    from .flow import Graph
    from .plan.compiled import compile
    from .scopes import named_scope

__version__ = "0.1.0"

globals().update(FUNCTIONS)  # every op by its NumPy name: ag.tanh, ag.sum, ...
from .custom import stop_gradient  # noqa: E402

globals().update(protocol.MAKERS)  # ag.zeros, ag.ones, ...

# Loaded when first asked for, so that `import autograd_lite` costs little more than `import numpy`.
_LATER = {
    "nn": ("nn", None),
    "analysis": ("analysis", None),
    "linalg": ("numpy.linalg", None),
    "fft": ("numpy.fft", None),
    "special": ("scipy.special", None),
    "compile": ("plan.compiled", "compile"),
    "check_grads": ("check", "check_grads"),
    "draw": ("draw", "draw"),
    "step_through": ("draw", "step_through"),
    "explain": ("draw.explain", "explain"),
    "find_nonfinite": ("diagnose.nonfinite", "find_nonfinite"),
    "debug": ("diagnose.lines", "debug"),
    "memory": ("diagnose.memory", "memory"),
    "testing": ("testing", None),
    "Graph": ("flow", "Graph"),
    "named_scope": ("scopes", "named_scope"),
}


def __getattr__(name: str) -> Any:
    if name == "OPS":  # every row of the table: the chapters that were not needed so far are loaded
        return load_all()
    if name not in _LATER:
        function = None if name.startswith("_") else by_name(name)
        if function is None:
            raise AttributeError(f"module 'autograd_lite' has no attribute {name!r}")
        globals()[name] = function
        return function
    from importlib import import_module

    module_name, attribute = _LATER[name]
    module = import_module(f".{module_name}", __name__)
    value = getattr(module, attribute) if attribute else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    load_all()
    return sorted({*globals(), *_LATER, *FUNCTIONS, "OPS"})
