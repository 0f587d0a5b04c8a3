"""scikit-learn's multi-layer perceptrons, trained by this package: the same constructor, methods and attributes.

They are subclasses of scikit-learn's own, which validate the input, encode labels and score; the network `model_`, its
gradient and its training are ours. So parameters, grid and random search, pipelines and joblib work as users know.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ..ops.chosen import take
from ..ops.elementwise import exp
from .activations import ACTIVATIONS
from .callbacks import Callback
from .layers import MLP
from .losses import binary_cross_entropy_with_logits, cross_entropy, squared_error
from .optimizers import SGD, Adam
from .prediction import predict
from .training import Run, fit

try:
    import scipy.optimize
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier as TheirClassifier
    from sklearn.neural_network import MLPRegressor as TheirRegressor
    from sklearn.utils._param_validation import StrOptions
    from sklearn.utils.validation import validate_data
except ImportError as error:
    raise ImportError(
        "nn.MLPClassifier and nn.MLPRegressor need scikit-learn 1.7 or later: pip install 'autograd_lite[sklearn]'"
    ) from error

THEIR_NAMES = {"identity": "linear", "logistic": "sigmoid"}  # scikit-learn's names of activations, and ours


class _Perceptron:
    """What both estimators share, in place of scikit-learn's own passes and solvers."""

    def _initialize(self: Any, y: Any, layer_units: list[int], dtype: Any) -> None:
        super()._initialize(y, layer_units, dtype)  # type: ignore[misc] # draws the weights
        self.model_ = MLP(layer_units, _named(self.activation), dtype=dtype)
        for layer, weight, bias in zip(self.model_.layers, self.coefs_, self.intercepts_, strict=True):
            layer.weight.data, layer.bias.data = np.ascontiguousarray(weight.T), bias
        self._show()

    def _show(self: Any) -> None:
        """`coefs_` and `intercepts_` are views of the model's parameters, the weights transposed."""
        self.coefs_ = [layer.weight.data.T for layer in self.model_.layers]
        self.intercepts_ = [layer.bias.data for layer in self.model_.layers]

    def __setstate__(self: Any, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        if hasattr(self, "model_"):
            self._show()

    def _forward_pass_fast(self: Any, X: Any, check_input: bool = True) -> Any:
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        with np.errstate(over="ignore"):
            output = predict(self.model_, _dense(X))
            return exp(output) if self.out_activation_ == "exp" else _named(self.out_activation_)(output)

    def _fit_stochastic(self: Any, X: Any, y: Any, sample_weight: Any, *arguments: Any) -> None:
        incremental = arguments[-1]
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._new_optimizer()
        held_out = None
        if self.early_stopping:
            X, y, sample_weight, held_out = self._hold_out(X, y, sample_weight)
        n = len(y)
        size = min(200, n) if self.batch_size == "auto" else min(self.batch_size, n)
        if self.batch_size != "auto" and self.batch_size > n:
            warnings.warn(
                f"batch_size {self.batch_size} is above the {n} samples; all of them are one batch", stacklevel=4
            )
        self.n_iter_ = 0
        history = fit(
            self.model_,
            _Objective(self, y, sample_weight),
            (_dense(X), np.arange(n)[:, None]),
            self._optimizer,
            epochs=1 if incremental else self.max_iter,
            batch_size=size,
            rng=_Shuffle(self._random_state) if self.shuffle else _InOrder,
            callbacks=[_Iteration(self, n, held_out)],
            progress=False,
        )
        if history.stopped == "interrupted":
            warnings.warn("Training interrupted by user.", stacklevel=4)
        elif history.stopped == "all epochs done" and not incremental:
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached, not converged yet.", ConvergenceWarning, stacklevel=4
            )
        if self.early_stopping:
            for mine, best in zip(
                self.coefs_ + self.intercepts_, self._best_coefs + self._best_intercepts, strict=True
            ):
                mine[...] = best
            self.model_.theta.changed()

    def _new_optimizer(self: Any) -> Any:
        parameters = self.model_.parameters()
        if self.solver == "sgd":
            nesterov = bool(self.nesterovs_momentum and self.momentum)
            return SGD(parameters, self.learning_rate_init, momentum=self.momentum, nesterov=nesterov)
        return _Adam(parameters, self.learning_rate_init, (self.beta_1, self.beta_2), self.epsilon)

    def _hold_out(self: Any, X: Any, y: Any, sample_weight: Any) -> Any:
        """Split off what early stopping scores on: (X, y, weights) to train on, and the like of them."""
        classifier = isinstance(self, TheirClassifier)
        stratify = y if classifier and self.n_outputs_ == 1 else None
        arrays = [X, y] if sample_weight is None else [X, y, sample_weight]
        parts = train_test_split(
            *arrays, random_state=self._random_state, test_size=self.validation_fraction, stratify=stratify
        )
        train, held_out = parts[::2], parts[1::2]
        if held_out[0].shape[0] < 2:
            raise ValueError("The validation set is too small: increase validation_fraction, or have more data")
        if classifier:
            held_out[1] = self._label_binarizer.inverse_transform(held_out[1])
        pad = [None] * (3 - len(train))
        return (*train, *pad, [*held_out, *pad])

    def _fit_lbfgs(self: Any, X: Any, y: Any, sample_weight: Any, *_: Any) -> None:
        X, rows, theta = _dense(X), np.arange(len(y))[:, None], self.model_.theta
        objective = _Objective(self, y, sample_weight)

        def value_and_gradient(point: Any) -> tuple[float, Any]:
            theta.data[:] = point
            theta.changed()
            theta.zero_grad()
            loss = objective(self.model_(X), rows)
            loss.backward()
            return loss.item(), theta.grad.astype(float)

        options = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol}
        with np.errstate(over="ignore", invalid="ignore"):
            found = scipy.optimize.minimize(
                value_and_gradient, theta.data.astype(float), method="L-BFGS-B", jac=True, options=options
            )
        theta.data[:] = found.x
        theta.changed()
        self.n_iter_, self.loss_ = min(found.nit, self.max_iter), found.fun
        if not found.success:
            warnings.warn(f"lbfgs failed to converge: {found.message}", ConvergenceWarning, stacklevel=4)


