"""`ag.draw(loss, check=True)`: every wrong bprop is red, and no right one."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surface import FLAT, SIZES, SURFACE, Program

import autograd_lite as ag
import autograd_lite.numpy as agnp
from autograd_lite.draw.marked import checked
from autograd_lite.tree import leaves

wrong = ag.Op(lambda x: x * x, name="wrong", x=lambda g, x: g * x)


def test_a_wrong_bprop_is_red():
    w = ag.tensor(np.array([0.5, -1.0]), requires_grad=True, name="w")
    text = str(ag.draw(ag.sum(np.tanh(wrong(w * 2.0))), check=True, format="text"))
    (bad,) = [line for line in text.splitlines() if "bad" in line]
    assert "wrong" in bad
    assert "wrong bprop: error" in bad
    assert text.count("good: bprop checked, error") == 3


@pytest.mark.parametrize("name", [*SURFACE, *(f"np.{name}" for name in FLAT)])
def test_no_right_bprop_is_red(name):
    """Also where it is right along some directions only, or by some gradients: of matrices of which one triangle is read,
    of eigenvectors, whose phase is nobody's."""
    special = pytest.importorskip("autograd_lite.scipy.special")
    for program in map(Program, SURFACE.get(name) or FLAT[name.removeprefix("np.")]):
        inputs = program.inputs(SIZES[0])
        recorded = {k: ag.tensor(x, requires_grad=True) if k in program.live else x for k, x in inputs.items()}
        for y in leaves(program(agnp, special, recorded)):
            if isinstance(y, ag.Tensor) and y.node:
                marks = checked(ag.Graph(ag.sum(ag.real(y)) if y.dtype.kind == "c" else y))
                assert [(node, mark) for node, mark in marks.items() if mark.kind == "bad"] == []


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("cholesky", lambda op, a: ag.sum(op(a) ** 2)),
        ("eigh", lambda op, a: ag.sum(op(a)[0] ** 2) + ag.sum(op(a)[1][:, 0] ** 3)),
        ("svd_factors", lambda op, a: ag.sum(op(a)[1] ** 2)),
    ],
)
def test_wrong_bprops_of_decompositions_are_red(name, loss):
    right = ag.OPS[name]
    rule, facts = right.formulas["a"], {"several": right.several, "mirrored": right.mirrored}
    x = np.random.default_rng(0).normal(size=(3, 3))
    for factor, kinds in ((1.0, {"good"}), (1.01, {"good", "bad"})):
        source = inspect.signature(rule)
        wrong = ag.Op(right.fprop, name=f"wrong_{name}", a=_scaled(rule, factor), **facts)
        assert list(inspect.signature(wrong.formulas["a"]).parameters) == list(source.parameters)
        a = ag.tensor(x @ x.T + np.eye(3), requires_grad=True)
        marks = checked(ag.Graph(loss(wrong, a)))
        assert {mark.kind for mark in marks.values()} == kinds
        assert all(mark.kind == "good" for node, mark in marks.items() if node.op is not wrong)


def _scaled(rule, factor):
    """The formula times a factor, with the same parameters, whose names tell what is saved."""
    names = ", ".join(inspect.signature(rule).parameters)
    return eval(f"lambda {names}: rule({names}) * factor", {"rule": rule, "factor": factor})


def test_at_a_jump_there_is_nothing_to_check():
    x = ag.tensor(np.array([0.0, 1.0]), requires_grad=True, name="x")
    middle = ag.tensor(0.5, requires_grad=True, name="middle")
    step = np.heaviside(x * 1.0, middle)
    assert checked(ag.Graph(step))[step.node].note == "at a kink or a jump, where there is no gradient to check"


def test_the_op_that_is_named_is_the_wrong_one():
    def f(a):
        return wrong(ag.sum(np.abs(ag.linalg.eig(a)[1])) + ag.linalg.cholesky(a @ a.T + np.eye(3))[0, 0])

    with pytest.raises(AssertionError, match=r"\(op wrong\)"):
        ag.check_grads(f, np.random.default_rng(0).normal(size=(3, 3)), order=1)


@given(seed=st.integers(0, 1000), factor=st.sampled_from([1.0, 0.5, -1.0, 1.01]))
def test_the_check_of_one_box_catches_a_factor(seed, factor):
    from autograd_lite.check import check_box

    op = ag.Op(np.sin, name="scaled", x=lambda g, x: factor * g * np.cos(x))
    w = ag.tensor(np.random.default_rng(seed).uniform(-1, 1, 3), requires_grad=True)
    result = check_box(ag.Graph(op(w))[-1])
    assert result.holds == (factor == 1.0)
    assert result.error < 1e-6 or factor != 1.0


def test_what_has_nothing_to_check():
    from autograd_lite.check import check_box

    w = ag.tensor(np.array([1.0, np.nan]), requires_grad=True)
    assert [check_box(box) for box in ag.Graph(w * 2.0)] == [None, None]
    kink = check_box(ag.Graph(ag.relu(ag.tensor(0.0, requires_grad=True)))[-1])
    assert (kink.holds, kink.kink) == (False, True)
    assert "kink" in ag.draw(ag.relu(ag.tensor(0.0, requires_grad=True)), check=True, format="text")
    float32 = ag.tensor(np.ones(3, np.float32), requires_grad=True)
    assert all(check_box(box).holds for box in ag.Graph(ag.sum(np.exp(float32))) if box.op)
