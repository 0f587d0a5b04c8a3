"""The same program is compiled once, whoever records it; others are not taken for the same."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from compiling import at_once, training_step
from specs import SPECS
from test_rows import differentiable, draw, of_live_inputs

import autograd_lite as ag
from autograd_lite.plan import shared
from autograd_lite.plan.program import Value
from autograd_lite.plan.shared import structure
from autograd_lite.tree import leaves

BACKENDS = ["numpy", "llvm"]


@pytest.fixture(params=BACKENDS)
def backend(request):
    if request.param == "llvm":
        pytest.importorskip("llvmlite")
    return request.param


def made(f):
    """What its plan was made of: the same for two that share it."""
    f.plan.source  # noqa: B018
    return f.plan.built.lowered if hasattr(f.plan.built, "lowered") else structure(f.plan.best)


def trainer(seed, backend, sizes=(5, 7, 3), optimizer=ag.nn.Adam, parts=None):
    model = ag.nn.MLP(list(sizes), rng=np.random.default_rng(seed)) if parts is None else parts()
    optimizer = optimizer(model.parameters(), lr=0.1 * (1 + seed))

    update = training_step(model, optimizer)
    return model, update, ag.compile(update, backend=backend)


def data(seed, n=8):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 5)), rng.integers(0, 3, n)


def same(a, b, backend):
    if backend == "numpy":
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_models_of_one_architecture_share_and_keep_apart(backend):
    """Each has its own parameters, state, rate and data, and learns as it does alone."""
    compiled = [trainer(seed, backend) for seed in range(3)]
    alone = [trainer(seed, backend) for seed in range(3)]
    for step in range(4):
        for k in (0, 1, 2, 1):
            batch = data(10 * step + k)
            same(compiled[k][2](*batch), alone[k][1](*batch).data, backend)
    for (model, _, _), (other, _, _) in zip(compiled, alone, strict=True):
        same(model.theta.data, other.theta.data, backend)
    assert len({id(made(f)) if backend == "llvm" else made(f) for _, _, f in compiled}) == 1


def test_other_architectures_optimizers_and_sizes_do_not_share(backend):
    variants = [
        trainer(0, backend),
        trainer(0, backend, (5, 8, 3)),
        trainer(0, backend, optimizer=ag.nn.SGD),
        trainer(0, backend, parts=lambda: ag.nn.MLP([5, 7, 3], activation="relu")),
    ]
    for _, _, f in variants:
        f(*data(0))
    assert len({id(made(f)) if backend == "llvm" else hash(made(f)) for _, _, f in variants}) == 4


def test_random_generators_are_each_ones_own(backend):
    def with_dropout(seed):
        rng = np.random.default_rng(seed)
        return trainer(0, backend, parts=lambda: ag.nn.Sequential(
            ag.nn.Linear(5, 6, rng=np.random.default_rng(1)), ag.nn.Dropout(0.5, rng=rng), ag.nn.Linear(6, 3, rng=np.random.default_rng(2))
        ))  # fmt: skip

    compiled, alone = ([with_dropout(seed) for seed in (0, 1)] for _ in range(2))
    for step in range(4):
        losses = [f(*data(step)) for _, _, f in compiled]
        for loss, (_, update, _) in zip(losses, alone, strict=True):
            same(loss, update(*data(step)).data, backend)
        assert losses[0] != losses[1]


def test_nothing_of_a_model_is_kept_alive(backend):
    model, update, f = trainer(0, backend)
    X, y = data(0)
    f(X, y)
    captured = np.arange(8.0)
    g = ag.compile(lambda x, c=captured: x * c, backend=backend)
    g(X[:, 0])
    references = [weakref.ref(x) for x in (model.theta.data, captured)]
    del model, update, f, g, captured
    gc.collect()
    assert [r() for r in references] == [None, None]


def constant(values):
    values = np.array(values)
    values.flags.writeable = False
    return values


@pytest.mark.parametrize("count", [3, 50])
def test_constants_are_told_apart_by_their_bits(backend, count):
    """A matrix that never changes is turned round when the gradient is compiled, small or large."""
    x = np.linspace(1, 2, count)
    for number in (0.0, -0.0, 1.0, 2.0, np.nan, 1.0):
        c = constant(np.arange(1.0, count**2 + 1).reshape(count, count) * number)
        gradient = ag.grad(lambda x, c=c: ag.sum(x @ c / 3 + ag.copysign(x, c[0])))
        f = ag.compile(gradient, backend=backend)
        assert any(s.source.what == "constant" for s in (f(x), f.plan.best)[1].sources if not s.is_argument)
        same(f(x), gradient(x), backend)


def test_numbers_and_statics_are_told_apart(backend):
    x = np.array([-1.0, 0.0, 2.0])
    for c in (0.0, -0.0, 1, 1.0, True, np.float32(1), np.nan):
        f = ag.compile(lambda x, c=c: np.copysign(x, c) + c * x, backend=backend)
        got, wanted = f(x), np.copysign(x, c) + c * x
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)
    for axis in (0, 1, None, (0, 1)):
        f = ag.compile(lambda x, axis=axis: np.sum(x, axis=axis), backend=backend)
        matrix = x[:, None] - 2 * x
        np.testing.assert_allclose(f(matrix), np.sum(matrix, axis=axis))


def test_an_op_that_is_no_row_is_like_no_other():
    """It may hold whatever its maker likes, and would be kept with it."""
    f = ag.compile(ag.tanh)
    f(np.ones(3))
    assert structure(f.plan.program) is not None
    (value,) = f.plan.program.values
    other = Value(type("Own", (), {"name": "tanh"})(), value.inputs, value.statics, value.shape, value.dtype)
    assert structure(f.plan.program._replace(steps=((other,),), outputs=(other,))) is None


def test_functions_with_derivatives_of_their_own(backend):
    def of(factor):
        @ag.custom_vjp
        def f(x):
            return x * factor

        f.defvjp(lambda x: (x * factor, None), lambda saved, g: (g * 10 * factor,))
        return ag.compile(ag.value_and_grad(lambda x: ag.sum(f(x))), backend=backend)

    for factor in (2.0, 3.0):
        value, gradient = of(factor)(np.ones(4))
        assert value == 4 * factor
        np.testing.assert_array_equal(gradient, np.full(4, 10 * factor))


def test_arrays_that_lie_in_each_other_are_not_taken_for_others():
    """Where arrays lie decides what may be written where; where the memory itself begins does not."""
    pytest.importorskip("llvmlite")
    from autograd_lite.plan.llvm.memory import layout

    def pairs():
        vector, other, matrix = np.zeros(12), np.zeros(12), np.zeros((3, 4))
        return [
            (vector[:6], vector[6:]),
            (vector[6:], vector[:6]),
            (vector[:6], vector[3:9]),
            (vector[:6], vector[:6]),
            (vector[:6], other[6:]),
            (vector[:6], other[:6].copy()),
            (vector[:6], None),
            (vector[::2], vector[1::2]),
            (matrix, matrix.T),
            (matrix, np.zeros((3, 4))),
            (matrix, np.zeros((3, 4), np.int64)),
            (matrix, constant(np.zeros((3, 4)))),
        ]

    keys = list(map(layout, pairs()))
    assert len(set(keys)) == len(keys)
    assert keys == list(map(layout, pairs()))
    memory = bytearray(96)
    tangled = np.frombuffer(memory), np.frombuffer(memory, offset=8, count=3)
    assert layout(tangled) is None


def test_donations_are_told_apart(backend):
    f = lambda x, y: (x + y, x * y)
    x, y = np.arange(4.0), np.ones(4)
    wanted = [z.copy() for z in f(x, y)]
    for donate in ((), (0,), (1,), (0, 1), ()):
        g = ag.compile(f, backend=backend, donate=donate)
        for _ in range(3):
            for got, want in zip(g(x.copy(), y.copy()), wanted, strict=True):
                np.testing.assert_array_equal(got, want)


def test_threads_that_compile_the_same_at_once(backend):
    def work(seed):
        for round_ in range(5):
            model, _, f = trainer(seed, backend, (5, 4 + round_, 3))
            other, update, _ = trainer(seed, backend, (5, 4 + round_, 3))
            for step in range(3):
                same(f(*data(step)), update(*data(step)).data, backend)
            same(model.theta.data, other.theta.data, backend)

    at_once(work, 4)


def test_a_leaf_that_moves_away(backend):
    """Code that is shared serves a model whose parameters have moved into a larger one's vector."""
    model, _, f = trainer(0, backend)
    other, _, g = trainer(1, backend)
    alone, update, _ = trainer(0, backend)
    for step in range(4):
        if step == 2:
            _ = ag.nn.Sequential(model, ag.nn.Linear(3, 2)).theta
            _ = ag.nn.Sequential(alone, ag.nn.Linear(3, 2)).theta
        g(*data(step))
        same(f(*data(step)), update(*data(step)).data, backend)
    del other


