"""Modules and layers: state, training mode, texts, shapes; dropout, normalization, embeddings; first weights."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import nn
from autograd_lite.nn import activations, initializers


def network(rng=0):
    return nn.Sequential(
        nn.Linear(4, 8, rng=rng), nn.BatchNorm(8), "relu", nn.Dropout(0.5, rng=rng), nn.MLP([8, 6, 3], rng=rng)
    )


# -- modules -------------------------------------------------------------------------------------------------------


def test_paths_of_modules_parameters_and_buffers():
    model = network()
    assert [path for path, _ in model.named_modules()] == [
        "",
        "parts.0",
        "parts.1",
        "parts.3",
        "parts.4",
        "parts.4.layers.0",
        "parts.4.layers.1",
    ]
    assert [path for path, _ in model.named_children()] == ["parts.0", "parts.1", "parts.3", "parts.4"]
    assert [path for path, _ in model.named_buffers()] == ["parts.1.running_mean", "parts.1.running_var"]
    assert len(list(model.named_parameters())) == 8
    assert model.theta.size == sum(p.size for p in model.parameters())


def test_a_shared_layer_counts_once():
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, "tanh", layer)
    assert len(model.parameters()) == 2
    assert len(model.modules()) == 2
    assert set(model.state_dict()) == {"parts.0.weight", "parts.0.bias"}


def test_train_and_eval_reach_every_module():
    model = network()
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert model.train() is model
    assert all(m.training for m in model.modules())


def test_state_is_copied_and_loaded_whole():
    x = np.random.default_rng(0).standard_normal((16, 4))
    model, other = network(0), network(1)
    for _ in range(3):
        model(x)
    state = model.state_dict()
    kept = {name: value.copy() for name, value in state.items()}
    theta = other.theta.data
    other.load_state_dict(state)
    np.testing.assert_array_equal(other.eval()(x).data, model.eval()(x).data)
    assert all(np.shares_memory(p.data, theta) for p in other.parameters())
    other.theta.data[:] = 7
    other.parts[1].running_mean[:] = 7
    assert all(np.array_equal(state[name], kept[name]) for name in kept), "copies"


def test_a_wrong_state_changes_nothing():
    model = network()
    before = model.state_dict()
    good = {name: value + 1 for name, value in before.items()}
    for wrong, error, message in [
        ({**good, "parts.4.layers.1.bias": np.zeros(4)}, ag.ShapeError, r"bias has shape \(3,\), the state's \(4,\)"),
        ({**good, "more": np.zeros(4)}, TypeError, "more"),
        ({name: v for name, v in good.items() if "running" not in name}, TypeError, "running_mean"),
    ]:
        with pytest.raises(error, match=message):
            model.load_state_dict(wrong)
        assert all(np.array_equal(v, before[name]) for name, v in model.state_dict().items())
    model.load_state_dict({"parts.0.bias": np.arange(8.0), "more": 0}, strict=False)
    np.testing.assert_array_equal(model.parts[0].bias.data, np.arange(8.0))
    np.testing.assert_array_equal(model.parts[0].weight.data, before["parts.0.weight"])


def test_files(tmp_path):
    model, other = network(0), network(1)
    model(np.random.default_rng(0).standard_normal((16, 4)))
    nn.save(model, tmp_path / "model.safetensors")
    nn.load(other, tmp_path / "model.safetensors")
    state = other.state_dict()
    assert all(state[name].tobytes() == value.tobytes() for name, value in model.state_dict().items())
    with pytest.raises(TypeError, match="without"):
        nn.load(nn.Linear(2, 2), tmp_path / "model.safetensors")


def test_loading_is_a_change():
    model = nn.MLP([2, 3, 1])
    loss = model(np.ones((1, 2))).sum()
    model.load_state_dict(model.state_dict())
    with pytest.raises(ag.StaleValueError):
        loss.backward()


def test_copies_are_whole_and_draw_the_same():
    model, x = network(), np.random.default_rng(0).standard_normal((5, 4))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        theta = other.theta.data
        assert all(np.shares_memory(p.data, theta) for p in other.parameters())
        assert not np.shares_memory(other.theta.data, model.theta.data)
        np.testing.assert_array_equal(other(x).data, copy.deepcopy(model)(x).data)


def test_texts():
    model = network()
    assert repr(model).splitlines()[:4] == [
        "Sequential()",
        "  parts.0: Linear(4, 8)",
        "  parts.1: BatchNorm(8)",
        "  parts.2: relu",
    ]
    assert repr(model).splitlines()[-1] == "    layers.1: Linear(6, 3)"
    lines = model.summary(np.zeros((7, 4))).splitlines()
    assert lines[-1].split() == ["total", "131"]
    shapes = {line.split(":")[0].strip(): line for line in lines}
    assert "(7, 8)" in shapes["parts.3"]
    assert "(7, 3)" in shapes["parts.4"]
    assert lines[2].split()[-1] == "40"
    assert model.training, "a summary leaves the mode as it was"
    assert "forward" not in vars(model)
    np.testing.assert_array_equal(model.parts[1].running_mean, 0.0)
    assert repr(nn.MLP([2, 3, 4, 1], ["relu", "tanh"], output="sigmoid")).startswith(
        "MLP([2, 3, 4, 1], [relu, tanh], output=sigmoid)"
    )


def test_errors_name_the_layer_and_its_path():
    model = nn.Sequential(nn.Sequential(nn.Linear(4, 8), lambda h: h[:, :5]), nn.MLP([8, 3]))
    with pytest.raises(ag.ShapeError, match=r"^parts.1.layers.0, Linear\(8, 3\): affine: .*x has 5 features"):
        model(np.ones((2, 4)))


# -- layers ----------------------------------------------------------------------------------------------------------


def test_an_mlp_with_an_activation_per_layer():
    model = nn.MLP([3, 4, 5, 2], ["relu", np.sin], output="softmax", rng=1)
    W1, b1, W2, b2, W3, b3 = (p.data for p in model.parameters())
    x = np.random.default_rng(2).standard_normal((6, 3))
    a = np.sin(np.maximum(x @ W1.T + b1, 0) @ W2.T + b2) @ W3.T + b3
    np.testing.assert_allclose(model(x).data, scipy.special.softmax(a, -1), rtol=1e-13)


def test_permuting_hidden_units_leaves_the_function():
    model, x = nn.MLP([3, 5, 2], rng=1), np.random.default_rng(0).standard_normal((4, 3))
    order = [3, 1, 4, 0, 2]
    before = model(x).data
    first, second = model.layers
    first.weight.data, first.bias.data = first.weight.data[order], first.bias.data[order]
    second.weight.data = second.weight.data[:, order]
    np.testing.assert_allclose(model(x).data, before, rtol=1e-13)


@given(p=st.floats(0.05, 0.9), seed=st.integers(0, 1000))
def test_dropout_scales_what_it_keeps(p, seed):
    x = np.random.default_rng(seed).standard_normal((40, 10))
    leaf = ag.tensor(x, requires_grad=True)
    layer = nn.Dropout(p, rng=seed)
    y = layer(leaf)
    kept = y.data != 0
    np.testing.assert_allclose(y.data, np.where(kept, x / (1 - p), 0), rtol=1e-14)
    y.sum().backward()
    np.testing.assert_allclose(leaf.grad, kept / (1 - p))
    assert abs(kept.mean() - (1 - p)) < 6 * math.sqrt(p * (1 - p) / x.size)
    np.testing.assert_array_equal(nn.Dropout(p, rng=seed)(x), y.data)
    assert np.any(layer(x) != y.data), "drawn anew at each call"
    assert layer.eval()(leaf) is leaf


def test_a_dropped_zero_is_still_dropped():
    """The gradient is the mask's also where x is 0, and the second backward pass uses the same mask."""
    x = ag.tensor(np.zeros(100), requires_grad=True)
    nn.Dropout(0.5)(x).sum().backward()
    assert set(x.grad) == {0.0, 2.0}


