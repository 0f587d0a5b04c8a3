"""Optimizers that are given the loss: Newton's method, by the whole Hessian and by products; SciPy's minimisers."""

from __future__ import annotations

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import nn
from autograd_lite.nn.optimizers import newton

ALL = [nn.Newton, nn.NewtonCG, nn.LBFGS, nn.TrustRegion]


def leaf(*values):
    return ag.tensor(np.array(values, float), requires_grad=True)


def rosenbrock(w):
    return ((1 - w[:-1]) ** 2 + 100 * (w[1:] - w[:-1] ** 2) ** 2).sum()


def saddle(w):
    """Saddle at 0, minima at (0, +- 1/sqrt 2), where the loss is -1/4."""
    return w[0] ** 2 - w[1] ** 2 + w[1] ** 4


def quadratic(seed, n=5):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n))
    return A @ A.T + np.eye(n), rng.standard_normal(n), rng.standard_normal(n) * 10


# -- convergence -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.booleans())
def test_newton_takes_one_step_to_the_minimum_of_a_quadratic(seed, damping):
    H, m, start = quadratic(seed)
    w = leaf(*start)
    loss = lambda: 0.5 * ((w - m) @ H @ (w - m))
    value = nn.Newton([w], damping=damping).step(loss)
    assert value == pytest.approx(0.5 * (start - m) @ H @ (start - m))
    np.testing.assert_allclose(w.data, m, atol=1e-9)


@given(st.integers(0, 1000))
def test_a_rate_below_one_goes_that_share_of_the_way(seed):
    H, m, start = quadratic(seed)
    w = leaf(*start)
    optimizer = nn.Newton([w], lr=nn.schedules.Fixed(nn.schedules.Constant(1.0), updates=1, rate=0.25))
    loss = lambda: 0.5 * ((w - m) @ H @ (w - m))
    optimizer.step(loss)
    np.testing.assert_allclose(w.data, start + 0.25 * (m - start), atol=1e-9)
    optimizer.step(loss)
    np.testing.assert_allclose(w.data, m, atol=1e-9)


@pytest.mark.parametrize(("kind", "steps"), [(nn.Newton, 25), (nn.NewtonCG, 100), (nn.LBFGS, 5), (nn.TrustRegion, 5)])
def test_each_reaches_the_minimum_of_rosenbrock(kind, steps):
    w = leaf(-1.2, 1.0)
    optimizer = kind([w])
    losses = [optimizer.step(lambda: rosenbrock(w)) for _ in range(steps)]
    np.testing.assert_allclose(w.data, 1.0, atol=1e-5)
    assert losses[0] == pytest.approx(24.2)
    assert all(b <= a for a, b in itertools.pairwise(losses))
    assert optimizer.updates == steps
    assert optimizer.needs_closure
    assert not nn.SGD([w]).needs_closure


def test_newton_converges_quadratically():
    """E = sum e^w - w: the error squares from step to step."""
    w = leaf(0.5)
    optimizer = nn.Newton([w])
    errors = []
    for _ in range(5):
        optimizer.step(lambda: (np.exp(w) - w).sum())
        errors.append(abs(w.data[0]))
    assert errors[1] < errors[0] ** 2
    assert errors[2] < errors[1] ** 2
    assert errors[4] < 1e-15


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_is_fitted(kind, dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3)).astype(dtype)
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    model = nn.MLP([3, 4, 2], dtype=dtype, rng=1)
    penalty = lambda: 0.005 * sum((p * p).sum() for p in model.parameters())
    loss = lambda: nn.cross_entropy(model(X), y) + penalty()
    optimizer = kind(model.parameters(), indefinite="modify") if kind is nn.Newton else kind(model.parameters())
    losses = [optimizer.step(loss) for _ in range(25 if kind in ALL[:2] else 3)]
    assert losses[-1] < 0.45 < losses[0]
    assert model.theta.data.dtype == dtype
    loss().backward()
    assert np.abs(model.theta.grad).max() < 5e-3


