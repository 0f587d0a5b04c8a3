"""nn.fit: what it learns, when it stops, what it leaves behind, and what it refuses."""

from __future__ import annotations

import itertools
import json
import os
import signal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import nn


def data(n=60, classes=3, seed=0):
    """Points around the corners of a simplex."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(scale=0.4, size=(n, classes)) + np.eye(classes)[y] * 2, y


def model_for(classes=3, **options):
    return nn.MLP([classes, 8, classes], rng=0, **options)


def fitted(epochs=5, *, model=None, lr=0.1, momentum=0.9, loss=nn.cross_entropy, given=None, **options):
    model = model_for() if model is None else model
    options = {"batch_size": 10, "progress": False, **options}
    optimizer = nn.SGD(model.parameters(), lr=lr, momentum=momentum)
    return model, nn.fit(model, loss, data() if given is None else given, optimizer, epochs=epochs, **options)


# -- it trains -----------------------------------------------------------------------------------------------------


def test_it_is_the_loop_one_would_write():
    """To the bit: the batches of nn.batches in order, forward, backward, update."""
    X, y = data()
    model, history = fitted(3, rng=7)
    by_hand, rng = model_for(), np.random.default_rng(7)
    optimizer = nn.SGD(by_hand.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(3):
        order, total = rng.permutation(60), 0.0
        for rows in np.split(order, 6):
            optimizer.zero_grad()
            loss = nn.cross_entropy(by_hand(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * 10
        losses.append(total / 60)
    assert model.theta.data.tobytes() == by_hand.theta.data.tobytes()
    assert history["loss"] == losses
    assert history.stopped == "all epochs done"


def test_same_seed_same_bits_and_another_seed_others():
    def bits(seed):
        return fitted(3, rng=seed)[0].theta.data.tobytes()

    assert bits(1) == bits(1) != bits(2)


@given(
    seed=st.integers(0, 2**32 - 1),
    optimizer=st.sampled_from([nn.SGD, nn.Momentum, nn.Adagrad, nn.RMSprop, nn.Adam, nn.AdamW, nn.Rprop]),
    regularizer=st.sampled_from([None, nn.L1(1e-2), nn.Frobenius(1e-2), nn.ElasticNet(1e-2)]),
    batch_size=st.integers(2, 30),
)
def test_same_seed_same_bits_with_dropout_normalization_any_optimizer_and_any_state_of_the_global_generator(
    seed, optimizer, regularizer, batch_size
):
    """For nothing draws from NumPy's global state, nor from another run's."""
    found = []
    for disturbance in (1, 2):
        np.random.seed(disturbance)
        parts = [
            nn.Linear(3, 8, rng=seed),
            nn.LayerNorm(8),
            "tanh",
            nn.Dropout(0.3, rng=seed),
            nn.Linear(8, 3, rng=seed),
        ]
        model = nn.Sequential(*parts)
        history = nn.fit(
            model, "cross_entropy", data(30), optimizer(model.parameters(), lr=0.01), epochs=2, batch_size=batch_size,
            regularizer=regularizer, metrics="accuracy", validation=data(12, seed=1), rng=seed, progress=False,
        )  # fmt: skip
        seconds = history.to_dict().pop("seconds")
        measured = {name: values for name, values in history.to_dict().items() if name != "seconds"}
        assert len(seconds) == 2
        found.append((model.theta.data.tobytes(), measured))
    assert found[0] == found[1]


def test_float32_stays_float32_whatever_the_data():
    model, _ = fitted(1, model=model_for(dtype="float32"))
    assert model.theta.data.dtype == nn.predict(model, data()[0]).dtype == np.float32


def test_a_regression_with_metrics_and_validation():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 2))
    y = X @ [[1.0], [-2.0]] + 0.5
    train, held_out = nn.split(X, y, (0.75, 0.25))
    model = nn.MLP([2, 1], rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)

    def largest(output, target):
        return float(np.abs(output - target).max())

    history = nn.fit(
        model,
        lambda output, target: ((output - target) ** 2).mean(),
        train,
        optimizer,
        epochs=60,
        batch_size=20,
        validation=held_out,
        metrics=["mse", "r2", largest],
        progress=False,
    )
    np.testing.assert_allclose(model.layers[0].weight.data, [[1, -2]], atol=1e-4)
    assert history["validation_r2"][-1] > 0.999
    assert history["validation_mse"] == pytest.approx(history["validation_loss"])
    assert history["mse"] == pytest.approx(history["loss"])
    assert history["largest"][-1] < 1e-3
    assert history["validation_mse"][-1] == pytest.approx(
        nn.METRICS["mse"](nn.predict(model, held_out[0]), held_out[1])
    )


def test_weights_of_examples_count_like_copies_of_them():
    def loss(output, target, reduction="mean"):
        each = ag.ops.neural.softmax_cross_entropy(output, target)
        return each.mean() if reduction == "mean" else each

    X, y = data(12)
    copies = np.arange(12) % 3 + 1
    options = {"batch_size": None, "loss": loss, "epochs": 4}
    weighted, _ = fitted(given=(X, y, copies.astype(float)), **options)
    repeated, _ = fitted(given=(np.repeat(X, copies, 0), np.repeat(y, copies)), **options)
    np.testing.assert_allclose(weighted.theta.data, repeated.theta.data, rtol=1e-9, atol=1e-12)


class L1:
    """A regularizer with a proximal step: theta shrinks by rate * strength and stops at zero."""

    def __init__(self, strength):
        self.strength = strength

    def smooth(self, model):
        return None

    def proximal_step(self, model, rate):
        theta = model.theta
        theta.data[:] = np.sign(theta.data) * np.maximum(np.abs(theta.data) - rate * self.strength, 0)
        theta.changed()


def test_a_regularizer_is_added_and_one_with_a_proximal_step_shrinks():
    def ridge(model):
        return 0.05 * sum((W * W).sum() for W in model.parameters())

    plain, decayed, sparse = (fitted(30, regularizer=r)[0].theta.data for r in (None, ridge, L1(0.02)))
    assert np.linalg.norm(decayed) < np.linalg.norm(plain)
    assert np.count_nonzero(sparse) < np.count_nonzero(plain) == plain.size


def test_closure_optimizers_get_the_objective():
    class Searching(nn.SGD):
        needs_closure = True
        calls = 0

        def step(self, closure):
            for _ in range(2):  # the loss may be looked at more than once
                self.calls += 1
                loss = closure()
            self.zero_grad()
            loss.backward()
            super().step()

    model, reference = model_for(), model_for()
    optimizer = Searching(model.parameters(), lr=0.1)
    nn.fit(model, nn.cross_entropy, data(), optimizer, epochs=2, batch_size=None, progress=False)
    fitted(2, model=reference, momentum=0.0, batch_size=None)
    assert optimizer.calls == 4
    np.testing.assert_array_equal(model.theta.data, reference.theta.data)


class Noted(nn.Module):
    """Notes whether it is in training, and keeps a running mean, as batch normalization does."""

    def __init__(self):
        self.inside, self.modes, self.running = model_for(), set(), np.zeros(3)

    def forward(self, x):
        self.modes.add((self.training, len(x)))
        if self.training:
            self.running += 0.1 * (x.mean(0) - self.running)
        return self.inside(x)


def test_training_mode_is_on_for_updates_and_off_for_measuring():
    model = Noted()
    states = []
    _, history = fitted(
        3, model=model, loss="cross_entropy", validation=data(20, seed=1), metrics="accuracy",
        early_stopping=nn.EarlyStopping(3, monitor="accuracy"), callbacks=[lambda run: states.append(model.running.copy())],
        compile=False,
    )  # fmt: skip
    assert model.modes == {(True, 10), (False, 20), (False, 1)}  # 1: to see whether the labels fit the outputs
    np.testing.assert_array_equal(model.running, states[history.best_epoch])  # goes back with theta
    assert model.training


# -- early stopping, callbacks, interruption -----------------------------------------------------------------------


def scripted(values):
    """A metric that takes these values, epoch by epoch, and a callback that keeps theta after each."""
    stream, thetas = iter(values), []

    def script(output, target):
        return next(stream)

    return script, thetas, lambda run: thetas.append(run.model.theta.data.copy())


@pytest.mark.parametrize(
    ("values", "patience", "best", "epochs"),
    [
        ([5, 4, 3, 4, 4, 4, 2], 3, 2, 6),
        ([5, 4, 3, 4, 4, 4, 2], 4, 6, 7),
        ([5, 4, 5, 3, 5, 2, 5, 5, 1], 2, 5, 8),
        ([3, 3, 3, 3, 3], 2, 2, 3),  # of equals the last; an equal one does not begin the waiting anew
        ([9, 8, 7, 6, 5], 2, 4, 5),
    ],
)
def test_early_stopping_looks_ahead_and_goes_back_to_the_best(values, patience, best, epochs):
    script, thetas, keep = scripted(values)
    stopping = nn.EarlyStopping(patience, monitor="script")
    model, history = fitted(len(values), metrics=[script], early_stopping=stopping, callbacks=[keep])
    assert (history.best_epoch, len(history)) == (best, epochs)
    np.testing.assert_array_equal(model.theta.data, thetas[best])
    assert history.stopped.startswith("early" if epochs < len(values) else "all")


def test_early_stopping_can_leave_the_last_theta_and_needs_more_than_min_delta():
    script, thetas, keep = scripted([5.0, 4.9, 4.8, 4.7, 4.6])
    stopping = nn.EarlyStopping(2, monitor="script", min_delta=0.5, restore_best=False)
    model, history = fitted(5, metrics=[script], early_stopping=stopping, callbacks=[keep])
    assert len(history) == 3
    np.testing.assert_array_equal(model.theta.data, thetas[-1])


def test_accuracy_is_better_when_higher():
    _, history = fitted(8, metrics="accuracy", early_stopping=nn.EarlyStopping(8, monitor="accuracy"))
    accuracy = history["accuracy"]
    assert accuracy[history.best_epoch] == max(accuracy) > min(accuracy)


def test_a_metric_of_ones_own_may_be_better_when_higher():
    script, thetas, keep = scripted([1.0, 3.0, 2.0, 2.0])
    stopping = nn.EarlyStopping(2, monitor="script", higher_is_better=True)
    model, history = fitted(4, metrics=[script], early_stopping=stopping, callbacks=[keep])
    assert (history.best_epoch, len(history)) == (1, 4)
    np.testing.assert_array_equal(model.theta.data, thetas[1])
    error = nn.EarlyStopping(4, monitor="accuracy", higher_is_better=False)
    assert fitted(1, metrics="accuracy", early_stopping=error)[1].best_epoch == 0


def test_each_module_goes_back_to_the_mode_it_was_in():
    frozen = nn.BatchNorm(3).eval()
    model = nn.Sequential(frozen, nn.Dropout(0.5), nn.Linear(3, 3))
    for call in (nn.predict, lambda m, X: m.summary(X), lambda m, X: fitted(1, model=m)):
        call(model, data()[0])
        assert [m.training for m in model.modules()] == [True, False, True, True]


def test_callbacks_hear_of_everything_in_order():
    said = []

    class Listener(nn.Callback):
        def on_fit_begin(self, run):
            said.append("fit")

        def on_epoch_begin(self, run):
            said.append(f"epoch {run.epoch}")

        def on_batch_end(self, run):
            said.append(f"batch {run.batch}")
            assert np.isfinite(run.loss)

        def on_epoch_end(self, run):
            said.append(len(run.history))

        def on_fit_end(self, run):
            said.append("end")

    fitted(2, batch_size=30, callbacks=[Listener()])
    assert said == ["fit", "epoch 0", "batch 0", "batch 1", 1, "epoch 1", "batch 0", "batch 1", 2, "end"]


def test_a_callback_can_stop_training():
    _, history = fitted(9, callbacks=[lambda run: run.epoch == 3 and run.stop("enough")])
    assert (len(history), history.stopped) == (4, "enough")


def interrupt_at(call):
    """A function that presses Ctrl-C at its `call`-th call."""
    calls = itertools.count()

    def tick():
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGINT)

    return tick


@pytest.mark.parametrize("place", ["loss", "forward", "update", "callback", "validation"])
@pytest.mark.parametrize("call", [3, 27])
def test_ctrl_c_ends_cleanly_with_the_best_theta(place, call, monkeypatch):
    """Wherever it comes, theta is one that whole updates led to: in the first epoch the last, later the best."""
    model, tick = model_for(), interrupt_at(call)
    whole, ends = [model.theta.data.copy()], []

    class Watch(nn.Callback):
        def on_batch_end(self, run):
            whole.append(run.model.theta.data.copy())
            if place == "callback":
                tick()

        def on_epoch_end(self, run):
            ends.append(run.model.theta.data.copy())

    class Slow(nn.SGD):
        def step(self):
            if place == "update":
                self.theta.data[:5] += 1  # half way
                tick()
                self.theta.data[:5] -= 1
            super().step()

    def loss(output, target):
        if place == "loss" or (place == "validation" and not isinstance(output, ag.Tensor)):
            tick()
        return nn.cross_entropy(output, target)

    if place == "forward":
        forward = model.forward
        monkeypatch.setattr(model, "forward", lambda x: (tick(), forward(x))[1])
    optimizer = Slow(model.parameters(), lr=0.1)
    history = nn.fit(
        model, loss, data(), optimizer, epochs=40, batch_size=10, validation=data(20, seed=1), callbacks=[Watch()],
        progress=False, compile=False,
    )  # fmt: skip
    assert history.stopped == "interrupted"
    assert len(history) < 40
    if history.best_epoch is None:
        expected = whole[0] if place == "update" else whole[-1]
    else:
        assert history["validation_loss"][history.best_epoch] == min(history["validation_loss"])
        expected = ends[history.best_epoch]
    np.testing.assert_array_equal(model.theta.data, expected)
    fitted(1, model=model)  # it can go on from there


# -- what it refuses, and where it stops ---------------------------------------------------------------------------


def spoiled(value, row=4, column=1):
    X, y = data()
    X[row, column] = value
    return X, y


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"given": spoiled(np.nan)}, ValueError, r"training data, X: row 4, column 1 is nan; 1 value is not finite"),
        ({"given": (data()[0], data()[0] * np.inf)}, ValueError, "y: row 0, column 0 is .*180 values are not finite"),
        ({"validation": spoiled(-np.inf)}, ValueError, r"validation data, X: row 4, column 1 is -inf"),
        ({"given": (data()[0], data()[1][:-1])}, ValueError, "X has 60 rows and y 59"),
        ({"given": (np.ones((0, 3)), np.ones(0, int))}, ValueError, "training data: X has no rows"),
        ({"validation": (np.ones((0, 3)), np.ones(0, int))}, ValueError, "validation data: X has no rows"),
        ({"given": data()[0]}, TypeError, r"a pair \(X, y\)"),
        ({"given": (data()[0].astype(str), data()[1])}, TypeError, "X is an array of <U"),
        ({"given": (data()[0], data()[1] + 1)}, IndexError, "training data: label 3 of row 2 is outside the 3 classes"),
        ({"given": (data()[0], data()[1] - 1)}, IndexError, "label -1 of row 0"),
        ({"validation": (data()[0], data()[1] + 1)}, IndexError, "validation data: label 3 of row 2"),
        ({"batch_size": 0}, ValueError, "batch size 0 for 60 examples"),
        ({"batch_size": 61}, ValueError, "batch size 61 for 60 examples"),
        ({"epochs": 0}, TypeError, "0 epochs"),
        ({"metrics": "acuracy"}, TypeError, "metric 'acuracy' is unknown; did you mean 'accuracy'"),
        ({"early_stopping": nn.EarlyStopping(monitor="validation_los")}, TypeError, "'validation_los' is unknown"),
        ({"callbacks": [3]}, TypeError, "3 is no callback"),
        ({"given": (np.ones((60, 4)), data()[1])}, ValueError, r"Linear\(3, 8\): .*x has 4 features and W expects 3"),
        ({"batch_size": 2.5}, ValueError, "batch size 2.5 for 60 examples; a whole number"),
        ({"epochs": 1.5}, TypeError, "1.5 epochs; a whole number"),
        (
            {"given": (data()[0], data()[1][:, None])},
            ValueError,
            r"integers of shape \(60,\); not labels of .*\(60, 1\)",
        ),
        ({"given": (data()[0], data()[1] * 1.0)}, TypeError, r"cross_entropy: labels of dtype float64.*astype\(int\)"),
        ({"regularizer": nn.L2}, TypeError, r"no regularizer; .*nn\.L2\(1e-4\)"),
        ({"regularizer": 0.1}, TypeError, "0.1 is no regularizer"),
        ({"loss": lambda o, t: nn.cross_entropy(o, t, reduction="none")}, TypeError, r"gave a Tensor of shape \(10,\)"),
        (
            {"loss": lambda o, t: nn.cross_entropy(o, t).item(), "compile": False},
            TypeError,
            "the loss gave a float; .* recorded scalar",
        ),
        ({"given": (*data(), -np.ones(60))}, ValueError, "from -1 to -1; each example has one number, not negative"),
        ({"given": (*data(), np.zeros(60))}, ValueError, "not all are 0"),
        ({"given": (*data(), np.ones(59))}, ValueError, "X has 60 rows and y 60 and the weights 59"),
        (
            {"given": (*data(), np.ones(60)), "loss": lambda o, t: nn.cross_entropy(o, t)},
            TypeError,
            "the loss <lambda> takes no reduction='none'",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_moves(options, error, message):
    model = model_for()
    before = model.theta.data.copy()
    with pytest.raises(error, match=message):
        fitted(model=model, **options)
    np.testing.assert_array_equal(model.theta.data, before)


def test_an_optimizer_of_another_model_is_refused():
    optimizer = nn.SGD(model_for().parameters(), lr=0.1)
    with pytest.raises(TypeError, match="none of the model's parameters"):
        nn.fit(model_for(), nn.cross_entropy, data(), optimizer, epochs=1, batch_size=10, progress=False)


LATE = np.eye(60)[59]  # wrong in the last example only


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize(
    ("loss", "target", "error", "message"),
    [
        (
            "binary_cross_entropy_with_logits",
            2 * LATE[:, None],
            TypeError,
            r"from 0.0 to 2.0; they must be in \[0, 1\]",
        ),
        ("binary_cross_entropy_with_logits", LATE, ValueError, r"write y\[:, None\]"),
        ("hinge_loss", 1 - LATE[:, None].astype(int), TypeError, "must be -1 and 1"),
        ("cross_entropy", np.eye(3)[data()[1]] + LATE[:, None], TypeError, "must be probabilities"),
        ("kl_div", np.eye(3)[data()[1]] - LATE[:, None], TypeError, "must be probabilities"),
        ("nll_loss", data()[1] + (9 * LATE).astype(int), IndexError, "label 11 of row 59"),
        ("mse_loss", np.ones((60, 2)), ValueError, r"an output \(60, 3\) needs a target of that shape"),
    ],
)
def test_targets_are_looked_at_before_the_first_update_compiled_or_not(compile, loss, target, error, message):
    model = nn.MLP([3, 8, 1 if target.shape[1:] in ((), (1,)) and loss not in ("nll_loss",) else 3], rng=0)
    before = model.theta.data.copy()
    for options in (
        dict(given=(data()[0], target)),
        dict(given=(data()[0], target[:1].repeat(60, 0)), validation=(data()[0], target)),
    ):
        with pytest.raises(error, match=message):
            fitted(1, model=model, loss=loss, compile=compile, **options)
        np.testing.assert_array_equal(model.theta.data, before)


def test_a_compiled_training_clips_as_an_uncompiled_one():
    for limit in (0.05, 1.0, 1e9):
        thetas = [fitted(3, clip_norm=limit, compile=compile)[0].theta.data for compile in (True, False)]
        np.testing.assert_allclose(*thetas, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", nn.SGD, None])
def test_what_is_no_optimizer_and_what_is_no_model(optimizer):
    options = dict(epochs=1, batch_size=10, progress=False)
    with pytest.raises(TypeError, match=r"is no optimizer; make one .*nn\.SGD\(model\.parameters\(\), 0\.1\)"):
        nn.fit(model_for(), nn.cross_entropy, data(), optimizer, **options)
    with pytest.raises(TypeError, match=r"is no model; a nn\.Module"):
        nn.fit(lambda x: x, nn.cross_entropy, data(), nn.SGD(model_for().parameters()), **options)


@given(st.floats(1e-3, 1e3), st.floats(0.1, 100.0))
def test_no_update_is_made_from_a_gradient_longer_than_clip_norm(limit, scale):
    X, y = data()
    thetas = []
    run = dict(given=(X * scale, y), lr=0.01, momentum=0.0, batch_size=20)
    model = model_for()
    before = model.theta.data.copy()

    class Watch(nn.Callback):
        def on_batch_end(self, run):
            thetas.append(run.model.theta.data.copy())

    fitted(2, model=model, clip_norm=limit, callbacks=[Watch()], **run)
    steps = np.linalg.norm(np.diff([before, *thetas], axis=0), axis=1)
    assert len(steps) == 6
    assert steps.max() <= 0.01 * limit * (1 + 1e-9)
    if limit > 100 * scale:  # no gradient is that long: as without
        assert model.theta.data.tobytes() == fitted(2, **run)[0].theta.data.tobytes()


def test_clip_norm_goes_with_gradients_only():
    with pytest.raises(TypeError, match="clip_norm 0; it must be positive"):
        fitted(1, clip_norm=0)
    model = model_for()
    with pytest.raises(TypeError, match="clip_norm with NewtonCG"):
        nn.fit(
            model, "cross_entropy", data(), nn.NewtonCG(model.parameters()), epochs=1, batch_size=None, clip_norm=1.0
        )


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (model_for(output="softmax"), "cross_entropy"),
        (nn.Sequential(nn.Linear(3, 3), "sigmoid"), nn.binary_cross_entropy_with_logits),
    ],
)
def test_a_second_softmax_is_warned_of(model, loss):
    X, y = data()
    with pytest.warns(UserWarning, match="wants pre-activations"):
        fitted(1, model=model, loss=loss, given=(X, nn.one_hot(y)))


def test_batches_that_weigh_nothing_move_nothing():
    weights = np.repeat([0.0, 1.0], 30)
    model, history = fitted(2, given=(*data(), weights), batch_size=1, momentum=0.0)
    assert np.isfinite(model.theta.data).all()
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, X, y: nn.predict(m, X[:0]), ValueError, r"predict: X of shape \(0, 3\) has no rows"),
        (lambda m, X, y: nn.predict(m, X, batch_size=0), ValueError, "batch size 0; it must be a whole number"),
        (lambda m, X, y: nn.predict_proba(m, X, "cros_entropy"), TypeError, "did you mean 'cross_entropy'"),
        (
            lambda m, X, y: nn.predict_proba(model_for(output="softmax"), X),
            TypeError,
            "ends in softmax: its outputs are probabilities already; use predict",
        ),
        (lambda m, X, y: nn.evaluate(m, "cross_entropy", (X[:0], y[:0])), ValueError, "evaluate: X has no rows"),
        (lambda m, X, y: nn.evaluate(m, "cross_entropy", (X, y[:-1])), ValueError, "X has 60 rows and y 59"),
        (lambda m, X, y: nn.evaluate(m, "cross_entropy", spoiled(np.nan)), ValueError, "row 4, column 1 is nan"),
        (lambda m, X, y: list(nn.batches([X, y[:5]], 7)), ValueError, r"arrays with \[60, 5\] rows"),
        (lambda m, X, y: list(nn.batches([], 7)), ValueError, r"arrays with \[\] rows"),
        (lambda m, X, y: nn.split(X, y, (0.9, 0.3)), ValueError, "1.2 in sum"),
        (lambda m, X, y: nn.split(X, y, 0.8), TypeError, "a size for each part"),
        (lambda m, X, y: nn.split(X, y, ()), TypeError, "a size for each part"),
        (lambda m, X, y: nn.split(X, y, stratify=y[:3]), ValueError, "stratify has 3 classes for 60 examples"),
        (lambda m, X, y: nn.Adamm, AttributeError, "no attribute 'Adamm'"),
    ],
)
def test_bad_input_outside_of_training(call, error, message):
    with pytest.raises(error, match=message):
        call(model_for(), *data())


def test_a_loss_that_is_nan_stops_training_at_once():
    """The first node that is not finite is named, and theta is as before that batch."""
    model, seen = model_for(), []

    def loss(output, target):
        seen.append(model.theta.data.copy())
        if len(seen) == 9:
            output = ag.log(output - output)
        return nn.cross_entropy(output, target)

    with pytest.raises(FloatingPointError, match=r"epoch 1, batch 2 .* fprop of log: .* of 30 entries") as caught:
        fitted(model=model, loss=loss, compile=False)  # the loss counts its calls
    assert not isinstance(caught.value, ag.DivergenceError)
    assert len(seen) == 9
    np.testing.assert_array_equal(model.theta.data, seen[-1])


def test_a_gradient_that_is_nan_is_found_in_the_next_batch():
    """sqrt at 0 has a finite value and no finite gradient: theta goes back to the best epoch, or the start."""
    model, batches = model_for(), itertools.count()
    before = model.theta.data.copy()

    def loss(output, target):
        zero = (output * 0).sum()
        return nn.cross_entropy(output, target) + (ag.sqrt(zero) if next(batches) == 2 else 0.0)

    message = r"epoch 0, batch 3 .* the parameter .*whose gradient was not finite in the update before.* of the start"
    with pytest.raises(ag.NonFiniteError, match=message):
        fitted(model=model, loss=loss, compile=False)
    np.testing.assert_array_equal(model.theta.data, before)


@pytest.mark.parametrize("lr", [1.5, 1e4, 1e200])
def test_a_rate_that_diverges_is_reported_as_that(lr):
    """Beyond twice the optimal rate the loss of a linear model grows without bounds."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    model = nn.MLP([3, 1], rng=0)
    start = model.theta.data.copy()
    with pytest.raises(ag.DivergenceError, match=r"diverged in epoch \d+, batch \d.* Lower the learning rate"):
        fitted(
            1000,
            model=model,
            lr=lr,
            momentum=0.0,
            loss=lambda output, target: ((output - target) ** 2).mean(),
            given=(X, X @ np.ones((3, 1))),
        )
    assert np.isfinite(model.theta.data).all()
    assert np.abs(model.theta.data).max() < 10 * np.abs(start).max()


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_a_loss_of_any_scale_may_fall(scale):
    _, history = fitted(20, lr=0.1 / scale, momentum=0.0, loss=lambda o, t: nn.cross_entropy(o, t) * scale)
    assert history["loss"][-1] < 0.5 * history["loss"][0]


