"""Points of a loss surface, lines and planes through them: against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import analysis, nn

SEEDS = st.integers(0, 2**32 - 1)


def rosenbrock(w):
    return ((1 - w[:-1]) ** 2 + 100 * (w[1:] - w[:-1] ** 2) ** 2).sum()


def monkey_saddle(w):
    return w[0] ** 3 - 3 * w[0] * w[1] ** 2


def quadratic(eigenvalues, rng, lowest=0.0):
    """0.5 (w - c)' A (w - c) + lowest with A of these eigenvalues; A, c and the function."""
    n = len(eigenvalues)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A, c = Q * eigenvalues @ Q.T, rng.standard_normal(n)
    return A, c, lambda w: 0.5 * (w - c) @ A @ (w - c) + lowest


@given(
    seed=SEEDS,
    signs=st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=6),
    scale=st.sampled_from([1e-8, 1.0, 1e8]),
    height=st.sampled_from([0.0, 3.0]),
)
def test_a_quadratic_is_what_its_eigenvalues_say(seed, signs, scale, height):
    rng = np.random.default_rng(seed)
    eigenvalues = np.sort(np.array(signs) * rng.uniform(0.1, 10, len(signs)))
    A, c, f = quadratic(eigenvalues, rng)
    found = analysis.point(lambda w: scale * (f(w) + height), c)
    expected = (
        "saddle" if {-1, 1} <= set(signs) else "degenerate" if 0 in signs else "minimum" if 1 in signs else "maximum"
    )
    assert found.kind == ("plateau" if set(signs) == {0} else expected)
    assert found.value == pytest.approx(scale * height)
    np.testing.assert_allclose(found.eigenvalues, scale * eigenvalues, atol=1e-12 * scale)
    np.testing.assert_allclose(
        scale * A @ found.eigenvectors, found.eigenvectors * found.eigenvalues, atol=1e-12 * scale
    )
    assert found.complete
    if any(signs):
        away = c + rng.standard_normal(len(c))
        if np.linalg.norm(A @ (away - c)) > 1e-3:
            assert analysis.point(lambda w: scale * f(w), away).kind == "not stationary"


@given(seed=SEEDS, n=st.integers(1, 8), ends=st.integers(1, 3))
def test_a_spectrum_is_of_eigenvalues_and_their_vectors_whole_or_from_the_ends(seed, n, ends):
    rng = np.random.default_rng(seed)
    eigenvalues = np.sort(rng.normal(0, 10, n))
    A, c, f = quadratic(eigenvalues, rng)
    whole, vectors = analysis.spectrum(f, c)
    np.testing.assert_allclose(whole, eigenvalues, atol=1e-10)
    np.testing.assert_allclose(A @ vectors, vectors * whole, atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(n), atol=1e-10)
    some = analysis.spectrum(f, c, ends=ends)[0]
    few = whole if 2 * ends >= n else np.concatenate([whole[:ends], whole[-ends:]])
    np.testing.assert_allclose(some, few, atol=1e-2)


def test_known_points():
    at = analysis.point(rosenbrock, np.ones(2))
    assert at.kind == "minimum"
    np.testing.assert_allclose(at.eigenvalues, np.linalg.eigvalsh([[802.0, -400.0], [-400.0, 200.0]]), rtol=1e-9)
    assert at.condition == pytest.approx(2508.0, rel=1e-3)
    assert analysis.point(rosenbrock, np.ones(2) + 1e-10).kind == "minimum"
    assert analysis.point(rosenbrock, np.array([1.0, 1.01])).kind == "not stationary"
    assert analysis.point(monkey_saddle, np.zeros(2)).kind == "degenerate"
    assert analysis.point(lambda w: w[0] ** 2 + w[1] ** 4, np.zeros(2)).kind == "degenerate"
    assert analysis.point(lambda w: w**4, 0.0).kind == "degenerate"
    assert analysis.point(lambda w: np.sin(w), np.pi / 2).kind == "maximum"
    assert analysis.point(lambda w: w[0] * w[1], np.zeros(2)).negative == 1


def test_plateaus():
    assert analysis.point(lambda w: ag.tanh(w), 100.0).kind == "plateau"
    assert analysis.point(lambda w: 0 * w + 7.0, 1.0).kind == "plateau"
    tail = lambda w: ag.sigmoid(w)  # never quite flat, but up to any tolerance
    assert analysis.point(tail, -30.0).kind == "not stationary"
    assert analysis.point(tail, -30.0, atol=1e-6).kind == "plateau"