def test_a_graph_with_dropout_is_replayed_with_fresh_numbers():
    x = ag.tensor(np.ones(64), requires_grad=True)
    loss = nn.Dropout(0.5)(x).sum()
    graph = ag.Graph(loss)
    assert graph[-1].value == loss.item(), "what was drawn stays until fprop is called"
    masks = [next(box for box in graph if box.name == "dropout_mask").fprop() for _ in range(2)]
    assert np.any(masks[0] != masks[1])


def test_dropout_keeps_float32():
    assert nn.Dropout(0.3)(np.ones(5, np.float32)).dtype == np.float32


@pytest.mark.parametrize("shape", [(6, 3), (2, 4, 3)])
def test_batch_norm(shape):
    rng = np.random.default_rng(0)
    layer = nn.BatchNorm(3, momentum=0.25)
    layer.weight.data, layer.bias.data = rng.standard_normal((2, 3))
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = rng.standard_normal(shape) * 3 + 1
        rows = x.reshape(-1, 3)
        want = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5) * layer.weight.data + layer.bias.data
        np.testing.assert_allclose(layer(x).data, want.reshape(shape), rtol=1e-12)
        mean, var = 0.75 * mean + 0.25 * rows.mean(0), 0.75 * var + 0.25 * rows.var(0, ddof=1)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var, var, rtol=1e-12)
    layer.eval()
    np.testing.assert_allclose(
        layer(x).data, (x - mean) / np.sqrt(var + 1e-5) * layer.weight.data + layer.bias.data, rtol=1e-12
    )
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-12, err_msg="eval() leaves them")


