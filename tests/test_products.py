"""The gradients of einsum that are computed by matmul, and those of sums that are one number everywhere."""

from __future__ import annotations

import random

import numpy as np
import pytest

import autograd_lite as ag

SIZES = dict(zip("abcdef", (2, 3, 4, 5, 1, 3), strict=True))


def test_contractions_of_two_are_products():
    from autograd_lite.ops.contractions import _product_of_two

    choose, rng, products = random.Random(0), np.random.default_rng(0), 0
    for _ in range(5000):
        terms = ["".join(choose.sample("abcdef", choose.randint(0, 4))) for _ in range(3)]
        if set(terms[2]) <= {*terms[0], *terms[1]}:
            a, b = (rng.standard_normal([SIZES[c] for c in term])[()] for term in terms[:2])
            product = _product_of_two(a, b, *terms)
            if product is not None:
                products += 1
                np.testing.assert_allclose(product, np.einsum("{},{}->{}".format(*terms), a, b), err_msg=str(terms))
    assert products > 50


@pytest.mark.parametrize("text", ["ij,jk->ik", "bij,bkj->kbi", "abcd,dcef->abfe", "ij,ij->", "ij,jk->kij"])
def test_gradients_of_contractions_to_second_order(text):
    rng = np.random.default_rng(1)
    a, b = (
        rng.standard_normal([2 + "abcdefijk".index(c) % 3 for c in term]) for term in text.split("->")[0].split(",")
    )
    ag.check_grads(lambda a, b: np.sin(np.einsum(text, a, b)).sum(), a, b, order=2)


WIDE = dict(zip("abcijk", (7, 1, 6, 20, 17, 23), strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize(
    "text", ["ij,jk->ik", "ji,kj->ki", "aij,ajk->aik", "aij,jk->kai", "bij,cjk->ik", "aij,bjk->aik", "ijc,cjk->ki"]
)
def test_large_contractions_are_numpys_values(text, dtype):
    """Computed by BLAS: as exact as the machine's epsilon allows, in the same dtype, and in memory of their own."""
    rng = np.random.default_rng(2)
    a, b = (
        (rng.standard_normal([WIDE[c] for c in term][::-1]) * (1 + 1j if dtype is np.complex128 else 1)).astype(dtype).T
        for term in text.split("->")[0].split(",")
    )
    wanted, y = np.einsum(text, a, b), ag.einsum(text, a, b)
    assert (y.dtype, y.shape, y.base) == (wanted.dtype, wanted.shape, None)
    size = np.einsum(text, abs(a), abs(b))
    assert (abs(y - wanted) <= 40 * np.finfo(dtype).eps * size).all()
    a[(0,) * a.ndim] = np.nan
    assert np.array_equal(np.isnan(ag.einsum(text, a, b)), np.isnan(np.einsum(text, a, b)))


@pytest.mark.parametrize("shape", [(), (1, 1), (0, 3), (2, 3), (100, 100)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex64])
def test_squares_summed(shape, dtype):
    x = ag.tensor(np.full(shape, 0.5, dtype), requires_grad=True)
    (x**2).sum().backward()
    assert x.grad.dtype == dtype
    assert np.array_equal(x.grad, np.ones(shape, dtype))


def test_a_gradient_that_nobody_else_holds_is_the_leafs_own():
    x, y = (ag.tensor(np.ones((3, 3)), requires_grad=True) for _ in range(2))
    loss = ((x + y) * x).sum()
    loss.backward()
    first = x.grad
    x.grad = None
    loss.backward()
    assert not np.shares_memory(first, x.grad)
    assert not np.shares_memory(x.grad, y.grad)
    assert x.grad.flags.owndata
    assert y.grad.flags.owndata
    assert np.array_equal(x.grad, first)
    assert np.array_equal(y.grad, np.full((3, 3), 2.0))
