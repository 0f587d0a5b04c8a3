"""The checker checked: wrong rules of every kind are rejected, and the message says where."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

WRONG_FIRST = {
    "factor": ag.Op(np.sin, name="factor", x=lambda g, x: 2 * g * ag.cos(x)),
    "sign": ag.Op(np.sin, name="sign", x=lambda g, x: -g * ag.cos(x)),
    "nothing": ag.Op(np.sin, name="nothing", x=lambda g: g * 0.0),
    "nan": ag.Op(np.sin, name="nan", x=lambda g: g * np.nan),
    "inf": ag.Op(np.sin, name="inf", x=lambda g: g * np.inf),
    "one entry": ag.Op(np.sin, name="one entry", x=lambda g, x: g * ag.cos(x) * np.array([1.0, 1.0, 1.01])),
}
WRONG_SECOND = {
    "y for a constant": ag.Op(np.exp, name="y for a constant", x=lambda g, x, y: g * getattr(y, "data", y)),
    "detached": ag.Op(
        np.sin, name="detached", x=lambda g, x: g * ag.cos(x.detach() if isinstance(x, ag.Tensor) else x)
    ),
}
X = np.array([0.3, -0.8, 1.1])


@pytest.mark.parametrize("name", WRONG_FIRST)
def test_wrong_rules_are_rejected(name):
    with np.errstate(invalid="ignore"), pytest.raises(ag.GradientError, match=rf"order 1: .*\(op {name}\)"):
        ag.check_grads(lambda x: ag.tanh(WRONG_FIRST[name](x * 1.5)), X)


@pytest.mark.parametrize("name", WRONG_SECOND)
def test_rules_wrong_when_differentiated_again_are_rejected(name):
    ag.check_grads(WRONG_SECOND[name], X, order=1)
    with pytest.raises(ag.GradientError, match=rf"order 2: .*\(op {name}\)"):
        ag.check_grads(WRONG_SECOND[name], X)


def test_the_message_names_the_entry_and_both_values():
    with pytest.raises(
        ag.GradientError, match=r"argument 1\[2\]: the gradient is 0\.\d+, central differences give 0\.\d+"
    ):
        ag.check_grads(lambda a, x: (a * WRONG_FIRST["one entry"](x)).sum(), 1.0, X)


def test_what_is_right_passes():
    ag.check_grads(ag.sin, X, order=4)
    ag.check_grads(lambda p: p["a"] * p["b"][0], {"a": X, "b": [X + 1]})
    ag.check_grads(lambda x: (x, x * x), X)
    ag.check_grads(lambda x: 3.0, X)
    ag.check_grads(ag.sin, X.astype(np.float32))
    ag.check_grads(lambda z: z * z, X + 1j)


def test_a_function_that_is_no_op_is_named_without_one():
    def f(x):
        return ag.sum(x) * (2.0 if isinstance(x.node, ag.Node) else 1.0)  # differs when recorded

    with pytest.raises(ag.GradientError, match=r"the gradient is 2, central differences give 1$"):
        ag.check_grads(f, X)


def test_bad_arguments():
    with pytest.raises(TypeError, match="convert it to float"):
        ag.check_grads(ag.sin, 3)
    with pytest.raises(TypeError, match="returned nothing"):
        ag.check_grads(lambda x: None, X)