# -- where the Hessian is not positive definite ----------------------------------------------------------------------


def test_newton_raises_on_a_saddle():
    w = leaf(0.3, 0.1)
    with pytest.raises(ag.errors.CurvatureError, match=r"1 of 2 eigenvalues are not above 0, the lowest is -1\.88"):
        nn.Newton([w]).step(lambda: saddle(w))
    assert w.data.tolist() == [0.3, 0.1]


def test_plain_newton_would_go_to_the_saddle_itself():
    w = leaf(0.3, 0.1)
    g, H = ag.grad(saddle)(w.data), ag.hessian(saddle)(w.data)
    assert np.linalg.norm(w.data - np.linalg.solve(H, g)) < 0.01


@pytest.mark.parametrize("start", [(0.3, 0.1), (0.3, -1e-6), (0.0, 0.0), (0.5, 0.0)])
def test_modified_newton_reaches_a_minimum_from_near_and_on_a_saddle(start):
    w = leaf(*start)
    optimizer = nn.Newton([w], indefinite="modify")
    for _ in range(40):
        optimizer.step(lambda: saddle(w))
    np.testing.assert_allclose(np.abs(w.data), [0, math.sqrt(0.5)], atol=1e-8)


@pytest.mark.parametrize("kind", ALL[1:])
def test_the_others_go_down_past_a_saddle(kind):
    w = leaf(0.3, 0.1)
    optimizer = kind([w])
    for _ in range(20):
        optimizer.step(lambda: saddle(w))
    np.testing.assert_allclose(w.data, [0, math.sqrt(0.5)], atol=1e-6)


def test_a_singular_hessian():
    """E = (w0 + w1 - 1)^2 has a valley of minima: semidefinite, and modified Newton lands in it."""
    w = leaf(3.0, 1.0)
    loss = lambda: (w.sum() - 1) ** 2
    with pytest.raises(ag.errors.CurvatureError, match="not positive definite"):
        nn.Newton([w]).step(loss)
    nn.Newton([w], indefinite="modify").step(loss)
    assert w.data.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(w.data, [1.5, -0.5], atol=1e-3)  # straight down, not along the valley


def test_damping_halves_the_step_where_newtons_own_goes_up():
    """E = log cosh w: from |w| > 1.09 Newton's full step overshoots further each time."""
    loss = lambda w: (ag.logaddexp(w, -w)).sum()
    plain, damped = leaf(1.5), leaf(1.5)
    before = loss(plain).item()
    nn.Newton([plain], damping=False).step(lambda: loss(plain))
    assert loss(plain).item() > before
    optimizer = nn.Newton([damped])
    for _ in range(8):
        optimizer.step(lambda: loss(damped))
    assert abs(damped.data[0]) < 1e-8


# -- Newton-CG by products only --------------------------------------------------------------------------------------


def test_newton_cg_needs_products_only(monkeypatch):
    def refuse(*_):
        raise AssertionError("the whole Hessian")

    monkeypatch.setattr(newton, "hessian", refuse)
    H, m, start = quadratic(3, n=12)
    w = leaf(*start)
    runs = 0

    def loss():
        nonlocal runs
        runs += 1
        return 0.5 * ((w - m) @ H @ (w - m))

    optimizer = nn.NewtonCG([w])
    optimizer.step(loss)
    assert 1 <= optimizer.products <= 12
    assert runs == 2  # once for the gradient and all products, once for the line search
    for _ in range(12):
        optimizer.step(loss)
    np.testing.assert_allclose(w.data, m, atol=1e-6)
    bounded = nn.NewtonCG([leaf(*start)], max_products=2)
    v = bounded.theta.parameters[0]
    bounded.step(lambda: 0.5 * ((v - m) @ H @ (v - m)))
    assert bounded.products <= 2


def test_newton_cg_direction_is_newtons_where_it_is_solved_to_the_end():
    H, m, start = quadratic(4, n=6)
    g = H @ (start - m) * 1e-13  # near the minimum the equation is solved to sqrt|g|
    d = nn.NewtonCG([leaf(*start)])._direction(lambda v: H @ v, g)
    np.testing.assert_allclose(d, -np.linalg.solve(H, g), rtol=1e-3)


