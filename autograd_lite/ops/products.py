"""Matrix products. With Y = A B, the gradients are dA = G B^T and dB = A^T G, for each matrix of a stack."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..op import Op
from ..source import reads_as
from . import batching, reach
from .elementwise import multiply
from .shape import expand_dims, moveaxis, mT, reshape

__all__ = ["dot"]


@reads_as("a")
def _row(a: Any) -> Any:
    """A vector on the left of @ is a row."""
    return expand_dims(a, 0) if a.ndim == 1 else a


@reads_as("b")
def _column(b: Any) -> Any:
    """A vector on the right of @ is a column."""
    return expand_dims(b, 1) if b.ndim == 1 else b


@reads_as("g")
def _as_matrix(g: Any, a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> Any:
    """`g` with the axes that @ dropped from a row times a column."""
    if len(b_shape) == 1:
        g = expand_dims(g, -1)
    return expand_dims(g, -2) if len(a_shape) == 1 else g


@reads_as("grad_b")
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
matmul = Op(np.matmul, "@", run=operator.matmul, elementwise=False, multilinear=True, advice=_mismatch,
            a=lambda g, b, a_shape, b_shape: _as_matrix(g, a_shape, b_shape) @ mT(_column(b)),
            b=lambda g, a, a_shape, b_shape: _drop_column(mT(_row(a)) @ _as_matrix(g, a_shape, b_shape), b_shape), batch=batching.product, reach=reach.product)

# np.dot where it is not matmul: every matrix of one stack with every matrix of the other.
dot_stacks = Op(np.dot, name="dot_stacks", multilinear=True,
                a=lambda g, b, a_shape: reshape(_as_rows(g, len(a_shape) - 1) @ mT(_columns(b)), a_shape),
                b=lambda g, a, b_shape: _uncolumns(mT(_as_rows(a, a.ndim - 1)) @ _as_rows(g, a.ndim - 1), b_shape))
# fmt: on


def _columns(b: Any) -> Any:
    """The columns of all matrices of the stack b side by side."""
    b = _column(b)
    return _as_rows(moveaxis(b, -2, 0), 1)


def _as_rows(x: Any, lead: int) -> Any:
    """A matrix: the first `lead` axes of x taken together, and the others."""
    return reshape(x, (math.prod(x.shape[:lead]), math.prod(x.shape[lead:])))


def _uncolumns(columns: Any, b_shape: tuple[int, ...]) -> Any:
    """The stack of shape `b_shape` whose columns these are."""
    if len(b_shape) == 1:
        return reshape(columns, b_shape)
    return moveaxis(reshape(columns, (b_shape[-2], *b_shape[:-2], b_shape[-1])), 0, -2)


def dot(a: Any, b: Any) -> Any:
    """NumPy's dot product: over the last axis of `a` and the last but one of `b` (or its only one).

    Of two vectors or matrices it is `a @ b`, of a scalar and anything a product.
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return multiply(a, b)
    return matmul(a, b) if np.ndim(a) <= 2 and np.ndim(b) <= 2 else dot_stacks(a, b)
