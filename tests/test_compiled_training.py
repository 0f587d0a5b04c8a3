"""Training compiled: steps under ag.compile, and nn.fit, are what they are without, to the bit."""

from __future__ import annotations

import os
import signal
import warnings
from functools import partial

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import nn

compiled_for = partial(ag.compile, backend="numpy")  # which promises the same bits
DTYPES = ("float64", "float32")


def data(n=40, classes=3, seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return (rng.normal(scale=0.4, size=(n, classes)) + np.eye(classes)[y] * 2).astype(dtype), y


def model_for(dtype="float64", seed=0):
    return nn.MLP([3, 5, 3], activation="tanh", rng=seed, dtype=dtype)


OPTIMIZERS = {
    "SGD": lambda p: nn.SGD(p, lr=0.1),
    "momentum": lambda p: nn.SGD(p, lr=0.1, momentum=0.9),
    "Nesterov": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "weight decay": lambda p: nn.SGD(p, lr=0.1, momentum=0.5, weight_decay=0.01),
    "Adam": lambda p: nn.Adam(p, lr=0.01),
    "AdamW": lambda p: nn.AdamW(p, lr=0.01),
    "RMSprop": lambda p: nn.RMSprop(p, lr=0.01),
    "Adagrad": lambda p: nn.Adagrad(p, lr=0.05),
    "Rprop": lambda p: nn.Rprop(p, lr=0.01),
    "Momentum": lambda p: nn.Momentum(p, lr=0.1),
    "schedule": lambda p: nn.Adam(p, lr=lambda k: 0.1 / (k + 1)),
    "rates of entries": lambda p: nn.SGD(p, lr=np.linspace(0.01, 0.1, sum(q.size for q in p)), momentum=0.9),
    "rates of parameters": lambda p: nn.Adam(p, lr={q: 0.01 * (k + 1) for k, q in enumerate(p)}),
    "groups": lambda p: nn.SGD([{"params": p[:2], "lr": 0.1}, {"params": p[2:], "momentum": 0.5}], lr=0.2),
    "a part": lambda p: nn.Adam(p[1:3], lr=0.05),
}


def loop(model, optimizer, between=None):
    """One step, as one would write it."""

    def step(X, y):
        optimizer.zero_grad()
        output = model(X)
        loss = nn.cross_entropy(output, y)
        loss.backward()
        if between is not None:
            between(model)
        optimizer.step()
        return loss, output

    return step


def value(x):
    return np.asarray(x.data if isinstance(x, ag.Tensor) else x)


def state_of(model, optimizer):
    return [model.theta.data, *optimizer.state.values(), *[b for _, b in model.named_buffers()]]


def assert_equal(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        a, b = value(a), value(b)
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def side_by_side(make, steps=5, change=None, batches=(10, 10, 7)):
    """Two runs of `make()`, a step with its model and optimizer, one of them compiled, stay equal to the bit;
    `change(k, model, optimizer)` happens to both before step k."""
    (plain, *theirs), (step, *ours) = make(), make()
    compiled = compiled_for(step)
    for k in range(steps):
        if change is not None:
            change(k, *theirs)
            change(k, *ours)
        X, y = data(batches[k % len(batches)], seed=k, dtype=theirs[0].theta.data.dtype)
        assert_equal(compiled(X, y), plain(X, y))
        assert_equal(state_of(*ours), state_of(*theirs))
        assert ours[1].updates == theirs[1].updates
        for a, b in zip(ours[0].parameters(), theirs[0].parameters(), strict=True):
            assert (a.grad is None) == (b.grad is None)
            if a.grad is not None:
                assert_equal([a.grad], [b.grad])
    return compiled


def maker(name, dtype="float64", between=None, model=model_for):
    def make():
        net = model(dtype)
        optimizer = OPTIMIZERS[name](net.parameters())
        return loop(net, optimizer, between), net, optimizer

    return make


# -- steps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps(name, dtype):
    side_by_side(maker(name, dtype), steps=6)


@pytest.mark.parametrize("name", ["SGD", "momentum", "Adam", "schedule", "rates of entries"])
def test_several_steps_in_one_function(name):
    def make():
        model = model_for()
        optimizer = OPTIMIZERS[name](model.parameters())
        step = loop(model, optimizer)

        def three(X, y):
            return [step(X, y)[0] for _ in range(3)], model(X), *model.parameters()

        return three, model, optimizer

    side_by_side(lambda: flat_results(make()), steps=4)


def flat_results(made):
    f, *rest = made
    return (lambda X, y: [*f(X, y)[0], *f(X, y)[1:]], *rest)


RATES = [0.1, 0.2, np.float32(0.3), lambda k: 0.1 / (k + 1), np.linspace(0.01, 0.1, 38), 0.5, 1]


@pytest.mark.parametrize("name", ["momentum", "Adam", "groups"])
def test_the_rate_can_change_into_any_other_kind(name):
    def change(k, model, optimizer):
        if name == "groups" and not np.isscalar(RATES[k]):
            return
        optimizer.lr = RATES[k]

    side_by_side(maker(name), steps=len(RATES), change=change)


def test_options_of_groups_can_change():
    def change(k, model, optimizer):
        optimizer.param_groups[0]["momentum"] = [0.9, 0.5, 0.0, 0.0, 0.9][k]
        optimizer.param_groups[0]["weight_decay"] = [0.0, 0.0, 0.1, 0.0, 0.0][k]

    side_by_side(maker("momentum"), steps=5, change=change)


def test_parameters_can_move_into_a_larger_model():
    larger = []

    def change(k, model, optimizer):
        if k == 2:
            larger.append(nn.Sequential(nn.Linear(3, 3), model))
            _ = larger[-1].theta
        if k == 4:
            model.layers[0].weight.data = np.ones_like(model.layers[0].weight.data)

    for name in ("momentum", "Adam"):
        side_by_side(maker(name), steps=6, change=change)


def test_gradients_go_where_their_parameters_have_moved():
    def make():
        model = model_for()

        def f(X, y):
            nn.cross_entropy(model(X), y).backward()

        return f, model

    (f, plain), (g, other) = make(), make()
    g = compiled_for(g)
    for k in range(4):
        models = [nn.Sequential(nn.Linear(3, 3, rng=k), m) for m in (plain, other)]
        optimizers = [nn.SGD(m.parameters(), lr=0.1) for m in models]
        for call, optimizer in zip((f, g), optimizers, strict=True):
            optimizer.zero_grad()
            call(*data(seed=k))
            optimizer.step()
        assert_equal([other.theta.data], [plain.theta.data])


def test_parameters_can_freeze_and_thaw():
    def change(k, model, optimizer):
        if k == 2:
            model.layers[0].weight.requires_grad = False

    side_by_side(lambda: plain_model(OPTIMIZERS["momentum"]), steps=5, change=change)


class Two(nn.Module):
    """Parameters by name, so that one of them may cease to be one."""

    def __init__(self):
        self.layers = [nn.Linear(3, 4, rng=0), nn.Linear(4, 3, rng=1)]

    def forward(self, x):
        return self.layers[1](np.tanh(self.layers[0](x)))


def plain_model(optimizer):
    model = Two()
    chosen = optimizer(model.parameters())
    return loop(model, chosen), _Held(chosen, model), chosen


class _Held:
    """What the optimizer holds, whatever the model says its parameters are."""

    def __init__(self, optimizer, model):
        self.theta, self.layers, self.named_buffers, self.parameters = optimizer.theta, model.layers, list, list


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "between",
    [
        lambda m: nn.clip_grad_norm_(m.parameters(), 0.01),
        lambda m: nn.clip_grad_norm_(m.parameters(), 1e6),
        lambda m: nn.clip_grad_norm_(m.theta, 0.1, norm_type=1),
        lambda m: nn.clip_grad_norm_(m.parameters()[:2], 0.1, norm_type=np.inf),
        lambda m: nn.clip_grad_norm_(m.parameters(), 0.1, error_if_nonfinite=True),
        lambda m: nn.clip_grad_value_(m.parameters(), 0.01),
        lambda m: [setattr(p, "grad", p.grad * 0.5) for p in m.parameters()],
    ],
)
def test_gradients_clipped_before_the_step(between, dtype):
    side_by_side(maker("momentum", dtype, between))


def test_clipping_refuses_what_is_not_finite_as_without_compiling():
    make = maker("SGD", between=lambda m: nn.clip_grad_norm_(m.parameters(), 1.0, error_if_nonfinite=True))
    step, model, _ = make()
    compiled = compiled_for(step)
    compiled(*data())
    before = model.theta.data.copy()
    X, y = data()
    X[0, 0] = np.nan
    for f in (compiled, step):
        with pytest.raises(ag.ShapeError, match="norm nan"):
            f(X, y)
        assert_equal([model.theta.data], [before])


def test_clipping_returns_the_norm():
    def make():
        model = model_for()
        optimizer = nn.SGD(model.parameters(), lr=0.1)

        def step(X, y):
            optimizer.zero_grad()
            nn.cross_entropy(model(X), y).backward()
            norm = nn.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            return [norm]

        return step, model, optimizer

    side_by_side(make)


@pytest.mark.parametrize("every", [2, 3])
def test_gradients_accumulated_over_calls(every):
    def make():
        model = model_for()
        optimizer = nn.Adam(model.parameters(), lr=0.01)

        def step(X, y):
            nn.cross_entropy(model(X), y).backward()
            return []

        return step, model, optimizer

    def change(k, model, optimizer):
        if k and k % every == 0:
            optimizer.step()
            optimizer.zero_grad()

    side_by_side(make, steps=8, change=change)


def test_the_step_alone_compiled():
    def make():
        model = model_for()
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(X, y):
            optimizer.step()
            return []

        return step, model, optimizer

    def change(k, model, optimizer):
        if k != 1:
            nn.cross_entropy(model(data(seed=k)[0]), data()[1]).backward()
        if k == 3:
            optimizer.zero_grad()

    side_by_side(make, change=change)


def test_two_optimizers():
    def make():
        model = model_for()
        first = nn.SGD(model.parameters()[:2], lr=0.1, momentum=0.9)
        second = nn.Adam(model.parameters()[2:], lr=0.01)

        def step(X, y):
            first.zero_grad()
            second.zero_grad()
            loss = nn.cross_entropy(model(X), y)
            loss.backward()
            first.step()
            second.step()
            return [loss]

        return step, model, second

    side_by_side(make)


class Noisy(nn.Module):
    """Dropout twice, with generators of their own or one for both, and batch normalization."""

    def __init__(self, dtype, shared=False):
        rng = np.random.default_rng(5)
        self.layers = nn.Sequential(
            nn.Linear(3, 6, rng=0, dtype=dtype), nn.BatchNorm(6, dtype=dtype), np.tanh,
            nn.Dropout(0.5, rng=rng if shared else 1), nn.Linear(6, 6, rng=1, dtype=dtype), np.tanh,
            nn.Dropout(0.3, rng=rng if shared else 2), nn.Linear(6, 3, rng=2, dtype=dtype),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shared", [False, True])
def test_dropout_and_batch_normalization(shared, dtype):
    """The masks, the running statistics, and what follows when the model leaves training and comes back."""

    def change(k, model, optimizer):
        model.train(k not in (2, 3))

    compiled = side_by_side(
        maker("momentum", dtype, model=lambda dtype: Noisy(dtype, shared)), steps=8, change=change, batches=(10,)
    )
    assert sum(map(len, compiled._plans.values())) == 2


def test_two_dropouts_and_two_calls_differ():
    first, second = nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=1)
    compiled = compiled_for(lambda x: (first(x), second(x), first(x)))
    masks = [*compiled(np.ones(100)), *compiled(np.ones(100))]
    assert len({mask.tobytes() for mask in masks}) == 6


# -- nn.fit ----------------------------------------------------------------------------------------------------------


def fits(make=None, *, raises=None, given=None, **options):
    """nn.fit does the same compiled as uncompiled: model, history, and the error with its message; returns the
    models."""
    make = make or (lambda: (m := model_for(), nn.SGD(m.parameters(), lr=0.1, momentum=0.9)))
    options = {"loss": nn.cross_entropy, "epochs": 4, "batch_size": 10, "progress": False, "rng": 3, **options}
    runs = []
    for compile in (False, "numpy"):
        model, optimizer = make()
        message, history = None, None
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            chosen = {k: v() if k in ("callbacks", "regularizer") and callable(v) else v for k, v in options.items()}
            try:
                history = nn.fit(
                    model, data=data() if given is None else given, optimizer=optimizer, compile=compile, **chosen
                )
            except ag.AutogradError as error:
                message = f"{type(error).__name__}: {error}"
        runs.append((model, optimizer, history, message))
    (plain, one, before, wanted), (model, other, after, message) = runs
    assert message == wanted
    assert (message is not None) == (raises is not None)
    if raises:
        assert raises in message
    assert_equal(state_of(model, other), state_of(plain, one))
    assert one.updates == other.updates
    if before is not None:
        for name, values in before.to_dict().items():
            if name != "seconds":
                np.testing.assert_array_equal(after[name], values)
        assert (after.stopped, after.best_epoch) == (before.stopped, before.best_epoch)
    return model, plain


def test_fit_is_the_same_to_the_bit():
    for name, optimizer in OPTIMIZERS.items():
        if name != "a part":
            fits(lambda optimizer=optimizer: (m := model_for(), optimizer(m.parameters())))


@pytest.mark.parametrize("size", [None, 1, 7, 39, 40])
def test_fit_with_a_last_batch_that_is_smaller(size):
    fits(batch_size=size, epochs=2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["L1", "L2", "ElasticNet", "function"])
def test_fit_with_a_regularizer(name, dtype):
    regularizers = {
        "L1": nn.L1(1.0),
        "L2": nn.L2(0.05),
        "ElasticNet": nn.ElasticNet(0.05, l1_ratio=0.3),
        "function": lambda model: 0.01 * sum(np.sum(p**2) for p in model.parameters()),
    }
    chosen = regularizers[name]

    def make():
        model = model_for(dtype)
        return model, nn.SGD(model.parameters(), lr=lambda k: 0.1 / (1 + k / 10), momentum=0.9)

    models = []
    for compile in (False, "numpy"):
        model, optimizer = make()
        nn.fit(model, nn.cross_entropy, data(), optimizer, epochs=4, batch_size=10, regularizer=chosen, progress=False,
               compile=compile)  # fmt: skip
        models.append(model)
    assert_equal([models[1].theta.data], [models[0].theta.data])
    if name == "L1":
        assert np.mean(models[0].theta.data == 0) > 0.05


def test_fit_with_weights_metrics_and_validation():
    X, y = data()
    weights = np.linspace(0.1, 2, len(y))
    fits(given=(X, y, weights), metrics=["accuracy"], validation=data(seed=1), early_stopping=2, epochs=12)


def test_fit_with_dropout_and_batch_normalization():
    def make():
        model = Noisy("float32")
        return model, nn.Adam(model.parameters(), lr=0.01)

    model, plain = fits(make, validation=data(seed=1), metrics=["accuracy"])
    assert_equal([nn.predict(model, data()[0])], [nn.predict(plain, data()[0])])


def test_fit_where_callbacks_change_things():
    """The rate, the options, what is frozen, and the model's mode are what they are at each batch."""

    class Changes(nn.Callback):
        def on_epoch_end(self, run):
            run.optimizer.lr = [0.2, 0.05, lambda k: 0.3 / (k + 1), 0.1][run.epoch]
            run.optimizer.param_groups[0]["weight_decay"] = 0.01 * run.epoch

        def on_batch_end(self, run):
            if run.epoch == 2 and run.batch == 1:
                with ag.no_grad():
                    run.model.layers[0].weight[0] = 0.5
            if run.epoch == 3 and run.batch == 2:
                run.stop("enough")

    fits(callbacks=lambda: [Changes()], epochs=8)


def test_fit_whose_data_are_not_finite_midway():
    """The batch with NaN changes nothing, and the message is the same."""
    X, y = data()

    class Poison(nn.Module):
        """The inverse of an input that is 0 in one example."""

        def __init__(self):
            self.layer = nn.Linear(3, 3, rng=0)

        def forward(self, x):
            return self.layer(1 / x)

    X = X + 5
    X[17, 1] = 0.0
    fits(
        lambda: (m := Poison(), nn.SGD(m.parameters(), lr=0.01, momentum=0.9)),
        given=(X, y),
        raises="theta is as before this batch",
    )


@pytest.mark.parametrize("lr", [1e3, 1e200])
def test_fit_that_diverges(lr):
    X = np.linspace(-1, 1, 20)[:, None]

    def make():
        model = nn.MLP([1, 1], rng=0)
        return model, nn.SGD(model.parameters(), lr=lr)

    fits(make, given=(X, 3 * X), loss=lambda o, t: ((o - t) ** 2).mean(), epochs=100, raises="diverged")


class Linear1(nn.Module):
    """One vector of parameters, which all that happens to theta has the shape of."""

    def __init__(self):
        self.w = ag.tensor(np.ones(3), requires_grad=True, name="w")

    def forward(self, x):
        return np.sum(1 / x * (self.w * self.w), axis=1, keepdims=True)


def test_nothing_has_moved_where_the_loss_is_out_of_bounds():
    X = np.full((40, 3), 2.0)
    X[25, 0] = 0.0
    fits(
        lambda: (m := Linear1(), nn.SGD(m.parameters(), lr=0.01, momentum=0.9, weight_decay=0.1)),
        given=(X, np.ones((40, 1))),
        loss=lambda o, t: ((o - t) ** 2).mean(),
        regularizer=lambda: nn.L2(0.1),
        raises="theta is as before this batch",
    )


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("at", [2, 9])
def test_fit_ends_with_the_best_theta_when_interrupted(at):
    class Interrupt(nn.Callback):
        count = 0

        def on_batch_end(self, run):
            self.count += 1
            if self.count == at:
                os.kill(os.getpid(), signal.SIGINT)

    fits(callbacks=lambda: [Interrupt()], epochs=20)


def test_fit_runs_uncompiled_with_one_warning_where_values_decide():
    class Choosy(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(3, 3, rng=0)

        def forward(self, x):
            y = self.layer(x)
            return y * 2 if np.sum(y) > 0 else y

    models = []
    for compile in ("numpy", False):
        model = Choosy()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            nn.fit(model, nn.cross_entropy, data(), nn.SGD(model.parameters(), lr=0.1), epochs=3, batch_size=10,
                   progress=False, compile=compile)  # fmt: skip
        models.append(model)
        assert len(caught) == bool(compile)
        if compile:
            assert "uncompiled" in str(caught[0].message)
            assert "test_compiled_training.py" in str(caught[0].message)  # the line that asks for a value
    assert_equal([models[0].theta.data], [models[1].theta.data])


def test_fit_runs_uncompiled_with_hooks_which_see_each_batch():
    seen = []
    model = model_for()
    model.layers[0].weight.register_hook(lambda g: seen.append(np.array(g)))
    with pytest.warns(RuntimeWarning, match="hook"):
        nn.fit(model, nn.cross_entropy, data(), nn.SGD(model.parameters(), lr=0.1), epochs=2, batch_size=10,
               progress=False)  # fmt: skip
    assert len(seen) == 8


def test_a_hook_that_comes_while_fit_runs():
    seen = []

    def hook(run):
        if run.epoch == 0:
            run.model.layers[0].weight.register_hook(lambda g: seen.append(1))

    model = model_for()
    with pytest.warns(RuntimeWarning, match="hook"):
        nn.fit(model, nn.cross_entropy, data(), nn.SGD(model.parameters(), lr=0.1), epochs=3, batch_size=10,
               callbacks=[hook], progress=False)  # fmt: skip
    assert len(seen) == 8


def test_fit_leaves_gradients_and_a_second_fit_goes_on():
    models = []
    for compile in (False, "numpy"):
        model = model_for()
        optimizer = nn.Adam(model.parameters(), lr=0.01)
        for epochs in (1, 2):
            nn.fit(model, nn.cross_entropy, data(), optimizer, epochs=epochs, batch_size=10, progress=False,
                   compile=compile)  # fmt: skip
        nn.cross_entropy(model(data()[0]), data()[1]).backward()
        models.append(model)
    assert_equal([models[1].theta.data, models[1].theta.grad], [models[0].theta.data, models[0].theta.grad])


def test_labels_outside_the_classes_are_refused_at_each_replay():
    compiled = compiled_for(lambda o, y: nn.cross_entropy(o, y))
    output = np.zeros((4, 3))
    compiled(output, np.array([0, 1, 2, 0]))
    for wrong in ([0, 1, 3, 0], [0, -1, 2, 0]):
        with pytest.raises(ag.AutogradError) as theirs:
            nn.cross_entropy(output, np.array(wrong))
        with pytest.raises(type(theirs.value)) as ours:
            compiled(output, np.array(wrong))
        assert str(ours.value).replace(" ", "_") == str(theirs.value).replace(" ", "_")


def test_a_compiled_model_that_is_trained_on_predicts_with_what_it_has_learned():
    """Running statistics, which are new arrays after each step, included."""
    model = Noisy("float64")
    compiled = compiled_for(model)
    X, y = data()
    for _ in range(3):
        model.eval()
        assert_equal([compiled(X)], [model(X)])
        model.train()
        nn.fit(model, nn.cross_entropy, (X, y), nn.SGD(model.parameters(), lr=0.1), epochs=1, batch_size=10,
               progress=False)  # fmt: skip
    model.eval()
    assert_equal([compiled(X)], [model(X)])
    model.load_state_dict(Noisy("float64").state_dict())
    assert_equal([compiled(X)], [model(X)])
    assert len(compiled._plans) == 1


@pytest.mark.parametrize("what", ["data", "grad"])
def test_theta_itself_is_no_value_in_a_compiled_function(what):
    model = model_for()
    compiled = compiled_for(lambda x: np.sum(getattr(model.theta, what) * x))
    with pytest.raises(ag.LeakError, match=f"theta.{what}"):
        compiled(2.0)


def test_a_regularizer_of_ones_own_that_writes_to_theta():
    class Halving(nn.L1):
        def proximal_step(self, model, rate):
            theta = model.theta
            theta.data[:] = theta.data * (1 - 0.5 * rate)
            theta.changed()

    models = []
    for compile in ("numpy", False):
        model = model_for()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            nn.fit(model, nn.cross_entropy, data(), nn.SGD(model.parameters(), lr=0.1), epochs=3, batch_size=10,
                   regularizer=Halving(0.1), progress=False, compile=compile)  # fmt: skip
        assert len(caught) == bool(compile)
        models.append(model)
    assert_equal([models[0].theta.data], [models[1].theta.data])


def test_fit_runs_uncompiled_where_a_value_from_before_is_differentiated_through():
    models = []
    for compile in ("numpy", False):
        scale = ag.tensor(2.0, requires_grad=True)
        doubled = scale * 2
        model = model_for()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            nn.fit(model, lambda o, t, doubled=doubled: nn.cross_entropy(o * doubled, t), data(),
                   nn.SGD(model.parameters(), lr=0.1), epochs=1, batch_size=10, progress=False, compile=compile)  # fmt: skip
        assert len(caught) == bool(compile)
        models.append(model)
    assert_equal([models[0].theta.data], [models[1].theta.data])
