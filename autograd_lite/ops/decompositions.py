"""Decompositions, np.linalg: what solves equations (by LU), Cholesky, eigenvalues, singular values, QR.

Every function takes stacks of matrices where NumPy's does, and its value is NumPy's. With g the gradient of the
output, a differential dY = L(dA) is turned round by Re sum(g * dY) = Re sum(grad * dA); holomorphic functions of A
therefore have plain transposes below, and only the others conjugate. Sources: Giles, "Collected matrix derivative
results" (2008); Murray, "Differentiation of the Cholesky decomposition" (2016); Townsend, "Differentiating the
singular value decomposition" (2016); Walter and Lehmann, "Algorithmic differentiation of linear algebra functions" (2010).

- cholesky, eigh, eigvalsh, and svd with hermitian=True, read one triangle of A, for which the other is a mirror image.
  Their gradient is Hermitian too, as JAX's and PyTorch's: right along Hermitian directions, the only ones they are for.
- Vectors are defined up to a phase (or a rotation of a degenerate space), so only functions that do not depend on it
  have a derivative. Here V^H dV has a zero diagonal for eigh, a zero real diagonal for eig; svd leaves the phase to U.
  The same holds for the columns that complete U, V or Q to a basis: they turn only as the others make them.
- Where two eigenvalues or singular values are equal, functions of these alone, symmetric in them, have the right first
  gradient; turning the vectors within their space counts as 0, so that second gradients miss it. Nearly equal values
  (by rounding, too) make gradients of vectors, and second gradients of values, large and inaccurate.
- Singular values of 0 have a kink like that of |x|, and gradient 0; what would be divided by them is left out.
- inv and solve raise LinAlgError at singular matrices, as NumPy's do, and so does the gradient of qr where R is one.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NotDifferentiableError
from ..op import Op
from ..tensor import Tensor
from . import batching
from .elementwise import imag, real, sign, where
from .reduce import sum
from .shape import concatenate, mT

__all__ = ["qr", "svd"]

# -- what the formulas are made of ------------------------------------------------------------------------------


def adjoint(x: Any) -> Any:
    """x^H, the conjugate transpose of each matrix."""
    return mT(x).conj()


def _eye(n: int) -> Any:
    return np.eye(n, dtype=bool)


def diagonal_matrix(v: Any) -> Any:
    """The matrices with `v` on their diagonals."""
    return where(_eye(v.shape[-1]), v[..., None, :], 0)


def diagonal_of(x: Any) -> Any:
    """The diagonal of each matrix."""
    return sum(where(_eye(x.shape[-1]), x, 0), -1)


def _lower(x: Any, below: int = 0) -> Any:
    """The lower triangle of x, `below` diagonals down."""
    m, n = x.shape[-2:]
    return where(np.tri(m, n, -below, dtype=bool), x, 0)


def _upper(x: Any, above: int = 0) -> Any:
    """The upper triangle of x, `above` diagonals up."""
    m, n = x.shape[-2:]
    return where(np.tri(m, n, above - 1, dtype=bool), 0, x)


def half_lower(x: Any) -> Any:
    """The lower triangle of x with half its diagonal: with its adjoint added, a Hermitian matrix."""
    return (_lower(x) + _lower(x, 1)) / 2


def _half_upper(x: Any) -> Any:
    return (_upper(x) + _upper(x, 1)) / 2


def hermitian_part(g: Any) -> Any:
    """The gradient by a Hermitian matrix: what g says of Hermitian directions."""
    return (g + adjoint(g)) / 2


def _inverse_or_0(x: Any) -> Any:
    """1 / x, and 0 where x is 0."""
    return where(x == 0, 0, 1 / (x + (x == 0)))


def _inverse_differences(x: Any) -> Any:
    """F[i, j] = 1 / (x_j - x_i), 0 where they are equal."""
    return _inverse_or_0(x[..., None, :] - x[..., :, None])


def _divide_right(x: Any, a: Any) -> Any:
    """x a^-1."""
    return mT(solve(mT(a), mT(x)))


# -- equations, and Cholesky ------------------------------------------------------------------------------------


def _solve(a: Any, b: Any) -> Any:
    """The x of a x = b for each matrix of `a`, (..., n, n), and `b`: (n,), or matrices (..., n, k)."""
    return np.linalg.solve(a, b)


def _solve_bprop(g: Any, a: Any, y: Any, b_shape: tuple[int, ...]) -> Any:
    if len(b_shape) == 1:  # a vector for every matrix of the stack
        grad_b = solve(mT(a), g[..., None])
        return -grad_b * y[..., None, :], grad_b[..., 0]
    grad_b = solve(mT(a), g)
    return -grad_b @ mT(y), grad_b


def _cholesky(a: Any, *, upper: bool = False) -> Any:
    """The lower triangular L of each positive definite matrix of `a`, A = L L^H; or, `upper`, L^H."""
    return np.linalg.cholesky(a, upper=upper)


def _cholesky_gradient(g: Any, y: Any, upper: bool) -> Any:
    g, y = (adjoint(g), adjoint(y)) if upper else (g, y)
    return hermitian_part(solve(mT(y), _divide_right(half_lower(mT(y) @ g), y.conj())))


# -- eigenvalues and singular values ----------------------------------------------------------------------------


def _eigh(a: Any, *, UPLO: Any = "L") -> Any:
    """Eigenvalues w (..., n) in ascending order and eigenvectors V (..., n, n) of Hermitian `a`: A V = V diag(w)."""
    return np.linalg.eigh(a, UPLO)


def _eigvalsh(a: Any, *, UPLO: Any = "L") -> Any:
    """Eigenvalues (..., n) of each Hermitian matrix of `a`, in ascending order."""
    return np.linalg.eigvalsh(a, UPLO)


def _hermitian_gradient(g_w: Any, g_v: Any, w: Any, v: Any) -> Any:
    """dw = diag(M) and dV = V (F * M), with M = V^H dA V."""
    in_v = diagonal_matrix(g_w) + (mT(v) @ g_v) * _inverse_differences(w)
    return v.conj() @ in_v @ mT(v)


def _eigvalsh_gradient(g: Any, a: Any, UPLO: str) -> Any:
    v = eigh(a, UPLO)[1]
    return hermitian_part((v.conj() * g[..., None, :]) @ mT(v))


def _eig_gradient(g: Any, y: Any) -> Any:
    """dw = diag(M) and dV = V (F * M), with M = V^-1 dA V, less what would change the length of a column."""
    (g_w, g_v), (w, v) = g, y
    in_v = mT(v) @ g_v
    in_v = in_v - mT(adjoint(v) @ v) * real(diagonal_of(in_v))[..., None, :]
    return solve(mT(v), (diagonal_matrix(g_w) + in_v * _inverse_differences(w)) @ mT(v))


def _eigvals_gradient(g: Any, a: Any, y: Any) -> Any:
    w, v = eig(a)
    return solve(mT(v), _along_last(g, pairing(w, y))[..., :, None] * mT(v))


def _pairing(w: Any, like: Any) -> Any:
    """For each of w the place of its like in the other.

    LAPACK may find the same eigenvalues in another order when it is asked for the vectors too.
    """
    places = np.empty(w.shape, np.intp)
    for k in np.ndindex(w.shape[:-1]):
        distance = np.abs(w[k][:, None] - like[k])
        for _ in range(len(distance)):  # the closest pair of those that are left
            i, j = np.unravel_index(np.argmin(distance), distance.shape)
            places[(*k, i)] = j
            distance[i] = distance[:, j] = np.inf
    return places


def _along_last(x: Any, places: Any) -> Any:
    """x[..., places] for each row of x."""
    rows = np.indices(x.shape, sparse=True)[:-1]
    return x[(*rows, places)]


def _svd(a: Any, *, full_matrices: bool = True, hermitian: bool = False) -> Any:
    """The factors of each matrix of `a`, A = U S V^H."""
    return np.linalg.svd(a, full_matrices, True, hermitian)


def _svd_gradient(g: Any, y: Any, full_matrices: bool, hermitian: bool) -> Any:
    """With P = U^H dA V: dS = Re diag(P); U^H dU = F * (P S + S P^H) + i Im diag(P) / S and
    V^H dV = F * (S P + P^H S) where F[i, j] = 1 / (s_j^2 - s_i^2); outside of the space of U, dU = dA V / S."""
    (g_u, g_s, g_vh), (u, s, vh) = g, y
    k = s.shape[-1]
    g_s, g_v, v = where(s == 0, 0, g_s), adjoint(g_vh), adjoint(vh)
    if hermitian:  # an eigendecomposition whose signs went into V
        signs = sign(real(sum(mT(u) * vh, -1)))
        return hermitian_part(_hermitian_gradient(g_s * signs, g_u + g_v * signs[..., None, :], s * signs, u))
    in_u, in_v = mT(u[..., :k]) @ g_u[..., :k], mT(v[..., :k]) @ g_v[..., :k]
    row, column = s[..., None, :], s[..., :, None]
    of_squares = _inverse_differences(s) * _inverse_or_0(row + column)
    turn_u, turn_v = in_u * of_squares, in_v * of_squares
    in_both = (turn_u + adjoint(turn_u)) * row + column * (turn_v + adjoint(turn_v)) + diagonal_matrix(g_s)
    if u.dtype.kind == "c":
        in_both = in_both + diagonal_matrix(imag(diagonal_of(in_u)) * _inverse_or_0(s) * 1j)
    u1_conj, v1_conj = u[..., :k].conj(), v[..., :k].conj()
    grad = u1_conj @ in_both @ mT(v[..., :k])
    by_s = _inverse_or_0(row)
    if u.shape[-2] > k:
        grad = grad + (_outside(g_u, u, in_u) * by_s) @ adjoint(v1_conj)
    if v.shape[-2] > k:
        grad = grad + (u1_conj * by_s) @ adjoint(_outside(g_v, v, in_v))
    return grad


def _outside(g: Any, q: Any, inside: Any) -> Any:
    """What g says of the first columns of q, in the directions orthogonal to them. If q has the others too, these
    turn as the first ones make them: dQ2 = -Q1 dQ1^H Q2."""
    k = inside.shape[-1]
    if q.shape[-1] == k:
        return g - q.conj() @ inside
    first, others = q[..., :k], q[..., k:]
    return others.conj() @ (mT(others) @ g[..., :k] - adjoint(mT(first) @ g[..., k:]))


def _svdvals(x: Any, *, hermitian: bool = False) -> Any:
    """Singular values (..., k) of each matrix of `x`, in descending order."""
    return np.linalg.svd(x, compute_uv=False, hermitian=hermitian)


def svdvals_gradient(g: Any, x: Any, y: Any, hermitian: bool) -> Any:
    """ds = Re diag(U^H dA V); at s = 0, a kink like that of |x|, it counts as 0."""
    u, _, vh = svd(x, False, True, hermitian)
    grad = (u.conj() * where(y == 0, 0, g)[..., None, :]) @ vh.conj()
    return hermitian_part(grad) if hermitian else grad


# -- QR ---------------------------------------------------------------------------------------------------------


def _qr(a: Any, *, mode: Any = "reduced") -> Any:
    """The factors of each matrix of `a`, A = Q R, with Q^H Q = I and R upper triangular."""
    return np.linalg.qr(a, mode)


def _qr_gradient(g: Any, y: Any) -> Any:
    (g_q, g_r), (q, r) = g, y
    m, n = q.shape[-2], r.shape[-1]
    if m >= n:
        return _tall_qr_gradient(g_q, g_r[..., :n, :], q, r[..., :n, :])
    # A = [X Y] with X square: Q R1 = X, and R2 = Q^H Y is a product.
    g_r1, g_r2 = g_r[..., :m], g_r[..., m:]
    g_q = g_q + (q @ r[..., m:]).conj() @ adjoint(g_r2)
    return concatenate([_tall_qr_gradient(g_q, g_r1, q, r[..., :m]), q.conj() @ g_r2], -1)


def _tall_qr_gradient(g_q: Any, g_r: Any, q: Any, r: Any) -> Any:
    """[gQ + conj(Q) (Z + Z^H)] R^-T, with Z the upper triangle of gR R^T - Q^T gQ and half its diagonal."""
    n = r.shape[-1]
    if q.shape[-1] > n:  # a complete basis
        first, others = q[..., :n], q[..., n:]
        g_q, q = g_q[..., :n] - others.conj() @ adjoint(mT(first) @ g_q[..., n:]), first
    z = _half_upper(g_r @ mT(r) - mT(q) @ g_q)
    return _divide_right(g_q + q.conj() @ (z + adjoint(z)), mT(r))


# fmt: off
inv           = Op(np.linalg.inv,     a=lambda g, y: -mT(y) @ g @ mT(y), batch=batching.leading)
solve         = Op(_solve,            bprop=_solve_bprop, batch=batching.solved)
cholesky      = Op(_cholesky,         a=_cholesky_gradient, mirrored=("a",), batch=batching.leading)
eigh          = Op(_eigh,             a=lambda g, y: hermitian_part(_hermitian_gradient(*g, *y)), several=True, mirrored=("a",), batch=batching.leading)
eigvalsh      = Op(_eigvalsh,         a=_eigvalsh_gradient, mirrored=("a",), batch=batching.leading)
eig           = Op(np.linalg.eig,     a=_eig_gradient, several=True, batch=batching.leading)
eigvals       = Op(np.linalg.eigvals, a=_eigvals_gradient, batch=batching.leading)
pairing       = Op(_pairing,          w=None, like=None)
svd_factors   = Op(_svd, name="svd_factors", a=_svd_gradient, several=True, mirrored=("a",), batch=batching.leading)
svdvals       = Op(_svdvals,          x=svdvals_gradient, mirrored=("x",), batch=batching.leading)
qr_factors    = Op(_qr, name="qr_factors", a=_qr_gradient, several=True, batch=batching.leading)
# fmt: on


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Singular value decomposition A = U S V^H of each matrix of `a`, (..., m, n); its three factors, or S alone.

    U is (..., m, m) or, unless `full_matrices`, (..., m, k) with k = min(m, n); S (..., k) in descending order; V^H
    (..., n, n) or (..., k, n). Gradient: Townsend (2016), see `_svd_gradient`.
    """
    return svd_factors(a, full_matrices, hermitian) if compute_uv else svdvals(a, hermitian)


def qr(a: Any, mode: str = "reduced") -> Any:
    """A = Q R of each matrix of `a`, (..., m, n), with Q^H Q = I and R upper triangular; R alone for mode 'r'.

    Q is (..., m, k) and R (..., k, n), k = min(m, n), or k = m for mode 'complete'. Gradient: Walter and Lehmann
    (2010); needs an invertible R (its first m columns if m < n).
    """
    if mode in ("reduced", "complete"):
        return qr_factors(a, mode)
    if mode == "r":
        return qr_factors(a, "reduced")[1]
    if isinstance(a, Tensor) and a.requires_grad:
        raise NotDifferentiableError(f"qr: mode {mode!r} has no gradient; use 'reduced', 'complete' or 'r'")
    return np.linalg.qr(a.data if isinstance(a, Tensor) else a, mode)  # type: ignore[call-overload]