# -- the rest ------------------------------------------------------------------------------------------------------


def test_history_plots_and_is_plain_data(tmp_path):
    pytest.importorskip("matplotlib")
    _, history = fitted(3, metrics=["accuracy"], validation=data(20, seed=1))
    figure = history.plot(tmp_path / "curves.png", title="three epochs")
    assert (tmp_path / "curves.png").stat().st_size > 5000
    lines = {line.get_label(): line.get_ydata() for panel in figure.axes for line in panel.lines}
    assert set(lines) == {"loss", "validation loss", "accuracy", "validation accuracy", "best epoch"}
    np.testing.assert_array_equal(lines["validation loss"], history["validation_loss"])
    assert json.loads(json.dumps(history.to_dict())) == history.to_dict()
    assert history["rate"] == [0.1] * 3
    assert "3 epochs" in repr(history)
    with pytest.raises(TypeError, match="did you mean 'accuracy'"):
        history["acuracy"]


def test_the_bar_shows_loss_and_error(capsys):
    pytest.importorskip("tqdm")
    fitted(2, metrics="error_rate", progress=True)
    said = capsys.readouterr().err
    assert "12/12" in said
    assert "error_rate" in said


def test_probabilities_go_with_the_loss():
    model, _ = fitted(2)
    X, _ = data()
    output = nn.predict(model, X, batch_size=7)
    np.testing.assert_array_equal(output, model(X).data)
    e = np.exp(output)
    np.testing.assert_allclose(nn.predict_proba(model, X, nn.cross_entropy), e / e.sum(1, keepdims=True), rtol=1e-12)
    with pytest.raises(TypeError, match="no probabilities"):
        nn.predict_proba(model, X, "squared_error")


