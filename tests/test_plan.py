"""A compiled function gives what the function gives, bit by bit, on inputs that it was not recorded with."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from specs import SPECS
from surface import FLAT, SIZES, SURFACE, Program
from test_rows import differentiable, draw, of_live_inputs
from test_surface import run

import autograd_lite as ag
from autograd_lite.ops import OPS
from autograd_lite.plan.passes import PASSES
from autograd_lite.runtime import captured, is_constant
from autograd_lite.tree import leaves

PROGRAMS = [(name, text) for name, programs in {**SURFACE, **FLAT}.items() for text in programs]


# What depends on values in a way that no replay can: how large the result is, or which ops are run.
REFUSED = {
    "np.real_if_close(Z)": "real or complex",
    "np.add.reduceat": "the gradient takes the segments' lengths from the indices",
    "np.unique": "how many there are",
    "np.unique_values": "how many there are",
    "np.unwrap": "where it jumps",
    "np.choose": "the choices are looked at one by one",
    "np.piecewise": "which function is called",
    "np.nanmedian": "how many are no NaN",
    "np.nanquantile": "how many are no NaN",
    "np.nanpercentile": "how many are no NaN",
}


def value_and_pullback(f):
    """What f gives, and the gradients of a weighted sum of that."""

    def both(*xs):
        y, pull = ag.vjp(f, *xs)
        weights = [np.linspace(0.5, 1.5, part.size).reshape(part.shape).astype(part.dtype)[()] for part in y]
        return y, pull(weights)

    return both


def same(got, wanted):
    got, wanted = list(leaves(got)), list(leaves(wanted))
    assert len(got) == len(wanted)
    for g, w in zip(got, wanted, strict=True):
        w = w.data if isinstance(w, ag.Tensor) else w
        assert type(g) is type(w) or not isinstance(w, (np.ndarray, np.generic))
        np.testing.assert_array_equal(g, w, strict=isinstance(w, np.ndarray))


def fresh(x, seed):
    """Another input of the same kind: its entries in another order."""
    x, rng = np.asarray(x), np.random.default_rng(seed)
    return rng.permuted(x, axis=-1) if x.dtype.kind in "fc" and x.ndim == 1 and np.any(np.diff(x) < 0) else x


def function_of(name, program, inputs):
    """What the program gives that is differentiated, with the gradients of it."""

    def f(*moving):
        y = run(program, {**inputs, **dict(zip(program.live, moving, strict=True))})
        return [part for part in leaves(y) if name in FLAT or getattr(part, "dtype", np.dtype(float)).kind in "fc"]

    return value_and_pullback(f) if name in SURFACE else f


@pytest.mark.parametrize(("name", "text"), PROGRAMS)
def test_programs_of_the_surface(name, text):
    program = Program(text)
    inputs = program.inputs(SIZES[1])
    both = function_of(name, program, inputs)
    compiled = ag.compile(both)
    xs = [inputs[k] for k in program.live]
    if name in REFUSED or text in REFUSED:
        with pytest.raises(ag.LeakError):
            compiled(*xs)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same(compiled(*xs), both(*xs))
        for seed in range(2):
            other = [fresh(x, seed) for x in xs]
            same(compiled(*other), both(*other))
    assert_settled(compiled.plan.program)


def assert_settled(program):
    """Once each of the passes is enough: a second round would change nothing."""
    for improve in PASSES[:-1]:
        program = improve(program)
    again = program
    for improve in PASSES[1:-1]:
        again = improve(again)
    assert str(again) == str(program)


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, t in PROGRAMS if n not in REFUSED and t not in REFUSED])
def test_programs_of_the_surface_natively(name, text):
    """The same to rounding, by native code where a program has any."""
    pytest.importorskip("llvmlite")
    program = Program(text)
    inputs = program.inputs(SIZES[1])
    both = function_of(name, program, inputs)
    compiled = ag.compile(both, backend="llvm")
    xs = [fresh(inputs[k], 0) for k in program.live]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for got, wanted in zip(leaves(compiled(*xs)), leaves(both(*xs)), strict=True):
            wanted = wanted.data if isinstance(wanted, ag.Tensor) else wanted
            assert np.shape(got) == np.shape(wanted)
            assert np.asarray(got).dtype == np.asarray(wanted).dtype
            np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", SPECS)
def test_rows(name):
    for k in range(len(SPECS[name].cases)):
        op, inputs, statics = draw(name, k, 0)
        live = differentiable(op, inputs)
        f = of_live_inputs(op, inputs, live, statics)
        as_list = lambda *xs: list(leaves(f(*xs)))  # noqa: B023
        both = value_and_pullback(as_list) if live else as_list
        compiled = ag.compile(both)
        with np.errstate(all="ignore"):
            for seed in range(3):
                others = draw(name, k, seed)[1]
                xs = [others[j] for j in live]
                same(compiled(*xs), both(*xs))


# -- warnings ------------------------------------------------------------------------------------------------------


def test_rows_that_keep_numpy_from_warning_say_so(monkeypatch):
    """`quiet` on a row is what its forward function tells np.errstate, and nothing else does."""
    ignored, errstate = {}, np.errstate

    def noted(**kinds):
        if sys._getframe(1).f_globals["__name__"].startswith("autograd_lite."):
            ignored.setdefault(running, set()).update(kinds)
        return errstate(**kinds)

    monkeypatch.setattr(np, "errstate", noted)
    for running in SPECS:
        for k in range(len(SPECS[running].cases)):
            op, inputs, statics = draw(running, k, 0)
            with errstate(all="ignore"):
                op.fprop(*inputs, **statics)
    assert {name: set(OPS[name].quiet) for name in SPECS if OPS[name].quiet} == ignored
    assert len(ignored) > 1


def warned(f, x):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f(x)
    return [str(warning.message) for warning in caught]


WARNING = {
    "log": np.log,
    "divide": lambda x: 1 / x,
    "of a number": lambda x: np.sum(np.log(x)),
    "sigmoid": lambda x: ag.sigmoid(x - 1e4),
    "logsumexp": lambda x: ag.logsumexp(np.full(2, -np.inf) * (x + 1)),
    "beside a quiet row": lambda x: ag.sigmoid(x - 1e4) + np.log(x),
    "in the gradient": ag.grad(lambda x: np.sum(np.sqrt(x))),
}


@pytest.mark.parametrize("name", WARNING)
def test_each_call_warns_once_of_what_running_it_warns_of(name):
    f, x = WARNING[name], np.array([0.0, 1.0])
    compiled = ag.compile(f, backend="numpy")
    wanted = warned(f, x)
    assert warned(compiled, x) == wanted
    assert warned(compiled, x) == wanted


# -- constants -----------------------------------------------------------------------------------------------------


def layers(theta, x):
    w, v = theta[:24].reshape(8, 3), theta[24:].reshape(1, 8)
    return np.sum(np.tanh(v @ np.tanh(w @ x)))


def folds_of(compiled):
    return next(change for change in compiled.plan.changes if change.name == "folded")


@pytest.mark.parametrize("f", [layers, lambda t, x: np.sum(100 * (t[1:] - t[:-1] ** 2) ** 2 + (1 - t[:-1]) ** 2)])
def test_what_is_made_of_unit_vectors_alone_is_computed_once(f):
    """A Hessian's tangents are columns of the identity: their slices and shapes depend on nothing else."""
    rng = np.random.default_rng(0)
    hessian = ag.hessian(f)
    compiled = ag.compile(hessian, backend="numpy")
    for _ in range(2):
        theta, x = rng.normal(size=32), rng.normal(size=(3, 5))
        same(compiled(theta, x), hessian(theta, x))
    always = {s for s in compiled.plan.best.sources if not s.is_argument and is_constant(s.source.memory)}
    assert always
    for value in compiled.plan.best.values:
        if value.operands and always.issuperset(value.operands):
            assert value.op.view  # which is no work
            always.add(value)
    compiled(theta, x)[...] = 7.0  # what is returned is the caller's own
    same(compiled(theta, x), hessian(theta, x))