def test_what_lanczos_finds_is_the_ends_of_the_whole_spectrum():
    rng = np.random.default_rng(0)
    eigenvalues = np.sort(rng.uniform(-1, 5, 60))
    _, c, f = quadratic(eigenvalues, rng)
    found = analysis.point(f, c, ends=3)
    assert found.kind == "saddle"
    assert not found.complete
    np.testing.assert_allclose(found.eigenvalues, eigenvalues[[0, 1, 2, -3, -2, -1]], rtol=1e-8)
    again = analysis.point(f, c, ends=3)
    assert again.eigenvectors.tobytes() == found.eigenvectors.tobytes()
    assert "at the ends" in repr(found)


def test_many_parameters_take_lanczos_by_themselves():
    curvature = np.linspace(1.0, 4.0, 2000)
    found = analysis.point(lambda w: 0.5 * (curvature * w * w).sum(), np.zeros(2000))
    assert found.kind == "minimum"
    assert len(found.eigenvalues) == 8
    np.testing.assert_allclose(found.eigenvalues[[0, -1]], [1.0, 4.0], rtol=1e-6)
    assert analysis.point(lambda w: (0.0 * w).sum(), np.zeros(1000)).kind == "plateau"


def test_containers_scalars_and_float32():
    f = lambda p: (p["W"] ** 2).sum() + 3 * p["b"] ** 2
    found = analysis.point(f, {"W": np.zeros((2, 2)), "b": 0.0})
    np.testing.assert_array_equal(found.eigenvalues, [2, 2, 2, 2, 6])
    single = analysis.point(lambda w: (w * w).sum(), np.zeros(3, np.float32))
    assert single.kind == "minimum"
    assert single.gradient.dtype == np.float32
    integers = analysis.point(lambda w: (w * w).sum(), np.array([0, 0]))
    assert integers.kind == "minimum"


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), rng.integers(0, 2, 20)
    model = nn.MLP([3, 4, 2])

    def closure():
        decay = sum((p * p).sum() for p in model.parameters())
        return nn.cross_entropy(model(X), y) + 0.1 * decay

    def f(theta):
        W1, b1, W2, b2 = theta[:12].reshape(4, 3), theta[12:16], theta[16:24].reshape(2, 4), theta[24:]
        return nn.cross_entropy(ag.tanh(X @ W1.T + b1) @ W2.T + b2, y) + 0.1 * (theta**2).sum()

    return model, closure, f


def test_a_model_and_its_closure_are_a_function_of_theta(network):
    model, closure, f = network
    theta = model.theta.data.copy()
    a, b = analysis.point(model, closure), analysis.point(f, theta)
    assert a.value == pytest.approx(b.value, rel=1e-14)
    np.testing.assert_allclose(a.gradient, b.gradient, atol=1e-14)
    np.testing.assert_allclose(a.eigenvalues, b.eigenvalues, atol=1e-13)
    few = analysis.point(model, closure, ends=2)
    np.testing.assert_allclose(few.eigenvalues, a.eigenvalues[[0, 1, -2, -1]], atol=1e-8)
    for wanted in ("gradient", "top", "bottom", "random"):
        mine, other = analysis.line(model, closure, wanted), analysis.line(f, theta, wanted)
        np.testing.assert_allclose(np.sort(mine.values), np.sort(other.values), rtol=1e-10)
    to = np.zeros(26)
    mine, other = analysis.convexity(model, closure, to), analysis.convexity(f, theta, to)
    np.testing.assert_allclose(mine.second_derivative, other.second_derivative, atol=1e-12)
    np.testing.assert_array_equal(model.theta.data, theta)  # it keeps its own
    assert all(p.grad is None for p in model.parameters())


def test_a_model_keeps_its_theta_when_the_closure_fails():
    model = nn.MLP([1, 1])
    before = model.theta.data.copy()

    def closure():
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        analysis.line(model, closure, np.ones(2))
    np.testing.assert_array_equal(model.theta.data, before)


def test_a_closure_with_an_op_of_several_outputs(network):
    model, _, _ = network
    weight = model.layers[0].weight
    found = analysis.point(model, lambda: (np.linalg.svd(weight, compute_uv=False) ** 2).sum())  # |W|^2
    expected = analysis.point(model, lambda: (weight * weight).sum())
    np.testing.assert_allclose(found.gradient, expected.gradient, atol=1e-12)
    q, r = None, None

    def by_qr():
        nonlocal q, r
        q, r = np.linalg.qr(weight)
        return (r * r).sum()

    np.testing.assert_allclose(analysis.point(model, by_qr).gradient, expected.gradient, atol=1e-12)


