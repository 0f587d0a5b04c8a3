"""`ag.testing`: right rows pass, wrong rows fail with a message that says how."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rows import ROWS, SPECS, draw

import autograd_lite as ag
from autograd_lite.testing import DOMAINS, arrays, broadcastable_shapes, check_op

X = np.array([0.3, -0.8, 1.1])
A = np.array([[0.3, -0.8, 1.1], [0.2, 0.5, -0.4]])


@pytest.mark.parametrize("complex_inputs", [False, True])
@pytest.mark.parametrize(("name", "k"), ROWS)
def test_the_rows_of_the_table_pass(name, k, complex_inputs):
    spec = SPECS[name]
    if complex_inputs and not spec.complex:
        return
    op, inputs, statics = draw(name, k, 1, complex_inputs=complex_inputs)
    skip = ("float32",) if name == "cast" else ()
    reference = None if name == "raised" else spec.value or getattr(np, name)
    check_op(op, *inputs, reference=None if complex_inputs else reference, order=spec.order, skip=skip, **statics)


def test_ops_with_several_outputs_pass():
    both = ag.Op(
        lambda a, b: (a + b, a * b),
        name="both",
        several=True,
        bprop=lambda g, a, b: (g[0] + g[1] * b, g[0] + g[1] * a),
        a=lambda g: g,
        b=lambda g: g,
    )
    check_op(both, X, X + 2.0)


def row(formula, f=np.sin, **facts):
    return ag.Op(f, name="wrong", x=formula, **facts)


WRONG = {
    "factor": (row(lambda g, x: 2 * g * ag.cos(x)), r"wrong, gradients: order 1: argument 0.*central differences"),
    "second order": (
        row(lambda g, x: g * np.cos(x.detach().data if isinstance(x, ag.Tensor) else x)),
        r"wrong, gradients: order 2",
    ),
    "float64": (row(lambda g, x: g * ag.cos(x) * np.ones(1)), r"wrong, float32: the formulas give .*float64"),
    "float64 value": (
        row(lambda g, x: g * ag.cos(x), lambda x: np.sin(np.asarray(x, float))[()], elementwise=True),
        r"wrong, float32: the value of float32 inputs is float64",
    ),
    "linear": (row(lambda g, x: g * ag.cos(x), linear=("x",)), r"wrong, (modes|linear): "),
    "elementwise": (
        row(lambda g, y: ag.cumsum(g[::-1])[::-1], lambda x: np.cumsum(x), elementwise=True),
        r"wrong, (modes|vmap|elementwise): ",
    ),
    "permutes alike": (  # right under permutations of the entries, and yet not elementwise
        ag.Op(
            lambda x: x / np.sum(x), name="wrong", elementwise=True, x=lambda g, x, y: (g - ag.sum(g * y)) / ag.sum(x)
        ),
        r"wrong, (modes|vmap|elementwise): ",
    ),
    "broadcasting": (
        ag.Op(lambda x, w: x * w, name="wrong", x=lambda g, w: g * w, w=lambda g, x: ag.sum(g * x)),
        r"wrong, gradients: ",
    ),
    "shape": (row(lambda g, x: g[:2] * ag.cos(x[:2])), r"wrong, gradients: ShapeError: "),
    "view": (ag.Op(lambda x: x[::-1], name="wrong", x=lambda g: g[::-1]), r"wrong, recording: .* view=True"),
    "tangent": (
        row(lambda g, x: g * ag.cos(x), tangent=lambda node, moving: 2 * moving[0]),
        r"wrong, modes: ",
    ),
    "batch": (
        row(lambda g, x: g * ag.cos(x), batch=lambda node, inputs, batched, size: ag.sin(inputs[0]) * 2),
        r"wrong, vmap: ",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rows_fail_and_the_message_says_how(name):
    op, message = WRONG[name]
    inputs = (A, X) if name == "broadcasting" else (X,)
    with pytest.raises(ag.GradientError, match=message):
        check_op(op, *inputs)


@pytest.mark.parametrize("name", ["linear", "elementwise", "permutes alike"])
def test_wrong_facts_fail_by_themselves(name):
    others = ("modes", "vmap", "gradients")
    with pytest.raises(ag.GradientError, match=f"wrong, {name if name == 'linear' else 'elementwise'}: "):
        check_op(WRONG[name][0], X, skip=others)


def test_wrong_values():
    with pytest.raises(ag.GradientError, match="sin, value: "):
        check_op(ag.sin, X, reference=np.cos)
    with pytest.raises(ag.GradientError, match="sin, value: dtype float64, the reference's is float32"):
        check_op(ag.sin, X, reference=lambda x: np.sin(x).astype(np.float32))
    with pytest.raises(ag.GradientError, match=r"sin, value: shape \(3,\), the reference's is \(1, 3\)"):
        check_op(ag.sin, X, reference=lambda x: np.sin(x)[None])


def test_checks_to_skip_are_those_there_are():
    check_op(WRONG["float64"][0], X, skip=("float32",))
    with pytest.raises(TypeError, match="the checks are 'value', 'gradients'"):
        check_op(ag.sin, X, skip=("speed",))


def test_complex_inputs():
    check_op(ag.exp, X + 1j)
    wrong = ag.Op(lambda x: np.conj(x), name="wrong", x=lambda g: g)
    check_op(wrong, X)
    with pytest.raises(ag.GradientError, match="wrong, gradients"):
        check_op(wrong, X + 1j)


@pytest.mark.parametrize("domain", DOMAINS)
@given(data=st.data())
def test_domains(domain, data):
    shape = data.draw(broadcastable_shapes(1))[0]
    x = data.draw(arrays(shape, domain=domain))
    assert np.shape(x) == shape
    assert x.dtype.kind == {"bool": "b", "int": "i", "label": "i"}.get(domain, "f")
    if domain == "above 1":
        assert np.all(x > 1)


@given(shapes=broadcastable_shapes(3), x=arrays(broadcastable_shapes(1).map(lambda s: s[0]), np.complex64, "unit"))
def test_strategies(shapes, x):
    assert len(shapes) == 3
    np.broadcast_shapes(*shapes)
    assert x.dtype == np.complex64


@given(x=arrays((3,), domain="positive"), dtype=arrays((), np.float32))
def test_a_row_with_drawn_inputs(x, dtype):
    check_op(ag.log, x, reference=np.log)
    assert dtype.dtype == np.float32


def test_unknown_domains():
    with pytest.raises(TypeError, match="a domain 'realm'; there are 'real', "):
        arrays((), domain="realm")


def test_without_hypothesis_the_checks_run_and_the_strategies_say_what_is_missing():
    program = """if True:
        import sys
        sys.modules["hypothesis"] = None
        import numpy as np, autograd_lite as ag
        assert "autograd_lite.testing" not in sys.modules
        ag.testing.check_op(ag.sin, np.ones(2))
        try:
            ag.testing.arrays((2,))
        except ImportError as error:
            print(error)
    """
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "autograd_lite.testing draws inputs with hypothesis: pip install hypothesis\n"
