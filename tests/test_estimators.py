"""scikit-learn's estimators on this engine: its own checks, its own numbers, and its tools around them."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import autograd_lite as ag
from autograd_lite import nn

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:lbfgs failed to converge"
)

BINARY = make_classification(80, 5, random_state=0)
CLASSES = make_classification(90, 6, n_informative=4, n_classes=3, random_state=0)
LABELS = make_multilabel_classification(80, 6, n_classes=3, random_state=0)
TARGET = make_regression(80, 5, noise=1.0, random_state=0)
TARGET = (TARGET[0], TARGET[1] / 50)
TARGETS = (TARGET[0], np.stack([TARGET[1], np.sin(TARGET[0][:, 0])], 1))
COUNTS = (TARGET[0], np.random.default_rng(0).poisson(np.exp(TARGET[1] / 4)).astype(float))


@pytest.mark.filterwarnings("ignore")  # they fit on purpose what cannot converge
@pytest.mark.parametrize("estimator", [nn.MLPClassifier, nn.MLPRegressor])
def test_scikit_learns_own_checks_pass(estimator):
    checks = check_estimator(estimator(max_iter=40, learning_rate_init=0.01), on_skip=None)
    assert len(checks) > 50
    assert {check["status"] for check in checks} <= {"passed", "skipped"}


def pair(data, **options):
    """Ours and theirs, fitted alike."""
    kind = "Regressor" if data[1].dtype.kind == "f" else "Classifier"
    options = {"hidden_layer_sizes": (7, 4), "max_iter": 12, "random_state": 3, **options}
    return [getattr(module, f"MLP{kind}")(**options) for module in (nn, theirs)]


def assert_alike(ours, theirs, X, rtol=1e-5):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    for name in ("n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("loss_", "best_loss_", "loss_curve_", "validation_scores_", "best_validation_score_", "classes_"):
        if getattr(theirs, name, None) is not None:
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=rtol * 10, err_msg=name)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=rtol * 10, atol=rtol)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=rtol * 10, atol=rtol)
        np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("data", [BINARY, CLASSES, LABELS, TARGET], ids=["binary", "classes", "labels", "target"])
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5, "batch_size": 16, "alpha": 0.1},
        {"solver": "sgd", "momentum": 0, "learning_rate": "invscaling", "learning_rate_init": 0.1},
        {"solver": "sgd", "momentum": 0, "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1},
        {"solver": "adam", "shuffle": False, "activation": "tanh"},
        {"solver": "adam", "batch_size": 7, "activation": "logistic", "beta_1": 0.8, "epsilon": 1e-10},
        {"solver": "adam", "early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 3, "max_iter": 40},
        {"solver": "lbfgs", "activation": "identity"},
    ],
    ids=str,
)
def test_the_numbers_are_scikit_learns(data, options):
    X, y = data
    ours, reference = (e.fit(X, y) for e in pair(data, **options))
    assert_alike(ours, reference, X, 1e-2 if options["solver"] == "lbfgs" else 1e-5)


@pytest.mark.parametrize("data", [CLASSES, LABELS, TARGET], ids=["classes", "labels", "target"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_sample_weights_count_as_scikit_learns(data, solver):
    X, y = data
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y))
    ours, reference = (e.fit(X, y, weights) for e in pair(data, solver=solver, max_iter=6, activation="tanh"))
    assert_alike(ours, reference, X, 1e-2 if solver == "lbfgs" else 1e-5)


def test_several_targets_and_poisson_deviance():
    ours, reference = (e.fit(*TARGETS) for e in pair(TARGETS, solver="sgd"))
    for a, b in zip(ours.coefs_, reference.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert ours.loss_curve_[-1] > reference.loss_curve_[-1]  # the sum over the targets, and not their mean
    ours, reference = (e.fit(*COUNTS) for e in pair(COUNTS, loss="poisson", solver="sgd"))
    assert_alike(ours, reference, COUNTS[0])


def test_partial_fit_and_warm_start():
    X, y = CLASSES
    ours, reference = pair(CLASSES)
    for e in (ours, reference):
        for _ in range(3):
            e.partial_fit(X[:40], y[:40], classes=[0, 1, 2])
            e.partial_fit(X[40:], y[40:])
    assert_alike(ours, reference, X)
    ours, reference = pair(CLASSES, warm_start=True, max_iter=3)
    for e in (ours, reference):
        e.fit(X, y).fit(X, y)
    assert_alike(ours, reference, X)
    with pytest.raises(AttributeError, match="partial_fit"):
        nn.MLPClassifier(solver="lbfgs").partial_fit  # noqa: B018


def test_copies_go_on_where_the_original_was():
    X, y = CLASSES
    model = nn.MLPClassifier((7,), random_state=0, batch_size=30).partial_fit(X, y, classes=[0, 1, 2])
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    model.partial_fit(X, y)
    for other in copies:
        other.partial_fit(X, y)
        np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
        np.testing.assert_array_equal(other.coefs_[0], model.coefs_[0])
        assert np.shares_memory(other.coefs_[0], other.model_.theta.data)
    assert not hasattr(clone(model), "model_")


def test_searches_pipelines_and_processes():
    X, y = CLASSES
    steps = make_pipeline(StandardScaler(), nn.MLPClassifier((5,), max_iter=3, random_state=0))
    grid = {"mlpclassifier__activation": ["relu", "softplus"]}
    search = GridSearchCV(steps, grid, cv=2, n_jobs=2).fit(X, y)
    again = GridSearchCV(steps, grid, cv=2).fit(X, y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"])
    drawn = RandomizedSearchCV(
        nn.MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, random_state=0),
        {"learning_rate_init": [1e-3, 1e-2, 1e-1]},
        n_iter=2,
        cv=2,
        random_state=0,
    ).fit(*TARGET)
    assert set(drawn.best_params_) == {"learning_rate_init"}
    assert cross_val_score(nn.MLPClassifier(max_iter=80, random_state=0), *BINARY, cv=2).mean() > 0.8


def test_bad_parameters_and_divergence_are_said():
    X, y = CLASSES
    with pytest.raises(ValueError, match="'activation' parameter of MLPClassifier"):
        nn.MLPClassifier(activation="rellu").fit(X, y)
    with pytest.raises(ag.DivergenceError, match="Lower the learning rate"):
        nn.MLPRegressor(
            hidden_layer_sizes=(), solver="sgd", activation="identity", learning_rate_init=50.0, max_iter=500
        ).fit(*TARGET)
    with pytest.warns(UserWarning, match="batch_size 1000 is above the 90 samples"):
        nn.MLPClassifier(batch_size=1000, max_iter=2).fit(X, y)


def test_ctrl_c_warns_and_keeps_the_model(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(nn.Adam, "update", interrupt)
    X, y = CLASSES
    with pytest.warns(UserWarning, match="interrupted"):
        model = nn.MLPClassifier(random_state=0).fit(X, y)
    assert model.predict(X).shape == y.shape


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "autograd_lite.nn.estimators")
    monkeypatch.setitem(sys.modules, "sklearn.neural_network", None)
    monkeypatch.delattr(nn, "estimators")
    with pytest.raises(ImportError, match=r"autograd_lite\[sklearn\]"):
        nn.MLPClassifier  # noqa: B018
