"""Gradient health per layer: saturation, dead units, gradients, update-to-weight ratios."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

rng = np.random.default_rng(0)
x = rng.normal(size=(16, 4))
labels = np.arange(16) % 3


def test_saturation_is_the_share_of_small_slopes():
    model = ag.nn.MLP([4, 8, 3], activation="tanh")
    model.layers[0].weight.data = model.layers[0].weight.data * 20
    a = model.layers[0](x).data
    loss = ag.nn.cross_entropy(model(x), labels)
    first, last = ag.nn.health(model, loss)
    assert first.saturated == np.mean(1 - np.tanh(a) ** 2 < 0.05)
    assert first.saturated > 0.5
    assert (first.activation, first.dead, first.units, first.parameters) == ("tanh", 0, 8, 40)
    assert (last.activation, last.saturated, last.dead) == (None, None, None)


@pytest.mark.parametrize(("activation", "largest"), [("sigmoid", 0.25), ("softplus", 1.0)])
def test_saturation_goes_by_the_largest_slope(activation, largest):
    model = ag.nn.MLP([4, 8, 3], activation=activation)
    model.layers[0].weight.data = model.layers[0].weight.data * 10
    a = model.layers[0](x).data
    sigmoid = 1 / (1 + np.exp(-a))
    slopes = sigmoid * (1 - sigmoid) if activation == "sigmoid" else sigmoid
    first, _ = ag.nn.health(model, ag.nn.cross_entropy(model(x), labels))
    assert first.saturated == pytest.approx(np.mean(slopes < 0.05 * largest), abs=0.01)


def test_dead_units_fire_for_no_example():
    model = ag.nn.MLP([4, 6, 3], activation="relu")
    model.layers[0].bias.data = np.array([0.0, -100, 0, -100, -100, 100])
    first, _ = ag.nn.health(model, ag.nn.cross_entropy(model(x), labels))
    assert first.dead == np.sum(np.all(model.layers[0](x).data <= 0, axis=0)) == 3


def test_health_is_drawn_at_the_activations():
    model = ag.nn.MLP([4, 6, 3], activation="relu")
    model.layers[0].bias.data = np.array([0.0, -100, 0, -100, -100, 100])
    text = ag.draw(ag.nn.health(model, ag.nn.cross_entropy(model(x), labels), rate=0.1), format="text")
    last, relu = (line for line in text.splitlines() if "<-" in line)
    assert "relu" in relu
    assert "<- warning: layers.0; saturated" in relu
    assert "dead 3 of 6; |gradient|" in relu
    assert "<- good: layers.1; |gradient|" in last
    assert "|update|/|weights|" in last


def test_norms_and_ratios_of_plain_gradient_descent():
    model = ag.nn.MLP([4, 5, 3])
    loss = ag.nn.cross_entropy(model(x), labels)
    expected = ag.nn.health(model, loss, rate=0.1)
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    for layer, linear in zip(expected, model.layers, strict=True):
        gradient = np.concatenate([p.grad.ravel() for p in linear.parameters()])
        weights = np.concatenate([p.data.ravel() for p in linear.parameters()])
        assert layer.gradient == pytest.approx(np.linalg.norm(gradient))
        assert layer.weights == pytest.approx(np.linalg.norm(weights))
        assert layer.ratio == pytest.approx(0.1 * np.linalg.norm(gradient) / np.linalg.norm(weights))
    before = np.array(model.theta.data)
    ag.nn.SGD(model.parameters(), lr=0.1).step()
    after = ag.nn.health(model, ag.nn.cross_entropy(model(x), labels), before=before)
    assert [layer.ratio for layer in after] == pytest.approx([layer.ratio for layer in expected], rel=0.05)


def test_a_table():
    model = ag.nn.MLP([4, 5, 3])
    loss = ag.nn.cross_entropy(model(x), labels)
    text = repr(ag.nn.health(model, loss)).splitlines()
    assert text[0].split() == [
        "layer", "parameters", "activation", "saturated", "dead", "|gradient|", "|weights|", "|update|/|weights|",
    ]  # fmt: skip
    assert text[1].split()[:3] == ["layers.0", "25", "tanh"]
    assert text[2].split()[:4] == ["layers.1", "18", "-", "-"]


def test_a_loss_is_no_activation():
    model = ag.nn.MLP([4, 5, 3])
    _, last = ag.nn.health(model, np.sum((model(x) - 1.0) ** 2))
    assert last.activation is None


def test_what_does_not_belong_together():
    model, other = ag.nn.MLP([4, 5, 3]), ag.nn.MLP([4, 3])
    loss = ag.nn.cross_entropy(model(x), labels)
    with pytest.raises(TypeError, match="no parameter of the model is in the graph"):
        ag.nn.health(other, loss)
    with pytest.raises(TypeError, match="either the rate or theta"):
        ag.nn.health(model, loss, rate=0.1, before=np.zeros(43))
    with pytest.raises(TypeError, match="before has 7 entries, theta 43"):
        ag.nn.health(model, loss, before=np.zeros(7))
