"""Rescaling the axes: theta = D phi, and what that does to the condition number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .objective import Array, flat, objective
from .points import condition


@dataclass(frozen=True, eq=False, repr=False)
class Rescaled:
    """E as a function of phi, where theta = D phi; made by `rescaled`.

    Attributes
    ----------
    f: phi -> E(D phi); phi: where theta is, D^-1 theta; both of vectors of shape (size,).
    D: shape (size,) for a diagonal matrix, else (size, size).
    before, after: the condition numbers of H and of D'HD; infinite where not positive definite.
    """

    f: Callable[[Any], Any]
    phi: Array
    D: Array
    before: float
    after: float

    def theta(self, phi: Any) -> Any:
        """D phi, for phi of shape (..., size)."""
        return phi * self.D if self.D.ndim == 1 else phi @ self.D.T

    def __repr__(self) -> str:
        return f"Rescaled({self.phi.size} axes: condition number {self.before:.6g} before, {self.after:.6g} after)"


def rescaled(f: Any, theta: Any, scale: Any = "diagonal") -> Rescaled:
    """E in rescaled axes: gradient descent on phi is preconditioned descent on theta, -eta D D' g.

    The gradient by phi is D'g, the Hessian D'HD (LeCun et al., 1998, section 6; Nocedal and Wright, 2006, section 5.1).

    Parameters
    ----------
    f, theta: a scalar function and its argument, or a model and the closure that computes its loss.
    scale: "diagonal", D = diag(H)^-1/2 (Jacobi): each axis alone gets curvature 1;
        "newton", D = H^-1/2: H becomes the identity, and gradient descent Newton's method;
        or D itself: the diagonal in the form of theta, or a matrix of shape (size, size).

    Raises
    ------
    ShapeError (a ValueError) where H, or its diagonal, is not positive, or D is singular or of another size.

    >>> import numpy as np
    >>> rescaled(lambda w: w[0] ** 2 + 100 * w[1] ** 2, np.ones(2))
    Rescaled(2 axes: condition number 100 before, 1 after)
    """
    E = objective(f, theta)
    H = E.hessian(E.theta)
    if isinstance(scale, str):
        if scale == "diagonal":
            _check_positive(np.diag(H), "an entry of the Hessian's diagonal")
            D = np.diag(H) ** -0.5
        elif scale == "newton":
            eigenvalues, Q = np.linalg.eigh(H)
            _check_positive(eigenvalues, "an eigenvalue of the Hessian")
            D = Q * eigenvalues**-0.5 @ Q.T
        else:
            raise ArgumentError(f"rescaled: scale {scale!r} is unknown; known are 'diagonal' and 'newton', or give D")
    elif np.shape(scale) == (E.size, E.size) and np.shape(theta) != (E.size, E.size):
        D = np.asarray(scale, E.theta.dtype)
    else:
        D = flat(scale, E, "rescaled: D")
    D = D.astype(E.theta.dtype)
    if D.ndim == 1 and not np.all(D):
        raise ShapeError("rescaled: D has a zero on its diagonal; an axis cannot be scaled by 0")
    try:
        phi = E.theta / D if D.ndim == 1 else np.linalg.solve(D, E.theta)
    except np.linalg.LinAlgError as error:
        raise ShapeError("rescaled: D is singular") from error
    after = D[:, np.newaxis] * H * D if D.ndim == 1 else D.T @ H @ D
    new_f = (lambda phi: E.f(phi * D)) if D.ndim == 1 else (lambda phi: E.f(D @ phi))
    return Rescaled(new_f, phi, D, *(condition(np.linalg.eigvalsh(A)) for A in (H, after)))


def _check_positive(values: Array, what: str) -> None:
    if not np.all(values > 0):
        raise ShapeError(f"rescaled: {what} is {values.min():.3g}; it must be positive to be scaled to 1")
