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


def _sylvester(a: Any, q: Any) -> Any:
    """The x of a x + x a = q."""
    return linalg.solve_sylvester(a, a, q)


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
sqrtm     = Op(_sqrtm,     a=lambda g, y: sylvester(mT(y), g))
sylvester = Op(_sylvester, q=lambda g, a: sylvester(mT(a), g), a=lambda g, a, y: _by_sylvester(sylvester(mT(a), g), y))
expm      = Op(_expm,      a=_expm_gradient)
# fmt: on


def _by_sylvester(grad_q: Any, x: Any) -> Any:
    return -grad_q @ mT(x) - mT(x) @ grad_q


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
