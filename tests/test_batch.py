"""vmap: every row and program for a batch equals the same for each example in turn."""

from __future__ import annotations

import numpy as np
import pytest
from specs import SPECS
from surface import SIZES, SURFACE, Program
from test_rows import DIFFERENTIABLE, differentiable, draw, of_live_inputs

import autograd_lite as ag
from autograd_lite.tree import leaves

surface = pytest.importorskip("test_surface")
PROGRAMS = [(name, text) for name, programs in SURFACE.items() for text in programs]


# What depends on the values of an example in another way than its entries do: refused, with advice.
REFUSED = {
    "np.choose": "which array, by Python",
    "np.piecewise": "each function is called with the entries of its own piece",
    "np.real_if_close": "whether it is real",
    "np.unique": "how many there are",
    "np.unique_values": "how many there are",
    "np.unwrap": "how many periods are added, by NumPy on the values",
    "np.nanmedian": "how many entries are numbers",
    "np.nanquantile": "how many entries are numbers",
    "np.nanpercentile": "how many entries are numbers",
}


def stacked(x, size):
    return np.stack([x * (1 + 0.01 * k) for k in range(size)]) if size else np.zeros((0, *np.shape(x)), x.dtype)


def each(f, inputs, axes, size):
    """A Python loop over the examples."""
    results = [f(*[x if a is None else x[k] for x, a in zip(inputs, axes, strict=True)]) for k in range(size)]
    return [np.stack([np.asarray(plain(y)) for y in ys]) for ys in zip(*map(leaves, results), strict=True)]


def plain(y):
    return y.data if isinstance(y, ag.Tensor) else y


def assert_same(got, wanted):
    got = [np.asarray(plain(y)) for y in leaves(got)]
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("first_only", [False, True])
@pytest.mark.parametrize(("name", "text"), PROGRAMS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_programs_and_their_gradients(name, text, first_only):
    """The size of the batch is that of another axis, on purpose."""
    program = Program(text)
    size, inputs = SIZES[0][1], program.inputs(SIZES[0])
    f = surface.as_function(program, inputs)
    axes = [0] + [None if first_only else 0] * (len(program.live) - 1)
    xs = [stacked(inputs[k], size) if a == 0 else inputs[k] for k, a in zip(program.live, axes, strict=True)]
    gradient = ag.grad(lambda *xs: sum(np.sum(np.real(y)) for y in f(*xs)), tuple(range(len(xs))))
    if name in REFUSED and text != "np.real_if_close(x)":
        with pytest.raises(TypeError, match=r"np\.where"):
            ag.vmap(gradient, tuple(axes))(*xs)
        return
    assert_same(ag.vmap(f, tuple(axes))(*xs), each(f, xs, axes, size))
    assert_same(ag.vmap(gradient, tuple(axes))(*xs), each(gradient, xs, axes, size))


@pytest.mark.parametrize(("name", "k"), [(n, k) for n, spec in SPECS.items() for k in range(len(spec.cases))])
def test_rows(name, k):
    for seed in range(3):
        op, inputs, statics = draw(name, k, seed)
        rng = np.random.default_rng(seed)
        axes = [None if rng.random() < 0.3 else 0 for _ in inputs]
        axes[0] = 0 if all(a is None for a in axes) else axes[0]
        xs = [
            np.stack([draw(name, k, seed + j)[1][i] for j in range(4)]) if a == 0 else x
            for i, (x, a) in enumerate(zip(inputs, axes, strict=True))
        ]
        f = lambda *xs: op(*xs, **statics)  # noqa: B023
        assert_same([ag.vmap(f, tuple(axes))(*xs)], each(lambda *xs: [f(*xs)], xs, axes, 4))  # noqa: B023


@pytest.mark.parametrize(("name", "k"), DIFFERENTIABLE)
def test_tangents_and_jacobians_of_rows(name, k):
    op, inputs, statics = draw(name, k, 1)
    live = differentiable(op, inputs)
    f, xs = of_live_inputs(op, inputs, live, statics), [inputs[i] for i in live]
    us = [np.ones(x.shape) for x in xs]
    assert_same(
        [ag.vmap(lambda *xs: ag.jvp(f, xs, us)[1])(*[stacked(x, 2) for x in xs])],
        each(lambda *xs: [ag.jvp(f, xs, us)[1]], [stacked(x, 2) for x in xs], [0] * len(xs), 2),
    )
    which = tuple(range(len(xs)))
    for a, b in zip(ag.jacrev(f, which)(*xs), ag.jacfwd(f, which)(*xs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("size", [0, 1])
def test_batches_of_none_and_one(size):
    f = lambda x, y: np.tanh(x @ y) * np.sort(x)
    x, y = np.zeros((size, 3)), np.zeros((size, 3))
    assert ag.vmap(f)(x, y).shape == (size, 3)
    assert ag.vmap(ag.grad(lambda x, y: f(x, y).sum()))(x, y).shape == (size, 3)