# -- what a step leaves, and bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_closures_with_a_backward_pass_as_for_pytorch(kind):
    w = leaf(1.0, 2.0)
    optimizer = kind([w])

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) == 5.0
    np.testing.assert_allclose(w.data, 0.0, atol=1e-6)


@pytest.mark.parametrize("kind", ALL)
def test_a_loss_that_is_not_finite_leaves_theta_alone(kind):
    w = leaf(1.0, 2.0)
    optimizer = kind([w])
    assert math.isnan(optimizer.step(lambda: (w * math.nan).sum()))
    assert w.data.tolist() == [1.0, 2.0]
    with pytest.raises(RuntimeError, match="on the way"):
        optimizer.step(lambda: fail())
    assert w.data.tolist() == [1.0, 2.0]
    assert isinstance(w.node, ag.Leaf)


def fail():
    raise RuntimeError("on the way")


@pytest.mark.parametrize("kind", ALL)
def test_at_a_minimum_theta_stays(kind):
    w = leaf(0.0, 0.0)
    optimizer = kind([w])
    assert optimizer.step(lambda: (w * w).sum()) == 0.0
    assert w.data.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("method", ["trust-ncg", "trust-krylov", "trust-exact"])
def test_scipys_trust_regions(method):
    H, m, start = quadratic(5)
    w = leaf(*start)
    optimizer = nn.TrustRegion([w], method=method, max_iter=50)
    optimizer.step(lambda: 0.5 * ((w - m) @ H @ (w - m)))
    np.testing.assert_allclose(w.data, m, atol=1e-5)
    assert optimizer.result.success


@pytest.mark.parametrize("kind", [nn.LBFGS, nn.TrustRegion])
def test_without_scipy(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    w = leaf(1.0, 2.0)
    with pytest.raises(ImportError, match=f"{kind.__name__} needs SciPy: pip install scipy"):
        kind([w]).step(lambda: (w * w).sum())


def test_iterations_are_bounded():
    w = leaf(-1.2, 1.0)
    optimizer = nn.LBFGS([w], max_iter=3)
    optimizer.step(lambda: rosenbrock(w))
    assert optimizer.result.nit == 3


def test_a_later_backward_through_an_older_graph_is_stale():
    w = leaf(3.0)
    loss = (w * w).sum()
    nn.Newton([w]).step(lambda: (w * w).sum())
    with pytest.raises(ag.errors.StaleValueError):
        loss.backward()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w: nn.Newton([w]).step(), TypeError, "Newton: step needs a closure that computes and returns the loss"),
        (lambda w: nn.LBFGS([w]).step(3.0), TypeError, "LBFGS: step needs a closure"),
        (lambda w: nn.NewtonCG([w]).step(lambda: 3.0), TypeError, "the closure returned a float, not a recorded loss"),
        (lambda w: nn.Newton([w]).step(lambda: w * w), ValueError, r"returned shape \(2,\)"),
        (lambda w: nn.Newton([w], indefinite="ignore"), TypeError, "it is 'raise' or 'modify'"),
        (lambda w: nn.Newton([w], floor=0.0), TypeError, "floor 0.0"),
        (lambda w: nn.Newton([w], lr=-1.0), TypeError, "must be positive"),
        (lambda w: nn.Newton([w], lr=np.ones(2)), TypeError, "one learning rate"),
        (lambda w: nn.LBFGS([{"params": w}, {"params": leaf(1.0)}]), TypeError, "takes no groups"),
        (lambda w: nn.LBFGS([w], max_iter=0), TypeError, "max_iter 0; it must be positive"),
        (lambda w: nn.TrustRegion([w], method="newton"), TypeError, "known are trust-ncg"),
        (lambda w: nn.NewtonCG([w], max_products=0), TypeError, "max_products 0"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(leaf(1.0, 2.0))