class MLPClassifier(_Perceptron, TheirClassifier):  # type: ignore[misc]
    """A multi-layer perceptron for classification, with scikit-learn's interface; binary, multi-class or multi-label.

    Parameters, methods and attributes are those of `sklearn.neural_network.MLPClassifier`, and with the same
    `random_state` so are the weights and batches it begins with. In addition `activation` may be any name in
    nn.ACTIVATIONS, and `model_` is the network. Sparse input is made dense. A loss that becomes NaN raises
    DivergenceError or NonFiniteError. After the learning rate of solver "sgd" has changed, momentum counts at the new
    rate and not at the old one.

    >>> from sklearn.datasets import make_moons
    >>> X, y = make_moons(200, noise=0.1, random_state=0)
    >>> bool(MLPClassifier([20], solver="lbfgs", random_state=0).fit(X, y).score(X, y) > 0.98)
    True
    """

    _parameter_constraints: ClassVar[Any] = {
        **TheirClassifier._parameter_constraints,
        "activation": [StrOptions({*ACTIVATIONS, *THEIR_NAMES})],
    }


class MLPRegressor(_Perceptron, TheirRegressor):  # type: ignore[misc]
    """A multi-layer perceptron for regression on one or several targets, with scikit-learn's interface.

    As MLPClassifier, with the parameters of `sklearn.neural_network.MLPRegressor`. With several targets the loss is
    half the squared distance, whose gradient scikit-learn descends as well, while its `loss_curve_` shows the mean
    over the targets.

    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor(hidden_layer_sizes=[20], activation="tanh", solver="lbfgs", random_state=0)
    >>> bool(model.fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.99)
    True
    """

    _parameter_constraints: ClassVar[Any] = {
        **TheirRegressor._parameter_constraints,
        "activation": [StrOptions({*ACTIVATIONS, *THEIR_NAMES})],
    }