@given(st.integers(4, 200), st.integers(1, 5), st.lists(st.floats(0.1, 1), min_size=1, max_size=4), st.integers(0, 99))
def test_a_split_is_a_partition_with_the_classes_in_proportion(n, classes, shares, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    shares = np.array(shares) / max(1, sum(shares))
    if (np.diff(np.floor(np.cumsum(shares) * n + 1e-9), prepend=0) < 1).any():
        with pytest.raises(ValueError, match="none may be empty"):
            nn.split(np.arange(n), y, shares, rng=seed)
        return
    parts = nn.split(np.arange(n), y, shares, rng=seed)
    members = np.concatenate([X for X, _ in parts])
    assert len(set(members)) == len(members) == np.floor(shares.sum() * n + 1e-9)
    for (X, labels), share in zip(parts, shares, strict=True):
        np.testing.assert_array_equal(labels, y[X])
        assert abs(len(X) - share * n) < 1 + 1e-6
        expected = np.bincount(y, minlength=classes) * len(X) / n
        assert np.abs(np.bincount(labels, minlength=classes) - expected).max() <= 1 + 1e-9


def test_a_split_is_random_but_for_its_seed():
    X, y = np.arange(100), np.zeros(100, int)
    first, again, other = (nn.split(X, y, (50, 20), rng=seed)[0][0].tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert first != sorted(first)


@pytest.mark.parametrize("sizes", [(60, 50), (1.0, 0.0), (0.5, 0.004)])
def test_a_split_without_members_is_refused(sizes):
    with pytest.raises(ValueError, match="none may be empty"):
        nn.split(np.arange(100), np.zeros(100), sizes)


@given(st.integers(1, 60), st.integers(1, 20), st.booleans())
def test_batches_hold_every_row_once(n, size, shuffled):
    rng = np.random.default_rng(0) if shuffled else None
    X = np.random.default_rng(1).standard_normal((n, 3000 if n < 30 else 2))  # several gatherings, or one
    found = list(nn.batches((X, np.arange(n)), size, rng))
    assert [len(rows) for _, rows in found] == [size] * (n // size) + [n % size] * (n % size > 0)
    order = np.concatenate([rows for _, rows in found])
    np.testing.assert_array_equal(np.concatenate([x for x, _ in found]), X[order])
    assert sorted(order) == list(range(n))


def test_one_hot_and_metrics_against_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    labels, output = rng.integers(0, 4, 50), rng.standard_normal((50, 4))
    np.testing.assert_array_equal(nn.one_hot(labels).argmax(1), labels)
    with pytest.raises(IndexError, match="label 4 of row 1"):
        nn.one_hot([0, 4], 4)
    with pytest.raises(TypeError, match="integers are needed"):
        nn.one_hot([0.5])
    accuracy = metrics.accuracy_score(labels, output.argmax(1))
    assert nn.METRICS["accuracy"](output, labels) == pytest.approx(accuracy)
    assert nn.METRICS["zero_one"](output, nn.one_hot(labels)) == pytest.approx(1 - accuracy)
    binary = rng.integers(0, 2, 50)
    assert nn.METRICS["error_rate"](output[:, :1], binary) == np.mean((output[:, 0] > 0) != binary)
    targets = rng.standard_normal((50, 4))
    for name, theirs in {"mse": "mean_squared_error", "mae": "mean_absolute_error", "r2": "r2_score"}.items():
        assert nn.METRICS[name](output, targets) == pytest.approx(getattr(metrics, theirs)(targets, output))
    with pytest.raises(ValueError, match=r"mse: output of shape \(50, 4\)"):
        nn.METRICS["mse"](output, labels)
