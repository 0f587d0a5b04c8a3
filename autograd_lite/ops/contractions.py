"""Sums of products over chosen axes: einsum and what it contains, and convolution.

A contraction is linear in each operand, so the gradient by one of them is a contraction of the others with g.
"""

# mypy: disable-error-code="has-type"
# (a formula may call a row that stands below it)

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import ArgumentError, ShapeError
from ..op import Op
from ..tensor import own
from . import batching
from .elementwise import conjugate, multiply
from .products import dot, matmul
from .shape import (
    concatenate,
    flip,
    moveaxis,
    mT,
    reshape,
    stack,
    transpose,
)

__all__ = ["correlate", "cross", "einsum", "inner", "kron", "outer", "tensordot"]

# -- Einstein's summation ----------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MATRIX = 256  # entries; matrices smaller than that np.einsum multiplies faster than BLAS is called
LARGE = 4096  # entries; below that the search for a good order of products costs more than it saves


def _einsum(*xs: Any, subscripts: str, optimize: Any = False, dtype: Any = None) -> Any:
    if len(xs) == 2 and dtype is None and min(xs[0].size, xs[1].size) > MATRIX:
        terms, result = subscripts.split("->")
        a, b = terms.split(",")
        if xs[0].dtype == xs[1].dtype and xs[0].dtype.char in "fdFD" and set(a) - set(b) and set(b) - set(a):
            product = _product_of_two(*xs, a, b, result)
            if product is not None:
                return own(product)
    y = np.einsum(subscripts, *xs, optimize=list(optimize) if type(optimize) is tuple else optimize, dtype=dtype)
    return own(y)  # for "ij->ji" NumPy gives a view of the operand


def _einsum_gradients(g: Any, xs: tuple[Any, ...], subscripts: str) -> list[Any]:
    terms, result = subscripts.split("->")
    labels = terms.split(",")
    return [_gradient_of_operand(g, xs, labels, result, k) for k in range(len(xs))]


def _gradient_of_operand(g: Any, xs: tuple[Any, ...], labels: list[str], result: str, k: int) -> Any:
    """g contracted with the other operands, to the axes of operand k.

    An axis that only operand k has was summed: ones copy g along it. A label that stands twice in it took a
    diagonal: an identity matrix puts g back onto that.
    """
    if len(xs) == 2:
        product = _product_of_two(g, xs[1 - k], result, labels[1 - k], labels[k])
        if product is not None and product.shape == xs[k].shape:  # else an axis of length 1 was copied
            return product
    others = [(label, x) for j, (label, x) in enumerate(zip(labels, xs, strict=True)) if j != k]
    sizes: dict[str, int] = {}
    for label, x in zip(labels, xs, strict=True):
        for letter, n in zip(label, x.shape, strict=True):
            sizes[letter] = n if n != 1 else sizes.get(letter, 1)
    free = iter(sorted(set(LETTERS) - set(sizes)))
    wanted, seen = "", ""
    operands = [(result, g), *others]
    # An axis of length 1 that others broadcast does not give g its length: ones do.
    available = {
        letter for label, x in operands for letter, n in zip(label, x.shape, strict=True) if n == sizes[letter]
    }
    for letter in labels[k]:
        if letter in seen:
            again = next(free)
            operands.append((letter + again, np.eye(sizes[letter], dtype=g.dtype)))
            wanted += again
        else:
            if letter not in available:
                operands.append((letter, np.ones(sizes[letter], g.dtype)))
            wanted += letter
            seen += letter
    optimize = len(operands) > 2 or max(x.size for _, x in operands) > LARGE
    text = ",".join(label for label, _ in operands) + "->" + wanted
    return contraction(*[x for _, x in operands], subscripts=text, optimize=optimize)


class _Matrix(NamedTuple):
    """How an operand is read as a stack of matrices: its axes in order, how many of them make up the stack and the
    rows, and whether these matrices are the transposes of what the product takes."""

    axes: tuple[int, ...] | None  # None: as they are
    stack: int
    rows: int
    columns: int
    flipped: bool

    def read(self, x: Any) -> Any:
        x = x if self.axes is None else transpose(x, self.axes)
        if self.rows != 1 or self.columns != 1:
            sizes, k = x.shape, self.stack + self.rows
            x = reshape(x, (*sizes[: self.stack], math.prod(sizes[self.stack : k]), math.prod(sizes[k:])))
        return mT(x) if self.flipped else x


