"""Linear algebra, np.linalg: determinants, pseudo-inverses, least squares, powers and products of matrices.

The conventions are those of decompositions.py; norms are in norms.py. Sources: Giles, "Collected matrix derivative
results" (2008); Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973).

- det has the right first and second gradients at singular matrices of any rank; the gradient of slogdet raises
  LinAlgError there, where it is infinite.
- pinv and lstsq are differentiated at constant rank; where the rank drops they are not continuous.
- matrix_rank is flat.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import NotDifferentiableError
from ..op import Op
from . import batching
from .decompositions import (
    adjoint,
    diagonal_matrix,
    diagonal_of,
    half_lower,
    hermitian_part,
    inv,
    solve,
    svd,
    svdvals_gradient,
)
from .elementwise import imag, where
from .reduce import _others_along_last
from .shape import mT, ravel, reshape, transpose

__all__ = ["lstsq", "matrix_power", "multi_dot", "tensorinv", "tensorsolve"]

# -- determinants -----------------------------------------------------------------------------------------------


def _cofactors(a: Any) -> Any:
    """det(A) A^-T, by the singular values: right for singular matrices too."""
    u, s, vh = np.linalg.svd(a)
    phase = np.linalg.det(u) * np.linalg.det(vh)
    return (u.conj() * (phase[..., None] * _others_along_last(s))[..., None, :]) @ vh.conj()


def _cofactors_bprop(g: Any, a: Any) -> Any:
    """Cofactors are multiplicative, so the formula is needed at a diagonal matrix S only. There, with P[i, j] the
    product of all s but s_i and s_j, dC[i, i] = sum_j P[i, j] dS[j, j] and dC[i, j] = -P[i, j] dS[j, i]."""
    u, s, vh = svd(a)
    same = np.eye(s.shape[-1], dtype=bool)
    turned = (det(u) * det(vh))[..., None, None] * (adjoint(u) @ g @ adjoint(vh))
    products = where(same, 0, _others_along_last(where(same, 1, s[..., None, :])))
    at_s = diagonal_matrix((products @ diagonal_of(turned)[..., None])[..., 0]) - products * mT(turned)
    return u.conj() @ at_s @ vh.conj()


def _slogdet_gradient(g: Any, a: Any, y: Any) -> Any:
    """d log det(A) = tr(A^-1 dA): its real part moves the logarithm, its imaginary part turns the sign."""
    g_sign, g_log = g
    if a.dtype.kind == "c":
        g_log = g_log + imag(g_sign * y[0]) * 1j
    return g_log[..., None, None] * mT(inv(a))


# -- pseudo-inverses, least squares, rank -----------------------------------------------------------------------


def _pinv(a: Any, *, rcond: Any = None, hermitian: bool = False, rtol: Any = np._NoValue) -> Any:
    """The pseudo-inverse (..., n, m) of each matrix of `a`, (..., m, n)."""
    return np.linalg.pinv(a, rcond, hermitian, rtol=rtol)


def _pinv_gradient(g: Any, a: Any, y: Any, hermitian: bool) -> Any:
    """dP = -P dA P + P P^H dA^H (I - A P) + (I - P A) dA^H P^H P."""
    if a.shape[-2] < a.shape[-1]:  # so that no product below is larger than A
        return mT(_pinv_gradient(mT(g), mT(a), mT(y), hermitian))
    if hermitian:
        a = half_lower(a) + adjoint(half_lower(a))  # what NumPy reads of it
    g_t, y_h = mT(g), adjoint(y)
    left, right = g_t @ (y @ y_h), y_h @ (y @ g_t)
    grad = (left - a @ (y @ left) + right - right @ (y @ a)).conj() - mT(y) @ (g @ mT(y))
    return hermitian_part(grad) if hermitian else grad


def _lstsq(a: Any, b: Any, *, rcond: float | None = None) -> Any:
    """The x of least |a x - b|, the squares of these, the rank and the singular values of `a`."""
    return np.linalg.lstsq(a, b, rcond)


def _lstsq_bprop(g: Any, a: Any, b: Any, y: Any, rcond: Any) -> Any:
    """x = P b with P the pseudo-inverse; the residuals are sum |b - A x|^2, and x minimizes them."""
    eps = float(np.finfo(float).eps)  # what LAPACK takes for a negative rcond
    p = pinv(a, max(a.shape) * eps if rcond is None else eps if rcond < 0 else rcond)
    columns = len(b.shape) == 2
    g_x, x, b = (g[0], y[0], b) if columns else (g[0][:, None], y[0][:, None], b[:, None])
    rest = b - a @ x
    grad_b = mT(p) @ g_x
    grad_a = (rest @ (mT(grad_b) @ adjoint(p))).conj() - grad_b @ mT(x)
    grad_a = grad_a + (adjoint(p) @ x).conj() @ mT(g_x - mT(a) @ grad_b).conj()
    if y[1].shape[0]:
        by_rest = 2 * g[1] * rest.conj()
        grad_a, grad_b = grad_a - by_rest @ mT(x), grad_b + by_rest
    return grad_a, grad_b if columns else grad_b[:, 0]


def _matrix_rank(A: Any, *, tol: Any = None, hermitian: bool = False, rtol: Any = None) -> Any:
    """How many singular values of each matrix of `A` are above the tolerance; flat."""
    return np.linalg.matrix_rank(A, tol, hermitian, rtol=rtol)


# -- products ---------------------------------------------------------------------------------------------------


def _identity_like(a: Any) -> Any:
    """Identity matrices in the shape of `a`; flat."""
    y = np.empty_like(a)
    y[...] = np.eye(a.shape[-2], dtype=a.dtype)
    return y


def _multi_dot(*arrays: Any) -> Any:
    """The product of matrices in the cheapest order."""
    return np.linalg.multi_dot(arrays)


def _multi_dot_bprop(g: Any, arrays: Any) -> Any:
    """The gradient of X_i is the product of what stands before it, transposed, g, and what stands after it."""
    shapes = [x.shape for x in arrays]
    xs = [reshape(x, (1, -1)) if k == 0 and x.ndim == 1 else x for k, x in enumerate(arrays)]
    xs[-1] = reshape(xs[-1], (-1, 1)) if len(shapes[-1]) == 1 else xs[-1]
    g = reshape(g, (xs[0].shape[0], xs[-1].shape[1]))
    ts = [mT(x) for x in xs]
    return [reshape(multi_dot([*ts[:k][::-1], g, *ts[:k:-1]]), shape) for k, shape in enumerate(shapes)]


# fmt: off
det           = Op(np.linalg.det,     a=lambda g, a: g[..., None, None] * cofactors(a), batch=batching.leading)
cofactors     = Op(_cofactors,        a=_cofactors_bprop, batch=batching.leading)
slogdet       = Op(np.linalg.slogdet, a=_slogdet_gradient, several=True, batch=batching.leading)
pinv          = Op(_pinv,             a=_pinv_gradient, mirrored=("a",), batch=batching.leading)
least_squares = Op(_lstsq, name="least_squares", bprop=_lstsq_bprop, several=True)
matrix_rank   = Op(_matrix_rank,      A=None)
identity_like = Op(_identity_like,    a=None)
chain         = Op(_multi_dot, name="chain", bprop=_multi_dot_bprop)
# The singular values that lstsq found, with the gradient of svdvals: a decomposition is made only if one is asked for.
known_svdvals = Op(lambda x, s: s, name="known_svdvals", x=lambda g, x, y: svdvals_gradient(g, x, y, False), s=None, view=True)
# fmt: on


# -- compositions, with NumPy's signatures ----------------------------------------------------------------------


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x of least |A x - b|, and of least |x| among these; with residuals, rank and singular values of A.

    `a` is (m, n), `b` (m,) or (m, k), x (n,) or (n, k). Gradient: of x = pinv(A) b, by Golub and Pereyra (1973).
    """
    x, residuals, rank, s = least_squares(a, b, rcond)
    return x, residuals, rank, known_svdvals(a, s)