@pytest.mark.parametrize("kind", ["own", "view of a locked one", "locked view"])
def test_a_captured_array_is_a_constant_where_nobody_can_write_to_it(kind):
    a = np.arange(4.0)
    a.flags.writeable = kind == "locked view"
    c = a if kind == "own" else a.reshape(2, 2).T
    c.flags.writeable = False

    x = np.ones(())[()]
    compiled = ag.compile(lambda x: x + np.sum(np.exp(captured(c))), backend="numpy")
    same(compiled(x), x + np.sum(np.exp(c)))
    assert bool(folds_of(compiled)) == (kind != "locked view")
    if kind == "locked view":
        a[...] = 2.0
    same(compiled(x), x + np.sum(np.exp(c)))


def test_no_constant_is_folded_that_is_larger_than_what_it_is_made_of():
    row = np.ones((1, 2000))
    row.flags.writeable = False
    x = np.ones(())[()]
    compiled = ag.compile(lambda x: x + np.exp(captured(row).T - row), backend="numpy")
    same(compiled(x), x + np.exp(row.T - row))
    after = folds_of(compiled).after
    assert {source.nbytes for source in after.sources if not source.is_argument} == {row.nbytes}
    assert sum(value.nbytes > row.nbytes for value in after.values) == 3


def test_one_number_everywhere_is_a_constant_only_if_nobody_can_write_to_it():
    number = np.array(2.0)
    everywhere = np.broadcast_to(number, (3,))  # read-only, and yet
    compiled, x = ag.compile(lambda x: x * everywhere, backend="numpy"), np.arange(3.0)
    same(compiled(x), x * 2.0)
    number[...] = 5.0
    same(compiled(x), x * 5.0)


