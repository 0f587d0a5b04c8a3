"""The documented answers at kinks, ties and degenerate points, and values equal to NumPy's from either side."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import autograd_lite as ag


def gradient(f, *args):
    return ag.grad(lambda *xs: ag.sum(f(*xs)), tuple(range(len(args))))(*args)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (ag.relu, 0.0, 0.0),
        (ag.absolute, 0.0, 0.0),
        (lambda x: ag.clip(x, -1.0, 1.0), 1.0, 0.5),
        (lambda x: ag.clip(x, -1.0, 1.0), -1.0, 0.5),
        (lambda x: ag.clip(x, -1.0, 1.0), 2.0, 0.0),
        (lambda x: ag.maximum(x, 2.0), 2.0, 0.5),
        (lambda x: ag.minimum(x, 2.0), 2.0, 0.5),
        (lambda x: np.fmax(x, 2.0), 2.0, 0.5),
        (lambda x: np.fmin(x, 2.0), 2.0, 0.5),
        (np.fabs, 0.0, 0.0),
        (lambda x: np.copysign(x, -2.0), 0.0, 0.0),
        (np.sinc, 0.0, 0.0),
        (lambda x: np.linalg.norm(x), 0.0, 0.0),
        (lambda x: np.linalg.norm(ag.stack([x, x])), 0.0, 0.0),
        (lambda x: np.cumprod(ag.stack([x, x, x]))[2], 0.0, 0.0),
        (lambda x: np.sort(ag.stack([x, 2 * x]))[0], 0.0, 1.0),  # ties: the first stays first
        (lambda x: np.float_power(x, 0), 0.0, 0.0),
        (lambda x: np.hypot(x, 0.0), 0.0, 0.0),
        (lambda x: ag.power(x, 0.0), 0.0, 0.0),
        (lambda x: ag.power(x, 1.0), 0.0, 1.0),
        (lambda x: ag.power(x, 3), 0.0, 0.0),
        (lambda x: ag.power(0.0, x), 2.0, 0.0),
        (lambda x: x**2, 3.0, 6.0),
        (lambda x: ag.where(x > 0, x, 0.0), 0.0, 0.0),
        (lambda x: ag.std(ag.stack([x, x])), 1.0, 0.0),
    ],
)
def test_kinks_and_ties(f, x, slope):
    assert ag.grad(f)(x) == slope


def test_sinc_at_0_to_any_order():
    derivatives = [ag.grad(np.sinc)]
    for _ in range(3):
        derivatives.append(ag.grad(derivatives[-1]))
    assert [d(0.0) for d in derivatives] == pytest.approx([0, -(np.pi**2) / 3, 0, np.pi**4 / 5], rel=1e-14)


def test_hypot_at_the_origin_is_flat():
    assert gradient(ag.hypot, 0.0, 0.0) == (0.0, 0.0)


@pytest.mark.parametrize("f", [ag.max, ag.min])
def test_extremes_share_among_ties(f):
    (g,) = gradient(f, np.array([2.0, 2.0, 2.0, 2.0]))
    np.testing.assert_array_equal(g, [0.25] * 4)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_products_with_zeros_to_third_order(zeros):
    x = np.array([1.5, -0.7, 2.0, 0.6])
    x[:zeros] = 0
    ag.check_grads(ag.prod, x, order=3)


@pytest.mark.parametrize("x", [1000.0, -1000.0, 0.0])
@pytest.mark.parametrize("f", [ag.sigmoid, ag.softplus, ag.tanh, ag.relu])
def test_activations_are_finite_far_out(f, x):
    for dtype in (np.float64, np.float32):
        value, slope = ag.value_and_grad(f)(dtype(x))
        assert math.isfinite(value)
        assert math.isfinite(slope)
    assert ag.grad(ag.softplus)(1000.0) == 1.0
    assert ag.sigmoid(-1000.0) == 0.0


@pytest.mark.parametrize("f", [ag.softmax, ag.log_softmax, ag.logsumexp, lambda z: ag.softmax_cross_entropy(z, 0)])
def test_softmax_family_is_finite_far_out(f):
    z = np.array([1000.0, -1000.0, 0.0])
    assert np.all(np.isfinite(f(z)))
    assert np.all(np.isfinite(gradient(f, z)[0]))


def test_logsumexp_of_infinities():
    assert ag.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    assert ag.logsumexp(np.array([np.inf, 0.0])) == np.inf


@pytest.mark.parametrize(
    "f", [ag.relu, lambda x: ag.where(x > 0, x, 0.0), lambda x: ag.maximum(x, 0.0), lambda x: ag.max(x)]
)
def test_an_infinite_gradient_passes_a_mask_without_nan(f):
    x = ag.tensor([1.0, -1.0], requires_grad=True)
    y = f(x)
    y.backward(np.full(y.shape, np.inf))
    np.testing.assert_array_equal(x.grad, [np.inf, 0.0])


def test_empty_arrays():
    x = ag.tensor(np.zeros((0, 3)), requires_grad=True)
    (ag.sum(x) + ag.prod(x)).backward()
    assert x.grad.shape == (0, 3)
    with pytest.raises(ValueError, match=r"max: \(0, 3\)"):
        ag.max(x)
    y = ag.tensor(np.zeros((2, 0)), requires_grad=True) @ np.zeros((0, 3))
    assert y.shape == (2, 3)
    y.sum().backward()


def test_the_lectures_gradient_at_the_preactivation():
    """-(e(y) - f(x)), the softmax minus the one-hot label (the course's output-layer gradient)."""
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    t = ag.tensor(z, requires_grad=True)
    ag.softmax_cross_entropy(t, labels).sum().backward()
    np.testing.assert_allclose(t.grad, -(np.eye(4)[labels] - ag.softmax(z)), rtol=1e-15, atol=1e-16)


def test_arctan2_takes_y_first():
    assert ag.arctan2(1.0, 0.0) == np.pi / 2
    dy, dx = gradient(ag.arctan2, 1.0, 2.0)
    assert (dy, dx) == (2 / 5, -1 / 5)


EXPONENTS = [-2, -1, 0, 0.5, 1, 2, 3, 2.0, 2.5]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("b", EXPONENTS)
def test_powers_are_numpys_to_the_bit(b, dtype):
    for x in (np.linspace(0.1, 3, 40).astype(dtype), dtype(1.7)):
        t = ag.tensor(x)
        np.testing.assert_array_equal((t**b).data, x**b)
        assert (t**b).dtype == (x**b).dtype
        np.testing.assert_array_equal(np.power(t, b).data, np.power(x, b))


@pytest.mark.parametrize(
    "pair",
    [(2.0, 3.0), (np.arange(3.0), 2.0), (np.arange(3.0), np.arange(3.0) + 1), (np.float32(2), np.arange(2))],
)
@pytest.mark.parametrize("op", ["+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!="])
def test_operators_on_either_side(pair, op):
    a, b = pair
    run = eval(f"lambda a, b: a {op} b")
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = run(np.asarray(a)[()], np.asarray(b)[()])
        for left, right in ((ag.tensor(a), b), (a, ag.tensor(b)), (ag.tensor(a), ag.tensor(b))):
            got = run(left, right)
            assert isinstance(got, ag.Tensor)
            np.testing.assert_array_equal(got.data, wanted)


def test_matmul_and_lists_on_either_side():
    A, x = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    t = ag.tensor(x, requires_grad=True)
    np.testing.assert_array_equal((A @ t).data, A @ x)
    np.testing.assert_array_equal((t @ A.T).data, x @ A.T)
    np.testing.assert_array_equal(([1, 2, 3] * t).data, [1, 2, 3] * x)
    np.testing.assert_array_equal((t - [1, 2, 3]).data, x - [1, 2, 3])


SCALAR = {
    "exp": mpmath.exp, "expm1": mpmath.expm1, "log": mpmath.log, "log1p": mpmath.log1p, "sin": mpmath.sin,
    "cos": mpmath.cos, "tan": mpmath.tan, "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan,
    "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "arcsinh": mpmath.asinh,
    "arctanh": mpmath.atanh, "sqrt": mpmath.sqrt, "cbrt": mpmath.cbrt, "reciprocal": lambda x: 1 / x,
    "exp2": lambda x: 2**x, "log2": lambda x: mpmath.log(x, 2), "log10": mpmath.log10,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", SCALAR)
def test_three_derivatives_against_mpmath(name):
    with mpmath.workdps(40):
        f = getattr(ag, name)
        for order in (1, 2, 3):
            f = ag.grad(f)
            for x in (0.25, 0.6):
                wanted = float(mpmath.diff(SCALAR[name], mpmath.mpf(x), order))
                assert f(x) == pytest.approx(wanted, rel=2e-13)
