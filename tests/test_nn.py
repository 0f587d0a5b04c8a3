"""Networks, losses and optimizers; theta as one vector whatever happens to the modules."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import nn


def vectors_agree(module):
    """theta is the parameters' values, in order, and they are views of it."""
    theta = module.theta
    np.testing.assert_array_equal(theta.data, np.concatenate([p.data.ravel() for p in module.parameters()]))
    for p in module.parameters():
        assert np.shares_memory(p.data, theta.data)
        assert p.data is p.node.data
    return theta


def test_glorot_uniform_bounds_and_seed():
    model = nn.MLP([64, 32, 10], rng=0)
    for layer in model.layers:
        bound = np.sqrt(6 / (layer.in_features + layer.out_features))
        assert 0.95 * bound < np.abs(layer.weight.data).max() < bound
        np.testing.assert_array_equal(layer.bias.data, 0.0)
        assert layer.weight.shape == (layer.out_features, layer.in_features)
    again = nn.MLP([64, 32, 10], rng=np.random.default_rng(0))
    assert model.theta.data.tobytes() == again.theta.data.tobytes()
    assert [name for name, _ in model.named_parameters()][:2] == ["layers.0.weight", "layers.0.bias"]
    assert [p.name for p in model.parameters()] == ["W1", "b1", "W2", "b2"]


def test_mlp_is_the_lectures_formula_and_its_gradient_is_right():
    model = nn.MLP([3, 4, 2], activation="tanh", rng=1)
    W1, b1, W2, b2 = (p.data.copy() for p in model.parameters())
    x, y = np.random.default_rng(2).standard_normal((5, 3)), np.array([0, 1, 1, 0, 1])
    np.testing.assert_allclose(model(x).data, np.tanh(x @ W1.T + b1) @ W2.T + b2, rtol=1e-14)
    nn.cross_entropy(model(x), y).backward()
    g = model.theta.grad.copy()
    eps = 1e-6
    for k in range(0, len(g), 3):
        loss = []
        for sign in (1, -1):
            model.theta.data[k] += sign * eps
            with ag.no_grad():
                loss.append(nn.cross_entropy(model(x), y).item())
            model.theta.data[k] -= sign * eps
        assert g[k] == pytest.approx((loss[0] - loss[1]) / (2 * eps), abs=1e-9)


def test_zero_weights_move_only_the_output_bias():
    model = nn.MLP([3, 4, 2], activation="tanh")
    model.theta.data[:] = 0
    nn.cross_entropy(model(np.ones((6, 3))), np.array([0, 0, 0, 0, 1, 1])).backward()
    for p in model.parameters():
        assert np.any(p.grad != 0) == (p.name == "b2")


def test_parameters_stay_views_of_theta():
    model = nn.MLP([3, 4, 2])
    theta = vectors_agree(model)
    model.layers[0].weight.data = np.ones((4, 3))
    assert theta.data[:12].tolist() == [1.0] * 12
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        vectors_agree(other)
        np.testing.assert_array_equal(other.theta.data, theta.data)
        assert not np.shares_memory(other.theta.data, theta.data)


def test_composed_modules_share_one_vector_and_old_optimizers_follow():
    class Pair(nn.Module):
        def __init__(self, a, b):
            self.parts = [a, b]

        def forward(self, x):
            return self.parts[1](self.parts[0](x))

    first, second = nn.MLP([2, 3]), nn.MLP([3, 2], rng=1)
    optimizer = nn.SGD(first.parameters(), lr=0.5)
    pair = Pair(first, second)
    vectors_agree(pair)
    vectors_agree(first)
    assert np.shares_memory(first.theta.data, pair.theta.data)
    before = pair.theta.data.copy()
    pair(np.ones((1, 2))).sum().backward()
    optimizer.step()
    changed = pair.theta.data != before
    assert changed[: len(first.theta)].any()
    assert not changed[len(first.theta) :].any()


def by_hand(model):
    """One gradient, written by hand: the vector of ones."""
    for parameter in model.parameters():
        parameter.grad = np.ones(parameter.shape, parameter.dtype)
    return model


CHANGES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "compose": lambda m: nn.Sequential(nn.Linear(3, 3, rng=1), m, nn.Linear(m(np.ones((1, 3))).shape[-1], 3, rng=2)),
    "take a part": lambda m: next((child for child in m.children() if child.parameters()), m),
    "load": lambda m: (m.load_state_dict({k: v + 1 for k, v in m.state_dict().items()}), m)[1],
    "set data": lambda m: (setattr(m.parameters()[0], "data", m.parameters()[0].data * 2), m)[1],
    "set item": lambda m: (set_first(m), m)[1],
    "step": lambda m: (nn.SGD(by_hand(m).parameters(), lr=0.5).step(), m)[1],
    "backward": lambda m: (m(np.ones((2, 3))).sum().backward(), m)[1],
}


def set_first(model):
    with ag.no_grad():
        model.parameters()[-1][0] = 7.0


@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=6))
def test_parameters_are_views_of_theta_whatever_is_done_to_a_model(changes):
    """And have the values that the same changes give a model whose vector was never looked at."""
    model, plain = nn.MLP([3, 4, 3], rng=0), nn.MLP([3, 4, 3], rng=0)
    for change in changes:
        model, plain = CHANGES[change](model), CHANGES[change](plain)
        theta, start = model.theta, 0
        for parameter in model.parameters():
            place = slice(start, start := start + parameter.size)
            assert np.shares_memory(parameter.data, theta.data[place])
            np.testing.assert_array_equal(parameter.data.ravel(), theta.data[place])
            if parameter.grad is not None:
                np.testing.assert_array_equal(parameter.grad.ravel(), theta.grad[place])
        assert start == len(theta)
        theta.data[0] += 1  # a write to the vector is one to the first parameter
        theta.changed()
        assert model.parameters()[0].data.flat[0] == theta.data[0]
        theta.data[0] -= 1
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-12)
    assert model(np.ones((2, 3))).data == pytest.approx(plain(np.ones((2, 3))).data)


