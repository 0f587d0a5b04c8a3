"""Ops with several outputs: one node, whatever of them is used."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.node import topological_order

x = np.array([0.4, 1.1, -0.6, 0.9])
halves = ag.Op(
    lambda x: (np.exp(x[:2]), np.tanh(x[2:]), x.size),
    name="halves",
    several=True,
    x=lambda g, y: ag.concatenate([g[0] * y[0], g[1] * (1 - y[1] * y[1])]),
)
ROW = {"svd": lambda x: np.linalg.svd(x.reshape(2, 2)), "split": lambda x: np.split(x, 2), "unstack": np.unstack}


def test_outputs_keep_the_form_that_the_function_gives():
    t = ag.tensor(x, requires_grad=True)
    assert isinstance(np.split(t, 2), list)
    assert isinstance(np.unstack(t), tuple)
    assert np.linalg.slogdet(t.reshape(2, 2)).logabsdet.shape == ()
    assert np.linalg.svd(t.reshape(2, 2))._fields == ("U", "S", "Vh")
    assert isinstance(halves(t), tuple)
    assert isinstance(halves(x)[0], np.ndarray)


@pytest.mark.parametrize("name", ROW)
def test_one_node_stands_behind_all_outputs(name):
    outputs = ROW[name](ag.tensor(x, requires_grad=True))
    total = outputs[0].sum()
    for y in outputs[1:]:
        total = total + y.sum()
    names = [node.op.name for node in topological_order(total.node) if node.op]
    assert names.count("output") == len(outputs)
    assert sum(n in ("svd_factors", "split", "unstack") for n in names) == 1


@pytest.mark.parametrize(
    "f",
    [
        lambda x: halves(x)[0],  # one of them alone
        lambda x: halves(x)[1],
        lambda x: halves(x)[0] * halves(x)[1],  # two calls
        lambda x: sum(y * y for y in halves(x)[:2]),  # each of them twice
        lambda x: ag.concatenate(list(halves(x * halves(x)[0].sum())[:2])),  # one behind the other
    ],
)
def test_derivatives_to_third_order(f):
    ag.check_grads(f, x, order=3)


def test_an_integer_output_is_flat():
    t = ag.tensor(x, requires_grad=True)
    size = halves(t)[2]
    assert not size.requires_grad
    assert size.item() == 4
    assert ag.grad(lambda x: (halves(x)[2] * x).sum())(x).tolist() == [4.0] * 4


def test_nothing_is_recorded_under_no_grad_and_views_are_copied():
    t = ag.tensor(x, requires_grad=True)
    with ag.no_grad():
        first, _ = np.split(t, 2)
        t[0] = 7.0
    assert first.node is None
    assert first.tolist() == [0.4, 1.1]


def test_boxes_and_pictures():
    t = ag.tensor(x, requires_grad=True, name="x")
    a, b, _ = halves(t)
    graph = ag.Graph((a * b).sum())
    for box in graph:
        box.fprop()
    for box in reversed(graph):
        box.bprop()
    np.testing.assert_allclose(t.grad, ag.grad(lambda x: (halves(x)[0] * halves(x)[1]).sum())(x), rtol=1e-15)
    assert "3 outputs" in ag.draw((a * b).sum()).source


def test_float32_zeros_stand_in_for_what_was_not_used():
    t = ag.tensor(x, requires_grad=True, dtype=np.float32)
    halves(t)[1].sum().backward()
    assert t.grad.dtype == np.float32
    np.testing.assert_allclose(t.grad, [0, 0, *(1 - np.tanh(x[2:]) ** 2)], rtol=1e-6)
