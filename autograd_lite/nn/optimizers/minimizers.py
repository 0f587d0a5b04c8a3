"""SciPy's minimisers on theta: L-BFGS and trust regions, a bounded number of iterations a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...jacobians import hessian
from ...transforms import grad, linearize, value_and_grad
from .newton import ClosureOptimizer


class _Minimizer(ClosureOptimizer):
    """`scipy.optimize.minimize` from the present theta; `result` is what it returned last. Each step starts anew:
    curvature and radius are learned within it, and `lr` plays no part."""

    result: Any = None

    def _minimized(self, f: Callable[[Any], Any], theta: Any, **how: Any) -> tuple[float, Any]:
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise ImportError(f"{self._name} needs SciPy: pip install scipy, or autograd_lite[demo]") from error
        dtype, first = theta.dtype, None

        def value_and_gradient(x: Any) -> tuple[float, Any]:
            nonlocal first
            value, g = value_and_grad(f)(x.astype(dtype))
            first = float(value) if first is None else first
            return float(value), g.astype(float)

        start = theta.astype(float)
        value, g = value_and_gradient(start)
        if not np.isfinite(value) or not g.any():
            return value, theta
        with np.errstate(all="ignore"):  # a trial step may leave f's domain
            self.result = minimize(value_and_gradient, start, jac=True, **how)
        better = np.isfinite(self.result.fun) and self.result.fun <= value
        return value, self.result.x.astype(dtype) if better else theta

    def _bound(self) -> int:
        return int(self.param_groups[0]["max_iter"])

    def check(self, **options: Any) -> None:
        for name, value in options.items():
            if not isinstance(value, str) and not value > 0:
                raise ArgumentError(f"{self._name}: {name} {value!r}; it must be positive")


class LBFGS(_Minimizer):
    """L-BFGS: theta <- theta - t B g, with B an estimate of the inverse Hessian from the last gradients (Liu and
    Nocedal, 1989) and t from a line search, as `scipy.optimize.minimize(method="L-BFGS-B")` does it. For full batches.

    Parameters
    ----------
    max_iter: iterations a step, at most.
    tolerance_grad: end where no entry of the gradient is above that.
    tolerance_change: end where the loss decreases by less than that, relative to its size.
    history_size: gradients that are remembered.

    Raises
    ------
    ImportError at the first step, without SciPy.
    """

    def __init__(
        self,
        parameters: Any,
        max_iter: int = 20,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 10,
    ):
        options = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        super().__init__(parameters, max_iter=max_iter, history_size=history_size, **options)

    def moved(self, f: Callable[[Any], Any], theta: Any) -> tuple[float, Any]:
        own = self.param_groups[0]
        how = {"gtol": own["tolerance_grad"], "ftol": own["tolerance_change"], "maxcor": own["history_size"]}
        return self._minimized(f, theta, method="L-BFGS-B", options={"maxiter": self._bound(), **how})


class TrustRegion(_Minimizer):
    """A trust region: theta <- theta + argmin_d g'd + 1/2 d'Hd over |d| <= r, where the radius r follows from how well
    that foretold the loss (Nocedal and Wright, 2006, chapter 4), as `scipy.optimize.minimize` does it; full batches.

    Parameters
    ----------
    max_iter: iterations a step, at most.
    method: "trust-ncg" or "trust-krylov" need Hessian-vector products only; "trust-exact" the whole Hessian.
    initial_trust_radius, max_trust_radius: in theta's units; each step starts with the first.
    tolerance_grad: end where the gradient's norm is below that.

    Raises
    ------
    ImportError at the first step, without SciPy.
    """

    def __init__(
        self,
        parameters: Any,
        max_iter: int = 20,
        method: str = "trust-ncg",
        initial_trust_radius: float = 1.0,
        max_trust_radius: float = 1000.0,
        tolerance_grad: float = 1e-7,
    ):
        options = {"initial_trust_radius": initial_trust_radius, "max_trust_radius": max_trust_radius}
        super().__init__(parameters, max_iter=max_iter, method=method, tolerance_grad=tolerance_grad, **options)

    def check(self, **options: Any) -> None:
        super().check(**options)
        known = ("trust-ncg", "trust-krylov", "trust-exact")
        if options["method"] not in known:
            raise ArgumentError(f"TrustRegion: method {options['method']!r}; known are {', '.join(known)}")

    def moved(self, f: Callable[[Any], Any], theta: Any) -> tuple[float, Any]:
        own, dtype = self.param_groups[0], theta.dtype
        here, product = None, None

        def hessp(x: Any, v: Any) -> Any:
            nonlocal here, product
            if here is None or not np.array_equal(x, here):  # many products at one point share its recorded gradient
                here, product = x.copy(), linearize(grad(f), x.astype(dtype))[1]
            return product(v.astype(dtype)).astype(float)

        second: dict[str, Any] = {"hessp": hessp}
        if own["method"] == "trust-exact":
            second = {"hess": lambda x: hessian(f)(x.astype(dtype)).astype(float)}
        radii = {name: own[name] for name in ("initial_trust_radius", "max_trust_radius")}
        how = {"maxiter": self._bound(), "gtol": own["tolerance_grad"], **radii}
        return self._minimized(f, theta, method=own["method"], options=how, **second)