def test_gradients_live_in_one_vector():
    model = nn.MLP([2, 3, 2])
    nn.cross_entropy(model(np.ones((2, 2))), np.array([0, 1])).backward()
    g = model.theta.grad
    assert all(np.shares_memory(p.grad, g) for p in model.parameters())
    model.zero_grad()
    assert model.parameters()[0].grad is None
    np.testing.assert_array_equal(model.theta.grad, 0.0)


def test_sgd_with_momentum_is_its_equation():
    w = ag.tensor([1.0, -2.0], requires_grad=True)
    optimizer = nn.SGD([w], lr=0.1, momentum=0.9)
    theta, v = np.array([1.0, -2.0]), np.zeros(2)
    for _ in range(5):
        optimizer.zero_grad()
        (w * w * np.array([1.0, 3.0])).sum().backward()
        optimizer.step()
        v = 0.9 * v + 2 * theta * np.array([1.0, 3.0])
        theta = theta - 0.1 * v
        np.testing.assert_allclose(w.data, theta, rtol=1e-14)


def test_large_vectors_are_updated_whole():
    w = ag.tensor(np.ones(100_001), requires_grad=True)
    w.grad = np.arange(100_001.0)
    nn.SGD([w], lr=0.5).step()
    np.testing.assert_array_equal(w.data, 1 - 0.5 * np.arange(100_001.0))


@pytest.mark.parametrize(("rate", "regime"), [(0.15, "monotone"), (0.75, "oscillating"), (1.2, "divergent")])
def test_learning_rate_regimes_on_a_quadratic(rate, regime):
    """E = w^2 has E'' = 2: beyond eta_opt = 1/2 gradient descent oscillates, beyond 2 eta_opt it diverges."""
    w = ag.tensor(1.0, requires_grad=True)
    optimizer = nn.SGD([w], lr=rate)
    path = [1.0]
    for _ in range(10):
        optimizer.zero_grad()
        (w * w).backward()
        optimizer.step()
        path.append(w.item())
    oscillates = all(a * b < 0 for a, b in itertools.pairwise(path))
    assert oscillates == (regime != "monotone")
    assert (abs(path[-1]) > 1) == (regime == "divergent")


def test_float32_models_stay_float32():
    model = nn.MLP([3, 4, 2], dtype="float32", activation="relu")
    loss = nn.cross_entropy(model(np.ones((2, 3), np.float32)), np.array([0, 1]))
    loss.backward()
    nn.SGD(model.parameters(), lr=0.1, momentum=0.9).step()
    assert loss.dtype == model.theta.data.dtype == model.theta.grad.dtype == np.float32


def test_training_is_the_same_to_the_bit():
    def run():
        rng = np.random.default_rng(3)
        model = nn.MLP([4, 8, 3], rng=rng)
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x, y = rng.standard_normal((20, 4)), rng.integers(0, 3, 20)
        for _ in range(20):
            optimizer.zero_grad()
            nn.cross_entropy(model(x), y).backward()
            optimizer.step()
        return model.theta.data.tobytes()

    assert run() == run()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.MLP([3, 2], activation="rellu"), TypeError, "did you mean 'relu'"),
        (lambda: nn.MLP([3]), TypeError, "at least an input and an output"),
        (lambda: nn.MLP([3, 0]), TypeError, "sizes 3, 0"),
        (
            lambda: nn.MLP([3, 2])(np.ones((5, 4))),
            ValueError,
            r"Linear\(3, 2\): affine: \(5, 4\), .*x has 4 features and W expects 3",
        ),
        (
            lambda: nn.cross_entropy(np.ones((2, 3)), np.array([0, 3])),
            IndexError,
            "label 3 is outside the 3 classes",
        ),
        (lambda: nn.cross_entropy(np.ones((2, 3)), np.array([0, -1])), IndexError, "label -1 is outside"),
        (lambda: nn.cross_entropy(np.ones((2, 3)), np.array([0.0, 1.0])), TypeError, "integers are needed"),
        (
            lambda: nn.cross_entropy(np.ones((2, 3)), np.array([0])),
            ValueError,
            r"labels of shape \(2,\), not \(1,\)",
        ),
        (lambda: nn.SGD([], lr=0.1), TypeError, "no parameters"),
        (lambda: nn.SGD([ag.ones(2)], lr=0.1), TypeError, "is not a parameter"),
        (lambda: nn.SGD([ag.ones(2, requires_grad=True)], lr=0), TypeError, "must be positive"),
        (lambda: nn.SGD([ag.ones(2, requires_grad=True)], lr=1, momentum=1), TypeError, "outside"),
        (lambda: nn.Module()(1), NotImplementedError, "defines no forward"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_newton_reaches_the_minimum_of_a_quadratic_in_one_step():
    """E = 1/2 (w - m)' H (w - m): w - (E'')^-1 E' is m from anywhere."""
    A = np.random.default_rng(0).standard_normal((4, 4))
    H, m = A @ A.T + np.eye(4), np.arange(4.0)

    def error(w):
        return 0.5 * ((w - m) @ H @ (w - m))

    gradient = ag.grad(error)
    w = np.random.default_rng(1).standard_normal(4) * 10
    hessian = np.stack([ag.grad(lambda w, k=k: gradient(w)[k])(w) for k in range(4)])
    np.testing.assert_allclose(hessian, H, rtol=1e-12)
    np.testing.assert_allclose(w - np.linalg.solve(hessian, gradient(w)), m, atol=1e-12)