def _named(activation: str) -> Any:
    return ACTIVATIONS[THEIR_NAMES.get(activation, activation)]


class _Adam(Adam):
    """Adam with epsilon beside the root of the average itself, not of the one freed of its bias."""

    def update(self, theta: Any, g: Any, rate: Any, k: Any, *state: Any, betas: Any, eps: Any, **options: Any) -> Any:
        eps = eps / (1 - betas[1] ** (k + 1)) ** 0.5
        return super().update(theta, g, rate, k, *state, betas=betas, eps=eps, **options)


class _Objective:
    """The mean loss of the examples `rows`, plus alpha / 2 times the sum of the squared weights over their number."""

    def __init__(self, estimator: Any, y: Any, weights: Any):
        self.losses = _LOSSES[estimator.out_activation_]
        self.matrices = [layer.weight for layer in estimator.model_.layers]
        self.alpha = estimator.alpha
        y = y[:, None] if y.ndim == 1 else y
        dtype = self.matrices[0].dtype
        self.target = y.argmax(1) if estimator.out_activation_ == "softmax" else y.astype(dtype)
        self.weights = None if weights is None else np.asarray(weights, dtype)

    def __call__(self, output: Any, rows: Any) -> Any:
        rows = rows[:, 0]
        losses, total = self.losses(output, take(self.target, rows, 0)), float(len(rows))
        if self.weights is not None:
            weights = take(self.weights, rows, 0)
            losses, total = losses * weights, weights.sum()
        loss = losses.sum()
        if self.alpha:
            for W in self.matrices:
                loss = loss + 0.5 * self.alpha * (W * W).sum()
        return loss / total


_LOSSES: dict[str, Any] = {  # by the activation of the output; each of shape (batch,)
    "softmax": partial(cross_entropy, reduction="none"),
    "logistic": lambda z, y: binary_cross_entropy_with_logits(z, y, reduction="none").sum(1),
    "identity": partial(squared_error, reduction="none"),
    "exp": lambda z, y: (exp(z) - y * z + (y * np.log(np.where(y > 0, y, 1)) - y)).sum(1),  # half the Poisson deviance
}


class _Iteration(Callback):
    """What scikit-learn does after each epoch: count, compare, and stop or slow down."""

    def __init__(self, estimator: Any, n: int, held_out: Any):
        self.estimator, self.n, self.held_out = estimator, n, held_out or [None] * 3

    def on_epoch_end(self, run: Run) -> None:
        e, optimizer = self.estimator, run.optimizer
        e.n_iter_ += 1
        e.t_ += self.n
        e.loss_ = run.history["loss"][-1]
        e.loss_curve_.append(e.loss_)
        if e.verbose:
            print(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
        e._update_no_improvement_count(e.early_stopping, *self.held_out)
        sgd = e.solver == "sgd"
        if sgd and e.learning_rate == "invscaling":
            optimizer.lr = e.learning_rate_init / (e.t_ + 1) ** e.power_t
        if e._no_improvement_count <= e.n_iter_no_change:
            return
        what = "Validation score" if e.early_stopping else "Training loss"
        advice = "Stopping."
        if sgd and e.learning_rate == "adaptive" and optimizer.lr > 1e-6:
            optimizer.lr /= 5
            e._no_improvement_count = 0
            advice = f"Setting learning rate to {optimizer.lr:f}"
        else:
            run.stop("converged")
        if e.verbose:
            print(
                f"{what} did not improve more than tol={e.tol:f} for {e.n_iter_no_change} consecutive epochs. {advice}"
            )


class _Shuffle:
    """scikit-learn's order of the examples: each epoch shuffles that of the one before."""

    def __init__(self, random_state: Any):
        self.random_state, self.order = random_state, None

    def permutation(self, n: int) -> Any:
        order = self.random_state.permutation(n)
        self.order = order if self.order is None else self.order[order]
        return self.order


class _InOrder:
    permutation = staticmethod(np.arange)


def _dense(X: Any) -> Any:
    return X.toarray() if hasattr(X, "toarray") else X
