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


SCALES = [1e-9, 1e-6, 1e-3, 1e3, 1e6]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("f", [ag.sin, ag.log, ag.square, ag.sqrt], ids=lambda op: op.name)
def test_arguments_of_any_scale(f, scale):
    x = np.abs(X) * scale
    ag.check_grads(f, x, modes=("fwd", "rev"))
    wrong = ag.Op(f.fprop, name="wrong", x=lambda g, x: ag.grad(lambda x: 1.1 * ag.sum(f(x)))(x) * g)
    with pytest.raises(ag.GradientError, match=r"order 1: argument 0\[\d\].*\(op wrong\)"):
        ag.check_grads(wrong, x, order=1)


def test_entries_of_different_scales_in_one_argument_and_in_two():
    ag.check_grads(ag.log, np.array([1e-6, 1.0]))
    ag.check_grads(lambda a, b: ag.sin(a * b), X * 1e6, X * 1e-6)
    ag.check_grads(lambda x: ag.cos(x) + 1, np.array([1e-12]))  # zero but for rounding
    ag.check_grads(lambda x: x**3, np.zeros(3))


def test_a_second_step_is_tried_where_the_first_is_too_long():
    ag.check_grads(lambda x: ag.sin(1e5 * x), X)
    ag.check_grads(lambda x: ag.relu(x - 0.3), np.array([0.300002, 0.8]))


WRONG_FORWARD = {
    factor: ag.Op(
        np.sin,
        name="pushed",
        x=lambda g, x: g * ag.cos(x),
        tangent=lambda node, moving, factor=factor: factor * moving[0] * ag.cos(node.saved[0]),
    )
    for factor in (2.0, 1 + 1e-8)
}


def test_forward_mode():
    ag.check_grads(ag.sin, X, order=3, modes=("fwd",))
    ag.check_grads(lambda p: p["a"] * p["b"][0], {"a": X, "b": [X + 1]}, modes=("fwd", "rev"))
    ag.check_grads(lambda z: z * z * ag.conjugate(z), X + 1j, modes=("fwd", "rev"))
    ag.check_grads(WRONG_FORWARD[2.0], X)
    message = r"order 1, forward mode: argument 0\[2\]: the tangent is 0\.58\d+, central differences give 0\.29\d+ \(op"
    with pytest.raises(ag.GradientError, match=message):
        ag.check_grads(WRONG_FORWARD[2.0], X, modes=("fwd", "rev"))
    with pytest.raises(ag.GradientError, match=r"order 1, reverse mode: argument 0"):
        ag.check_grads(WRONG_FIRST["factor"], X, modes=("rev", "fwd"))


def test_forward_and_reverse_mode_agree_more_closely_than_differences_can_tell():
    ag.check_grads(WRONG_FORWARD[1 + 1e-8], X, modes=("fwd",))
    with pytest.raises(ag.GradientError, match=r"order 1: forward mode gives .* reverse mode .*\(op pushed\)"):
        ag.check_grads(WRONG_FORWARD[1 + 1e-8], X, modes=("fwd", "rev"))


def test_kinks_are_called_kinks():
    kink = r"order 1: argument 0\[1\]: f is not differentiable there, it has a kink: .* 0 from the left and 1 from the right"
    with pytest.raises(ag.GradientError, match=kink) as raised:
        ag.check_grads(lambda x: ag.sum(ag.relu(x)), np.array([1.0, 0.0, -1.0]))
    assert "op" not in str(raised.value).split("point")[1]
    wrong = ag.Op(np.abs, name="wrong", x=lambda g, x: 3 * g * ag.sign(x) + 3 * g * (x == 0))
    with pytest.raises(ag.GradientError, match=r"argument 0: the gradient is 3, central differences give 0 \(op wrong"):
        ag.check_grads(wrong, 0.0)  # a kink, and 3 is no slope on either side nor between


def test_an_infinite_gradient_is_shown_at_its_own_entry():
    with (
        np.errstate(divide="ignore", invalid="ignore"),
        pytest.raises(ag.GradientError, match=r"argument 0\[0\]: the gradient is inf"),
    ):
        ag.check_grads(lambda x: ag.sum(ag.sqrt(x)), np.array([0.0, 1.0]), order=1)


def test_a_warning_where_rounding_hides_the_derivative():
    with pytest.warns(UserWarning, match=r"order 1 rounding .* use float64"):
        ag.check_grads(lambda x: ag.sin(x) + 1e5, X.astype(np.float32))
    with pytest.warns(UserWarning, match="rounding"):
        ag.check_grads(lambda x: ag.sin(x) + 1e9, X)
    ag.check_grads(lambda x: ag.sin(x) + 1e5, X)
    ag.check_grads(ag.sin, X.astype(np.float16))
    ag.check_grads(lambda x: ag.sin(x.astype(np.float32)), X)  # the coarsest dtype may be that of the result


def test_modes_are_those_there_are():
    for modes in ((), ("forward",), "rev"):
        with pytest.raises(TypeError, match="modes"):
            ag.check_grads(ag.sin, X, modes=modes)
