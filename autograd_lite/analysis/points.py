"""A point of the loss surface: value, gradient, curvature, and what kind of point that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from .objective import Array, Objective, objective

FULL = 500  # up to so many parameters the whole Hessian is built
ENDS = 4  # beyond them, so many eigenvalues from each end
LANCZOS = 1e-4  # accuracy of such eigenvalues, as a share of the largest
NEAR = 0.01  # how far a plateau reaches, in sizes of theta


@dataclass(frozen=True, eq=False, repr=False)
class Point:
    """What `point` found.

    Attributes
    ----------
    value: E(theta).
    gradient: dE/dtheta, shape (size,).
    eigenvalues, eigenvectors: of the Hessian, ascending, shapes (k,) and (size, k), a column for each.
    complete: whether these are all eigenvalues, or only those at both ends.
    kind: "minimum", "maximum", "saddle", "degenerate", "plateau" or "not stationary".
    """

    value: float
    gradient: Array
    eigenvalues: Array
    eigenvectors: Array
    complete: bool
    kind: str

    @property
    def negative(self) -> int:
        """How many of the eigenvalues found are below 0: the index of a saddle."""
        return int(np.sum(self.eigenvalues < 0))

    @property
    def condition(self) -> float:
        """kappa, the largest curvature by the smallest; infinite where the Hessian is not positive definite."""
        return condition(self.eigenvalues)

    def __repr__(self) -> str:
        low, high = self.eigenvalues[[0, -1]]
        some = "" if self.complete else " at the ends"
        return (
            f"Point({self.kind}: value {self.value:.6g}, |gradient| {np.linalg.norm(self.gradient):.3g}, "
            f"{len(self.eigenvalues)} eigenvalues{some} from {low:.6g} to {high:.6g})"
        )


def point(
    f: Any, theta: Any, *, ends: int | None = None, rtol: float | None = None, atol: float = 0.0, rng: Any = 0
) -> Point:
    """Value, gradient and Hessian spectrum of E at theta, and the kind of point that they show.

    With g the gradient, lambda_i the eigenvalues, L the largest |lambda_i| and s = max(1, |theta|) the size of theta,
    the changes of E over a distance s are |g| s and lambda_i s^2. A change counts as zero up to the largest of rtol L
    s^2, atol s, and the rounding of E. Then a point with a gradient of zero is a minimum if all lambda_i > 0, a
    maximum if all are < 0, a saddle if there are both signs; otherwise some are zero and the second-order test does
    not decide: a plateau if all are, and E does not change within s / 100 either, and else degenerate.
    (Goodfellow, Bengio and Courville, 2016, section 4.3.1; Nocedal and Wright, 2006, theorems 2.3 and 2.4.)

    Parameters
    ----------
    f, theta: a scalar function and its argument, or a model and the closure that computes its loss.
    ends: how many eigenvalues to find at each end of the spectrum, by products H v with vectors (Lanczos' method, from
        SciPy); by default all, from the whole matrix, for up to 500 parameters, and 4 for more.
    rtol: the square root of the dtype's precision, unless said otherwise; for eigenvalues from the ends at least 2e-4.
    atol: a gradient or a curvature up to this is zero, such as 1e-6 on the tail of a sigmoid.
    rng: a numpy.random.Generator or a seed, for the vector that Lanczos' method starts from.

    Raises
    ------
    ShapeError (a ValueError) where E or its derivatives are not finite, ImportError without SciPy if `ends` is used.

    >>> import numpy as np
    >>> point(lambda w: w[0] ** 2 - 3 * w[1] ** 2, np.zeros(2))
    Point(saddle: value 0, |gradient| 0, 2 eigenvalues from -6 to 2)
    """
    E = objective(f, theta)
    value, gradient = E.value(E.theta), E.gradient(E.theta)
    eigenvalues, eigenvectors = spectrum(E, ends=ends, rng=rng)
    if not np.isfinite([value, np.sum(gradient), np.sum(eigenvalues)]).all():
        raise ShapeError(f"point: value {value}, gradient or curvature not finite; look at a theta inside f's domain")
    precision = float(np.finfo(E.theta.dtype).eps)
    size = max(1.0, float(np.linalg.norm(E.theta)))
    largest = float(np.abs(eigenvalues).max())
    noise = max(atol * size, 4 * precision * abs(value))
    complete = len(eigenvalues) == E.size
    rtol = precision**0.5 if rtol is None else rtol
    unknown = 0.0 if complete else 2 * LANCZOS  # of the eigenvalues; the gradient is exact
    zero = max(noise, max(rtol, unknown) * largest * size**2)
    signs = {int(s) for s in np.sign(eigenvalues) * (np.abs(eigenvalues) * size**2 > zero)}
    if np.linalg.norm(gradient) * size > max(noise, rtol * largest * size**2):
        kind = "not stationary"
    elif {1, -1} <= signs:
        kind = "saddle"
    elif 0 in signs:
        kind = "plateau" if signs == {0} and _is_flat(E, value, NEAR * size, noise) else "degenerate"
    else:
        kind = "minimum" if signs == {1} else "maximum"
    return Point(value, gradient, eigenvalues, eigenvectors, complete, kind)


def spectrum(f: Any, theta: Any = None, *, ends: int | None = None, rng: Any = 0) -> tuple[Array, Array]:
    """Eigenvalues of the Hessian at theta, ascending, and their eigenvectors as columns: (k,) and (size, k).

    H q_i = lambda_i q_i. All of them, or `ends` from each end, by Lanczos' method on products H v (Pearlmutter, 1994).
    Arguments as for `point`; raises ArgumentError (a TypeError) for `ends` below 1, ImportError without SciPy.

    >>> import numpy as np
    >>> spectrum(lambda w: w[0] ** 2 + 5 * w[1] ** 2, np.zeros(2))[0]
    array([ 2., 10.])
    """
    E = objective(f, theta)
    if ends is None and E.size > FULL:
        ends = ENDS
    if ends is not None and ends < 1:
        raise ArgumentError(f"spectrum: ends is {ends}; it must be 1 or more")
    if ends is None or 2 * ends >= E.size:  # Lanczos' method needs more rows than it finds eigenvalues
        H = E.hessian(E.theta)
        if not np.isfinite(H).all():
            return np.full(E.size, np.nan), np.full_like(H, np.nan)
        found: tuple[Array, Array] = np.linalg.eigh(H)
        return found
    return _lanczos(E, ends, np.random.default_rng(rng))


def condition(eigenvalues: Array) -> float:
    """The last of ascending eigenvalues by the first; infinite unless all are positive."""
    return float(eigenvalues[-1] / eigenvalues[0]) if eigenvalues[0] > 0 else float("inf")


def _lanczos(E: Objective, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    try:
        from scipy.sparse.linalg import LinearOperator, eigsh
    except ImportError as error:
        raise ImportError(
            "analysis: some eigenvalues of a large Hessian need SciPy: pip install 'autograd_lite[demo]'"
        ) from error
    product = E.hessian_product(E.theta)
    start = rng.standard_normal(E.size)
    if not np.any(product(start)):  # no curvature: Lanczos' method cannot start
        return np.zeros(2 * count), np.linalg.qr(rng.standard_normal((E.size, 2 * count)))[0]
    wide = min(E.size, max(40, 4 * count))  # the Krylov space before a restart

    def found(sign: float, shift: float) -> tuple[Array, Array]:
        """The largest eigenvalues of sign * H + shift: with the shift they are about as large as |H|, which accuracy
        is relative to. Those next to 0 would never be found to a share of themselves."""
        A = LinearOperator((E.size, E.size), matvec=lambda v: sign * product(v) + shift * v.ravel(), dtype=float)
        return eigsh(A, count, which="LA", v0=start, tol=LANCZOS, ncv=wide, maxiter=1000)  # type: ignore[no-any-return]

    high, high_vectors = found(1.0, 0.0)
    low, low_vectors = found(-1.0, float(np.abs(high).max()))
    low = float(np.abs(high).max()) - low
    order_low, order_high = np.argsort(low), np.argsort(high)
    vectors = np.concatenate([low_vectors[:, order_low], high_vectors[:, order_high]], 1)
    return np.concatenate([low[order_low], high[order_high]]), vectors


def _is_flat(E: Objective, value: float, radius: float, noise: float) -> bool:
    """Whether E stays what it is in 16 random directions from theta."""
    directions = np.random.default_rng(0).standard_normal((16, E.size))
    directions *= radius / np.linalg.norm(directions, axis=1, keepdims=True)
    around = E.values((E.theta + directions).astype(E.theta.dtype))
    return bool(np.all(np.abs(around - value) <= noise))
