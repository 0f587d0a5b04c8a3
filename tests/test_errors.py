"""Bad input: the error names op, input and shapes, is the built-in error that NumPy would raise, and leaves nothing half-done."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_lite as ag

x = ag.tensor(np.ones((2, 3)), requires_grad=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: x + np.ones(4), ValueError, r"^add: \(2, 3\) \+ \(4,\): operands could not be broadcast"),
        (
            lambda: x @ np.ones((2, 3)),
            ValueError,
            r"^matmul: \(2, 3\) @ \(2, 3\): inner sizes 3 and 2 differ$",
        ),
        (
            lambda: np.ones((5, 2, 2)) @ ag.ones((4, 2, 2)),
            ValueError,
            r"stacks \(5,\) and \(4,\) do not broadcast",
        ),
        (lambda: x @ 2.0, ValueError, r"^matmul: \(2, 3\) @ \(\): both sides need at least one axis"),
        (lambda: x.sum(axis=2), ValueError, r"^sum: \(2, 3\): axis 2 is out of bounds"),
        (lambda: x.sum(axis=2), IndexError, "axis 2"),
        (lambda: x.max(axis=5), ValueError, "axis 5"),
        (lambda: ag.softmax(x, axis=3), ValueError, "axis 3"),
        (lambda: x.reshape(4, 2), ValueError, r"^reshape: \(2, 3\): cannot reshape array of size 6"),
        (lambda: ag.concatenate([x, np.ones((2, 2))]), ValueError, r"^concatenate: \(2, 3\), \(2, 2\)"),
        (lambda: ag.stack([x, np.ones(2)]), ValueError, r"^stack: \(2, 3\), \(2,\)"),
        (lambda: ag.transpose(x, (0, 0)), ValueError, r"^transpose: \(2, 3\)"),
        (lambda: ag.broadcast_to(x, (2, 4)), ValueError, r"^broadcast_to: \(2, 3\)"),
        (lambda: ag.squeeze(x, 0), ValueError, r"^squeeze: \(2, 3\)"),
        (lambda: ag.dot(np.ones((2, 2, 2)), np.ones((2, 3, 2))), ValueError, "dot_stacks"),
        (
            lambda: x.backward(),
            ValueError,
            r"^backward: the output has shape \(2, 3\), not \(\); give a cotangent",
        ),
        (
            lambda: (x * 1.0).backward(np.ones(3)),
            ValueError,
            r"a cotangent of shape \(3,\) for an output of shape \(2, 3\)",
        ),
        (lambda: ag.ones(3).backward(), TypeError, "not computed from one with requires_grad=True"),
        (
            lambda: (x > 0).backward(np.ones((2, 3))),
            TypeError,
            "backward: no gradient gets through greater: flat",
        ),
        (
            lambda: ag.grad(lambda x: x)(np.ones(3)),
            ValueError,
            r"<lambda> returned shape \(3,\), and only a scalar",
        ),
        (lambda: ag.grad(lambda x: (x, x))(1.0), TypeError, "returned a tuple; with has_aux=True"),
        (lambda: ag.grad(ag.sin, 1)(1.0), TypeError, "argnums 1, but sin got 1 positional arguments"),
        (lambda: ag.sum(x, out=np.ones(())), TypeError, "out= would overwrite memory"),
        (lambda: ag.reshape(x, np.array([3, 2])), TypeError, "shape is a static and cannot be a ndarray"),
        (lambda: ag.tanh("text"), TypeError, "tanh"),
        (lambda: ag.tanh(object()), TypeError, "tanh: cannot compute with a object"),
        (lambda: ag.tensor("text"), TypeError, "numbers are needed"),
        (lambda: ag.tensor(np.ma.array([1.0], mask=[True])), TypeError, "masked arrays"),
        (lambda: x + np.ma.array([1.0, 2.0, 3.0]), TypeError, "masked arrays"),
        (lambda: ag.ravel(x, "K"), TypeError, "order 'K'"),
        (lambda: ag.Graph(ag.ones(1)), TypeError, "not recorded"),
        (lambda: setattr(x * 1.0, "data", 1.0), TypeError, "multiply computed this Tensor"),
        (lambda: setattr(x * 1.0, "requires_grad", True), TypeError, "t.detach"),
        (
            lambda: setattr(ag.tensor([1.0], requires_grad=True), "grad", np.ones(2)),
            ValueError,
            r"grad: shape \(2,\)",
        ),
        (lambda: ag.no_such_function, AttributeError, "no_such_function"),
    ],
)
def test_message(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    if error is not AttributeError:
        assert isinstance(caught.value, ag.AutogradError)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            lambda: ag.Op(np.tanh, x=lambda g, z: g),
            r"tanh: the formula of x names 'z', which is none of \['g', 'x', 'x_shape', 'y'\]",
        ),
        (lambda: ag.Op(lambda y: y, name="f", y=lambda g: g), "may not be called 'y'"),
        (lambda: ag.Op(lambda a, b: a, name="f", a=lambda g: g), "write x=None"),
        (lambda: ag.Op(lambda a: a, name="f", a=lambda g: g, b=None), "the inputs are"),
        (lambda: ag.Op(lambda a: a, name="f", a=lambda g, r: g), "names 'r'"),
    ],
)
def test_a_wrong_row_is_refused_when_it_is_declared(row, message):
    with pytest.raises(TypeError, match=message):
        row()


def test_a_formula_of_the_wrong_shape_says_so():
    wrong = ag.Op(lambda x: x.sum(), name="wrong", x=lambda g: g)
    y = wrong(ag.tensor(np.ones(3), requires_grad=True))
    with pytest.raises(ValueError, match="no broadcasting copies") as caught:
        y.backward()
    assert "in the bprop of wrong, output shape ()" in caught.value.__notes__


def test_linalg_errors_keep_their_type():
    inverse = ag.Op(np.linalg.inv, name="inverse", x=lambda g, y: -y.mT @ g @ y.mT)
    with pytest.raises(np.linalg.LinAlgError) as caught:
        inverse(ag.tensor(np.zeros((2, 2)), requires_grad=True))
    assert caught.value.__notes__ == ["in inverse: (2, 2)"]