def test_layer_norm():
    x = np.random.default_rng(0).standard_normal((2, 4, 5)) * 3 + 1
    y = nn.LayerNorm(5, eps=1e-12)(x).data
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(-1), 1, rtol=1e-10)


@pytest.mark.parametrize("make", [nn.BatchNorm, nn.LayerNorm])
def test_gradients_through_normalization(make):
    x = np.random.default_rng(1).standard_normal((5, 3))
    v = np.random.default_rng(2).standard_normal((5, 3))
    layer = make(3)
    ag.check_grads(lambda x: (layer(x) * v).sum(), x, order=2)
    float32 = make(3, dtype="float32")(x.astype(np.float32))
    assert float32.dtype == np.float32


def test_embedding_is_a_row_and_its_gradient_counts():
    layer = nn.Embedding(5, 3, rng=0)
    numbers = np.array([[1, 4], [1, 1]])
    y = layer(numbers)
    np.testing.assert_array_equal(y.data, layer.weight.data[numbers])
    y.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad, np.outer([0, 3, 0, 0, 1], np.ones(3)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Linear(3, 2, init="he_norml"), TypeError, "did you mean 'he_normal'"),
        (lambda: nn.Linear(3, 2, init=np.nan), TypeError, "not finite"),
        (lambda: nn.Linear(3, 2, init=lambda s, r, d: np.zeros(3)), ValueError, r"Linear\(3, 2\): init gave .*\(3,\)"),
        (lambda: nn.MLP([3, 4, 2], ["relu", "tanh"]), TypeError, "2 activations for the 1 hidden layers"),
        (lambda: nn.MLP([3, 4, 2], output="sofmax"), TypeError, "did you mean 'softmax'"),
        (lambda: nn.Sequential(nn.Linear(3, 4), "relu", nn.Linear(5, 2)), ValueError, r"gives 4 .*\(5, 2\) takes 5"),
        (lambda: nn.Sequential("rellu"), TypeError, "did you mean 'relu'"),
        (
            lambda: nn.Sequential(nn.Sequential("relu", nn.Linear(4, 5), nn.Dropout(0.5)), nn.MLP([6, 2])),
            ValueError,
            r"Sequential\(\) gives 5 features, and MLP\(\[6, 2\]\) takes 6",
        ),
        (
            lambda: nn.Sequential(nn.Linear(4, 5), nn.Sequential("relu", nn.Linear(6, 2))),
            ValueError,
            r"Linear\(4, 5\) gives 5 features, and Sequential\(\) takes 6",
        ),
        (lambda: nn.Linear(3, 0), TypeError, "sizes 3, 0; they must be whole numbers from 1"),
        (lambda: nn.MLP([3, 2.5, 1]), TypeError, "MLP: sizes 3.0, 2.5, 1.0; they must be whole"),
        (lambda: nn.MLP(3), TypeError, r"sizes \[3\]; it needs at least an input and an output"),
        (lambda: nn.MLP([1, 2])(3.0), ValueError, r"layers\.0, Linear\(1, 2\): .*x is a number and W expects rows"),
        (lambda: nn.Dropout(1.0), TypeError, "outside"),
        (lambda: nn.BatchNorm(0), TypeError, "must be positive"),
        (lambda: nn.BatchNorm(3, momentum=2), TypeError, "momentum 2"),
        (lambda: nn.BatchNorm(3)(np.ones((4, 2))), ValueError, r"BatchNorm\(3\): .*\(4, 2\)"),
        (lambda: nn.BatchNorm(3)(np.ones((1, 3))), ValueError, "single example"),
        (lambda: nn.LayerNorm(3)(np.ones(())), ValueError, r"LayerNorm\(3\)"),
        (lambda: nn.Embedding(3, 2)(np.array([0, 3])), IndexError, r"Embedding\(3, 2\): number 3 is outside 0..2"),
        (lambda: nn.Embedding(3, 2)(np.array([-1])), IndexError, "number -1"),
        (lambda: nn.Embedding(3, 2)(np.array([0.5])), TypeError, "integers are needed"),
        (lambda: nn.Embedding(0, 2), TypeError, "sizes 0, 2"),
        (lambda: initializers.he_normal((3,), np.random.default_rng(0)), ValueError, "needs the axes"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- activations -----------------------------------------------------------------------------------------------------

A = np.concatenate([np.linspace(-4, 4, 17), [-1000.0, 1000.0]])
CLOSED = {
    "linear": lambda a: a,
    "sigmoid": scipy.special.expit,
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),
    "elu": lambda a: np.where(a > 0, a, np.expm1(np.minimum(a, 0))),
    "selu": lambda a: 1.0507009873554805 * np.where(a > 0, a, 1.6732632423543772 * np.expm1(np.minimum(a, 0))),
    "gelu": lambda a: a * (1 + scipy.special.erf(a / np.sqrt(2))) / 2,
    "gelu_tanh": lambda a: a / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3))),
    "silu": lambda a: a * scipy.special.expit(a),
    "softplus": lambda a: np.logaddexp(a, 0),
    "softmax": lambda a: scipy.special.softmax(a, -1),
    "log_softmax": lambda a: scipy.special.log_softmax(a, -1),
    "threshold": lambda a: np.where(a > 0, 1.0, 0.0),
}


