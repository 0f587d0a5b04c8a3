"""A loss as a function of theta: the same values and derivatives as by other ways, and a model left as it was."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import nn

X, Y = np.random.default_rng(0).standard_normal((5, 3)), np.array([0, 1, 1, 0, 1])


@pytest.fixture
def model():
    return nn.MLP([3, 4, 2], activation="tanh", rng=1)


@pytest.fixture
def loss(model):
    return nn.as_function_of_theta(lambda: nn.cross_entropy(model(X), Y), model.theta)


def by_hand(theta):
    """The same loss, with the network written out."""
    W1, b1, W2, b2 = theta[:12].reshape(4, 3), theta[12:16], theta[16:24].reshape(2, 4), theta[24:]
    return nn.cross_entropy(np.tanh(X @ W1.T + b1) @ W2.T + b2, Y)


def test_value_and_gradient_are_those_of_backward(model, loss):
    theta = model.theta.data.copy()
    value, g = ag.value_and_grad(loss)(theta)
    expected = nn.cross_entropy(model(X), Y)
    expected.backward()
    assert value == expected.item()
    np.testing.assert_allclose(g, model.theta.grad, rtol=1e-13)
    assert loss(theta + 1).item() == by_hand(theta + 1).item()


def test_higher_derivatives_and_batches(model, loss):
    theta, v = model.theta.data.copy(), np.random.default_rng(2).standard_normal(26)
    H = ag.hessian(by_hand)(theta)
    np.testing.assert_allclose(ag.hessian(loss)(theta), H, atol=1e-13)
    np.testing.assert_allclose(ag.hvp(loss)(theta, v), H @ v, atol=1e-13)
    np.testing.assert_allclose(ag.jvp(ag.grad(loss), (theta,), (v,))[1], H @ v, atol=1e-13)
    thetas = theta + np.random.default_rng(3).standard_normal((4, 26))
    np.testing.assert_allclose(ag.vmap(loss)(thetas), [by_hand(t).item() for t in thetas], rtol=1e-13)
    np.testing.assert_allclose(ag.vmap(ag.grad(loss))(thetas), [ag.grad(by_hand)(t) for t in thetas], atol=1e-13)
    along = lambda a: loss(theta + a * v)
    np.testing.assert_allclose(ag.grad(ag.grad(along))(0.0), v @ H @ v, rtol=1e-12)
    ag.check_grads(loss, theta)


def test_per_example_gradients(model):
    f = nn.as_function_of_theta(lambda x, y: nn.cross_entropy(model(x[None]), y[None]), model.theta)
    each = ag.vmap(ag.grad(f), (None, 0, 0))(model.theta.data, X, Y)
    assert each.shape == (5, 26)
    np.testing.assert_allclose(each.mean(axis=0), ag.grad(by_hand)(model.theta.data), atol=1e-13)


def test_the_model_is_left_as_it_was(model):
    before, nodes = model.theta.data.copy(), [p.node for p in model.parameters()]
    data = [p.data for p in model.parameters()]

    def failing():
        model(X)
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        ag.grad(nn.as_function_of_theta(failing, model.theta))(before + 1)
    assert all(p.node is node and p.data is own for p, node, own in zip(model.parameters(), nodes, data, strict=True))
    assert model.theta.data.tobytes() == before.tobytes()
    assert all(p.grad is None for p in model.parameters())


def test_parameters_are_parameters_inside(model):
    """A penalty that asks the model for its parameters gets those that are being differentiated."""
    penalty = lambda: sum((p * p).sum() for p in model.parameters())
    theta = model.theta.data
    np.testing.assert_allclose(ag.grad(nn.as_function_of_theta(penalty, model.theta))(theta), 2 * theta)
    assert nn.as_function_of_theta(penalty, model.parameters())(np.ones(26)).item() == 26


def test_nested_functions_of_theta(model, loss):
    """grad of the squared gradient norm: f inside of f, of the same parameters."""
    theta = model.theta.data.copy()
    g, H = ag.grad(by_hand)(theta), ag.hessian(by_hand)(theta)
    np.testing.assert_allclose(ag.grad(lambda t: (ag.grad(loss)(t) ** 2).sum())(theta), 2 * H @ g, atol=1e-13)


def test_float32_and_bad_shapes(model, loss):
    small = nn.MLP([3, 2], dtype="float32")
    f = nn.as_function_of_theta(lambda: (small(X.astype("f")) ** 2).mean(), small.theta)
    assert ag.grad(f)(small.theta.data).dtype == np.float32
    with pytest.raises(ValueError, match=r"theta of shape \(2,\) for parameters with 26 entries"):
        loss(np.ones(2))