# -- what is joined, and what is returned in another order -------------------------------------------------------------


def test_parts_of_what_is_joined_are_computed_in_its_place():
    f = lambda x, y: np.sum(np.concatenate([np.tanh(x), np.stack([x[0] * y[0], y[1] - 1]), y * 2]) ** 2)
    compiled = ag.compile(f, backend="numpy")
    x, y = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    same(compiled(x, y), f(x, y))
    assert compiled.plan.peak_bytes == 6 * 3 * 8
    assert not {"concatenate_into", "stack_into"} & set(compiled.plan.source.replace("(", " ").split())


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (
            np.tanh(x) * np.sum(np.concatenate([np.tanh(x), x * 2]) ** 2)
        ),  # a part is read when the whole is gone
        lambda x: np.concatenate([y := np.exp(x), y]),  # twice the same
        lambda x: (np.concatenate([y := np.exp(x), x]), y),  # returned as well
        lambda x: np.concatenate([x, np.exp(x), x[:2]]),  # not computed
        lambda x: np.concatenate([y := np.concatenate([np.exp(x), x * 2]), y * 3]),  # a part and its part
        lambda x: np.concatenate([np.exp(x), np.concatenate([np.cos(x), x + 1])]),
        lambda x: np.stack([np.exp(x), np.sin(x)], axis=1),
        lambda x: np.concatenate([np.exp(x)[None], np.sin(x)[None]], axis=1),
        lambda x: np.concatenate([np.exp(x), np.sin(x).astype(np.float32)]),
        lambda x: np.stack([np.exp(x[0]), np.sin(x[1])]),
        lambda x: (np.stack([np.exp(x), x * 2]).T, np.stack([np.exp(x), x * 2])),
    ],
)
def test_what_is_joined(f):
    compiled = ag.compile(f, backend="numpy")
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=4)
        got = compiled(x)
        same(got, f(x))
        arrays = [y for y in leaves(got) if isinstance(y, np.ndarray)]
        for y in arrays:  # the caller's own, each
            assert y.flags.writeable
            y[...] = 7.0
            assert all((other is y) or not np.shares_memory(other, y) for other in arrays)
        same(compiled(x), f(x))


def test_a_transposed_result_is_not_copied():
    compiled = ag.compile(lambda x: np.exp(x).T.reshape(2, 3, 1), backend="numpy")
    x = np.arange(6.0).reshape(3, 2)
    same(compiled(x), np.exp(x).T.reshape(2, 3, 1))
    assert "array(" not in compiled.plan.source


def test_batches_of_a_program_do_not_wait_for_each_other():
    """Steps of one shape are not put together where one would wait for the other: their buffers could not be shared."""

    def batch(x, k):
        a = np.tanh(x @ (x * k))
        return np.sum(np.exp(np.sum(a @ x, axis=0))) * k, np.sum(a, axis=1)

    def f(x):
        return [batch(x, k) for k in range(1, 9)]

    x = np.random.default_rng(0).normal(size=(8, 8))
    compiled = ag.compile(f, backend="numpy")
    same(compiled(x), f(x))
    assert compiled.plan.peak_bytes < 4 * x.nbytes
