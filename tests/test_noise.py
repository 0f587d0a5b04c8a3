"""Bias and variance over training sets, and the noise of per-example gradients: sums that must come out exactly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_points import SEEDS

import autograd_lite as ag
from autograd_lite import analysis, nn


def polynomial(degree):
    """Least squares on 1, x, ..., x^degree."""

    def learn(X, y):
        coefficients = np.polynomial.polynomial.polyfit(X, y, degree)
        return lambda x: np.polynomial.polynomial.polyval(x, coefficients)

    return learn


@given(seed=SEEDS, runs=st.integers(1, 6), replicates=st.integers(1, 4), outputs=st.sampled_from([(), (2,)]))
def test_the_parts_add_up_to_the_expected_error(seed, runs, replicates, outputs):
    rng = np.random.default_rng(seed)
    h, y = rng.standard_normal((runs, 5, *outputs)), rng.standard_normal((replicates, 5, *outputs))
    each = iter(h)
    found = analysis.bias_variance(lambda X, y: lambda x: next(each), lambda rng: (None, None), None, y, runs=runs)
    assert found.error == pytest.approx(found.bias2 + found.variance + found.noise, rel=1e-12)
    pairs = [((a - b) ** 2).reshape(5, -1).sum(1).mean() for a, b in itertools.product(h, y)]
    assert found.error == pytest.approx(np.mean(pairs), rel=1e-12)
    parts = found.per_point
    np.testing.assert_allclose(parts["error"], parts["bias2"] + parts["variance"] + parts["noise"], rtol=1e-10)
    assert found.noise == 0 or replicates > 1


@given(seed=SEEDS, runs=st.integers(1, 6), replicates=st.integers(1, 4))
def test_so_do_those_of_the_0_1_error(seed, runs, replicates):
    rng = np.random.default_rng(seed)
    h, y = rng.choice(["a", "b", "c"], (runs, 5)), rng.choice(["a", "b", "d"], (replicates, 5))
    each = iter(h)
    found = analysis.bias_variance(
        lambda X, y: lambda x: next(each), lambda rng: (None, None), None, y, runs=runs, loss="zero_one"
    )
    assert found.error == pytest.approx(np.mean([a != b for a, b in itertools.product(h, y)]), abs=1e-12)
    assert found.error == pytest.approx(found.bias2 + found.variance + found.noise, abs=1e-12)


def test_a_mean_that_is_shrunk_has_the_bias_and_variance_of_the_formula():
    """Of a * mean(y_1 ... y_n): bias (1 - a) mu, variance a^2 sigma^2 / n."""
    mu, sigma, n, a = 3.0, 2.0, 5, 0.7
    sample = lambda rng: (np.zeros(n), rng.normal(mu, sigma, n))
    targets = np.random.default_rng(1).normal(mu, sigma, (20_000, 1))
    learn = lambda X, y: lambda x: np.full(len(x), a * y.mean())
    found = analysis.bias_variance(learn, sample, np.zeros(1), targets, runs=20_000)
    assert found.bias2 == pytest.approx(((1 - a) * mu) ** 2, rel=0.05)
    assert found.variance == pytest.approx(a**2 * sigma**2 / n, rel=0.05)
    assert found.noise == pytest.approx(sigma**2, rel=0.05)


def test_bias_falls_and_variance_rises_with_capacity():
    x = np.linspace(-1, 1, 20)
    sample = lambda rng: (x, np.sin(3 * x) + 0.3 * rng.standard_normal(20))
    found = [analysis.bias_variance(polynomial(k), sample, x, np.sin(3 * x), runs=60) for k in (1, 3, 9)]
    assert found[0].bias2 > 3 * found[1].bias2
    assert found[0].variance < found[1].variance < found[2].variance
    for degree, part in zip((1, 3, 9), found, strict=True):  # sigma^2 p / n, for p parameters
        assert part.variance == pytest.approx(0.09 * (degree + 1) / 20, rel=0.25)


def test_bootstrap_samples_and_estimators():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 40)
    y = np.sin(3 * x) + 0.1 * rng.standard_normal(40)
    first = analysis.bias_variance(polynomial(3), (x, y), x, y, runs=20, rng=4)
    assert first.variance > 0
    assert first.predictions.shape == (20, 40)
    again = analysis.bias_variance(polynomial(3), (x, y), x, y, runs=20, rng=np.random.default_rng(4))
    assert again.predictions.tobytes() == first.predictions.tobytes()
    tree = pytest.importorskip("sklearn.tree")
    learn = lambda X, y: tree.DecisionTreeRegressor(random_state=0).fit(X[:, np.newaxis], y)
    deep = analysis.bias_variance(learn, (x, y), x[:, np.newaxis], y, runs=20)
    assert deep.variance > first.variance


def test_errors_of_bias_and_variance():
    with pytest.raises(ag.ShapeError, match=r"shape \(3,\) for targets of shape \(2,\)"):
        analysis.bias_variance(lambda X, y: lambda x: np.ones(3), (np.ones(2), np.ones(2)), None, np.ones(2))
    with pytest.raises(ag.ShapeError, match="2 inputs and 3 targets"):
        analysis.bias_variance(polynomial(1), (np.ones(2), np.ones(3)), None, np.ones(2))
    with pytest.raises(ag.ArgumentError, match="learn returned a int; it returns what predicts"):
        analysis.bias_variance(lambda X, y: 3, (np.ones(2), np.ones(2)), None, np.ones(2))
    with pytest.raises(ag.ArgumentError, match="training_sets is a function"):
        analysis.bias_variance(polynomial(1), 3, None, np.ones(2))
    with pytest.raises(ag.ArgumentError, match="loss 'hinge'"):
        analysis.bias_variance(polynomial(1), (np.ones(2), np.ones(2)), None, np.ones(2), loss="hinge")


@given(seed=SEEDS, n=st.integers(2, 9), size=st.integers(1, 4))
def test_gradient_noise_of_a_linear_model(seed, n, size):
    rng = np.random.default_rng(seed)
    X, y, w = rng.standard_normal((n, size)), rng.standard_normal(n), rng.standard_normal(size)
    found = analysis.gradient_noise(lambda w, x, y: 0.5 * (w @ x - y) ** 2, w, X, y)
    gradients = (X @ w - y)[:, np.newaxis] * X  # in closed form
    np.testing.assert_allclose(found.mean, gradients.mean(0), atol=1e-12)
    np.testing.assert_allclose(found.variance, gradients.var(0, ddof=1), atol=1e-12)
    trace, signal = np.trace(np.atleast_2d(np.cov(gradients.T))), (gradients.mean(0) ** 2).sum()
    assert found.trace == pytest.approx(trace)
    assert found.scale == pytest.approx(trace / signal)
    assert found.signal_to_noise(7) == pytest.approx(7 * signal / trace)


def test_the_noise_scale_is_what_batches_show():
    """Over all batches of two examples, with replacement, E |g_B - G|^2 = tr Sigma / 2."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 3))
    f = lambda w, x: ag.tanh(w @ x)
    w = np.ones(3)
    found = analysis.gradient_noise(f, w, x)
    g = ag.vmap(ag.grad(f), (None, 0))(w, x)
    batches = [(a + b) / 2 for a, b in itertools.product(g, g)]
    spread = np.mean([((b - found.mean) ** 2).sum() for b in batches])
    assert spread == pytest.approx(found.trace * 5 / 6 / 2)  # the examples are all there are: over n, not n - 1