@lru_cache(1024)
def _plan_of_product(a: str, b: str, wanted: str) -> Any:
    """How the contraction "a,b->wanted" is a product of matrices, None if it is none.

    Each label has to be in exactly two of the three, or in all (those make up the stack). What matmul can read
    without a copy it gets without one: the axes of each operand stay in the order in which they lie.
    """
    seen = set(a) | set(b) | set(wanted)
    once = all(len(set(label)) == len(label) for label in (a, b, wanted))
    summed = [c for c in b if c in a and c not in wanted]
    if not once or not summed or any((c in a) + (c in b) + (c in wanted) < 2 for c in seen):
        return None
    stack = [c for c in wanted if c in a and c in b]
    of_a, of_b = ([c for c in label if c in wanted and c not in stack] for label in (a, b))
    swapped = bool(of_a and of_b) and wanted.index(of_b[0]) < wanted.index(of_a[0])
    if swapped:
        a, b, of_a, of_b = b, a, of_b, of_a

    def matrix(label: str, rows: list[str], columns: list[str]) -> _Matrix:
        flipped = bool(rows) and label.index(columns[0] if columns else rows[0]) < label.index(rows[0])
        first, last = (columns, rows) if flipped else (rows, columns)
        axes = [label.index(c) for c in (*stack, *first, *last)]
        in_order = axes == list(range(len(axes)))
        return _Matrix(None if in_order else tuple(axes), len(stack), len(first), len(last), flipped)

    shared = [(a.index(c), b.index(c)) for c in [*stack, *summed]]
    made = [*stack, *of_a, *of_b]
    single = len(of_a) == len(of_b) == 1
    sources = None if single else [(0, a.index(c)) if c in a else (1, b.index(c)) for c in made]
    order = None if made == list(wanted) else tuple(map(made.index, wanted))
    return swapped, matrix(a, of_a, summed), matrix(b, summed, of_b), shared, sources, order


def _product_of_two(a: Any, b: Any, label_a: str, label_b: str, wanted: str) -> Any:
    """The contraction "a,b->wanted" as one product of matrices, which BLAS computes; None if it is no such product."""
    plan = _plan_of_product(label_a, label_b, wanted)
    if plan is None:
        return None
    swapped, matrix_a, matrix_b, shared, sources, order = plan
    if swapped:
        a, b = b, a
    shapes = a.shape, b.shape
    for i, j in shared:
        if shapes[0][i] != shapes[1][j]:  # a length of 1, copied
            return None
    y = matmul(matrix_a.read(a), matrix_b.read(b))
    if sources is not None:
        y = reshape(y, tuple([shapes[operand][axis] for operand, axis in sources]))
    return y if order is None else transpose(y, order)


# fmt: off
contraction = Op(_einsum, name="einsum", bprop=lambda g, xs, subscripts: _einsum_gradients(g, xs, subscripts), multilinear=True, batch=batching.with_batch_letter)
# fmt: on


def einsum(*operands: Any, optimize: Any = False, out: None = None, dtype: Any = None) -> Any:
    """Einstein's summation, `einsum("ij,jk->ik", a, b)` or `einsum(a, [0, 1], b, [1, 2], [0, 2])`; with ellipses,
    diagonals and broadcasting as np.einsum."""
    if out is not None:
        raise ArgumentError("einsum: out= would overwrite memory that a recorded graph may still need")
    xs, text = _as_text(operands)
    xs = [x if hasattr(x, "ndim") else np.asarray(x) for x in xs]
    return contraction(*xs, subscripts=_explicit(text, tuple([x.ndim for x in xs])), optimize=optimize, dtype=dtype)