def test_every_activation_has_a_closed_form():
    assert set(CLOSED) == set(nn.ACTIVATIONS)


@pytest.mark.parametrize("name", CLOSED)
def test_activations(name):
    f = nn.ACTIVATIONS[name]
    np.testing.assert_allclose(f(A), CLOSED[name](A), rtol=1e-12, atol=1e-13)
    a = ag.tensor(A, requires_grad=True)
    y = f(a)
    np.testing.assert_array_equal(y.data, f(A))
    assert f(A.astype(np.float32)).dtype == np.float32
    if name == "threshold":
        assert not y.requires_grad
        return
    y.sum().backward()
    assert np.isfinite(a.grad).all(), "also at +-1000"
    ag.check_grads(f, np.linspace(-3.1, 3.2, 8), order=2)


@pytest.mark.parametrize(("name", "slope"), [("leaky_relu", 0.01), ("elu", 1.0), ("relu", 0.0)])
def test_derivatives_at_the_kink(name, slope):
    assert ag.grad(nn.ACTIVATIONS[name])(0.0) == slope


def test_the_perceptrons_threshold_is_flat_and_says_so():
    model = nn.MLP([2, 3, 1], "threshold", output="threshold")
    with pytest.raises(TypeError, match="no gradient gets through heaviside: flat"):
        model(np.ones((4, 2))).sum().backward()
    assert "Flat" in activations.threshold.__doc__


