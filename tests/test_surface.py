"""Every NumPy function of the surface (surface.py), at two sizes: values to the bit, gradients, complex, float32."""

from __future__ import annotations

import numpy as np
import pytest
from surface import FLAT, SIZES, SURFACE, Program

import autograd_lite as ag
import autograd_lite.numpy as agnp
from autograd_lite.tree import leaves

special = pytest.importorskip("autograd_lite.scipy.special")

CASES = [(name, text, size) for name, programs in SURFACE.items() for text in programs for size in SIZES]

# Values to rounding, not to the bit, each with its reason.
ROUNDED = {}

# Programs that NumPy takes complex numbers for and no gradient is given, each with its reason.
NOT_COMPLEX: dict[str, str] = {}


def run(program, inputs):
    return program(agnp, special, inputs)


def wanted_value(program, inputs):
    """What NumPy and SciPy themselves give."""
    import scipy.special

    return program(np, scipy.special, inputs)


def plain(tree):
    return [np.asarray(y.data if isinstance(y, ag.Tensor) else y) for y in leaves(tree)]


@pytest.mark.parametrize(("name", "text", "size"), CASES)
def test_value_is_numpys_to_the_bit(name, text, size):
    program = Program(text)
    inputs = program.inputs(size)
    recorded = {k: ag.tensor(x, requires_grad=True) if k in program.live else x for k, x in inputs.items()}
    wanted = plain(wanted_value(program, inputs))
    for got in (run(program, recorded), run(program, inputs)):
        values = plain(got)
        assert len(values) == len(wanted)
        for value, w in zip(values, wanted, strict=True):
            assert value.dtype == w.dtype
            assert value.shape == w.shape
            if name in ROUNDED:
                np.testing.assert_allclose(value, w, rtol=1e-13, atol=1e-14)
            else:
                np.testing.assert_array_equal(value, w)


def as_function(program, inputs):
    others = {k: x for k, x in inputs.items() if k not in program.live}

    def f(*moving):
        y = run(program, {**others, **dict(zip(program.live, moving, strict=True))})
        return [part for part in leaves(y) if getattr(part, "dtype", np.dtype(float)).kind in "fc"]

    return f


@pytest.mark.parametrize(("name", "text", "size"), CASES)
def test_gradients_to_second_order(name, text, size):
    program = Program(text)
    inputs = program.inputs(size)
    ag.check_grads(as_function(program, inputs), *[inputs[k] for k in program.live])


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, programs in SURFACE.items() for text in programs])
def test_complex_gradients(name, text):
    program = Program(text)
    inputs = program.inputs(SIZES[0], complex_inputs=True)
    try:
        wanted_value(program, inputs)
    except (TypeError, ValueError):
        pytest.skip("NumPy has none for complex numbers")
    if name in NOT_COMPLEX:
        with pytest.raises((TypeError, ValueError)):
            ag.check_grads(as_function(program, inputs), *[inputs[k] for k in program.live])
        return
    ag.check_grads(as_function(program, inputs), *[inputs[k] for k in program.live])


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, programs in SURFACE.items() for text in programs])
def test_float32_stays_float32(name, text):
    program = Program(text)
    inputs = program.inputs(SIZES[0])
    single = {
        k: x.astype(np.complex64 if x.dtype.kind == "c" else np.float32) if k in program.live else x
        for k, x in inputs.items()
    }
    recorded = {k: ag.tensor(x, requires_grad=True) if k in program.live else x for k, x in single.items()}
    for y, w in zip(leaves(run(program, recorded)), plain(wanted_value(program, single)), strict=True):
        assert y.dtype == w.dtype
        if y.requires_grad:
            y.backward(np.ones(y.shape, y.dtype))
    for k in program.live:
        assert recorded[k].grad is None or recorded[k].grad.dtype == single[k].dtype


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, programs in FLAT.items() for text in programs])
def test_flat_functions_are_recorded_and_have_no_gradient(name, text):
    program = Program(text)
    inputs = program.inputs(SIZES[0])
    recorded = {k: ag.tensor(x, requires_grad=True) if k in program.live else x for k, x in inputs.items()}
    got = list(leaves(run(program, recorded)))
    for y, w in zip(got, plain(wanted_value(program, inputs)), strict=True):
        np.testing.assert_array_equal(y.data, w)
        assert y.node is not None
        assert not y.requires_grad
