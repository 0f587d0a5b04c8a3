"""The distributions: values are those of scipy.stats, gradients by x and every parameter those of differences."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import NotDifferentiableError, ShapeError

scipy_stats = pytest.importorskip("scipy.stats")

from autograd_lite.scipy import stats  # noqa: E402 (only where there is SciPy)

SHAPES = {  # the shape parameters of the distributions that have some
    "gamma": (2.5,), "chi2": (3.0,), "beta": (2.5, 1.5), "t": (4.0,), "lognorm": (0.7,),
    "poisson": (2.3,), "binom": (5.0, 0.3), "bernoulli": (0.3,), "nbinom": (3.0, 0.4), "geom": (0.3,),
}  # fmt: skip
CONTINUOUS = ["norm", "expon", "gamma", "chi2", "beta", "t", "laplace", "cauchy", "uniform", "lognorm", "logistic"]
DISCRETE = ["poisson", "binom", "bernoulli", "nbinom", "geom"]
X = np.array([-30.0, -2.0, -0.5, 0.4, 0.5, 1.2, 1.9, 2.4, 2.6, 7.0, 40.0])
K = np.array([-2, -1, 0, 1, 2, 3, 4, 5, 6, 30])
INSIDE = np.array([0.7, 1.1, 1.8])  # inside every support for loc = 0.5, scale = 2
FUNCTIONS = [
    (name, f)
    for name in CONTINUOUS
    for f in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf")
    if f in vars(getattr(stats, name))
]
UNKNOWN = {"gamma", "beta", "chi2", "t"}  # distribution functions without a derivative by their shapes


@pytest.mark.parametrize(("name", "f"), FUNCTIONS)
def test_values_of_continuous_distributions(name, f):
    shapes = SHAPES.get(name, ())
    ours, theirs = getattr(getattr(stats, name), f), getattr(getattr(scipy_stats, name), f)
    with np.errstate(divide="ignore", over="ignore"):
        for x, loc, scale in [
            (X, 0, 1),
            (X[:, None], np.array([0.5, -0.3]), 2.0),
            (0.7, 0.1, 1.5),
            ([0.7, -0.7], 0, 1),
        ]:
            got, wanted = ours(x, *shapes, loc, scale), theirs(x, *shapes, loc, scale)
            assert np.shape(got) == np.shape(wanted)
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-300)
            if isinstance(x, np.ndarray):
                t = ours(ag.tensor(x, requires_grad=True), *shapes, loc, scale)
                np.testing.assert_array_equal(t.data, got)
    assert np.isnan(ours(np.nan, *shapes))


@pytest.mark.parametrize(("name", "f"), FUNCTIONS)
def test_gradients_of_continuous_distributions(name, f):
    shapes, function = SHAPES.get(name, ()), getattr(getattr(stats, name), f)
    fixed = shapes if name in UNKNOWN and "pdf" not in f else ()
    points = X if name in ("norm", "t", "cauchy", "logistic") and "log" in f else INSIDE
    for x, loc, scale in [
        (points, np.array(0.5), np.array(2.0)),
        (INSIDE[:, None], np.array([0.5, 0.4]), np.array([2.0, 1.9])),
    ]:
        if fixed:
            ag.check_grads(lambda x, loc, scale: function(x, *shapes, loc, scale), x, loc, scale)
        else:
            ag.check_grads(lambda x, *rest: function(x, *rest), x, *map(np.array, shapes), loc, scale)


@pytest.mark.parametrize(("name", "f"), FUNCTIONS)
def test_no_gradient_and_no_nan_outside_the_support(name, f):
    if name in ("norm", "t", "cauchy", "laplace", "logistic"):
        return
    shapes, function = SHAPES.get(name, ()), getattr(getattr(stats, name), f)
    live = () if name in UNKNOWN and "pdf" not in f else shapes
    arguments = [ag.tensor(a, requires_grad=True) for a in (np.array([-1.0, -7.0]), *live, 0.0, 1.0)]
    rest = arguments[1:] if live == shapes else [*shapes, *arguments[1:]]
    ag.sum(function(arguments[0], *rest)).backward(1.0) if f in ("pdf", "cdf", "sf", "logsf") else ag.sum(
        ag.exp(function(arguments[0], *rest)) + function(arguments[0], *rest)
    ).backward()
    for a in arguments:
        np.testing.assert_array_equal(a.grad, np.zeros(a.shape))


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize("f", ["logpmf", "pmf"])
def test_values_of_discrete_distributions(name, f):
    shapes = SHAPES[name]
    ours, theirs = getattr(getattr(stats, name), f), getattr(getattr(scipy_stats, name), f)
    for k, loc in [(K, 0), (K, 1), (K[:, None] + np.array([0, 0.5]), 0), (2, 0), ([1, 2, 3], 0)]:
        got, wanted = ours(k, *shapes, loc), theirs(k, *shapes, loc)
        assert np.shape(got) == np.shape(wanted)
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize("f", ["logpmf", "pmf"])
def test_gradients_of_discrete_distributions(name, f):
    function = getattr(getattr(stats, name), f)
    inside = np.array([1, 0, 1]) if name == "bernoulli" else np.array([1, 4, 2])
    ag.check_grads(lambda *shapes: function(inside, *shapes), *map(np.array, SHAPES[name]))
    wide = [a + np.array([[0.0], [0.1]]) for a in SHAPES[name]]
    ag.check_grads(lambda *shapes: function(inside, *shapes), *wide)
    shapes = [ag.tensor(a, requires_grad=True) for a in SHAPES[name]]
    ag.sum(ag.exp(function(np.array([-1, -3]), *shapes)) + function(np.array([-1.5, 60.5]), *shapes)).backward()
    assert all(a.grad == 0 for a in shapes)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_float32_stays_float32(name):
    for f in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"):
        if f in vars(getattr(stats, name)):
            x = ag.tensor(INSIDE.astype("f"), requires_grad=True)
            y = getattr(getattr(stats, name), f)(x, *SHAPES.get(name, ()), 0.5, 2)
            assert y.dtype == np.float32
            y.backward(np.ones(3, "f"))
            assert x.grad.dtype == np.float32


def test_probabilities_zero_and_one_are_certain():
    grad = ag.grad(stats.bernoulli.logpmf, 1)
    assert stats.bernoulli.logpmf([0, 1], [0.0, 1.0]).tolist() == [0, 0]
    assert (grad(0, 0.0), grad(1, 1.0)) == (-1, 1)
    assert stats.poisson.logpmf(0, 0.0) == 0
    assert stats.binom.pmf(5, 5, 1.0) == 1


def test_far_tails():
    assert ag.grad(stats.norm.logcdf)(-1e6) == pytest.approx(1e6, rel=1e-11)
    assert ag.grad(stats.logistic.logcdf)(-800.0) == 1
    assert ag.grad(stats.expon.logcdf)(1e-10) == pytest.approx(1e10 - 0.5, rel=1e-15)
    assert ag.grad(stats.cauchy.logpdf)(1e200) == pytest.approx(-2e-200, rel=1e-15)
    assert ag.grad(stats.laplace.cdf)(0.0) == 0.5
    assert ag.grad(ag.grad(stats.logistic.logpdf))(0.0) == -0.5


@pytest.mark.parametrize("name", ["gamma", "beta", "chi2"])
def test_shapes_without_a_derivative_are_refused(name):
    a, *rest = SHAPES[name]
    with pytest.raises(NotDifferentiableError, match="no derivative by a is known"):
        getattr(stats, name).cdf(0.5, ag.tensor(a, requires_grad=True), *rest)


def test_dirichlet():
    rng, alpha = np.random.default_rng(0), np.array([1.5, 2.0, 0.7])
    x = rng.dirichlet(alpha, 4).T
    for f in ("logpdf", "pdf"):
        ours, theirs = getattr(stats.dirichlet, f), getattr(scipy_stats.dirichlet, f)
        for points in (x, x[:, 0], x[:2], x[:2, 0]):
            np.testing.assert_allclose(ours(points, alpha), theirs(points, alpha), rtol=1e-12)
            ag.check_grads(ours, points, alpha)
    assert stats.dirichlet.logpdf([-0.1, 0.5, 0.6], alpha) == -np.inf
    assert ag.grad(stats.dirichlet.logpdf, 1)(np.array([-0.1, 0.5, 0.6]), alpha).tolist() == [0, 0, 0]
    assert stats.dirichlet.logpdf(x.astype("f"), alpha.astype("f")).dtype == np.float32
    with pytest.raises(ShapeError, match="3 shares"):
        stats.dirichlet.logpdf([0.5], alpha)


def has_cholesky():
    try:
        np.linalg.solve(np.linalg.cholesky(ag.tensor(np.eye(2), requires_grad=True)), np.ones((2, 1)))
    except NotDifferentiableError:
        return False
    return True


MEAN, A = np.array([0.5, -1.0]), np.array([[1.0, 0.4], [-0.3, 0.8]])


@pytest.mark.parametrize(
    ("shape", "mean", "cov"),
    [
        ((), None, 1),
        ((4,), None, 2.5),
        ((2,), MEAN, 1),
        ((4, 2), MEAN, np.array([1.0, 2.0])),
        ((4, 2), None, A @ A.T),
        ((3, 4, 2), MEAN, A @ A.T),
        ((4,), 0.5, 2.0),
    ],
)
def test_values_of_multivariate_normal(shape, mean, cov):
    x = np.random.default_rng(0).standard_normal(shape)
    for f in ("logpdf", "pdf"):
        got = getattr(stats.multivariate_normal, f)(x, mean, cov)
        wanted = getattr(scipy_stats.multivariate_normal, f)(x, mean, cov)
        assert np.shape(got) == np.shape(wanted)
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_gradients_of_multivariate_normal():
    x, logpdf = np.random.default_rng(0).standard_normal((4, 2)), stats.multivariate_normal.logpdf
    ag.check_grads(logpdf, x, MEAN, np.array(2.0))
    ag.check_grads(logpdf, x, MEAN, np.array([1.0, 2.0]))
    ag.check_grads(logpdf, x[0], MEAN, np.array([1.0, 2.0]))
    with pytest.raises(ShapeError, match="do not fit"):
        logpdf(x, MEAN, np.eye(3))


@pytest.mark.skipif(not has_cholesky(), reason="np.linalg.cholesky and np.linalg.solve are no rows yet")
def test_gradients_of_multivariate_normal_by_a_full_covariance():
    x, logpdf = np.random.default_rng(0).standard_normal((4, 2)), stats.multivariate_normal.logpdf
    # A covariance that stays symmetric when it moves.
    ag.check_grads(lambda x, mean, A: logpdf(x, mean, A @ A.T), x, MEAN, A)
    ag.check_grads(lambda x, mean: logpdf(x, mean, A @ A.T), x.reshape(2, 2, 2), MEAN)


def test_both_ways_to_import():
    mvn = importlib.import_module("autograd_lite.scipy.stats.multivariate_normal")
    from autograd_lite.scipy.stats import norm

    assert mvn.logpdf is stats.multivariate_normal.logpdf
    assert norm.ppf(0.5) == 0
    assert stats.norm.rvs(size=3, random_state=0).shape == (3,)
    assert stats.pareto is scipy_stats.pareto
    with pytest.raises(AttributeError):
        norm.no_such_name  # noqa: B018


def test_special_has_the_names_of_scipy():
    scipy_special = pytest.importorskip("scipy.special")
    from autograd_lite.ops import special as rows
    from autograd_lite.scipy import special

    assert special.erf is scipy_special.erf
    assert special.logsumexp is rows.logsumexp
    assert special.polygamma is rows.polygamma
    assert {"erf", "logsumexp", "multigammaln"} <= set(dir(special))


def test_cdf_of_poisson_is_scipys():
    mu = np.array([0.7, 2.3])
    np.testing.assert_allclose(stats.poisson.cdf(K[:, None], mu), scipy_stats.poisson.cdf(K[:, None], mu), rtol=1e-12)
    ag.check_grads(lambda mu: stats.poisson.cdf(K[:, None] + 0.5, mu), mu)


def test_multivariate_normal_of_a_singular_covariance():
    a = np.random.default_rng(1).normal(size=(4, 2))
    cov, x = a @ a.T, a @ np.array([0.3, -0.4])
    ours, theirs = stats.multivariate_normal, scipy_stats.multivariate_normal
    wanted = theirs.logpdf(x, np.zeros(4), cov, allow_singular=True)
    np.testing.assert_allclose(ours.logpdf(x, np.zeros(4), cov, allow_singular=True), wanted)
    assert ours.pdf(x + 1.0, np.zeros(4), cov, allow_singular=True) == 0
    ag.check_grads(lambda z: ours.logpdf(a @ z, np.zeros(4), cov, allow_singular=True), np.array([0.3, -0.4]))


@pytest.mark.parametrize("cov", [2.0, np.array([0.5, 2.0]), np.array([[2.0, 0.3], [0.3, 1.0]])], ids=np.ndim)
def test_entropy_of_multivariate_normal(cov):
    entropy, mean = stats.multivariate_normal.entropy, np.zeros(np.shape(cov)[-1:])
    np.testing.assert_allclose(entropy(mean, cov), scipy_stats.multivariate_normal.entropy(mean, cov))
    ag.check_grads(entropy, mean, cov)
