"""Matrix products. With Y = A B, the gradients are dA = G B^T and dB = A^T G, for each matrix of a stack."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..op import Op
from .shape import expand_dims, mT, reshape


def _row(a: Any) -> Any:
    """A vector on the left of @ is a row."""
    return expand_dims(a, 0) if a.ndim == 1 else a


def _column(b: Any) -> Any:
    """A vector on the right of @ is a column."""
    return expand_dims(b, 1) if b.ndim == 1 else b


def _as_matrix(g: Any, a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> Any:
    """`g` with the axes that @ dropped from a row times a column."""
    if len(b_shape) == 1:
        g = expand_dims(g, -1)
    return expand_dims(g, -2) if len(a_shape) == 1 else g


def _drop_column(grad_b: Any, b_shape: tuple[int, ...]) -> Any:
    return reshape(grad_b, grad_b.shape[:-1]) if len(b_shape) == 1 else grad_b


def _mismatch(a: tuple[int, ...], b: tuple[int, ...]) -> str | None:
    if not a or not b:
        return "both sides need at least one axis; use * for a scalar"
    inner_a, inner_b = a[-1], b[-1 if len(b) == 1 else -2]
    if inner_a != inner_b:
        return f"inner sizes {inner_a} and {inner_b} differ"
    return f"stacks {a[:-2]} and {b[:-2]} do not broadcast"


# fmt: off
matmul = Op(np.matmul, "@", run=operator.matmul, elementwise=False, advice=_mismatch,
            a=lambda g, b, a_shape, b_shape: _as_matrix(g, a_shape, b_shape) @ mT(_column(b)),
            b=lambda g, a, a_shape, b_shape: _drop_column(mT(_row(a)) @ _as_matrix(g, a_shape, b_shape), b_shape))
# fmt: on