def matrix_power(a: Any, n: int) -> Any:
    """A^n of each square matrix of `a`, for any integer n, by squaring, as np.linalg.matrix_power."""
    shape = np.shape(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise np.linalg.LinAlgError(f"matrix_power: shape {shape}; the last two dimensions must be square")
    try:
        n = operator.index(n)
    except TypeError as error:
        raise TypeError("exponent must be an integer") from error
    a = a if hasattr(a, "swapaxes") else np.asarray(a)
    if n == 0:
        return identity_like(a)
    a, n = (inv(a), -n) if n < 0 else (a, n)
    if n == 3:
        return (a @ a) @ a
    power, result = a, None
    while True:
        n, odd = divmod(n, 2)
        if odd:
            result = power if result is None else result @ power
        if not n:
            return result
        power = power @ power


def multi_dot(arrays: Sequence[Any], *, out: None = None) -> Any:
    """The product of matrices in the cheapest order; the first and the last may be vectors."""
    if out is not None:
        raise NotDifferentiableError("multi_dot: out= is not supported; use the returned value")
    if any(np.ndim(x) > 2 for x in arrays):
        raise np.linalg.LinAlgError(f"multi_dot: shapes {[np.shape(x) for x in arrays]}; for stacks of matrices use @")
    return chain(*arrays)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of `a` as a map from its last axes to its first `ind` ones, for tensordot."""
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    shape = np.shape(a)
    inverse = inv(reshape(a, (math.prod(shape[ind:]), -1)))
    return reshape(inverse, shape[ind:] + shape[:ind])


def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    """The x with tensordot(a, x, x.ndim) = b; `axes` of `a` are moved to its end first."""
    ndim = np.ndim(a)
    if axes is not None:
        order = list(range(ndim))
        for k in axes:
            order.remove(k)
            order.insert(ndim, k)
        a = transpose(a, tuple(order))
    shape = np.shape(a)[-(ndim - np.ndim(b)) :]
    size = math.prod(shape)
    if math.prod(np.shape(a)) != size**2:
        raise np.linalg.LinAlgError(
            f"tensorsolve: {np.shape(a)}, {np.shape(b)}: prod(a.shape[b.ndim:]) must equal prod(a.shape[:b.ndim])"
        )
    return reshape(solve(reshape(a, (size, size)), ravel(b)), shape)
