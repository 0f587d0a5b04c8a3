"""scipy.linalg; `solve_triangular`, `sqrtm`, `expm` and what np.linalg has too take Tensors. All else is SciPy's."""

# mypy: disable-error-code="has-type"

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np
from scipy import linalg

from ..op import Op
from ..ops import decompositions, linear_algebra, norms
from ..ops.arrange import atleast_2d, tril, triu
from ..ops.elementwise import where
from ..ops.shape import concatenate, mT
from ..tensor import Tensor


def _solve_triangular(a: Any, b: Any, *, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
    return linalg.solve_triangular(a, b, trans, lower, unit_diagonal)


def _triangular_bprop(g: Any, a: Any, y: Any, trans: Any, lower: bool, unit_diagonal: bool) -> Any:
    """With op(A) x = b: the gradient by b solves the transposed equation, that by op(A) is -grad_b x^T."""
    plain = trans in (0, "N")
    if trans in (2, "C"):
        g = g.conj()
    grad_b = triangle(a, g, 1 if plain else 0, lower, unit_diagonal)
    if trans in (2, "C"):
        grad_b = grad_b.conj()
    columns_g, columns_y = (x if x.ndim > 1 else x[:, None] for x in (grad_b, y))
    grad_a = -columns_g @ mT(columns_y)
    if not plain:
        grad_a = mT(grad_a) if trans in (1, "T") else mT(grad_a).conj()
    k = 1 if unit_diagonal else 0
    return tril(grad_a, -k) if lower else triu(grad_a, k), grad_b


def _sqrtm(a: Any) -> Any:
    return linalg.sqrtm(a)


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    """The x of a x + x b = q."""
    return linalg.solve_sylvester(a, b, q)


def _sylvester_gradients(g: Any, a: Any, b: Any, y: Any) -> tuple[Any, Any, Any]:
    """The gradient by q solves the transposed equation."""
    by_q = solve_sylvester(mT(a), mT(b), g)
    return -by_q @ mT(y), -mT(y) @ by_q, by_q


def _solve_banded(ab: Any, b: Any, *, l_and_u: tuple[int, int]) -> Any:
    return linalg.solve_banded(l_and_u, ab, b)


def _banded_gradients(g: Any, ab: Any, y: Any, l_and_u: tuple[int, int]) -> tuple[Any, Any]:
    """The gradient by b solves the transposed equation, whose bands are those of a in reverse order, moved along."""
    lower, upper = l_and_u
    n = ab.shape[1]
    rows, columns = np.indices(ab.shape)
    from_row, from_column = upper + lower - rows, columns + rows - lower
    inside = (from_column >= 0) & (from_column < n)
    turned = where(inside, ab[from_row, np.clip(from_column, 0, n - 1)], 0)
    by_b = banded(turned, g, (upper, lower))
    columns_g, columns_y = (x if x.ndim > 1 else x[:, None] for x in (by_b, y))
    i = rows - upper + columns  # ab[row, j] is a[i, j]
    within = (i >= 0) & (i < n)
    products = columns_g[np.clip(i, 0, n - 1)] * columns_y[columns]
    return where(within, -products.sum(-1), 0), by_b


def _expm(a: Any) -> Any:
    return linalg.expm(a)


def _expm_gradient(g: Any, a: Any) -> Any:
    """The corner of exp [[A^T, g], [0, A^T]] is the derivative of exp at A^T along g (Van Loan, 1978)."""
    n = a.shape[-1]
    zeros = np.zeros(a.shape, a.dtype)
    top, bottom = concatenate([mT(a), g], -1), concatenate([zeros, mT(a)], -1)
    return expm(concatenate([top, bottom], -2))[..., :n, n:]


# fmt: off
triangle  = Op(_solve_triangular, name="solve_triangular", bprop=_triangular_bprop)
sqrtm     = Op(_sqrtm,     a=lambda g, y: sylvester(mT(y), mT(y), g))
sylvester = Op(_sylvester, name="solve_sylvester", bprop=_sylvester_gradients)
banded    = Op(_solve_banded, name="solve_banded", bprop=_banded_gradients)
expm      = Op(_expm,      a=_expm_gradient)
# fmt: on


def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """The x of a x + x b = q.

    >>> import numpy as np, autograd_lite as ag
    >>> from autograd_lite.scipy.linalg import solve_sylvester
    >>> ag.grad(lambda q: solve_sylvester(np.eye(2), 3 * np.eye(2), q).sum())(np.ones((2, 2)))
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    return sylvester(a, b, q)


def solve_banded(
    l_and_u: tuple[int, int],
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The x of a x = b for a band matrix: ab[u + i - j, j] = a[i, j]."""
    return banded(ab, b, tuple(l_and_u))


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The x of a x = b for triangular `a`, (n, n), of which the other triangle is not read; b is (n,) or (n, k).

    `trans` 1 or "T" solves a^T x = b, 2 or "C" a^H x = b.

    >>> import numpy as np, autograd_lite as ag
    >>> from autograd_lite.scipy.linalg import solve_triangular
    >>> a = np.array([[2.0, 0.0], [1.0, 4.0]])
    >>> ag.grad(lambda b: solve_triangular(a, b, lower=True).sum())(np.ones(2))
    array([0.375, 0.25 ])
    """
    return triangle(a, b, trans, lower, unit_diagonal)


def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The triangular factor of a positive definite matrix; unlike NumPy's the upper one, unless `lower`."""
    return decompositions.cholesky(a, not lower)


def block_diag(*arrs: Any) -> Any:
    """The matrix with these on its diagonal, zeros elsewhere."""
    blocks = [atleast_2d(x) for x in arrs]
    widths = [x.shape[1] for x in blocks]
    rows = []
    for k, x in enumerate(blocks):
        left, right = (np.zeros((x.shape[0], sum(w)), x.dtype) for w in (widths[:k], widths[k + 1 :]))
        rows.append(concatenate([left, x, right], 1))
    return concatenate(rows, 0)


def _taking_tensors(theirs: Any, ours: Any) -> Any:
    @wraps(theirs)
    def function(a: Any, *arguments: Any, **options: Any) -> Any:
        return (ours if isinstance(a, Tensor) else theirs)(a, *arguments, **options)

    return function


def __getattr__(name: str) -> Any:
    theirs = getattr(linalg, name)
    ours = {"inv": decompositions, "eigvals": decompositions, "svdvals": decompositions, "det": linear_algebra,
            "pinv": linear_algebra, "norm": norms}.get(name)  # fmt: skip
    return theirs if ours is None else _taking_tensors(theirs, getattr(ours, name))