@given(seed=SEEDS, n=st.integers(1, 5))
def test_along_a_line_a_quadratic_is_a_parabola(seed, n):
    rng = np.random.default_rng(seed)
    A, c, f = quadratic(rng.uniform(-2, 5, n), rng)
    w, d = rng.standard_normal((2, n))
    found = analysis.line(f, w, d, span=(-2, 3), points=11)
    t = np.linspace(-2, 3, 11)
    np.testing.assert_allclose(found.values, f(w) + t * (A @ (w - c) @ d) + 0.5 * t**2 * (d @ A @ d), atol=1e-10)
    grid = analysis.plane(f, w, (d, "random"), points=5, rng=seed)
    i, j = 1, 3
    np.testing.assert_allclose(
        grid.values[i, j], f(w + grid.a[j] * grid.directions[0] + grid.b[i] * grid.directions[1])
    )
    np.testing.assert_array_equal(grid.values[2], analysis.line(f, w, d, points=5).values)


def test_lines_lead_where_they_should():
    f = lambda w: w[0] ** 2 + 10 * w[1] ** 2
    w = np.array([3.0, 0.3])
    there = analysis.line(f, w, to=np.zeros(2))
    assert there.lowest == (1.0, 0.0)
    down = analysis.line(f, w, "gradient")
    np.testing.assert_allclose(down.direction, [1 / 2**0.5] * 2)
    assert down.lowest[0] < 0
    np.testing.assert_allclose(np.abs(analysis.line(f, w, "top").direction), [0, 1], atol=1e-12)
    np.testing.assert_allclose(np.abs(analysis.line(f, w, "bottom").direction), [1, 0], atol=1e-12)
    grid = analysis.plane(f, w, ("bottom", "top"), span=(-4, 4), points=81)
    assert np.hypot(*(np.array(grid.lowest[:2]) @ grid.directions + w)) < 0.1
    path = w + np.array([[0.5, 0.25], [0.0, 0.0]])
    np.testing.assert_allclose(grid.coordinates(path) @ grid.directions + w, path, atol=1e-12)
    random = analysis.plane(f, w, rng=3)
    np.testing.assert_allclose(random.directions @ random.directions.T, np.eye(2), atol=1e-12)
    np.testing.assert_array_equal(random.values, analysis.plane(f, w, rng=np.random.default_rng(3)).values)


def test_functions_that_branch_on_values_or_are_not_recorded_have_lines_too():
    branching = lambda w: -2 * w if w < 0 else w
    np.testing.assert_allclose(analysis.line(branching, 0.0, 1.0, points=5).values, [2.0, 1.0, 0.0, 0.5, 1.0])
    errors = lambda w: float(np.mean(np.sign(np.array([1.0, -2.0])) != np.sign(w)))
    np.testing.assert_array_equal(analysis.line(errors, 0.0, 1.0, points=2).values, [0.5, 0.5])


def test_convexity_along_a_line():
    double_well = lambda w: (w**2 - 1) ** 2
    found = analysis.convexity(double_well, -1.0, 1.0, points=1001)
    (interval,) = found.fails  # phi'' < 0 for |w| < 1 / sqrt 3
    np.testing.assert_allclose(np.array(interval) * 2 - 1, [-(3**-0.5), 3**-0.5], atol=4e-3)
    assert found.barrier == pytest.approx(1.0)
    again = analysis.convexity(double_well, -1.0, 1.0, points=1001, test="difference")
    np.testing.assert_allclose(again.fails, found.fails, atol=3e-3)
    np.testing.assert_allclose(found.second_difference, found.second_derivative[1:-1], rtol=1e-3, atol=1e-4)
    assert len(analysis.convexity(lambda w: np.sin(w), 0.0, 4 * np.pi).fails) == 2
    kink = lambda w: -abs(w)
    assert analysis.convexity(kink, -1.0, 1.0).convex  # the second derivative sees no kink
    assert not analysis.convexity(kink, -1.0, 1.0, test="difference").convex
    assert analysis.convexity(lambda w: abs(w), -1.0, 1.0, test="difference").convex