@pytest.mark.parametrize("name", SPECS)
def test_rows(name):
    """A second function that does the same is served by what was made for the first one."""
    for k in range(len(SPECS[name].cases)):
        op, given, statics = draw(name, k, 0)
        live = differentiable(op, given)
        for seed in range(2):
            xs = [draw(name, k, seed)[1][j] for j in live]
            f = of_live_inputs(op, given, live, statics)
            with np.errstate(all="ignore"):
                got, wanted = ag.compile(f, backend="numpy")(*xs), f(*xs)
            for a, b in zip(leaves(got), leaves(wanted), strict=True):
                np.testing.assert_array_equal(a, b)


def test_what_was_made_last_is_kept():
    kept, size = shared.Shared(), shared.KEPT // 4
    for key in range(4):
        kept.put(key, f"made of {key}", size)
    assert kept.get(0) == "made of 0"
    kept.put("another", "made", size)
    assert [kept.get(key) for key in (0, 1, 2, 3, "another")] == ["made of 0", None, "made of 2", "made of 3", "made"]
    kept.put("another", "made again", 2 * size)  # in the place of what it was before
    assert [kept.get(key) for key in (0, 2, 3, "another")] == [None, "made of 2", "made of 3", "made again"]
    kept.put("all", "too large", shared.KEPT + 1)
    assert [kept.get(key) for key in (2, "all")] == ["made of 2", None]
    kept.put(None, "never", 1)
    assert kept.get(None) is None
    kept.put(0, "anew", 1)
    kept.clear()
    assert kept.get(0) is None
