"""Newton's method: the step to the minimum of the loss's second-order model, with the Hessian or products with it.

These need the loss as a function of theta: `step(closure)`, where `closure()` computes and returns it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ...errors import ArgumentError, CurvatureError
from ...jacobians import hessian
from ...tensor import Tensor
from ...transforms import linearize, value_and_grad
from ..functional import as_function_of_theta
from .base import Optimizer

SUFFICIENT = 1e-4  # the share of the foretold decrease that a step must bring (Nocedal and Wright, 2006, sec. 3.1)
HALVINGS = 40


class ClosureOptimizer(Optimizer):
    """Base: a subclass defines `moved(f, theta)`, the new theta for the loss f as a function of it.

    A loss that is not finite leaves theta as it is. There is one group of parameters, and one rate for all of it.
    """

    needs_closure: ClassVar[bool] = True

    def __init__(self, parameters: Any, lr: Any = 1.0, **options: Any):
        super().__init__(parameters, lr, **options)
        if len(self.param_groups) > 1 or not isinstance(self.rate, float):
            raise ArgumentError(f"{self._name}: it moves theta as a whole, and takes no groups and one learning rate")

    def step(self, closure: Callable[[], Any] | None = None) -> float:
        """Move theta once.

        closure: computes and returns the loss, a recorded scalar; a backward pass in it, as PyTorch asks for, is not
            needed. It is called several times, so it must give the same for the same parameters.

        Returns the loss before the step. Raises ArgumentError (a TypeError) without a closure.
        """
        if not callable(closure):
            raise ArgumentError(
                f"{self._name}: step needs a closure that computes and returns the loss, such as"
                " optimizer.step(lambda: loss(model(X), y))"
            )

        def loss() -> Tensor:
            value = closure()
            if not isinstance(value, Tensor):
                raise ArgumentError(f"{self._name}: the closure returned a {type(value).__name__}, not a recorded loss")
            return value

        f = as_function_of_theta(loss, self.theta)
        theta = self.theta.data
        before, new = self.moved(f, theta.copy())
        if np.isfinite(before):
            theta[...] = new
            self.theta.changed()
        self.updates += 1
        return before

    def moved(self, f: Callable[[Any], Any], theta: Any) -> tuple[float, Any]:
        """The loss f(theta), and the new theta."""
        raise NotImplementedError(f"{self._name} defines no moved")

    def _searched(self, f: Callable[[Any], Any], theta: Any, value: float, g: Any, direction: Any) -> Any:
        """theta + t direction, for the first t = rate, rate/2, ... that decreases f sufficiently (Armijo, 1966); theta
        itself where none does: as far as rounding tells, it is a minimum along the line."""
        t, slope = self.rate, float(g @ direction)
        if not self.param_groups[0]["damping"]:
            return theta + t * direction
        if slope > 0:
            return theta
        rounding = 2 * np.finfo(theta.dtype).eps * abs(value)  # of f itself: near the minimum all steps are level
        with np.errstate(all="ignore"):  # a step may leave f's domain; a shorter one is tried then
            for _ in range(HALVINGS):
                new = theta + t * direction.astype(theta.dtype)
                if value_of(f, new) <= value + SUFFICIENT * t * slope + rounding:
                    return new
                t /= 2
        return theta


def value_of(f: Callable[[Any], Any], theta: Any) -> float:
    """f(theta) as a Python number; from a leaf, so that a closure may call `backward` as it does for PyTorch."""
    return float(f(Tensor(theta, requires_grad=True)).item())


class Newton(ClosureOptimizer):
    """Newton's method with the whole Hessian: theta <- theta - t H^-1 g (Boyd and Vandenberghe, 2004, sec. 9.5).

    One step minimises a quadratic loss. For n parameters the Hessian takes n^2 numbers and a step n^3 operations; for
    thousands there is `NewtonCG`.

    Parameters
    ----------
    lr: the first t that is tried; 1 is Newton's own.
    damping: whether t is halved until the loss goes down sufficiently.
    indefinite: what to do where H is not positive definite, so that the step could lead to a saddle or a maximum:
        "raise" a CurvatureError, or "modify" it: of H = Q diag(l) Q' take Q diag(max(|l|, floor)) Q' (Nocedal and
        Wright, 2006, sec. 3.4; Dauphin et al., 2014). Where g is 0 then, the step goes along the eigenvector of the
        lowest eigenvalue, with length 1.
    floor: relative to the largest |l|, the smallest eigenvalue of a modified Hessian.

    >>> import numpy as np, autograd_lite as ag
    >>> w = ag.tensor([3.0, -4.0], requires_grad=True)
    >>> ag.nn.Newton([w]).step(lambda: (w * w * np.array([1.0, 10.0])).sum())
    169.0
    >>> w.data
    array([0., 0.])
    """

    def __init__(
        self,
        parameters: Any,
        lr: Any = 1.0,
        *,
        damping: bool = True,
        indefinite: str = "raise",
        floor: float = 1e-3,
    ):
        super().__init__(parameters, lr, damping=damping, indefinite=indefinite, floor=floor)

    def check(self, **options: Any) -> None:
        if options["indefinite"] not in ("raise", "modify"):
            raise ArgumentError(f"Newton: indefinite {options['indefinite']!r}; it is 'raise' or 'modify'")
        if not 0 < options["floor"] < 1:
            raise ArgumentError(f"Newton: floor {options['floor']} is outside (0, 1)")

    def moved(self, f: Callable[[Any], Any], theta: Any) -> tuple[float, Any]:
        value, g = value_and_grad(f)(theta)
        value = float(value)
        if not np.isfinite(value):
            return value, theta
        g = g.astype(float)
        return value, self._searched(f, theta, value, g, self._direction(hessian(f)(theta).astype(float), g))

    def _direction(self, H: Any, g: Any) -> Any:
        options = self.param_groups[0]
        eigenvalues, Q = np.linalg.eigh((H + H.T) / 2)
        largest = np.abs(eigenvalues).max() or 1.0
        least = len(g) * np.finfo(self.theta.data.dtype).eps * largest  # below that, it may be 0 and rounding
        low = int((eigenvalues <= least).sum())
        if not low:
            return -(Q @ ((Q.T @ g) / eigenvalues))
        if options["indefinite"] == "raise":
            raise CurvatureError(
                f"Newton: the Hessian is not positive definite: {low} of {len(g)} eigenvalues are not above 0, the"
                f" lowest is {eigenvalues[0]:.3g}, so the step may lead to a saddle or a maximum; indefinite='modify'"
                " takes their absolute values, NewtonCG stops at negative curvature"
            )
        if eigenvalues[0] < -least and np.linalg.norm(g) <= least:  # a saddle or a maximum: down either side
            return Q[:, 0] if g @ Q[:, 0] <= 0 else -Q[:, 0]
        return -(Q @ ((Q.T @ g) / np.maximum(np.abs(eigenvalues), options["floor"] * largest)))


class NewtonCG(ClosureOptimizer):
    """Newton's method by conjugate gradients: H d = -g is solved by products H v alone, each a forward pass over the
    recorded gradient; negative curvature ends it (Nocedal and Wright, 2006, algorithm 7.1; Steihaug, 1983).

    Parameters
    ----------
    lr, damping: as for Newton.
    max_products: Hessian-vector products a step, at most; the number of parameters if None.

    `products` counts those done so far. A step solves the equation up to |r| <= min(1/2, sqrt|g|) |g|, which makes
    convergence superlinear.
    """

    def __init__(self, parameters: Any, lr: Any = 1.0, *, damping: bool = True, max_products: int | None = None):
        super().__init__(parameters, lr, damping=damping, max_products=max_products)
        self.products = 0

    def check(self, **options: Any) -> None:
        most = options["max_products"]
        if most is not None and not (isinstance(most, int) and most > 0):
            raise ArgumentError(f"NewtonCG: max_products {most!r}; it must be a positive whole number")

    def moved(self, f: Callable[[Any], Any], theta: Any) -> tuple[float, Any]:
        (value, g), product = linearize(value_and_grad(f), theta)
        value = float(value)
        if not np.isfinite(value):
            return value, theta
        return value, self._searched(f, theta, value, g, self._direction(lambda v: product(v)[1], g))

    def _direction(self, product: Callable[[Any], Any], g: Any) -> Any:
        """d with H d = -g, as far as needed, and always g'd < 0."""
        norm = float(np.linalg.norm(g))
        enough = min(0.5, norm**0.5) * norm
        d, r, p = np.zeros_like(g), g, -g  # what is found, the residual H d + g, and the next direction
        for _ in range(self.param_groups[0]["max_products"] or len(g)):
            Hp = product(p)
            self.products += 1
            curvature, square = float(p @ Hp), float(r @ r)
            if curvature <= 0:
                return d if d.any() else -g
            d = d + square / curvature * p
            r = r + square / curvature * Hp
            if np.linalg.norm(r) <= enough:
                break
            p = -r + float(r @ r) / square * p
        return d
