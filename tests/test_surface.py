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


def gradient_of_sum(program, inputs, arranged):
    """The gradients of the sum of all that a program gives, with its inputs laid out by `arranged`."""
    live = {k: arranged(inputs[k]) if np.ndim(inputs[k]) else inputs[k] for k in program.live}
    recorded = {k: ag.tensor(x, requires_grad=True) for k, x in live.items()}
    for k, x in live.items():
        recorded[k].node.data = recorded[k]._data = x  # a Tensor's own copy would be laid out anew
    y = as_function(program, {**inputs, **recorded})(*recorded.values())
    for part in y:
        if getattr(part, "requires_grad", False):  # the built-in sum of no rows is 0
            part.backward(np.ones(part.shape, part.dtype))
    return {k: t.grad for k, t in recorded.items()}


LAYOUTS = {
    "Fortran's": np.asfortranarray,
    "backwards": lambda x: x[(slice(None, None, -1),) * x.ndim].copy()[(slice(None, None, -1),) * x.ndim],
    "with gaps": lambda x: np.repeat(x, 2, -1)[..., ::2],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, programs in SURFACE.items() for text in programs])
def test_gradients_do_not_depend_on_how_inputs_lie_in_memory(name, text):
    program = Program(text)
    inputs = program.inputs(SIZES[1])
    wanted = gradient_of_sum(program, inputs, np.array)
    for arranged in LAYOUTS.values():
        for k, g in gradient_of_sum(program, inputs, arranged).items():
            if wanted[k] is not None:
                assert g.shape == inputs[k].shape
                np.testing.assert_allclose(g, wanted[k], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, programs in SURFACE.items() for text in programs])
@pytest.mark.parametrize("size", [(2, 0), (0, 3), (1, 1)])
@pytest.mark.filterwarnings("ignore")
def test_empty_and_single_inputs_have_gradients_of_their_shape(name, text, size):
    program = Program(text)
    try:
        inputs = program.inputs(size)
        wanted_value(program, inputs)
    except Exception:
        pytest.skip("NumPy has no value for these")
    for k, g in gradient_of_sum(program, inputs, np.array).items():
        assert g is None or (g.shape == np.shape(inputs[k]) and g.dtype == inputs[k].dtype)
        assert g is None or np.all(np.isfinite(g)) or not np.all(np.isfinite(plain(wanted_value(program, inputs))[0]))