# -- first weights ---------------------------------------------------------------------------------------------------

VARIANCES = {
    "glorot_uniform": 2 / (300 + 200),
    "glorot_normal": 2 / (300 + 200),
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
    "lecun_uniform": 1 / 300,
    "lecun_normal": 1 / 300,
    "orthogonal": 1 / 300,
    "zeros": 0.0,
}


@pytest.mark.parametrize("name", nn.INITIALIZERS)
def test_variances_and_seeds(name):
    init = nn.INITIALIZERS[name]
    w = init((200, 300), np.random.default_rng(0), np.float32)
    assert w.shape == (200, 300)
    assert w.dtype == np.float32
    assert w.var() == pytest.approx(VARIANCES[name], rel=0.03)
    assert abs(w.mean()) < 0.001
    assert w.tobytes() == init((200, 300), np.random.default_rng(0), np.float32).tobytes()
    if "uniform" in name:
        assert np.abs(w).max() <= math.sqrt(3 * VARIANCES[name]) * (1 + 1e-6)


@given(rows=st.integers(1, 8), columns=st.integers(1, 8), seed=st.integers(0, 99))
def test_orthogonal(rows, columns, seed):
    w = initializers.orthogonal((rows, columns), np.random.default_rng(seed))
    short = w @ w.T if rows <= columns else w.T @ w
    np.testing.assert_allclose(short, np.eye(min(rows, columns)), atol=1e-12)


def test_fans_of_more_axes():
    assert initializers.fans((16, 3, 5, 5)) == (75, 400)


def gradients(init, activation="tanh"):
    model = nn.MLP([3, 4, 2], activation, init=init)
    rng = np.random.default_rng(0)
    nn.cross_entropy(model(rng.standard_normal((6, 3))), rng.integers(0, 2, 6)).backward()
    return model


def test_zero_weights_are_a_saddle():
    assert [bool(p.grad.any()) for p in gradients("zeros").parameters()] == [False, False, False, True]


def test_identical_hidden_units_stay_identical():
    model = gradients(nn.constant(0.3))
    assert model.parameters()[0].grad.any()
    for _ in range(5):
        nn.SGD(model.parameters(), lr=0.5).step()
    W1, _, W2, _ = (p.data for p in model.parameters())
    np.testing.assert_array_equal(W1, np.broadcast_to(W1[:1], W1.shape))
    np.testing.assert_array_equal(W2, np.broadcast_to(W2[:, :1], W2.shape))


@pytest.mark.parametrize(
    ("init", "activation"), [("glorot_uniform", "linear"), ("he_normal", "relu"), ("lecun_normal", "selu")]
)
def test_each_rule_keeps_the_scale_through_its_layers(init, activation):
    """Ten layers on, second moments are of the size they had; with standard normal weights / 100 they are gone."""
    sizes, x = [200] * 11, np.random.default_rng(0).standard_normal((100, 200))
    model = nn.MLP(sizes, activation, init=init, rng=1)
    assert 0.3 < float((model(x).data ** 2).mean()) < 5
    gone = nn.MLP(sizes, activation, init=lambda s, rng, d: rng.standard_normal(s) / 100, rng=1)
    assert float((gone(x).data ** 2).mean()) < 1e-8


def test_glorot_keeps_the_variance_of_gradients_too():
    sizes, x = [200] * 11, np.random.default_rng(0).standard_normal((100, 200))
    model = nn.MLP(sizes, "linear", rng=1)
    leaf = ag.tensor(x, requires_grad=True)
    model(leaf).backward(np.random.default_rng(2).standard_normal((100, 200)))
    assert 0.5 < leaf.grad.var() < 2
