"""Every row of the derivative table, on random inputs: value, gradients to second order, dtype, facts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from specs import DOMAINS, SPECS

import autograd_lite as ag
from autograd_lite import row_checks
from autograd_lite.generate import parameters
from autograd_lite.node import FlatNode, Leaf
from autograd_lite.row_checks import cotangent, differentiable, of_live_inputs, recorded
from autograd_lite.symbol import written_out
from autograd_lite.testing import sample

ROWS = [(name, k) for name, spec in SPECS.items() for k in range(len(spec.cases))]
DIFFERENTIABLE = [(name, k) for name, k in ROWS if not SPECS[name].flat]
SEEDS = st.integers(0, 2**32 - 1)


def test_every_row_has_a_spec():
    """Rows of the chapters that load later may instead be used by a program of the surface (test_surface.py)."""
    assert set(SPECS) <= set(ag.OPS)
    first_chapters = {"elementwise", "shape", "reduce", "products", "neural"}
    assert set(SPECS) == {n for n, op in ag.OPS.items() if op.__module__.split(".")[-1] in first_chapters}


def test_flat_rows_are_those_without_a_formula():
    assert {name for name, spec in SPECS.items() if spec.flat} == {n for n in SPECS if ag.OPS[n].flat}


FORMULAS = [
    formula
    for op in ag.OPS.values()
    for _, formula in op.named_formulas()
    if written_out(formula, list(parameters(formula)))
]


@given(st.sampled_from(FORMULAS), SEEDS)
def test_a_formula_written_out_computes_the_same(formula, seed):
    names = parameters(formula)
    values = np.random.default_rng(seed).uniform(0.1, 2.0, len(names))
    text = written_out(formula, [f"given.{name}" for name in names])
    given_values = SimpleNamespace(**dict(zip(names, values, strict=True)))
    assert eval(text, {"given": given_values}) == formula(*values)  # to the last bit


def test_a_formula_is_written_out_only_where_it_is_arithmetic():
    assert written_out(ag.tanh.formulas["x"], ["g", "node.saved_y"]) == "g * (1 - node.saved_y * node.saved_y)"
    assert written_out(lambda g, a, b: (a - (b - g)) / (a / b) ** (2 * -g), ["g", "x", "y"]) == (
        "(x - (y - g)) / (x / y) ** (2 * -g)"
    )
    factor = 2.0
    for formula in (
        lambda g, b: g if b is None else g * b,  # branches
        lambda g, b: g * (b is None),
        lambda g: g * factor,  # looks something up
        lambda g: g * np.pi,
        lambda g: abs(g),  # calls something
        lambda g: g.T,
        lambda g, b: g * (b == 0),
        lambda g, b: g * (-2.0) ** b,  # whose text would be another one's
        lambda g: g * -1j,  # whose text would lose the sign of its real part
        lambda g: 0.0,
        lambda g: g * (1 / 0),
    ):
        assert written_out(formula, list(parameters(formula))) is None


def draw(name, k, seed, *, complex_inputs=False):
    """The op, its inputs, and one choice of statics."""
    spec, rng = SPECS[name], np.random.default_rng(seed)
    inputs = []
    for domain, shape in zip(spec.domains, spec.cases[k], strict=True):
        x = sample(rng, domain, shape)
        if complex_inputs and x.dtype.kind == "f":
            x = x + 1j * rng.uniform(0.2, 0.6, shape)
        inputs.append(x[()])
    return ag.OPS[name], inputs, spec.statics[rng.integers(len(spec.statics))]


@pytest.mark.parametrize(("name", "k"), ROWS)
@given(seed=SEEDS)
def test_value_is_numpys(name, k, seed):
    op, inputs, statics = draw(name, k, seed)
    reference = SPECS[name].value or getattr(np, name)
    wanted = reference(*inputs, **statics)
    tensors = recorded(inputs, differentiable(op, inputs))
    for got in (op(*inputs, **statics), op(*tensors, **statics)):
        value = got.data if isinstance(got, ag.Tensor) else got
        assert value.dtype == np.asarray(wanted).dtype
        assert value.shape == np.shape(wanted)
        if SPECS[name].value is None or op.flat or op.linear or name == "raised":
            np.testing.assert_array_equal(value, wanted)
        else:
            np.testing.assert_allclose(value, wanted, rtol=1e-14, atol=1e-14)
        assert value.ndim or isinstance(value, np.generic), "0-d values are NumPy scalars"


@pytest.mark.parametrize(("name", "k"), DIFFERENTIABLE)
@given(seed=SEEDS)
def test_gradients_equal_central_differences(name, k, seed):
    op, inputs, statics = draw(name, k, seed)
    live = differentiable(op, inputs)
    f = of_live_inputs(op, inputs, live, statics)

    ag.check_grads(f, *[inputs[i] for i in live], order=SPECS[name].order)


@pytest.mark.parametrize(("name", "k"), [(n, k) for n, k in DIFFERENTIABLE if SPECS[n].complex])
@given(seed=SEEDS)
def test_complex_gradients(name, k, seed):
    op, inputs, statics = draw(name, k, seed, complex_inputs=True)
    live = differentiable(op, inputs)
    f = of_live_inputs(op, inputs, live, statics)

    ag.check_grads(f, *[inputs[i] for i in live], order=SPECS[name].order)


@pytest.mark.parametrize("complex_inputs", [False, True])
@pytest.mark.parametrize(("name", "k"), DIFFERENTIABLE)
@given(seed=SEEDS)
def test_forward_and_reverse_mode_agree(name, k, complex_inputs, seed):
    if complex_inputs and not SPECS[name].complex:
        return
    op, inputs, statics = draw(name, k, seed, complex_inputs=complex_inputs)
    row_checks.check_modes(op, inputs, statics, np.random.default_rng(seed))


@pytest.mark.parametrize(("name", "k"), DIFFERENTIABLE)
@given(seed=SEEDS)
def test_one_engine_behind_every_door(name, k, seed):
    """backward, grad, and the boxes of a Graph give the same bits; a gradient has its input's shape and dtype."""
    op, inputs, statics = draw(name, k, seed)
    live = differentiable(op, inputs)
    tensors = recorded(inputs, live)
    y = op(*tensors, **statics)
    v = cotangent(y)
    y.backward(v)
    gradients = [tensors[i].grad for i in live]
    for i, g in zip(live, gradients, strict=True):
        assert g.shape == inputs[i].shape
        assert g.dtype == inputs[i].dtype
        assert g.ndim == 0 or (g.flags.writeable and g.base is None)

    f = of_live_inputs(op, inputs, live, statics)
    functional = ag.grad(lambda *xs: (f(*xs) * v).sum(), tuple(range(len(live))))(*[inputs[i] for i in live])
    for a, b in zip(gradients, functional, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)

    graph = ag.Graph(y, v)
    for box in graph:
        box.fprop()
    np.testing.assert_array_equal(graph[-1].value, y.data)
    for t in tensors:
        if isinstance(t, ag.Tensor):
            t.zero_grad()
    for box in reversed(graph):
        box.bprop()
    for i, g in zip(live, gradients, strict=True):
        np.testing.assert_array_equal(tensors[i].grad, g)