def test_the_unbiased_scale_takes_the_noise_off_the_signal():
    rng = np.random.default_rng(0)
    mu, estimates = np.array([0.3, 0.4]), []
    for _ in range(2000):
        found = analysis.gradient_noise(
            lambda w, x: 0.5 * ((w - x) ** 2).sum(), np.zeros(2), mu + rng.standard_normal((10, 2))
        )
        estimates.append([found.trace / found.scale, found.trace / found.unbiased_scale])
    biased, unbiased = np.mean(estimates, 0)
    assert biased == pytest.approx(0.25 + 2 / 10, rel=0.05)
    assert unbiased == pytest.approx(0.25, abs=0.15)


def test_gradient_noise_of_a_model_is_that_of_its_backward_passes():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 3)), rng.integers(0, 2, 12)
    model = nn.MLP([3, 4, 2])
    gradients = []
    for k in range(12):
        model.zero_grad()
        nn.cross_entropy(model(X[k : k + 1]), y[k : k + 1]).backward()
        gradients.append(model.theta.grad.copy())
    found = analysis.gradient_noise(model, nn.cross_entropy, X, y)
    np.testing.assert_allclose(found.mean, np.mean(gradients, 0), atol=1e-14)
    np.testing.assert_allclose(found.variance, np.var(gradients, 0, ddof=1), atol=1e-14)
    assert "12 examples" in repr(found)


def test_examples_in_several_batches_give_the_same(monkeypatch):
    from autograd_lite.analysis import noise

    X = np.random.default_rng(0).standard_normal((11, 3)) + 100
    f = lambda w, x: (w * x).sum() ** 2
    whole = analysis.gradient_noise(f, np.ones(3), X)
    monkeypatch.setattr(noise, "ENTRIES", 12)
    parts = analysis.gradient_noise(f, np.ones(3), X)
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-13)
    np.testing.assert_allclose(parts.variance, whole.variance, rtol=1e-10)


def test_errors_and_edges_of_gradient_noise():
    f = lambda w, x: w * x
    same = analysis.gradient_noise(f, 1.0, np.ones(3))
    assert same.scale == 0
    assert same.signal_to_noise() == np.inf
    assert analysis.gradient_noise(f, 1.0, np.array([1.0, -1.0])).scale == np.inf
    with pytest.raises(ag.ShapeError, match="2 or more"):
        analysis.gradient_noise(f, 1.0, np.ones(1))
    with pytest.raises(ag.ShapeError, match=r"\[2, 3\] examples"):
        analysis.gradient_noise(lambda w, x, y: w * x, 1.0, np.ones(2), np.ones(3))
    with pytest.raises(ag.ArgumentError, match="no data"):
        analysis.gradient_noise(f, 1.0)


def test_the_plot_of_bias_and_variance():
    ax = pytest.importorskip("matplotlib.figure").Figure().subplots()
    x = np.linspace(0, 1, 9)
    found = analysis.bias_variance(polynomial(1), (x, x**2), x, x**2, runs=5)
    assert found.plot(ax) is ax
    assert len(ax.collections) == 3
