"""Where the lecture notes slip: the right formula holds, the one in the notes does not. docs/errata.md names these tests."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import nn

PAGE = Path(__file__).parent.parent / "docs" / "errata.md"
SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS, inputs=st.integers(2, 4), outputs=st.integers(2, 4))
def test_the_gradient_goes_back_through_the_transpose_of_w(seed, inputs, outputs):
    rng = np.random.default_rng(seed)
    W, h = rng.standard_normal((outputs, inputs)), rng.standard_normal(inputs)
    layer = nn.Linear(inputs, outputs)
    layer.weight.data = W
    loss = lambda a: ag.tanh(a).sum()
    found = ag.grad(lambda h: loss(layer(h)))(h).data  # a Tensor: it depends on the weights too
    at_a = ag.grad(loss)(W @ h)
    np.testing.assert_allclose(found, W.T @ at_a, atol=1e-14)
    steps = np.array([(loss(W @ (h + 1e-6 * e)) - loss(W @ (h - 1e-6 * e))) / 2e-6 for e in np.eye(inputs)])
    np.testing.assert_allclose(found, steps, atol=1e-8)
    if inputs == outputs:
        assert np.abs(found - W @ at_a).max() > 1e-6
    else:
        with pytest.raises(ValueError, match="mismatch"):
            W @ at_a


@given(seed=SEEDS, classes=st.integers(2, 5))
def test_the_sign_of_the_cross_entropys_gradient(seed, classes):
    rng = np.random.default_rng(seed)
    a, y = 3 * rng.standard_normal(classes), rng.integers(classes)
    f, e = ag.softmax(a), np.eye(classes)[y]
    loss = lambda a: nn.cross_entropy(a, np.array(y))
    found = ag.grad(loss)(a)
    np.testing.assert_allclose(found, -(e - f), atol=1e-14)
    np.testing.assert_allclose(ag.grad(lambda f: -np.log(f[y]))(f), -e / f[y], rtol=1e-13)
    assert found[y] < 0
    assert loss(a - 1e-3 * found) < loss(a) < loss(a - 1e-3 * (e - f))  # with the notes' sign, descent climbs


@given(seed=SEEDS, n=st.integers(1, 4))
def test_the_second_term_of_taylors_series_has_one_half(seed, n):
    rng = np.random.default_rng(seed)
    A, c = rng.standard_normal((n, n)), rng.standard_normal(n)
    quadratic = lambda w: ((A @ w) ** 2).sum() + (c * w).sum() + w @ w
    w, d = rng.standard_normal((2, n))
    E, g, H = quadratic(w), ag.grad(quadratic)(w), ag.hessian(quadratic)(w)
    np.testing.assert_allclose(quadratic(w + d), E + g @ d + 0.5 * d @ H @ d, rtol=1e-10)
    assert abs(quadratic(w + d) - (E + g @ d + d @ H @ d)) > 0.1 * (d @ d)
    newton = -np.linalg.solve(H, g)
    np.testing.assert_allclose(ag.grad(quadratic)(w + newton), 0, atol=1e-9 * (1 + np.linalg.norm(g)))
    without_half = -0.5 * np.linalg.solve(H, g)  # the minimum of E + g'd + d'Hd
    np.testing.assert_allclose(ag.grad(quadratic)(w + without_half), g / 2, atol=1e-9 * (1 + np.linalg.norm(g)))

    smooth = lambda w: ag.tanh(A @ w).sum()
    g, H = ag.grad(smooth)(w), ag.hessian(smooth)(w)
    left = [smooth(w + t * d) - smooth(w) - t * (g @ d) - 0.5 * t**2 * (d @ H @ d) for t in (1e-2, 1e-3)]
    assert abs(left[1]) < 1e-2 * abs(left[0]) + 1e-14  # of third order: a thousandth


@given(seed=SEEDS, scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_the_penalty_with_gradient_w_has_no_root(seed, scale):
    W = scale * np.random.default_rng(seed).standard_normal((3, 2))
    np.testing.assert_allclose(ag.grad(lambda W: 0.5 * (W**2).sum())(W), W, rtol=1e-14)
    assert 0.5 * np.linalg.norm(W) ** 2 == pytest.approx(0.5 * (W**2).sum())
    with_root = ag.grad(lambda W: 0.5 * np.sqrt((W**2).sum()))(W)
    np.testing.assert_allclose(with_root, W / (2 * np.linalg.norm(W)), rtol=1e-13)
    assert np.linalg.norm(with_root) == pytest.approx(0.5)  # whatever the weights are


def test_the_derivative_of_relu_is_no_quotient():
    x = np.array([-2.0, -0.0, 0.0, 3.0])
    derivative = ag.grad(lambda x: ag.relu(x).sum())
    np.testing.assert_array_equal(derivative(x), [0.0, 0.0, 0.0, 1.0])
    with np.errstate(invalid="ignore"):
        for quotient in ((1 + x / np.abs(x)) / 2, np.maximum(x, 0) / x):
            np.testing.assert_array_equal(quotient[[0, 3]], derivative(x)[[0, 3]])
            assert np.isnan(quotient[[1, 2]]).all()
    model = nn.MLP([2, 3, 1], activation="relu")
    model.theta.data[:] = 0  # every pre-activation is exactly 0
    model(np.ones((1, 2))).sum().backward()
    assert np.isfinite(model.theta.grad).all()


def test_the_page_names_these_tests():
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"\[`(\w+)`\]\(\.\./(tests/\w+\.py)\)", text)
    assert {path for _, path in named} == {"tests/test_errata.py"}
    here = {name for name in globals() if name.startswith("test_")}
    assert {name for name, _ in named} == here - {"test_the_page_names_these_tests", "test_the_examples_of_the_page"}
    assert text.count("\nWritten: ") == text.count("\nRight: ") == len(named)


def test_the_examples_of_the_page():
    results = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0
    assert results.attempted >= 12
