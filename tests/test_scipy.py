"""autograd_lite.scipy: linalg and signal. (special and stats have test files of their own.)"""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

scipy_linalg, scipy_signal = pytest.importorskip("scipy.linalg"), pytest.importorskip("scipy.signal")

from autograd_lite.scipy import linalg, signal  # noqa: E402

RNG = np.random.default_rng(0)
A = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
Z = A + 1j * RNG.normal(size=(4, 4))
b, B = RNG.normal(size=4), RNG.normal(size=(4, 2))


@pytest.mark.parametrize("a", [A, Z], ids=["real", "complex"])
@pytest.mark.parametrize("rhs", [b, B, b + 1j * B[:, 0]], ids=["vector", "matrix", "complex"])
@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_solve_triangular(a, rhs, trans, lower, unit):
    def f(a, rhs):
        return linalg.solve_triangular(a, rhs, trans, lower, unit)

    np.testing.assert_array_equal(f(ag.tensor(a), rhs).data, scipy_linalg.solve_triangular(a, rhs, trans, lower, unit))
    ag.check_grads(f, a, rhs)


@pytest.mark.parametrize("a", [A / 3, Z / 3, A @ A.T / 9], ids=["real", "complex", "definite"])
@pytest.mark.parametrize("name", ["expm", "sqrtm", "inv", "det", "pinv", "norm", "svdvals"])
def test_functions_of_matrices(a, name):
    f = getattr(linalg, name)
    np.testing.assert_allclose(f(ag.tensor(a, requires_grad=True)).data, getattr(scipy_linalg, name)(a), rtol=1e-12)
    ag.check_grads(f, a)


def test_cholesky_is_scipys_upper_one():
    a = A @ A.T
    np.testing.assert_allclose(linalg.cholesky(ag.tensor(a)).data, scipy_linalg.cholesky(a), rtol=1e-12)
    np.testing.assert_allclose(linalg.cholesky(a, lower=True), scipy_linalg.cholesky(a, lower=True), rtol=1e-12)


def test_block_diag_and_what_passes_through():
    parts = [A, b, np.array(2.0)]
    np.testing.assert_array_equal(linalg.block_diag(*parts), scipy_linalg.block_diag(*parts))
    ag.check_grads(lambda *x: linalg.block_diag(*x), *parts)
    assert linalg.toeplitz is scipy_linalg.toeplitz
    assert signal.butter is scipy_signal.butter


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("method", ["direct", "fft", "auto"])
@pytest.mark.parametrize("shapes", [((5,), (3,)), ((3,), (5,)), ((4, 5), (3, 2)), ((2, 3, 4), (2, 2, 1))], ids=str)
def test_convolve(mode, method, shapes):
    x, y = (RNG.normal(size=s) for s in shapes)
    wanted = scipy_signal.convolve(x, y, mode, method)
    np.testing.assert_array_equal(signal.convolve(ag.tensor(x), y, mode, method).data, wanted)
    ag.check_grads(lambda x, y: signal.convolve(x, y, mode, method), x, y)


def test_solve_sylvester():
    a, b, q = RNG.normal(size=(3, 3)), RNG.normal(size=(2, 2)), RNG.normal(size=(3, 2))
    wanted = scipy_linalg.solve_sylvester(a, b, q)
    np.testing.assert_array_equal(linalg.solve_sylvester(ag.tensor(a), b, q).data, wanted)
    ag.check_grads(linalg.solve_sylvester, a, b, q)


@pytest.mark.parametrize("bands", [(1, 1), (0, 2), (2, 0), (1, 3)])
@pytest.mark.parametrize("shape", [(5,), (5, 2)])
def test_solve_banded(bands, shape):
    ab, b = RNG.normal(size=(sum(bands) + 1, 5)), RNG.normal(size=shape)
    ab[bands[1]] += 5
    wanted = scipy_linalg.solve_banded(bands, ab, b)
    np.testing.assert_array_equal(linalg.solve_banded(bands, ag.tensor(ab), b).data, wanted)
    ag.check_grads(lambda ab, b: linalg.solve_banded(bands, ab, b), ab, b)