@pytest.mark.parametrize(("name", "k"), DIFFERENTIABLE)
@given(seed=SEEDS)
def test_each_input_alone(name, k, seed):
    op, inputs, statics = draw(name, k, seed)
    row_checks.check_each_alone(op, inputs, statics, None)


@pytest.mark.parametrize(("name", "k"), [(n, k) for n, k in DIFFERENTIABLE if n != "cast"])
@given(seed=SEEDS)
def test_float32_stays_float32(name, k, seed):
    op, inputs, statics = draw(name, k, seed)
    row_checks.check_float32(op, inputs, statics, None)


@pytest.mark.parametrize(("name", "k"), ROWS)
@given(seed=SEEDS)
def test_recording(name, k, seed):
    op, inputs, statics = draw(name, k, seed)
    if op.flat:
        if inputs[0].dtype.kind != "f":
            return
        y = op(ag.tensor(inputs[0], requires_grad=True), *inputs[1:], **statics)
        assert isinstance(y.node, FlatNode)
        assert not y.requires_grad
        assert any(isinstance(i, Leaf) for i in y.node.inputs), "flat, yet recorded"
        return
    tensors = recorded(inputs, differentiable(op, inputs))
    y = op(*tensors, **statics)
    assert y.requires_grad
    assert y.node.op is op
    assert len(y.node.inputs) == len(inputs)
    with ag.no_grad():
        z = op(*tensors, **statics)
    assert z.node is None
    for t in tensors:  # a constant never shares memory with a leaf, which may change
        assert not (isinstance(t, ag.Tensor) and t.ndim and np.shares_memory(z.data, t.data))
        if isinstance(t, ag.Tensor) and t.ndim and np.shares_memory(y.data, t.data):
            assert op.view


@pytest.mark.parametrize(("name", "k"), [(n, k) for n, k in ROWS if ag.OPS[n].linear])
@given(seed=SEEDS)
def test_linear_rows_are_linear(name, k, seed):
    op, u, statics = draw(name, k, seed)
    _, v, _ = draw(name, k, seed + 1)
    joint = [i for i in range(len(u)) if (op.inputs[i] if i < len(op.inputs) else op.variadic) in op.linear]
    mixed = [2 * a - 3 * b if i in joint else a for i, (a, b) in enumerate(zip(u, v, strict=True))]
    v = [b if i in joint else a for i, (a, b) in enumerate(zip(u, v, strict=True))]
    np.testing.assert_allclose(
        op(*mixed, **statics), 2 * op(*u, **statics) - 3 * op(*v, **statics), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("name", [n for n in SPECS if ag.OPS[n].elementwise])
@given(seed=SEEDS)
def test_elementwise_rows_are_elementwise(name, seed):
    spec, rng = SPECS[name], np.random.default_rng(seed)
    op = ag.OPS[name]
    inputs = [DOMAINS[d](rng, (5,)) for d in spec.domains]
    order = rng.permutation(5)
    statics = spec.statics[0]
    np.testing.assert_array_equal(op(*[x[order] for x in inputs], **statics), op(*inputs, **statics)[order])


@pytest.mark.parametrize(("name", "k"), [(n, k) for n, k in DIFFERENTIABLE if SPECS[n].cases[k][0]])
def test_strides_do_not_matter(name, k):
    """Reversed and Fortran-ordered inputs give the values and gradients of their contiguous copies."""
    op, inputs, statics = draw(name, k, 3)
    row_checks.check_strides(op, inputs, statics, None)


@pytest.mark.parametrize(("name", "k"), DIFFERENTIABLE)
@given(seed=SEEDS)
def test_entries_depend_on_no_more_than_is_said(name, k, seed):
    op, inputs, statics = draw(name, k, seed)
    row_checks.check_reach(op, inputs, statics, None)