@given(seed=SEEDS, height=st.sampled_from([0.0, 1e3]), test=st.sampled_from(["derivative", "difference"]))
def test_convex_functions_are_convex_along_every_line(seed, height, test):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((8, 3)), rng.choice([-1.0, 1.0], 8)
    logistic = lambda w: ag.softplus(-y * (X @ w)).sum() + height
    a, b = 3 * rng.standard_normal((2, 3))
    found = analysis.convexity(logistic, a, b, test=test)
    assert found.convex
    assert found.barrier <= 1e-12 * (1 + height)
    assert not analysis.convexity(lambda w: -logistic(w), a, b, test=test).convex


def test_bad_input():
    f = lambda w: (w * w).sum()
    with pytest.raises(ag.ArgumentError, match="neither a function"):
        analysis.point(3.0, np.ones(2))
    with pytest.raises(ag.ArgumentError, match="closure"):
        analysis.point(nn.MLP([1, 1]), np.ones(2))
    with pytest.raises(ag.ArgumentError, match="must be real"):
        analysis.point(f, np.ones(2) * 1j)
    with pytest.raises(ag.ArgumentError, match="no entries"):
        analysis.point(f, [])
    with pytest.raises(ag.ShapeError, match=r"must give a scalar|scalar"):
        analysis.point(lambda w: w * w, np.ones(2))
    with pytest.raises(ag.ShapeError, match="not finite"), np.errstate(all="ignore"):
        analysis.point(lambda w: np.log(w).sum(), np.zeros(2))
    with pytest.raises(ag.ShapeError, match="3 numbers, and theta has 2"):
        analysis.line(f, np.ones(2), np.ones(3))
    with pytest.raises(ag.ArgumentError, match="'side' is unknown"):
        analysis.line(f, np.ones(2), "side")
    with pytest.raises(ag.ShapeError, match="length is 0"):
        analysis.line(f, np.zeros(2), "gradient")
    with pytest.raises(ag.ShapeError, match="no more than 1"):
        analysis.plane(lambda w: w * w, 1.0, ("top", "top"))
    with pytest.raises(ag.ArgumentError, match="at least 2"):
        analysis.line(f, np.ones(2), points=1)
    with pytest.raises(ag.ArgumentError, match=r"2\.5 points; a grid needs a whole number"):
        analysis.line(f, np.ones(2), points=2.5)
    with pytest.raises(ag.ArgumentError, match="span 3; it is the first and the last"):
        analysis.plane(f, np.ones(2), span=3)
    with pytest.raises(ag.ArgumentError, match="test 'chord'"):
        analysis.convexity(f, np.ones(2), np.zeros(2), test="chord")


def test_plots():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    first, second, third = figure.subplots(1, 3)
    f = lambda w: (w[0] ** 2 - 1) ** 2 + w[1] ** 2
    here = np.array([-1.0, 0.5])
    assert analysis.line(f, here).plot(first) is first
    assert len(first.lines[0].get_xdata()) == 101
    path = np.array([[-1.0, 0.5], [-1.0, 0.0]])
    analysis.plane(f, here).plot(second, path=path)
    assert len(second.lines[0].get_xdata()) == 2
    analysis.convexity(f, here, -here).plot(third)
    assert "not convex" in [text.get_text() for text in third.get_legend().get_texts()]


def test_points_are_evaluated_in_parts_that_fit(monkeypatch):
    from autograd_lite.analysis import objective

    X = np.random.default_rng(0).standard_normal((50, 2))
    f = lambda w: (ag.tanh(X @ w) ** 2).mean()
    whole = analysis.plane(f, np.ones(2), points=7).values
    monkeypatch.setattr(objective, "ENTRIES", 120)
    np.testing.assert_allclose(analysis.plane(f, np.ones(2), points=7).values, whole, rtol=1e-14)


def test_eigenvalues_next_to_zero_do_not_keep_lanczos_busy():
    """Relative to themselves they would never be accurate; they are found to a share of the largest."""
    curvature = np.concatenate([np.linspace(-1e-9, 1e-9, 590), np.linspace(1, 3, 10)])
    found = analysis.point(lambda w: 0.5 * (curvature * w * w).sum(), np.zeros(600))
    assert found.kind == "degenerate"
    np.testing.assert_allclose(found.eigenvalues[-1], 3, rtol=1e-6)
    np.testing.assert_allclose(found.eigenvalues[:4], 0, atol=1e-6)
