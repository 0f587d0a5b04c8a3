"""Step sizes, regimes, convergence rates and rescaled axes: on quadratics, where theory is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_points import SEEDS, quadratic, rosenbrock

import autograd_lite as ag
from autograd_lite import analysis


def descend(f, w, rate, steps, momentum=0.0):
    """The path of gradient descent with momentum, shape (steps + 1, ...)."""
    gradient, v, path = ag.grad(f), np.zeros_like(w), [w]
    for _ in range(steps):
        v = momentum * v + gradient(path[-1])
        path.append(path[-1] - rate * v)
    return np.array(path)


@given(seed=SEEDS, n=st.integers(1, 5))
def test_the_optimal_step_is_the_minimum_along_the_line(seed, n):
    rng = np.random.default_rng(seed)
    A, _c, f = quadratic(rng.uniform(0.1, 5, n), rng, lowest=-1.0)
    w, d = rng.standard_normal((2, n))
    for direction in (None, d):
        t = analysis.optimal_step(f, w, direction)
        u = -ag.grad(f)(w) if direction is None else d
        assert abs(ag.grad(f)(w + t * u) @ u) < 1e-9 * (1 + abs(u @ A @ u))
    sizes = analysis.step_sizes(f, w)
    eigenvalues = np.linalg.eigvalsh(A)
    np.testing.assert_allclose(sizes.per_direction, 1 / eigenvalues)
    assert sizes.safe == pytest.approx(1 / eigenvalues[-1])
    assert sizes.limit == pytest.approx(2 / eigenvalues[-1])
    assert sizes.along_gradient == pytest.approx(analysis.optimal_step(f, w))
    newton = -np.linalg.solve(A, ag.grad(f)(w))
    assert analysis.optimal_step(f, w, newton) == pytest.approx(1.0)


def test_with_one_parameter_the_optimal_step_is_one_over_the_second_derivative():
    E = lambda w: w**4
    assert analysis.optimal_step(E, 2.0) == pytest.approx(1 / 48)
    assert analysis.optimal_step(lambda w: -(w**2), 1.0) == np.inf
    assert analysis.step_sizes(lambda w: w[0] ** 2 - w[1] ** 2, np.ones(2)).per_direction[0] == np.inf
    with pytest.raises(ag.ShapeError, match="as the gradient is"):
        analysis.optimal_step(E, 0.0)


@given(
    curvature=st.floats(0.1, 10),
    product=st.sampled_from([0.05, 0.4, 0.9, 0.999, 1.001, 1.3, 1.9, 1.99, 2.05, 2.5, 3.5, 4.1]),
    momentum=st.sampled_from([0.0, 0.3, 0.9]),
)
def test_regimes_are_what_gradient_descent_does(curvature, product, momentum):
    """product is eta lambda: without momentum monotone up to 1, oscillating up to 2, then divergent."""
    rate = product / curvature
    name = analysis.regime(curvature, rate, momentum)
    if momentum == 0:
        assert name == ("monotone" if product < 1 else "oscillating" if product < 2 else "divergent")
    assert (name == "divergent") == (product > 2 * (1 + momentum))
    path = [1.0]
    v = 0.0
    for _ in range(80):
        v = momentum * v + curvature * path[-1]
        path.append(path[-1] - rate * v)
    assert analysis.classify(path).overall == name
    z = analysis.factors(curvature, rate, momentum)
    step = np.array([[1 + momentum - product, -momentum], [1.0, 0.0]])  # (w_k, w_{k-1}) -> (w_{k+1}, w_k)
    np.testing.assert_allclose(np.sort(np.abs(z)), np.sort(np.abs(np.linalg.eigvals(step))), atol=1e-7)


def test_regimes_at_the_bounds():
    assert analysis.regime(4.0, 0.25) == "monotone"  # optimal: there in one step
    assert analysis.regime(4.0, 0.5) == "marginal"
    assert analysis.regime(0.0, 0.5) == "marginal"
    assert analysis.regime(-1.0, 0.5) == "divergent"
    with pytest.raises(ag.ArgumentError, match="must be positive"):
        analysis.regime(1.0, 0.0)
    for curvature in (np.nan, np.inf, [1.0, 2.0]):
        with pytest.raises(ag.ArgumentError, match="one finite number"):
            analysis.regime(curvature, 0.1)
    with pytest.raises(ag.ArgumentError, match=r"outside \[0, 1\)"):
        analysis.factors(1.0, 0.1, 1.0)


def test_trajectories_are_classified_along_each_axis():
    _A, c, f = quadratic(np.array([0.5, 4.0, 9.0]), np.random.default_rng(0))
    path = descend(f, c + 1.0, 2 / 8.9, 60)
    axes = analysis.point(f, c).eigenvectors
    found = analysis.classify(path, axes=axes)
    assert found.axes == ("monotone", "monotone", "divergent")
    assert found.overall == "divergent"
    assert analysis.classify(descend(f, c + 1.0, 0.15, 60), axes=axes).axes == ("monotone", "monotone", "oscillating")
    assert analysis.classify(np.full((5, 2), 3.0)).overall == "at rest"
    assert analysis.classify([1.0, 2.0, 1.0, np.nan]).overall == "divergent"
    assert analysis.classify([1.0, 2.0, 1.0, np.inf], axes=np.eye(1)).overall == "divergent"
    with pytest.raises(ag.ShapeError, match="4 or more"):
        analysis.classify([1.0, 2.0])


@given(seed=SEEDS, kappa=st.floats(1.5, 100), momentum=st.booleans())
def test_the_best_settings_converge_at_the_foretold_rate(seed, kappa, momentum):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0.1, 10)
    eigenvalues = low * np.array([1.0, *rng.uniform(1, kappa, 2), kappa])
    _, c, f = quadratic(eigenvalues, rng)
    rate, mu, R = analysis.best_settings(eigenvalues, momentum=momentum)
    root = kappa**0.5 if momentum else kappa
    assert pytest.approx((root - 1) / (root + 1)) == R
    assert analysis.predicted_rate(eigenvalues, rate, mu) == pytest.approx(R, rel=1e-6)
    for other in (0.9 * rate, 1.1 * rate):
        assert analysis.predicted_rate(eigenvalues, other, mu) > R - 1e-12
    path = descend(f, c + rng.choice([-1.0, 1.0], 4), rate, int(20 / -np.log(R)) + 8, mu)
    measured = analysis.convergence_rate(path=path, optimum=c).R
    assert measured == pytest.approx(R, abs=0.03)
    by_losses = analysis.convergence_rate(losses=[f(w) for w in path], skip=0.5).R
    assert by_losses == pytest.approx(R, abs=0.04)


def test_rates_orders_and_steps():
    measured = analysis.convergence_rate([3.0 * 0.7**k for k in range(30)])
    assert pytest.approx(0.7) == measured.R
    assert measured.order == pytest.approx(1.0)
    assert measured.spread < 1e-10
    assert measured.steps(10) == pytest.approx(np.log(10) / -np.log(0.7))
    quadratically = analysis.convergence_rate([1e-1, 1e-2, 1e-4, 1e-8])
    assert quadratically.order == pytest.approx(2.0)
    assert pytest.approx(1.5) == analysis.convergence_rate([1.0, 1.5, 2.25]).R
    assert analysis.convergence_rate([1.0, 1.5, 2.25]).steps(10) == np.inf
    path = [2.0 + 0.5**k for k in range(200)]  # at the optimum after 53 steps, as far as floats go
    assert pytest.approx(0.5, rel=1e-3) == analysis.convergence_rate(path=path, optimum=2.0).R
    assert pytest.approx(0.5) == analysis.convergence_rate(losses=[3 + 0.25**k for k in range(12)], lowest=3.0).R
    for bad in ([1.0], [0.0, 0.0], [np.nan, 1.0]):
        with pytest.raises(ag.ShapeError, match="at least two errors"):
            analysis.convergence_rate(bad)
    with pytest.raises(ag.ArgumentError, match="a path with its optimum"):
        analysis.convergence_rate(path=[1.0, 2.0])
    with pytest.raises(ag.ShapeError, match="must be positive"):
        analysis.best_settings([1.0, -1.0])


def test_the_condition_number():
    assert analysis.condition_number(rosenbrock, np.ones(2)) == pytest.approx(2508.0, rel=1e-3)
    assert analysis.condition_number(lambda w: w[0] * w[1], np.ones(2)) == np.inf


@given(seed=SEEDS, n=st.integers(1, 5))
def test_rescaled_axes(seed, n):
    rng = np.random.default_rng(seed)
    eigenvalues = 10 ** rng.uniform(-2, 2, n)
    A, c, f = quadratic(eigenvalues, rng)
    w = rng.standard_normal(n)
    given_matrix = rng.standard_normal((n, n)) + 3 * np.eye(n)
    for scale in ("diagonal", "newton", rng.uniform(0.5, 2, n), given_matrix):
        new = analysis.rescaled(f, w, scale)
        D = np.diag(new.D) if new.D.ndim == 1 else new.D
        np.testing.assert_allclose(new.theta(new.phi), w, rtol=1e-6, atol=1e-7)
        assert new.f(new.phi) == pytest.approx(f(w), rel=1e-6)
        np.testing.assert_allclose(ag.grad(new.f)(new.phi), D.T @ ag.grad(f)(w), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ag.hessian(new.f)(new.phi), D.T @ A @ D, rtol=1e-6, atol=1e-7 * eigenvalues.max())
        assert new.before == pytest.approx(eigenvalues.max() / eigenvalues.min(), rel=1e-6)
        assert new.after == pytest.approx(np.linalg.cond(D.T @ A @ D), rel=1e-6)
    newton = analysis.rescaled(f, w, "newton")
    assert newton.after == pytest.approx(1.0)
    arrived = newton.theta(newton.phi - ag.grad(newton.f)(newton.phi))  # one step, rate 1
    np.testing.assert_allclose(arrived, c, atol=1e-7)
    axes = analysis.rescaled(lambda w: 0.5 * (eigenvalues * w * w).sum(), w)
    assert axes.after == pytest.approx(1.0)


def test_what_cannot_be_rescaled():
    saddle = lambda w: w[0] ** 2 - w[1] ** 2
    for scale in ("diagonal", "newton"):
        with pytest.raises(ag.ShapeError, match="must be positive"):
            analysis.rescaled(saddle, np.ones(2), scale)
    for scale in (np.array([1.0, 0.0]), np.ones((2, 2))):
        with pytest.raises(ag.ShapeError, match=r"scaled by 0|singular"):
            analysis.rescaled(saddle, np.ones(2), scale)
    with pytest.raises(ag.ArgumentError, match="'whiten' is unknown"):
        analysis.rescaled(saddle, np.ones(2), "whiten")
    with pytest.raises(ag.ShapeError, match="3 numbers"):
        analysis.rescaled(saddle, np.ones(2), np.ones(3))
