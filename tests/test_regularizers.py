"""Regularizers: values, gradients, the proximal step, and their reading as priors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import nn


def model_of(W, b=None):
    W = np.atleast_2d(W)
    layer = nn.Linear(W.shape[1], W.shape[0], init=lambda shape, rng, dtype: W)
    if b is not None:
        layer.bias.data = np.asarray(b, float)
    return layer


W, B = np.array([[1.0, -2.0, 0.5], [0.3, 0.0, -1.0]]), np.array([3.0, -4.0])


@pytest.mark.parametrize(
    ("regularizer", "omega", "gradient"),
    [
        (nn.L2(0.1), lambda w: 0.1 * (w**2).sum(), lambda w: 0.2 * w),
        (nn.Frobenius(0.1), lambda w: 0.05 * np.linalg.norm(w) ** 2, lambda w: 0.1 * w),
        (nn.L1(0.1), lambda w: 0.1 * np.abs(w).sum(), None),
        (nn.ElasticNet(0.1, l1_ratio=0.3), lambda w: 0.03 * np.abs(w).sum() + 0.035 * (w**2).sum(), lambda w: 0.07 * w),
    ],
)
def test_values_and_smooth_gradients(regularizer, omega, gradient):
    model = model_of(W, B)
    assert regularizer(model).item() == pytest.approx(omega(W), rel=1e-13)
    with_biases = type(regularizer)(**{**vars(regularizer), "biases": True})
    assert with_biases(model).item() == pytest.approx(omega(np.append(W, B)), rel=1e-13)
    if gradient is None:
        assert regularizer.smooth(model) is None
        return
    regularizer.smooth(model).backward()
    np.testing.assert_allclose(model.weight.grad, gradient(W), rtol=1e-13)
    assert model.bias.grad is None, "biases are free unless asked for"


def test_what_counts_as_a_weight():
    model = nn.Sequential(nn.Embedding(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    assert [p.shape for p in nn.regularizers.weights(model)] == [(4, 3), (2, 3)]
    assert len(nn.regularizers.weights(model, biases=True)) == 5


@given(seed=st.integers(0, 1000), rate=st.floats(0.01, 2.0), strength=st.floats(0.0, 2.0))
def test_the_proximal_step_minimises_its_definition(seed, rate, strength):
    """argmin_u 1/2 (u - w)^2 + rate lambda |u|: no u on a fine grid does better."""
    w = np.random.default_rng(seed).standard_normal(6)
    model = model_of(w)
    nn.L1(strength).proximal_step(model, rate)
    grid = np.append(np.linspace(-4, 4, 4001), 0.0)[:, None]

    def objective(u):
        return 0.5 * (u - w) ** 2 + rate * strength * np.abs(u)

    assert np.all(objective(model.weight.data[0]) <= objective(grid).min(0) + 1e-12)


def test_the_proximal_step_keeps_views_dtype_biases_and_takes_rates_per_parameter():
    model = nn.MLP([3, 4, 2], rng=0, dtype="float32")
    theta, before = model.theta.data, model.theta.data.copy()
    rates = np.linspace(0.1, 1, theta.size).astype(np.float32)
    nn.L1(0.2).proximal_step(model, rates)
    matrices = np.concatenate([np.full(p.size, p.ndim == 2) for p in model.parameters()])
    want = np.sign(before) * np.maximum(np.abs(before) - 0.2 * rates, 0)
    np.testing.assert_allclose(theta, np.where(matrices, want, before), rtol=1e-6, atol=1e-7)
    assert theta is model.theta.data or np.shares_memory(theta, model.theta.data)
    assert all(p.dtype == np.float32 for p in model.parameters())


def regression(sparse=True):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((60, 8))
    true = np.array([2.0, -1.5, 0, 0, 0, 1.0, 0, 0]) if sparse else rng.standard_normal(8)
    return X, X @ true + 0.1 * rng.standard_normal(60)


def descend(regularizer, X, y, *, steps=3000, rate=0.05, proximal=True):
    model = nn.Linear(8, 1, rng=0)
    optimizer = nn.SGD([model.weight], lr=rate)  # the closed forms have no bias
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.squared_error(model(X), y[:, None])
        penalty = regularizer.smooth(model) if proximal else regularizer(model)
        (loss if penalty is None else loss + penalty).backward()
        optimizer.step()
        if proximal:
            regularizer.proximal_step(model, rate)
    return model.weight.data[0]


def test_l2_is_a_gaussian_prior():
    """y ~ N(X w, s^2), w ~ N(0, t^2): the most probable w is (X'X + s^2/t^2 I)^-1 X'y, which lambda = s^2 / (2 T t^2)
    in (1/T) sum 1/2 (X w - y)^2 + lambda ||w||^2 gives; with Frobenius' one half, lambda = s^2 / (T t^2)."""
    X, y = regression(sparse=False)
    s, t, T = 0.7, 0.4, len(y)
    posterior = np.linalg.solve(X.T @ X + s**2 / t**2 * np.eye(8), X.T @ y)
    np.testing.assert_allclose(descend(nn.L2(s**2 / (2 * T * t**2)), X, y), posterior, rtol=1e-9)
    np.testing.assert_allclose(descend(nn.Frobenius(s**2 / (T * t**2)), X, y), posterior, rtol=1e-9)


def test_l1_is_a_laplacian_prior():
    """y ~ N(X w, s^2), p(w) ~ exp(-|w| / b): with orthogonal columns, X'X = n I, the most probable w is the least-squares
    one moved by s^2 / (b n) towards 0."""
    s, b, T = 0.5, 0.05, 60
    X = np.linalg.qr(np.random.default_rng(3).standard_normal((T, 8)))[0] * np.sqrt(T)
    true = np.array([2.0, -1.5, 0.02, 0, 0, 1.0, -0.05, 0])
    y = X @ true + 0.1 * np.random.default_rng(4).standard_normal(T)
    least = X.T @ y / T
    posterior = np.sign(least) * np.maximum(np.abs(least) - s**2 / (b * T), 0)
    found = descend(nn.L1(s**2 / (b * T)), X, y)
    np.testing.assert_allclose(found, posterior, atol=1e-10)
    assert (found == 0).sum() == (posterior == 0).sum() > 2

    def minus_log_posterior(w):
        return ((X @ w - y) ** 2).sum() / (2 * s**2) + np.abs(w).sum() / b

    better = scipy.optimize.minimize(minus_log_posterior, found, method="Nelder-Mead")
    assert better.fun > minus_log_posterior(found) - 1e-6


def test_l1_reaches_zero_where_its_subgradient_does_not():
    X, y = regression()
    exact = descend(nn.L1(0.2), X, y)
    assert (exact == 0).tolist() == [False, False, True, True, True, False, True, True]
    wandering = descend(nn.L1(0.2), X, y, proximal=False)
    assert not (wandering == 0).any()
    np.testing.assert_allclose(wandering, exact, atol=0.02)


def test_elastic_net_meets_its_optimality_condition():
    """X'(X w - y)/T + lambda (1 - rho) w is -lambda rho sign(w), and at most lambda rho in size where w = 0."""
    X, y = regression()
    w = descend(nn.ElasticNet(0.3, l1_ratio=0.6), X, y)
    g = X.T @ (X @ w - y) / len(y) + 0.3 * 0.4 * w
    np.testing.assert_allclose(g[w != 0], -0.18 * np.sign(w[w != 0]), atol=1e-9)
    assert np.all(np.abs(g[w == 0]) <= 0.18)
    assert (w == 0).any()


def test_a_proximal_step_is_a_change():
    model = model_of(W)
    loss = model(np.ones((1, 3))).sum()
    nn.L1(0.1).proximal_step(model, 0.1)
    with pytest.raises(ag.StaleValueError):
        loss.backward()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.L1(-1.0), "L1: strength -1.0"),
        (lambda: nn.L2(np.nan), "L2: strength nan"),
        (lambda: nn.ElasticNet(1.0, l1_ratio=1.5), "outside"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(TypeError, match=message):
        call()
