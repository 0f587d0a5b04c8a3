"""Every NumPy function of the surface (surface.py), at two sizes: values to the bit, gradients, complex, float32."""

from __future__ import annotations

import numpy as np
import pytest
from specs import SPECS
from surface import FLAT, SIZES, SURFACE, Program
from test_mutation import mutants, scope_of

import autograd_lite as ag
import autograd_lite.numpy as agnp
from autograd_lite.generate import generate
from autograd_lite.node import topological_order
from autograd_lite.source import formula_source
from autograd_lite.tree import leaves

special = pytest.importorskip("autograd_lite.scipy.special")

EVERY = {**SURFACE, **{f"np.{name}": programs for name, programs in FLAT.items()}}
CASES = [(name, text, size) for name, programs in SURFACE.items() for text in programs for size in SIZES]

# Values to rounding, not to the bit, each with its reason.

# Values to rounding, not to the bit, each with its reason.
ROUNDED = {"scipy.special.logsumexp": "SciPy takes the largest term out of the sum, here all are summed"}

# Mutants that compute the same, each with its reason.
EQUIVALENT = {
    **{("float_power", i): "as power (test_mutation.py)" for i in "ab"},
    **{(row, i): "g / 2 is for ties, which test_values.py has" for row in ("fmax", "fmin") for i in "ab"},
    ("fabs", "x"): "sign(x) is its own inverse where it is not 0",
    ("copysign", "a"): "as fabs",
    ("ive", "z"): "as fabs",
    ("xlogy", "b"): "the guard is for a = b = 0",
    ("xlog1py", "b"): "the guard is for a = 0, b = -1",
}

# Functions that give float32 for float32, where SciPy gives float64.
NARROWER = {"scipy.special.polygamma"}

# Functions that NumPy takes complex numbers for and no gradient is given, each with its reason.
NOT_COMPLEX = {
    f"scipy.special.{name}": "SciPy's polygamma takes real numbers only" for name in ("gamma", "rgamma", "digamma")
}


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
    except (TypeError, ValueError, np.exceptions.ComplexWarning):
        pytest.skip("NumPy has none for complex numbers")
    if name in NOT_COMPLEX:
        with pytest.raises((TypeError, ValueError)):
            ag.check_grads(as_function(program, inputs), *[inputs[k] for k in program.live])
        return
    ag.check_grads(as_function(program, inputs), *[inputs[k] for k in program.live])


def along_random(x, rng):
    u = rng.standard_normal(np.shape(x)) + (1j * rng.standard_normal(np.shape(x)) if x.dtype.kind == "c" else 0)
    return np.asarray(u)[()]


def products(f, xs, rng):
    """<v, J u> by forward and <J' v, u> by reverse mode."""
    us = [along_random(x, rng) for x in xs]
    value, tangents = ag.jvp(f, xs, us)
    y, pullback = ag.vjp(f, *xs)
    assert all(t.shape == v.shape and t.dtype == v.dtype for t, v in zip(tangents, value, strict=True))
    vs = [along_random(part, rng) for part in y]
    forward = sum(np.sum((v * t).real) for v, t in zip(vs, tangents, strict=True))
    return forward, sum(np.sum((u * g).real) for u, g in zip(us, pullback(vs), strict=True))


@pytest.mark.parametrize("complex_inputs", [False, True])
@pytest.mark.parametrize(("name", "text"), [(name, text) for name, programs in SURFACE.items() for text in programs])
def test_forward_and_reverse_mode_agree(name, text, complex_inputs):
    program, rng = Program(text), np.random.default_rng(1)
    inputs = program.inputs(SIZES[0], complex_inputs=complex_inputs)
    try:
        wanted_value(program, inputs)
    except (TypeError, ValueError, np.exceptions.ComplexWarning):
        pytest.skip("NumPy has none for complex numbers")
    if complex_inputs and name in NOT_COMPLEX:
        pytest.skip(NOT_COMPLEX[name])
    f, xs = as_function(program, inputs), [inputs[k] for k in program.live]
    np.testing.assert_allclose(*products(f, xs, rng), rtol=1e-9, atol=1e-9)
    if not complex_inputs:  # forward over forward, and its transpose
        us = [along_random(x, rng) for x in xs]
        np.testing.assert_allclose(*products(lambda *xs: ag.jvp(f, xs, us)[1], xs, rng), rtol=1e-8, atol=1e-8)


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
        assert y.dtype == w.dtype or name in NARROWER
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