def _as_text(operands: tuple[Any, ...]) -> tuple[list[Any], str]:
    """Operands and subscripts; those given as lists of numbers as a text."""
    if isinstance(operands[0], str):
        return list(operands[1:]), operands[0].replace(" ", "")
    xs, labels = list(operands[: len(operands) // 2 * 2 : 2]), list(operands[1::2])
    numbers = sorted({i for label in [*labels, *operands[len(xs) * 2 :]] for i in label if i is not Ellipsis})
    letters = dict(zip(numbers, LETTERS, strict=False))

    def text(label: Any) -> str:
        return "".join("..." if i is Ellipsis else letters[i] for i in label)

    result = f"->{text(operands[-1])}" if len(operands) % 2 else ""
    return xs, ",".join(map(text, labels)) + result


@lru_cache(1024)
def _explicit(text: str, ndims: tuple[int, ...]) -> str:
    """`text` with its result written out, and letters for ellipses."""
    terms, arrow, result = text.partition("->")
    labels = terms.split(",")
    if len(labels) != len(ndims):
        raise ShapeError(f"einsum: {text!r} names {len(labels)} operands, and {len(ndims)} are given")
    for label, ndim in zip(labels, ndims, strict=True):
        named = len(label.replace("...", ""))
        if named > ndim or ("..." not in label and named < ndim):
            raise ShapeError(f"einsum: the subscripts {label!r} of {text!r} do not fit an operand of {ndim} axes")
    extra = [ndim - len(label.replace("...", "")) for label, ndim in zip(labels, ndims, strict=True)]
    free = [letter for letter in LETTERS if letter not in text]
    spread_out = "".join(free[: max(extra, default=0)])
    if not arrow:
        once = sorted(c for c in set(terms) - set(",.") if terms.count(c) == 1)
        result = ("..." if "..." in terms else "") + "".join(once)
    labels = [label.replace("...", spread_out[len(spread_out) - n :]) for label, n in zip(labels, extra, strict=True)]
    return ",".join(labels) + "->" + result.replace("...", spread_out)


# -- named contractions ------------------------------------------------------------------------------------------


def _first(axes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(range(axes)), tuple(range(axes))


# fmt: off
inner_product = Op(np.inner, name="inner", multilinear=True, a=lambda g, b: tensordot(g, b, b.ndim - 1), b=lambda g, a: tensordot(g, a, _first(a.ndim - 1)))
vdot   = Op(np.vdot,   multilinear=True,   a=lambda g, b, a_shape: reshape(conjugate(g * b), a_shape), b=lambda g, a, b_shape: reshape(g * conjugate(a), b_shape))
vecdot = Op(np.vecdot, elementwise=False, multilinear=True, a=lambda g, b: conjugate(g[..., None] * b), b=lambda g, a: g[..., None] * conjugate(a))
matvec = Op(np.matvec, elementwise=False, multilinear=True, a=lambda g, b: g[..., :, None] * b[..., None, :],           b=lambda g, a: matvec(a.swapaxes(-1, -2), g))
vecmat = Op(np.vecmat, elementwise=False, multilinear=True, a=lambda g, b: conjugate(matvec(b, g)), b=lambda g, a: conjugate(a)[..., :, None] * g[..., None, :])
# fmt: on


def inner(a: Any, b: Any) -> Any:
    """The sum of products over the last axis of both."""
    return multiply(a, b) if np.ndim(a) == 0 or np.ndim(b) == 0 else inner_product(a, b)


def outer(a: Any, b: Any, out: None = None) -> Any:
    """The products of every entry of `a` with every entry of `b`, both flattened."""
    return multiply(reshape(a, (-1, 1)), reshape(b, (1, -1)))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sum of products over the last `axes` axes of `a` and the first of `b`, or over two given tuples of axes."""
    if isinstance(axes, (int, np.integer)):
        axes = (range(np.ndim(a) - axes, np.ndim(a)), range(axes))
    over_a, over_b = (normalize_axis_tuple(k, np.ndim(x)) for k, x in zip(axes, (a, b), strict=True))
    if [np.shape(a)[k] for k in over_a] != [np.shape(b)[k] for k in over_b]:
        raise ShapeError(f"tensordot: {np.shape(a)} and {np.shape(b)} differ along axes {over_a} and {over_b}")
    kept_a = [k for k in range(np.ndim(a)) if k not in over_a]
    kept_b = [k for k in range(np.ndim(b)) if k not in over_b]
    n = math.prod(np.shape(a)[k] for k in over_a)
    rows = reshape(transpose(a, (*kept_a, *over_a)), (math.prod(np.shape(a)[k] for k in kept_a), n))
    columns = reshape(transpose(b, (*over_b, *kept_b)), (n, math.prod(np.shape(b)[k] for k in kept_b)))
    return reshape(dot(rows, columns), (*(np.shape(a)[k] for k in kept_a), *(np.shape(b)[k] for k in kept_b)))


def kron(a: Any, b: Any) -> Any:
    """Kronecker's product: every entry of `a` times the whole of `b`."""
    ndim = max(np.ndim(a), np.ndim(b))
    shape_a, shape_b = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    spaced_a = reshape(a, tuple(n for m in shape_a for n in (m, 1)))
    spaced_b = reshape(b, tuple(n for m in shape_b for n in (1, m)))
    return reshape(multiply(spaced_a, spaced_b), tuple(m * n for m, n in zip(shape_a, shape_b, strict=True)))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector product of three-dimensional vectors along an axis."""
    if axis is not None:
        axisa, axisb, axisc = (axis,) * 3
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(f"cross: {a.shape} and {b.shape}: vectors of length 3 are needed")
    a0, a1, a2, b0, b1, b2 = (x[..., k] for x in (a, b) for k in range(3))
    return moveaxis(stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1), -1, axisc)


# -- convolution -------------------------------------------------------------------------------------------------


def _in_full(g: Any, n: int, m: int, mode: Any) -> Any:
    """The gradient of a full convolution of lengths n and m, from that of the part which `mode` keeps."""
    length = n + m - 1
    before = (length - g.shape[0]) // 2 if mode in ("same", 1) else (length - g.shape[0] + 1) // 2
    zeros = (np.zeros(k, g.dtype) for k in (before, length - g.shape[0] - before))
    return concatenate([next(zeros), g, next(zeros)])


def _convolve(a: Any, v: Any, *, mode: Any = "full") -> Any:
    return np.convolve(a, v, mode)


# fmt: off
convolve = Op(_convolve, a=lambda g, v, a_shape, mode: convolve(_in_full(g, math.prod(a_shape), v.size, mode), flip(v), "valid"),
                         v=lambda g, a, v_shape, mode: convolve(_in_full(g, a.size, math.prod(v_shape), mode), flip(a), "valid"))
# fmt: on


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """The products of `a` with `v` moved along it, summed: sum_n a[n + k] conj(v[n])."""
    if np.ndim(a) == 0 or np.ndim(v) == 0:
        raise ShapeError("correlate: object of too small depth: vectors are needed")
    return convolve(a, flip(conjugate(v)), mode)
