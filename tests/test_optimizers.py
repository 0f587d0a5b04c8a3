"""First-order optimizers: each against its recurrence written out, entry by entry; groups, rates, saving, clipping."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import nn
from autograd_lite.nn.optimizers.replay import BLOCK

# -- each equation, as a loop over the entries of theta -------------------------------------------------------------


def sgd(w, gs, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    v = None
    for g in gs:
        g = g + weight_decay * w
        v = g if v is None else momentum * v + (1 - dampening) * g
        w = w - lr * (g + momentum * v if nesterov else v)
    return w


def momentum(w, gs, lr, beta=0.9):
    v = 0.0
    for g in gs:
        v = beta * v + (1 - beta) * g
        w = w - lr * v
    return w


def adagrad(w, gs, lr, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    s = initial_accumulator_value
    for t, g in enumerate(gs, 1):
        g = g + weight_decay * w
        s += g**2
        w = w - lr / (1 + (t - 1) * lr_decay) * g / (math.sqrt(s) + eps)
    return w


def rmsprop(w, gs, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    s = m = v = 0.0
    for g in gs:
        g = g + weight_decay * w
        s = alpha * s + (1 - alpha) * g**2
        m = alpha * m + (1 - alpha) * g
        v = momentum * v + g / (math.sqrt(max(s - m**2, 0.0) if centered else s) + eps)
        w = w - lr * v
    return w


def adam(w, gs, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, decoupled=False):
    m = s = largest = 0.0
    for t, g in enumerate(gs, 1):
        if decoupled:
            w = w - lr * weight_decay * w
        else:
            g = g + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        s = betas[1] * s + (1 - betas[1]) * g**2
        largest = max(largest, s) if amsgrad else s
        w = w - lr * (m / (1 - betas[0] ** t)) / (math.sqrt(largest / (1 - betas[1] ** t)) + eps)
    return w


def adamw(w, gs, lr, weight_decay=0.01, **options):
    return adam(w, gs, lr, weight_decay=weight_decay, decoupled=True, **options)


def rprop(w, gs, lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0)):
    before, step = 0.0, lr
    for g in gs:
        if g * before > 0:
            step = min(step * etas[1], step_sizes[1])
        elif g * before < 0:
            step = max(step * etas[0], step_sizes[0])
            g = 0.0
        w, before = w - (g > 0) * step + (g < 0) * step, g
    return w


UNIT = st.floats(0.0, 0.99)
SMALL = st.floats(0.0, 0.3)
CASES = {
    "SGD": (sgd, st.fixed_dictionaries({"momentum": UNIT, "dampening": UNIT, "weight_decay": SMALL})),
    "SGD nesterov": (sgd, st.fixed_dictionaries({"momentum": st.floats(0.1, 0.9), "nesterov": st.just(True)})),
    "Momentum": (momentum, st.fixed_dictionaries({"beta": UNIT})),
    "Adagrad": (
        adagrad,
        st.fixed_dictionaries({"lr_decay": SMALL, "weight_decay": SMALL, "initial_accumulator_value": SMALL}),
    ),
    "RMSprop": (
        rmsprop,
        st.fixed_dictionaries(
            {"alpha": UNIT, "weight_decay": SMALL, "momentum": st.sampled_from([0.0, 0.8]), "centered": st.booleans()}
        ),
    ),
    "Adam": (
        adam,
        st.fixed_dictionaries({"betas": st.tuples(UNIT, UNIT), "weight_decay": SMALL, "amsgrad": st.booleans()}),
    ),
    "AdamW": (
        adamw,
        st.fixed_dictionaries({"betas": st.tuples(UNIT, UNIT), "weight_decay": SMALL, "amsgrad": st.booleans()}),
    ),
    "Rprop": (
        rprop,
        st.fixed_dictionaries({"etas": st.tuples(st.floats(0.1, 0.9), st.floats(1.1, 2.0)), "step_sizes": st.just((0.01, 0.5))}),
    ),
}  # fmt: skip


def moved(name, w, gs, **options):
    leaf = ag.tensor(w, requires_grad=True)
    optimizer = getattr(nn, name.split()[0])([leaf], **options)
    for g in gs:
        leaf.grad = g
        optimizer.step()
    return leaf.data


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_equations(name, data):
    recurrence, options = CASES[name]
    options = data.draw(options) | {"lr": data.draw(st.floats(0.01, 0.5))}
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    w, gs = rng.standard_normal(5), rng.standard_normal((12, 5))
    expected = [recurrence(w[i], gs[:, i], **options) for i in range(5)]
    np.testing.assert_allclose(moved(name, w, gs, **options), expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_defaults(name):
    rng = np.random.default_rng(0)
    w, gs = rng.standard_normal(3), rng.standard_normal((12, 3))
    defaults = {"SGD": 1e-3, "Adam": 1e-3, "AdamW": 1e-3}
    lr = {"lr": defaults.get(name.split()[0], 1e-2)}
    expected = [CASES[name][0](w[i], gs[:, i], **lr) for i in range(3)]
    np.testing.assert_allclose(moved(name, w, gs), expected, rtol=1e-9)


FIRST_ORDER = [
    (nn.SGD, dict(lr=0.05)),
    (nn.SGD, dict(lr=0.02, momentum=0.9)),
    (nn.SGD, dict(lr=0.02, momentum=0.9, nesterov=True)),
    (nn.Momentum, dict(lr=0.2)),
    (nn.Adagrad, dict(lr=0.5)),
    (nn.RMSprop, dict(lr=nn.schedules.Inverse(0.1, 0.02))),
    (nn.Adam, dict(lr=0.1)),
    (nn.AdamW, dict(lr=0.1, weight_decay=0.0)),
    (nn.Rprop, dict(lr=0.1)),
]
IDS = [f"{kind.__name__}{'+' * len(options)}{k}" for k, (kind, options) in enumerate(FIRST_ORDER)]


@pytest.mark.parametrize(("kind", "options"), FIRST_ORDER, ids=IDS)
def test_each_reaches_the_minimum_of_a_quadratic(kind, options):
    H, m = np.diag([1.0, 4.0, 10.0]), np.array([1.0, -2.0, 0.5])
    w = ag.tensor(np.zeros(3), requires_grad=True)
    optimizer = kind([w], **options)
    losses = [optimizer.step(lambda: 0.5 * ((w - m) @ H @ (w - m))) for _ in range(400)]
    assert losses[0] == pytest.approx(0.5 * m @ H @ m)
    np.testing.assert_allclose(w.data, m, atol=2e-3)
    assert optimizer.updates == 400


@pytest.mark.parametrize(("kind", "options"), FIRST_ORDER, ids=IDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rule_is_a_formula(kind, options, dtype):
    """On arrays, on Tensors, and replayed in place by a step: the same; and nothing is written in place."""
    rng = np.random.default_rng(1)
    w = ag.tensor(rng.standard_normal(7).astype(dtype), requires_grad=True)
    optimizer = kind([w], **options)
    for vector in optimizer.state.values():
        vector[...] = rng.uniform(1, 2, 7)
    optimizer.updates = 3
    theta, g, state = w.data.copy(), rng.standard_normal(7).astype(dtype), list(optimizer.state.values())
    before = [vector.copy() for vector in (theta, g, *state)]
    own = {k: v for k, v in optimizer.param_groups[0].items() if k not in ("params", "lr")}
    on_arrays = optimizer.update(theta, g, optimizer.rate, 3, *state, **own)
    for vector, copied in zip((theta, g, *state), before, strict=True):
        np.testing.assert_array_equal(vector, copied)
    on_tensors = optimizer.update(
        *[ag.tensor(v, requires_grad=True) for v in (theta, g)], optimizer.rate, 3, *state, **own
    )
    w.grad = g
    optimizer.step()
    for a, t, replayed in zip(on_arrays, on_tensors, (w.data, *state), strict=True):
        assert a.dtype == replayed.dtype == dtype
        np.testing.assert_array_equal(a, t.data if isinstance(t, ag.Tensor) else t)
        np.testing.assert_allclose(a, replayed, rtol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize(("kind", "options"), FIRST_ORDER, ids=IDS)
def test_blocks_make_no_difference(kind, options):
    size = 2 * BLOCK + 77
    rng = np.random.default_rng(2)
    values, gs = rng.standard_normal(size).astype("f"), rng.standard_normal((3, size)).astype("f")
    whole, parts = (
        ag.tensor(values, requires_grad=True),
        [ag.tensor(p, requires_grad=True) for p in np.split(values, [9, 200])],
    )
    one, several = kind([whole], **options), kind(parts, **options)
    for g in gs:
        whole.grad = g
        for part, own in zip(parts, np.split(g, [9, 200]), strict=True):
            part.grad = own
        one.step()
        several.step()
    few = ag.tensor(values[-50:], requires_grad=True)
    last = kind([few], **options)
    for g in gs:
        few.grad = g[-50:]
        last.step()
    assert whole.data.tobytes() == several.theta.data.tobytes()
    assert whole.data[-50:].tobytes() == few.data.tobytes()


def test_float32_stays_float32_with_numpy_rates_and_options():
    w = ag.tensor(np.ones(3, "f"), requires_grad=True)
    for lr in (np.float64(0.1), np.full(3, 0.1), lambda k: np.float64(0.1)):
        optimizer = nn.Adam([w], lr=lr, eps=1e-8)
        w.grad = np.ones(3, "f")
        optimizer.step()
        assert {w.data.dtype, *(vector.dtype for vector in optimizer.state.values())} == {np.dtype("f")}


def test_momentum_is_sgd_with_another_rate():
    gs = np.random.default_rng(3).standard_normal((9, 4))
    np.testing.assert_allclose(
        moved("Momentum", np.ones(4), gs, lr=0.5, beta=0.8),
        moved("SGD", np.ones(4), gs, lr=0.1, momentum=0.8),
        rtol=1e-12,
    )


# -- rules of one's own ----------------------------------------------------------------------------------------------


def with_rule(formula, *state):
    kind = type("Own", (nn.Optimizer,), {"update": lambda self, *args: formula(*args)})
    w = ag.tensor([1.0, -2.0], requires_grad=True)
    w.grad = np.array([0.5, 1.0])
    return w, kind([w], 0.1, state)


def test_results_that_change_places():
    w, optimizer = with_rule(lambda theta, g, rate, k, a, b: (b, theta, a), "a", "b")
    optimizer.state["b"][...] = 7.0
    optimizer.step()
    assert (w.data.tolist(), optimizer.state["a"].tolist(), optimizer.state["b"].tolist()) == ([7, 7], [1, -2], [0, 0])
    w, optimizer = with_rule(lambda theta, g, rate, k, a: (theta - rate * g, theta), "a")
    optimizer.step()
    np.testing.assert_allclose([w.data, optimizer.state["a"]], [[0.95, -2.1], [1, -2]])


def test_rules_that_cannot_be_replayed():
    for formula, message in (
        (lambda theta, g, rate, k: (theta - rate * g / (g * g).sum(),), "makes a number of a vector"),
        (lambda theta, g, rate, k: (theta, g), "returned 2 values; it must return 1"),
        (lambda theta, g, rate, k: (rate,), "must return 1 vectors"),
    ):
        w, optimizer = with_rule(formula)
        with pytest.raises(TypeError, match=message):
            optimizer.step()
        assert w.data.tolist() == [1.0, -2.0]
    with pytest.raises(NotImplementedError, match="Optimizer defines no update"):
        nn.Optimizer([w], 0.1).step()


def test_a_step_inside_no_grad():
    w = ag.tensor([1.0], requires_grad=True)
    w.grad = np.ones(1)
    with ag.no_grad():
        nn.SGD([w], lr=0.5, momentum=0.9).step()
    assert w.data[0] == 0.5


# -- groups and rates ------------------------------------------------------------------------------------------------


@pytest.fixture
def model():
    return nn.MLP([3, 4, 2], rng=0)


def set_gradients(model, rng):
    for p in model.parameters():
        p.grad = rng.standard_normal(p.shape)


def test_groups_have_options_of_their_own(model):
    """A group is an optimizer of its own, wherever its parameters stand in theta."""
    weights, biases = [layer.weight for layer in model.layers], [layer.bias for layer in model.layers]
    options = dict(lr=0.1, betas=(0.5, 0.9), weight_decay=0.3), dict(lr=nn.schedules.Linear(0.5))
    other = copy.deepcopy(model)
    apart = [
        nn.Adam([layer.weight for layer in other.layers], **options[0]),
        nn.Adam([layer.bias for layer in other.layers], **options[1]),
    ]
    together = nn.Adam([{"params": biases, **options[1]}, {"params": weights, **options[0]}])
    for seed in range(4):
        for net, optimizers in ((model, [together]), (other, apart)):
            set_gradients(net, np.random.default_rng(seed))
            for optimizer in optimizers:
                optimizer.step()
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12)
        assert np.shares_memory(p.data, together.theta.data)
    assert np.shares_memory(model.theta.data, together.theta.data)  # the model's vector, not one in the order of groups
    assert together.theta.parameters == model.parameters()
    text = repr(together)
    assert text.count("\n") == 3
    assert "weight_decay=0.3, amsgrad=False; parameters: 2, entries: 20" in text


def test_a_changed_group_counts_from_the_next_step():
    w = ag.tensor([0.0, 0.0], requires_grad=True)
    optimizer = nn.SGD([w], lr=1.0, momentum=0.5)
    for change, expected in (({}, -1.0), ({"momentum": 0.0}, -2.0), ({"lr": 0.5, "weight_decay": 1.0}, -1.5)):
        optimizer.param_groups[0].update(change)
        w.grad = np.ones(2)
        optimizer.step()
        assert w.data.tolist() == [expected] * 2
    optimizer.lr = 2
    assert optimizer.rate == optimizer.param_groups[0]["lr"] == 2.0


@pytest.mark.parametrize("form", ["array", "dict", "list", "schedules"])
def test_rates_per_parameter_and_per_entry(form):
    a, b = ag.tensor(np.zeros((2, 2)), requires_grad=True), ag.tensor(0.0, requires_grad=True)
    rates = np.array([[1.0, 2.0], [3.0, 4.0]])
    lr = {
        "array": np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
        "dict": {b: 5.0, a: rates},
        "list": [rates, 5.0],
        "schedules": {a: nn.schedules.Constant(2.0), b: nn.schedules.Linear(5.0)},
    }[form]
    optimizer = nn.SGD([a, b], lr=lr)
    assert optimizer.rate.tolist() == ([2, 2, 2, 2, 5] if form == "schedules" else [1, 2, 3, 4, 5])
    for _ in range(2):
        a.grad, b.grad = np.ones((2, 2)), 1.0
        optimizer.step()
    np.testing.assert_allclose(a.data, -4.0 * np.ones((2, 2)) if form == "schedules" else -2 * rates)
    assert b.item() == (-7.5 if form == "schedules" else -10.0)


def test_a_schedule_counts_updates():
    w = ag.tensor(0.0, requires_grad=True)
    optimizer = nn.SGD([w], lr=nn.schedules.Step(1.0, 2, 0.5))
    rates = []
    for _ in range(5):
        rates.append(optimizer.rate)
        w.grad = 1.0
        optimizer.step()
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert w.item() == -sum(rates)


# -- saving ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), FIRST_ORDER, ids=IDS)
@pytest.mark.parametrize("how", ["state_dict", "pickle", "deepcopy"])
def test_going_on_from_a_saved_state(kind, options, how):
    def run(model, optimizer, seeds):
        for seed in seeds:
            set_gradients(model, np.random.default_rng(seed))
            optimizer.step()
        return model.theta.data.tobytes()

    model = nn.MLP([2, 3, 2])
    optimizer = kind([{"params": p} for p in model.parameters()], **options)
    run(model, optimizer, range(3))
    if how == "state_dict":
        other = copy.deepcopy(model)
        again = kind([{"params": p} for p in other.parameters()], lr=9.0)
        if "nesterov" in options or "momentum" in options:
            again = kind([{"params": p} for p in other.parameters()], lr=9.0, momentum=0.5)
        again.load_state_dict(pickle.loads(pickle.dumps(optimizer.state_dict())))
    else:
        copied = (
            pickle.loads(pickle.dumps((model, optimizer))) if how == "pickle" else copy.deepcopy((model, optimizer))
        )
        other, again = copied
    assert again.updates == 3
    assert run(other, again, range(3, 6)) == run(model, optimizer, range(3, 6))


def test_state_dicts_that_do_not_fit(model):
    saved = nn.Adam(model.parameters()).state_dict()
    with pytest.raises(TypeError, match=r"SGD: the state_dict has the state \['m', 's'\], this optimizer \[\]"):
        nn.SGD(model.parameters()).load_state_dict(saved)
    with pytest.raises(TypeError, match="groups of parameters"):
        nn.Adam(model.parameters()[:2]).load_state_dict(saved)
    with pytest.raises(ValueError, match=r"m of shape \(26,\) for theta of 17"):
        nn.Adam(nn.MLP([2, 3, 2]).parameters()).load_state_dict(saved)


# -- clipping, divergence --------------------------------------------------------------------------------------------


@given(st.integers(0, 100), st.floats(0.01, 10), st.sampled_from([1.0, 2.0, 3.0, math.inf]))
def test_clipping(seed, limit, p):
    model = nn.MLP([2, 3, 2])
    set_gradients(model, np.random.default_rng(seed))
    g = model.theta.grad.copy()
    norm = nn.clip_grad_norm_(model.parameters(), limit, p)
    assert norm == pytest.approx(np.linalg.norm(g, p))
    np.testing.assert_allclose(model.theta.grad, g * min(1.0, limit / (norm + 1e-6)), rtol=1e-12)
    assert np.linalg.norm(model.theta.grad, p) <= limit * (1 + 1e-12)
    nn.clip_grad_value_(model.theta, 0.05)
    np.testing.assert_allclose(model.theta.grad, np.clip(g * min(1.0, limit / (norm + 1e-6)), -0.05, 0.05))
    assert all(np.abs(q.grad).max() <= 0.05 for q in model.parameters())


CLIPS = {
    "value": lambda theta: nn.clip_grad_value_(theta, 0.01),
    "1-norm": lambda theta: nn.clip_grad_norm_(theta, 0.1, 1.0),
    "2-norm": lambda theta: nn.clip_grad_norm_(theta, 0.1),
    "largest": lambda theta: nn.clip_grad_norm_(theta, 0.1, math.inf),
    "no need": lambda theta: nn.clip_grad_norm_(theta, 1e9),
}


@pytest.mark.parametrize("clip", CLIPS)
def test_clipping_inside_of_a_compiled_step_is_clipping(clip):

    def trained(compiled):
        """Theta after four updates, and what the clipping returned."""
        model, rng = nn.MLP([3, 4, 2], rng=0), np.random.default_rng(0)
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(X, y):
            optimizer.zero_grad()
            loss = nn.cross_entropy(model(X), y)
            loss.backward()
            norm = CLIPS[clip](model.theta)
            optimizer.step()
            return loss if norm is None else norm

        run = ag.compile(step) if compiled else step
        found = [run(5 * rng.normal(size=(8, 3)), rng.integers(0, 2, 8)) for _ in range(4)]
        return model.theta.data, np.array([x if isinstance(x, float) else x.item() for x in found])

    for ours, theirs in zip(trained(True), trained(False), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_clipping_inside_of_a_compiled_step_refuses_what_is_not_finite_if_asked():
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    theta = nn.Theta([w])

    def step(x):
        theta.zero_grad()
        (w * x).sum().backward()
        return nn.clip_grad_norm_(theta, 1.0, error_if_nonfinite=True)

    for run in (step, ag.compile(step)):
        assert run(np.array([3.0, 4.0])) == pytest.approx(5.0)
        with pytest.raises(ag.ShapeError, match="the gradient has the norm inf"):
            run(np.array([3.0, np.inf]))


def test_clipping_a_gradient_that_is_not_finite():
    w = ag.tensor([1.0], requires_grad=True)
    w.grad = np.array([math.inf])
    with pytest.raises(ValueError, match="has the norm inf"):
        nn.clip_grad_norm_(w, 1.0, error_if_nonfinite=True)


def test_divergence_is_noticed():
    w = ag.tensor([1.0, 1e300], requires_grad=True)
    optimizer = nn.SGD([w], lr=3.0)
    assert not optimizer.diverged
    w.data = np.array([1e308, 1e308])  # whose sum is infinite
    assert not optimizer.diverged
    for bad in (math.nan, math.inf, -math.inf):
        w.data = np.array([0.0, bad])
        assert optimizer.diverged


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w, v: nn.SGD([w], lr=0), TypeError, "SGD: the learning rate is 0.0; it must be positive"),
        (lambda w, v: nn.Adam([w], lr=-1.0), TypeError, "must be positive"),
        (lambda w, v: nn.Adam([w], lr=math.nan), TypeError, "is nan"),
        (lambda w, v: nn.Adam([w], lr=math.inf), TypeError, "is inf"),
        (lambda w, v: nn.SGD([w], lr=lambda k: -0.5), TypeError, "gives for k = 0 -0.5"),
        (lambda w, v: nn.SGD([w], lr=np.array([1.0, 0.0])), TypeError, "rates between 0.0 and 1.0"),
        (lambda w, v: nn.SGD([w], lr=np.ones(3)), ValueError, r"lr of shape \(3,\) for a group of 1 parameters"),
        (lambda w, v: nn.SGD([w, v], lr={w: np.ones(3), v: 1.0}), ValueError, r"lr of shape \(3,\) for a parameter"),
        (lambda w, v: nn.SGD([w, v], lr={w: 0.1}), TypeError, "lr has rates for 1 parameters"),
        (lambda w, v: nn.SGD([{"params": [w], "momentun": 1}]), TypeError, "unknown key 'momentun'; it may have"),
        (lambda w, v: nn.SGD([{"lr": 1}]), TypeError, "group 0 has no 'params'"),
        (lambda w, v: nn.SGD([{"params": w}, {"params": [v, w]}]), TypeError, "parameter w is in groups 0 and 1"),
        (lambda w, v: nn.SGD([w, {"params": v}]), TypeError, "not some of each"),
        (lambda w, v: nn.SGD(w), TypeError, "parameters are a list"),
        (lambda w, v: nn.SGD(nn.MLP([1, 1])), TypeError, "such as model.parameters()"),
        (lambda w, v: nn.SGD([w], nesterov=True), TypeError, "nesterov needs a momentum"),
        (lambda w, v: nn.SGD([w], weight_decay=-1.0), TypeError, "weight_decay -1.0"),
        (lambda w, v: nn.SGD([{"params": w, "momentum": 1.0}]), TypeError, "momentum 1.0 is outside"),
        (lambda w, v: nn.Adam([w], betas=(0.9, 1.0)), TypeError, "betas"),
        (lambda w, v: nn.RMSprop([w], alpha=1.0), TypeError, "alpha 1.0 is outside"),
        (lambda w, v: nn.Rprop([w], etas=(1.2, 0.5)), TypeError, "eta-"),
        (lambda w, v: nn.Rprop([w], step_sizes=(1.0, 0.5)), TypeError, "step_sizes"),
        (
            lambda w, v: nn.Adam([{"params": w, "amsgrad": True}, {"params": v}]).step(),
            TypeError,
            "amsgrad must be the same in all groups",
        ),
        (lambda w, v: nn.SGD([ag.tensor([1j], requires_grad=True)]), TypeError, "complex parameters"),
        (lambda w, v: nn.clip_grad_norm_([w], -1.0), TypeError, "max_norm -1.0"),
        (lambda w, v: nn.clip_grad_value_([w], math.nan), TypeError, "clip_value nan"),
        (lambda w, v: setattr(nn.SGD([w]), "lr", -1.0), TypeError, "must be positive"),
    ],
)
def test_bad_input(call, error, message):
    w, v = ag.tensor([1.0, 2.0], requires_grad=True, name="w"), ag.tensor([1.0], requires_grad=True, name="v")
    with pytest.raises(error, match=message):
        call(w, v)