def rows_of(text):
    """The rows of the table that a program's graph has, by name."""
    program = Program(text)
    inputs = program.inputs(SIZES[0])
    recorded = {k: ag.tensor(x, requires_grad=True) if k in program.live else x for k, x in inputs.items()}
    graph = [node for y in leaves(run(program, recorded)) for node in topological_order(y.node)]
    return {node.op for node in graph if node.op is not None}


USED = {}  # row -> the programs whose graphs have it
for _programs in EVERY.values():
    for _text in _programs:
        for _row in rows_of(_text):
            USED.setdefault(_row, []).append(_text)

# Rows that no program of the surface reaches, each with the test that does.
ELSEWHERE = {
    "sinc_derivative": "second derivatives of np.sinc",
    "recurrence": "derivatives of np.cumprod",
    "on_diagonal": "derivatives of np.diagonal",
    "cofactors": "second derivatives of np.linalg.det",
    "known_svdvals": "np.linalg.lstsq (test_linalg.py)",
    "pairing": "derivatives of np.linalg.eigvals (test_linalg.py)",
    "identity_like": "np.linalg.matrix_power with exponent 0 (test_linalg.py)",
}


def test_every_row_is_used_by_a_program():
    """Rows of the first chapters have specs of their own (specs.py), those of scipy.special tests (test_special.py)."""
    tested = {row.name for row in USED} | set(SPECS) | set(ELSEWHERE)
    others = {name for name, row in ag.OPS.items() if not row.__module__.endswith(".special")}
    assert others - tested == set()


CHANGED = [
    (row, i)
    for row in sorted(USED, key=lambda row: row.name)
    if row.name not in SPECS and row.name in ag.OPS
    for i in (["bprop"] if row.bprop else [i for i, f in row.formulas.items() if f is not None])
    if i == "bprop" or row.formulas[i].__name__ != "unknown"  # one that only raises
]


@pytest.mark.parametrize(("row", "i"), CHANGED, ids=[f"{row.name}-{i}" for row, i in CHANGED])
def test_every_mutant_is_caught(row, i, monkeypatch):
    """Change any formula that the programs of the surface use, and a gradient check must notice."""
    survivors = []
    for text, wrong in mutants_of(row, i):
        with monkeypatch.context() as patch:
            if i == "bprop":
                patch.setattr(row, "bprop", wrong)
            else:
                patch.setitem(row.formulas, i, wrong)
            patch.setattr(row, "call", row.call)  # restored with the rest
            patch.setattr(row, "node_class", row.node_class)
            patch.setattr(row, "source", row.source)
            generate(row)
            if all(map(passes, USED[row])):
                survivors.append(text)
    if (row.name, i) in EQUIVALENT:
        assert 0 < len(survivors) <= 3
    else:
        assert survivors == [], row.formula_text(i)


def mutants_of(row, i):
    formula = row.bprop if i == "bprop" else row.formulas[i]
    names = ", ".join(formula.__code__.co_varnames[: formula.__code__.co_argcount])
    if i == "bprop":
        for factor in (-1.0, 2.0):
            scope = {"formula": formula, "factor": factor}
            yield (
                f"{factor} * all",
                eval(f"lambda {names}: [None if d is None else factor * d for d in formula({names})]", scope),
            )
        return
    if formula.__name__ != "<lambda>":
        for factor in (-1.0, 2.0):
            scope = {"formula": formula, "factor": factor}
            yield f"{factor} * all", eval(f"lambda {names}: factor * formula({names})", scope)
        return
    for text in mutants(formula_source(formula)):
        yield text, eval(f"lambda {names}: {text}", scope_of(formula))


def passes(text):
    program = Program(text)
    for complex_inputs in (False, True):
        inputs = program.inputs(SIZES[0], complex_inputs=complex_inputs)
        try:
            wanted_value(program, inputs)
        except Exception:
            continue
        try:
            with np.errstate(all="ignore"):
                ag.check_grads(as_function(program, inputs), *[inputs[k] for k in program.live])
        except NameError:  # no wrong formula but a text that is none
            raise
        except Exception:
            return False
    return True


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
