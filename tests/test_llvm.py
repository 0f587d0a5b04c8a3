"""Native code gives what NumPy gives: the same bits for arithmetic, a unit or two in the last place for exp and its like."""

from __future__ import annotations

import ast
import gc
import hashlib
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest
from compiling import at_once
from hypothesis import given, settings
from hypothesis import strategies as st
from specs import SPECS
from test_plan import value_and_pullback
from test_rows import differentiable, draw, of_live_inputs

import autograd_lite as ag
from autograd_lite.ops import OPS
from autograd_lite.ops.index import split_index
from autograd_lite.plan import numpy_backend
from autograd_lite.plan.passes import optimised
from autograd_lite.plan.record import Recording
from autograd_lite.tree import leaves

pytest.importorskip("llvmlite", reason="llvmlite is not installed: pip install autograd_lite[llvm]")

from autograd_lite.plan import llvm
from autograd_lite.plan.llvm import mathematics, threads
from autograd_lite.plan.llvm.built import natives
from autograd_lite.plan.llvm.calling import builtin, offsets
from autograd_lite.plan.llvm.entry import PARAMETERS, Table, close, load_pointer, open_context
from autograd_lite.plan.llvm.memory import Memory
from autograd_lite.plan.llvm.objects import Code, machine
from autograd_lite.plan.llvm.registers import F32, F64, I64
from autograd_lite.plan.llvm.schedule import Step
from autograd_lite.plan.llvm.writer import Module, Writer


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRAD_LITE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class Native:
    """A function recorded on arrays, and compiled; `program` is what was recorded."""

    def __init__(self, f, *arrays, build=llvm.build):
        arrays = [x if np.ndim(x) else np.asarray(x)[()] for x in arrays]
        with np.errstate(all="ignore"):
            recording = Recording(lambda tensors: f(*tensors), arrays)
        self.afterwards = recording.afterwards
        self.program = optimised(recording.program)
        natives.clear()  # each test compiles what it tests
        self.built = build(self.program)

    def sources(self, *arrays):
        sources = [s.source for s in self.program.sources]
        return [arrays[s.position] if hasattr(s, "position") else s.read() for s in sources]

    def __call__(self, *arrays):
        ys = list(self.built.run(self.sources(*arrays)))
        own = [tensor is not None for _, tensor in self.afterwards]
        ys, late = ys[: len(ys) - sum(own)], iter(ys[len(ys) - sum(own) :])
        for (call, _), has_value in zip(self.afterwards, own, strict=True):
            call(next(late) if has_value else None)
        return ys

    @property
    def steps(self):
        """The ops that NumPy computes."""
        return [v.op.name for item in self.built.lowered.items if isinstance(item, Step) for v in item.values]


def near(got, wanted, ulps=None):
    """The same types, shapes and dtypes; and bits, or entries that differ by some units in the last place of the largest."""
    got, wanted = list(leaves(got)), list(leaves(wanted))
    assert len(got) == len(wanted)
    for g, w in zip(got, wanted, strict=True):
        w = w.data if isinstance(w, ag.Tensor) else w
        assert type(g) is type(w) or not isinstance(w, (np.ndarray, np.generic))
        g, w = np.asarray(g), np.asarray(w)
        assert (g.dtype, g.shape) == (w.dtype, w.shape)
        if ulps is None or w.dtype.kind not in "fc" or not w.size:
            np.testing.assert_array_equal(g, w)
        else:
            largest = np.max(np.abs(np.where(np.isfinite(w), w, 0)))
            eps = np.finfo(w.dtype).eps
            np.testing.assert_allclose(g, w, rtol=ulps * eps, atol=ulps * eps * largest)


def eager(f, *arrays):
    with np.errstate(all="ignore"):
        return f(*arrays)


# -- exp, log, tanh and their kin ------------------------------------------------------------------------------------

REFERENCE = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "expm1": mpmath.expm1,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
}
BOUND = {"exp": 1, "log": 1, "expm1": 2, "log1p": 1.5, "tanh": 2, "sigmoid": 2.5, "softplus": 2}
KINDS = {np.float32: F32, np.float64: F64}
WITHOUT_FMA = ",".join(
    f"-{part[1:]}" if part[1:].startswith(("avx", "fma")) else part for part in machine()[1].split(",")
)


def vector_function(name, dtype, width, features=None):
    """`y = name(x)` for arrays whose length is a multiple of the width."""
    module, kind = Module(), KINDS[dtype]
    memories = [Memory((1,), np.dtype(dtype), k) for k in range(2)]
    table = Table(memories, [False, True], [])
    writer = Writer(module, "f", PARAMETERS, "i64")
    open_context(writer, offsets())
    x, y = (load_pointer(writer, table.slot(k), 0) for k in range(2))
    size = kind.bits // 8

    def body(i):
        entry = writer.load(writer.pointer(x, i, size, 1), kind, width)
        writer.store(writer.pointer(y, i, size, 1), mathematics.FUNCTIONS[name](entry))

    count = writer.made(f"load i64, ptr {writer.pointer('%context', table.words, 8, 0)}", I64)
    writer.loop(0, count, width, body)
    close(writer)
    memory = np.zeros(8 * table.words + 8, np.uint8)
    table.fill(memory, [])
    function = builtin(Code(str(module), features=features), "f", memory)

    def apply(x):
        y = np.empty_like(x)
        words = memory.view(np.intp)
        words[table.slot(0)], words[table.slot(1)], words[-1] = x.ctypes.data, y.ctypes.data, len(x)
        assert function()
        return y

    return apply


def arguments_of(name, dtype):
    """Arguments of all sizes, a multiple of 16 of them."""
    rng = np.random.default_rng(3)
    low, high = mathematics.FORMATS[KINDS[dtype]].exp_range
    smallest = -45 if dtype is np.float32 else -323
    parts = [
        rng.uniform(low, high, 700),
        rng.uniform(-1, 1, 700),
        rng.uniform(-20, 20, 500),
        rng.choice([-1, 1], 400) * 10.0 ** rng.uniform(smallest, 0.9 * np.log10(np.finfo(dtype).max), 400),
        1 + rng.uniform(-1e-3, 1e-3, 204),
    ]
    with np.errstate(under="ignore"):
        x = np.concatenate(parts).astype(dtype)
    if name == "log":
        x = np.abs(x)
    return x[x > -1] if name == "log1p" else x


@pytest.mark.parametrize("features", [None, WITHOUT_FMA], ids=["own features", "without fma"])
@pytest.mark.parametrize("dtype", KINDS, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", REFERENCE)
def test_error_against_mpmath(name, dtype, features):
    if features is not None and features == machine()[1]:
        pytest.skip("this processor has none of the features to leave out")
    x = arguments_of(name, dtype)
    x = x[: len(x) // 16 * 16]
    y = vector_function(name, dtype, 16, features)(x)
    worst = 0.0
    with mpmath.workprec(200):
        for a, b in zip(x, y, strict=True):
            exact = REFERENCE[name](mpmath.mpf(float(a)))
            with np.errstate(over="ignore", under="ignore"):
                nearest = dtype(float(exact)) if abs(exact) <= np.finfo(float).max else dtype(np.inf)
            if not np.isfinite(nearest) or not np.isfinite(b):
                assert b == nearest, (a, b, nearest)
            else:
                worst = max(
                    worst, float(abs(mpmath.mpf(float(b)) - exact) / mpmath.mpf(float(np.spacing(abs(nearest)))))
                )
    assert worst <= BOUND[name], worst


INF, NAN = np.inf, np.nan
SPECIAL = {
    "exp": [(0.0, 1), (-0.0, 1), (INF, INF), (-INF, 0)],
    "log": [(0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (-1, NAN), (1, 0)],
    "expm1": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1)],
    "log1p": [(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, NAN), (-1, -INF), (-1.5, NAN)],
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1)],
    "sigmoid": [(0.0, 0.5), (INF, 1), (-INF, 0)],
    "softplus": [(INF, INF), (-INF, 0)],
}


@pytest.mark.parametrize("dtype", KINDS, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name, dtype):
    cases = [*SPECIAL[name], (NAN, NAN)]
    x, wanted = (np.resize(np.array(part, dtype), 16) for part in zip(*cases, strict=True))
    y = vector_function(name, dtype, 16)(x)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(np.signbit(y[wanted == 0]), np.signbit(wanted[wanted == 0]))


@pytest.mark.parametrize("dtype", KINDS, ids=lambda d: d.__name__)
def test_thresholds_of_exp(dtype):
    """The largest argument with a finite result, the next one; and where the result becomes 0."""
    largest, least = np.log(np.finfo(dtype).max), dtype(np.log(np.finfo(np.float64).smallest_subnormal))
    if dtype is np.float32:
        least = dtype(-103.27893)  # exp of it is the smallest subnormal
    x = np.array([largest, np.nextafter(largest, dtype(np.inf)), least, 1.1 * least], dtype)
    x[0] = np.nextafter(x[0], dtype(0))
    y = vector_function("exp", dtype, 4)(x)
    assert np.isfinite(y[0])
    assert y[2] > 0
    assert y[3] == 0
    x = np.nextafter(np.full(4, largest, dtype), dtype(np.inf))
    assert np.isinf(vector_function("exp", dtype, 4)(np.nextafter(x, dtype(np.inf)))).all()


# -- programs against NumPy ------------------------------------------------------------------------------------------

ARITHMETIC = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: ag.maximum(a, b),
    lambda a, b: ag.minimum(a, b),
    lambda a, b: ag.where(a > b, a, b * 2),
    lambda a, b: ag.where((a <= b) & (b == b), 0, a),
    lambda a, b: ag.sqrt(a * a) - b,
    lambda a, b: -a * 1.5 + b,
    lambda a, b: ag.where(ag.logical_not(a != b), a, b) + abs(a),
    lambda a, b: (a >= b) * b + ag.square(a),
    lambda a, b: ag.where(np.isnan(a) | np.isinf(b), 1, a) / 3,
]
SMOOTH = [
    lambda a, b: ag.exp(ag.minimum(a, 5.0)) + b,
    lambda a, b: ag.log(abs(a) + 0.25) * b,
    lambda a, b: ag.tanh(a) - b,
    lambda a, b: ag.sigmoid(a) * b,
    lambda a, b: ag.softplus(a) + ag.log1p(abs(b)),
]
SHAPES = [(), (1,), (3,), (17,), (1, 3), (5, 1), (5, 3), (33, 3), (1, 17), (20, 17), (2, 5, 3), (2, 1, 17), (4, 1, 1)]
REDUCTIONS = [
    lambda a: ag.sum(a),
    lambda a: ag.max(a),
    lambda a: ag.min(a),
    lambda a: ag.mean(a),
    lambda a: ag.sum(a, 0),
    lambda a: ag.sum(a, -1, keepdims=True),
    lambda a: ag.max(a, 0, keepdims=True),
    lambda a: ag.min(a, -1),
    lambda a: ag.mean(a, -1),
    lambda a: ag.sum(a, tuple(range(a.ndim))[::2]),
]
VIEWS = [
    lambda a: ag.transpose(a),
    lambda a: ag.reshape(a, (-1,)),
    lambda a: a[..., ::-1],
    lambda a: a[1:, ...] if a.shape[0] > 1 else a,
    lambda a: a[..., ::2],
    lambda a: ag.expand_dims(a, 0),
    lambda a: ag.concatenate([a, 2 * a], 0),
    lambda a: ag.stack([a, a * a], -1),
]


@st.composite
def programs(draw, ops):
    """A function of arrays as a list of choices: each op takes two values that are there already."""
    choices = draw(st.lists(st.tuples(st.integers(0, len(ops) - 1), *[st.integers(0, 7)] * 2), min_size=1, max_size=8))
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=2, max_size=4))
    after = draw(st.lists(st.tuples(st.sampled_from(["view", "reduce"]), st.integers(0, 9)), max_size=4))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return choices, shapes, after, dtype, draw(st.integers(0, 2**31))


def as_function(choices, after, ops):
    def f(*arrays):
        values = list(arrays)
        for number, i, j in choices:
            a, b = values[i % len(values)], values[j % len(values)]
            try:
                np.broadcast_shapes(a.shape, b.shape)
            except ValueError:
                b = a
            values.append(ops[number](a, b))
        outputs = values[len(arrays) :]
        for how, number in after:
            y = outputs[number % len(outputs)]
            if y.shape:
                known = VIEWS if how == "view" else REDUCTIONS
                outputs.append(known[number % len(known)](y))
        return outputs

    return f


def inputs(shapes, dtype, seed, special=True):
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.normal(size=shape) * 2).astype(dtype) for shape in shapes]
    for x in arrays if special else ():
        if x.ndim and rng.random() < 0.5:
            places = rng.random(x.shape) < 0.1
            x[places] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], places.sum())
    return [x if x.ndim else x[()] for x in arrays]


def of_integers(shapes, dtype, seed):
    """Arrays of small integers: sums of them are exact in any order."""
    rng = np.random.default_rng(seed)
    arrays = [rng.integers(-4, 5, shape).astype(dtype) for shape in shapes]
    return [x if x.ndim else x[()] for x in arrays]


@settings(max_examples=60, deadline=None)
@given(programs(ARITHMETIC[:3] + ARITHMETIC[4:6]))
def test_sums_of_integers_are_exact(drawn):
    choices, shapes, after, _, seed = drawn
    f = as_function(
        choices[:4], [(how, k if k not in (3, 8) else 0) for how, k in after], ARITHMETIC[:3] + ARITHMETIC[4:6]
    )
    arrays = of_integers(shapes, np.float64, seed)
    near(Native(f, *arrays)(*arrays), eager(f, *arrays))


@settings(max_examples=100, deadline=None)
@given(programs(ARITHMETIC))
def test_arithmetic_has_the_bits_of_numpy(drawn):
    choices, shapes, after, dtype, seed = drawn
    f = as_function(choices, [(how, k) for how, k in after if how == "view"], ARITHMETIC)
    native = Native(f, *inputs(shapes, dtype, seed))
    for k in range(2):
        arrays = inputs(shapes, dtype, seed + k)
        near(native(*arrays), eager(f, *arrays))
    assert not native.steps


@settings(max_examples=60, deadline=None)
@given(programs(SMOOTH))
def test_smooth_functions_and_reductions(drawn):
    choices, shapes, after, dtype, seed = drawn
    f = as_function(choices[:4], after, SMOOTH)
    arrays = inputs(shapes, dtype, seed, special=False)
    native = Native(f, *arrays)
    near(native(*arrays), eager(f, *arrays), 400)
    assert not native.steps


@settings(max_examples=30, deadline=None)
@given(programs(SMOOTH), st.data())
def test_gradients(drawn, data):
    choices, shapes, after, _, seed = drawn
    g = as_function(choices[:3], after[:2], SMOOTH)
    f = value_and_pullback(lambda *xs: g(*xs)[-1:])
    arrays = inputs(shapes, np.float64, seed, special=False)
    near(Native(f, *arrays)(*arrays), eager(f, *arrays), 4000)


@pytest.mark.parametrize("n", [4095, 4096, 8192, 8193, 20000, 100001])
def test_long_arrays(n):
    """Blocks, what is left over behind them, and sums of block sums."""
    x = np.random.default_rng(n).integers(-8, 9, n).astype(np.float32)

    def f(x):
        y = 2 * x + 1
        return y, ag.sum(y), ag.max(y), ag.min(x), ag.sum(x * x), ag.mean(x)

    near(Native(f, x)(x), eager(f, x))


@pytest.mark.parametrize("shape", [(3, 5000), (5000, 3), (100, 100), (70, 1, 70), (2, 3, 4, 50)])
def test_axes(shape):
    x = np.random.default_rng(0).integers(-8, 9, shape).astype(np.float64)

    def f(x):
        axes = range(x.ndim)
        ys = [ag.sum(2 * x, k) for k in axes] + [ag.max(x + 1, k, keepdims=True) for k in axes]
        return [*ys, ag.sum(x, (0, x.ndim - 1)), ag.transpose(x) * 2, ag.sum(ag.transpose(x), 0) + 1, x - ag.mean(x, 0)]

    near(Native(f, x)(x), eager(f, x))


@pytest.mark.parametrize("make", [
    lambda x: x[::-1],
    lambda x: x.T.copy().T,
    lambda x: np.ascontiguousarray(x).view(),
    lambda x: np.frombuffer(b"0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    lambda x: x.astype(x.dtype.newbyteorder()),
    lambda x: np.broadcast_to(x[:1], x.shape),
], ids=["reversed", "columns first", "view", "unaligned", "other byte order", "broadcast"])  # fmt: skip
def test_arrays_of_other_layouts(make):
    x = np.random.default_rng(0).normal(size=(9, 5))
    native, other = Native(lambda x: (x + 1, ag.sum(x, 0)), x), make(x)
    near(native(other), [np.asarray(other) + 1.0, np.add.reduce(np.ascontiguousarray(other, np.float64), 0)], 4)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty_arrays(shape):
    x = np.zeros(shape, np.float32)

    def f(x):
        return x * 2 + 1, ag.sum(x), ag.sum(x, 0), ag.exp(x), ag.transpose(x), ag.concatenate([x, x])

    near(Native(f, x)(x), eager(f, x))


def test_numbers():
    def f(a, b, c):
        return a * b + c, ag.tanh(a) * c, ag.where(a > b, c, 1.0), ag.sin(a) ** 3, a**b

    numbers = [np.float64(0.3), np.float64(1.7), np.float64(-2)]
    native = Native(f, *numbers)
    for values in (numbers, [0.3, 1.7, -2.0], [np.array(0.3), np.array(1.7), np.array(-2.0)], [1, 2, 3]):
        near(native(*values), f(*[np.float64(v) for v in values]), 8)
    assert not native.steps


@pytest.mark.parametrize("dtype", [np.float16, np.complex128, np.int32, np.int64, np.int8, bool, np.longdouble])
def test_other_dtypes(dtype):
    x = np.random.default_rng(0).integers(0, 2, (4, 3)).astype(dtype)
    y = np.linspace(0, 1, 3)

    def f(x, y):
        return [ag.where(x == 1, y, 0.5), x * 2 if dtype is not bool else x, ag.sum(x, 0), x + y, x[::-1]]

    near(Native(f, x, y)(x, y), eager(f, x, y), 4)


@pytest.mark.parametrize("shapes", [
    ((5, 4), (4, 3)), ((1, 1), (1, 1)), ((64, 64), (64, 10)), ((33, 17), (17, 65)), ((7,), (7, 3)), ((3, 7), (7,)),
    ((9,), (9,)), ((4, 5, 6), (6, 3)), ((5, 6), (4, 6, 3)), ((4, 5, 6), (4, 6, 3)), ((1, 5, 6), (4, 6, 3)), ((128, 300), (300, 40)), ((200, 200), (200, 200)), ((2, 100), (100, 2)),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("dtype", KINDS, ids=lambda d: d.__name__)
def test_products_of_integers_are_exact(shapes, dtype):
    a, b = of_integers(shapes, dtype, 0)

    def f(a, b):
        y = a @ b
        both = [y, (2 * a) @ b]
        if a.ndim == b.ndim == 2:
            both += [
                ag.reshape(ag.transpose(y), (-1,)) + 1,
                ag.reshape(ag.transpose(a), (1, -1)) @ ag.reshape(a, (-1, 1)),
            ]
            both += [ag.transpose(b) @ ag.transpose(a), ag.transpose(y) @ a, y @ ag.transpose(b), (a @ b)[::2] * 2]
        return both

    near(Native(f, a, b)(a, b), eager(f, a, b))


LAYOUTS = {
    "as it is": lambda x: x,
    "turned": lambda x: ag.transpose(ag.reshape(x, x.shape[::-1])),
    "backwards": lambda x: x[::-1, ::-1],
    "every other": lambda x: ag.reshape(ag.concatenate([x, x], 1), (*x.shape, 2))[:, :, 0] * 1,
}


PLACES = {
    "a": lambda a, b, c: (a,),
    "a, b": lambda a, b, c: (a, b),
    "a, b, c": lambda a, b, c: (a, b, c),
    ":, b": lambda a, b, c: (slice(None), b),
    "..., c": lambda a, b, c: (..., c),
    "a, :, ::2": lambda a, b, c: (a, slice(None), slice(None, None, 2)),
    ":, b, c": lambda a, b, c: (slice(None), b, c),
    "::-1, b": lambda a, b, c: (slice(None, None, -1), b),
    "a, 1:": lambda a, b, c: (a, slice(1, None)),
    "a of two axes": lambda a, b, c: (np.stack([a, a[::-1]]),),
    "a, b of two axes": lambda a, b, c: (a[:, None], b[None]),
}


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(2, 6), st.integers(1, 40)),
    places=st.sampled_from(sorted(PLACES)),
    count=st.integers(1, 7),
    dtype=st.sampled_from([np.float32, np.float64, np.int64]),
    seed=st.integers(0, 99),
)
def test_entries_added_to_places(shape, places, count, dtype, seed):
    """Places repeat, count from the end, stand beside slices; entries are added in NumPy's order, so to the same bits."""
    rng = np.random.default_rng(seed)
    index, arrays = split_index(PLACES[places](*[rng.integers(-n, n, count) for n in shape]))
    y = (rng.normal(size=np.empty(shape)[index.fill(tuple(arrays))].shape) * 9).astype(dtype)

    def f(y, *arrays):
        x = OPS["scatter"](y, *arrays, index=index, shape=shape)
        return [x, ag.transpose(x) + 1, ag.sum(x * 0)]

    native = Native(f, y, *arrays)
    assert not native.steps
    near(native(y, *arrays), eager(f, y, *arrays))


def test_places_that_are_none():
    """NumPy raises what is wrong, and nothing has been written before."""
    x, y, k = np.zeros((3, 4), np.float32), np.ones((2, 4), np.float32), np.array([0, 2])
    f = lambda x, y, k: [x + 1, OPS["scatter"](y, k, index=split_index((k,))[0], shape=(3, 4))]
    native = Native(f, x, y, k)
    near(native(x, y, k), eager(f, x, y, k))
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        native(x, y, np.array([0, 3]))


def test_products_that_are_left_to_numpy(monkeypatch):
    """As on macOS: large ones, between native phases."""
    monkeypatch.setattr("autograd_lite.plan.llvm.lowering.LIMIT", 1000)
    a, b = of_integers(((5, 20), (20, 30)), np.float32, 0)
    f = lambda a, b: [ag.tanh(a @ b * 0) + a[:, :4] @ b[:4], ag.transpose(a @ b) @ a]
    native = Native(f, a, b)
    lowered = native.built.lowered
    assert sum(not lowered.is_native(item) for item in lowered.items) == 2
    near(native(a, b), eager(f, a, b))


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 40) | st.sampled_from([64, 96, 255, 256, 257, 600])] * 3),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    dtype=st.sampled_from([*KINDS]),
    of=st.booleans(),
    threads=st.booleans(),
)
def test_products_of_all_sizes_and_layouts(sizes, layouts, dtype, of, threads):
    """Long inner indices go in steps, tiles and vectors end within panels, panels are packed or not: all are exact."""
    m, k, n = sizes
    a, b = of_integers(((m, k), (k, n)), dtype, m + k + n)
    first, second = (LAYOUTS[name] for name in layouts)

    def f(a, b):
        y = first(a) @ second(b)
        return [ag.transpose(y) * 1, y] if of else y

    with pytest.MonkeyPatch.context() as patch:
        if threads:
            patch.setattr("autograd_lite.plan.llvm.lowering.LARGE", 1)
        near(Native(f, a, b)(a, b), eager(f, a, b))


@pytest.mark.parametrize("name", SPECS)
def test_rows(name):
    for k in range(len(SPECS[name].cases)):
        op, given, statics = draw(name, k, 0)
        live = differentiable(op, given)
        f = of_live_inputs(op, given, live, statics)
        as_list = lambda *xs: list(leaves(f(*xs)))  # noqa: B023
        both = value_and_pullback(as_list) if live else as_list
        xs = [given[j] for j in live]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            numpy_ = Native(both, *xs, build=numpy_backend.build)
            native = Native(both, *xs)
            for seed in range(3):
                others = [draw(name, k, seed)[1][j] for j in live]
                near(native(*others), numpy_(*others), 1e5)


# -- networks --------------------------------------------------------------------------------------------------------


def network(sizes, batch, activation="tanh", optimizer=ag.nn.SGD, **options):
    """A model, a function that makes one update, and a batch."""
    rng = np.random.default_rng(0)
    model = ag.nn.MLP(list(sizes), activation=activation, dtype="float32", rng=np.random.default_rng(1))
    steps = optimizer(model.parameters(), **options)
    X = rng.normal(size=(batch, sizes[0])).astype(np.float32)
    labels = rng.integers(0, sizes[-1], batch)

    def update(X, labels):
        steps.zero_grad()
        loss = ag.nn.cross_entropy(model(X), labels)
        loss.backward()
        steps.step()
        return loss

    return model, update, X, labels


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize(
    ("sizes", "batch"), [((2, 16, 16, 2), 32), ((64, 64, 10), 64), ((5, 7, 3), 1), ((300, 200, 4), 50)]
)
def test_training_step(sizes, batch, activation):
    """The update of a small network is one native function, with theta changed in place."""
    model, update, X, labels = network(sizes, batch, activation, lr=0.1, momentum=0.9)
    other, update_other, _, _ = network(sizes, batch, activation, lr=0.1, momentum=0.9)
    native = Native(lambda X, y: [update(X, y)], X, labels)
    losses = [native(X, labels)[0] for _ in range(3)]
    wanted = [update_other(X, labels).item() for _ in range(3)]
    np.testing.assert_allclose(losses, wanted, rtol=2e-5)
    np.testing.assert_allclose(model.theta.data, other.theta.data, rtol=1e-3, atol=1e-5)
    if max(sizes) < 100:
        assert not native.steps
        assert [name for name, _ in native.built.lowered.phases] == ["start"]
        assert "copyto" not in native.built.source


def test_adam():
    _, update, X, labels = network((6, 8, 3), 16, optimizer=ag.nn.Adam, lr=0.01)
    _, update_other, _, _ = network((6, 8, 3), 16, optimizer=ag.nn.Adam, lr=0.01)
    native = Native(lambda X, y: [update(X, y)], X, labels)
    for _ in range(3):
        model_loss, other_loss = native(X, labels)[0], update_other(X, labels).item()
        np.testing.assert_allclose(model_loss, other_loss, rtol=1e-5)
    assert not native.steps


def test_wrong_labels_are_named_and_change_nothing():
    model, update, X, labels = network((4, 5, 3), 8, lr=0.1)
    native = Native(lambda X, y: [update(X, y)], X, labels)
    before = model.theta.data.copy()
    wrong = labels.copy()
    wrong[3] = 7
    with pytest.raises(ag.IndexingError, match=r"label 7 is outside the 3 classes"):
        native(X, wrong)
    np.testing.assert_array_equal(model.theta.data, before)
    native(X, labels)
    assert not np.array_equal(model.theta.data, before)


def test_places():
    x = np.random.default_rng(0).normal(size=(6, 5))
    rows, columns = np.array([0, -1, 3, 3]), np.array([4, 0, -5, 2])

    def f(x, rows, columns):
        return x[rows, columns] * 2, x[rows], x[:, columns] + 1, x[rows][:, ::-1] * 3, ag.sum(x[rows], 0)

    native = Native(f, x, rows, columns)
    near(native(x, rows, columns), eager(f, x, rows, columns), 4)
    near(native(x, -1 - rows, columns), eager(f, x, -1 - rows, columns), 4)
    with pytest.raises(IndexError):
        native(x, rows + 3, columns)


def test_an_argument_that_shares_memory_with_what_is_written():
    model, update, X, labels = network((4, 5, 3), 8, lr=0.1, momentum=0.5)
    other, update_other, _, _ = network((4, 5, 3), 8, lr=0.1, momentum=0.5)
    native = Native(lambda X, y: [update(X, y)], X, labels)
    shared = model.theta.data[:32].reshape(8, 4)
    same = other.theta.data[:32].reshape(8, 4)
    assert np.may_share_memory(shared, model.theta.data)
    near(native(shared, labels)[0], update_other(same.copy(), labels).data, 64)
    np.testing.assert_allclose(model.theta.data, other.theta.data, rtol=1e-4, atol=1e-6)


def test_a_leaf_that_moves():
    """Setting a leaf's value, or joining another model, gives it other memory."""
    x = ag.tensor(np.arange(4.0), requires_grad=True)
    native = Native(lambda y: (x * y, ag.sum(x)), np.ones(4))
    for k in range(3):
        near(native(np.full(4, 2.0)), [x.data * 2.0, np.sum(x.data)])
        x.data = np.arange(4.0) + k


# -- what is promised of calls ---------------------------------------------------------------------------------------


def long_program(x):
    return ag.value_and_grad(lambda x: ag.sum(ag.tanh(1.5 * x + 0.3) * ag.sigmoid(x) + ag.exp(-(x**2))))(x)


def products_and_sums(x):
    y = x @ ag.transpose(x)
    return [y, ag.sum(x, 0), ag.sum(ag.tanh(x)), ag.transpose(x) @ y]


def digests():
    """Of what programs compute that several threads share, if there are several."""
    found = []
    for shape in ((300_001,), (700, 500)):
        x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        for f in (long_program, products_and_sums) if len(shape) == 2 else (long_program,):
            native = Native(f, x)
            shared = any(map(native.built.lowered.is_shared, native.built.lowered.items))
            results = [hashlib.sha256(b"".join([np.asarray(y).tobytes() for y in native(x)])) for _ in range(5)]
            found.append((shared, *{r.hexdigest() for r in results}))
    return found


def test_the_same_bits_on_any_number_of_threads():
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_llvm; print(test_llvm.digests())"
    )
    found = []
    for count in ("1", "2", "5"):
        env = {**os.environ, "AUTOGRAD_LITE_THREADS": count}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found.append(ast.literal_eval(run.stdout))
    assert [[shared for shared, *_ in each] for each in found] == [[False] * 3, [True] * 3, [True] * 3]
    assert all(len(digest) == 1 for each in found for _, *digest in each)
    assert len({str([x[1:] for x in each]) for each in found}) == 1


@pytest.fixture
def shared(monkeypatch):
    """Several threads share all there is, however small."""
    monkeypatch.setenv("AUTOGRAD_LITE_THREADS", "3")
    monkeypatch.setattr("autograd_lite.plan.llvm.lowering.LARGE", 1)


def test_many_callers_share_threads(shared):
    """One has them, the others work alone; none gets what is another's."""
    xs = [np.random.default_rng(k).normal(size=(60 + k, 90)) for k in range(3)]
    natives = [Native(products_and_sums, x) for x in xs]
    wanted = [[y.tobytes() for y in native(x)] for native, x in zip(natives, xs, strict=True)]

    def work(k):
        for _ in range(300):
            assert [y.tobytes() for y in natives[k](xs[k])] == wanted[k]

    at_once(work, 3)
    for native, x in zip(natives, xs, strict=True):
        near(native(x), eager(products_and_sums, x), 100)


@pytest.mark.parametrize("shape", [(40, 128), (40, 256), (3, 5, 192), (40, 130), (200, 64), (7, 1)], ids=str)
@pytest.mark.parametrize("dtype", KINDS, ids=lambda d: d.__name__)
def test_sums_of_columns_in_strips(shape, dtype, shared):
    (x,) = of_integers((shape,), dtype, 0)

    def f(x):
        y = ag.where(x > 0, x, 2 * x)
        return [ag.sum(y, 0), y, ag.max(y, tuple(range(len(shape) - 1))), ag.sum(ag.tanh(x * 0) + x, 0)]

    near(Native(f, x)(x), eager(f, x))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_after_a_fork():
    x = np.zeros(300_001, np.float32)
    native = Native(long_program, x)
    native(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        native(x)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_results_are_the_callers_own():
    x = np.arange(5.0)
    native = Native(lambda x: (x, x + 1, ag.transpose(x), ag.sum(x), x[1:], ag.reshape(x + 1, (5, 1))), x)
    first = native(x)
    kept = [np.copy(y) for y in first]
    native(x + 1)
    near(first, [y if y.ndim else y[()] for y in kept])
    assert not any(np.may_share_memory(y, x) for y in first if y.ndim)


def test_many_plans_come_and_go_while_others_run():
    """Memory and code live as long as the function that uses them, and no longer."""
    recording = threading.Lock()

    def work(seed):
        rng = np.random.default_rng(seed)
        for round_ in range(12):
            n = int(rng.integers(1, 3000))
            x, k = rng.normal(size=n), float(seed * 100 + round_)
            with recording:
                native = Native(lambda x, k=k: (x * k + 1, ag.sum(x * x) + k), x)
            call, sources = native.built._function, native.sources(x)
            del native
            gc.collect()
            for _ in range(20):
                y, _ = call(*sources)
                np.testing.assert_array_equal(y, x * k + 1)

    at_once(work, 3)


# -- other processors ------------------------------------------------------------------------------------------------


def test_a_processor_without_vector_extensions(monkeypatch):
    """The least that this architecture has: other vectors, no multiply-add; the same results but for rounding."""
    from autograd_lite.plan.llvm import built, objects

    plain = ("generic" if not machine()[0].startswith("x86") else "x86-64", "")
    monkeypatch.setattr(objects, "machine", lambda: plain)
    monkeypatch.setattr(built, "machine", lambda: plain)
    model, update, X, labels = network((20, 17, 3), 33, lr=0.1, momentum=0.9)
    other, update_other, _, _ = network((20, 17, 3), 33, lr=0.1, momentum=0.9)
    native = Native(lambda X, y: [update(X, y)], X, labels)
    assert native.built.lowered.vector_bytes == 16
    for _ in range(3):
        near(native(X, labels)[0], update_other(X, labels).data, 64)
    np.testing.assert_allclose(model.theta.data, other.theta.data, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("triple", ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"])
def test_the_ir_is_for_any_processor(triple):
    """Both architectures that are supported have code for it."""
    import llvmlite.binding as binding

    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    _, update, X, labels = network((20, 17, 3), 33, lr=0.1, momentum=0.9)
    x = np.zeros(300_001, np.float32)
    y = np.zeros((300, 300))
    natives = Native(lambda X, y: [update(X, y)], X, labels), Native(long_program, x), Native(products_and_sums, y)
    for ir in (*[native.built.ir for native in natives], threads.ir(triple.split("-")[0])):
        module = binding.parse_assembly(ir)
        target = binding.Target.from_triple(triple).create_target_machine(opt=1)
        assert len(target.emit_object(module)) > 1000


# -- the cache -------------------------------------------------------------------------------------------------------


def test_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_LITE_CACHE", str(tmp_path))
    x = np.arange(7.0)
    f = lambda x: ag.tanh(x) * 3
    assert Native(f, x).built.code.compiled
    (file,) = tmp_path.iterdir()
    again = Native(f, x)
    assert not again.built.code.compiled
    near(again(x), [f(x)], 8)
    for damaged in (b"", b"nothing", file.read_bytes()[:-9], file.read_bytes() + b"x"):
        file.write_bytes(damaged)
        third = Native(f, x)
        assert third.built.code.compiled
        near(third(x), [f(x)], 8)
        assert not Native(f, x).built.code.compiled


@pytest.mark.parametrize("off", ["", "0"])
def test_cache_turned_off(off, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_LITE_CACHE", off)
    x = np.arange(7.0)
    assert Native(lambda x: x * 7, x).built.code.compiled
    assert Native(lambda x: x * 7, x).built.code.compiled


def test_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setenv("AUTOGRAD_LITE_CACHE", str(tmp_path / "file"))
    x = np.arange(7.0)
    near(Native(lambda x: x * 7 + 1, x)(x), [x * 7 + 1])


def test_the_same_program_has_the_same_code():
    x = np.arange(12.0).reshape(3, 4)
    f = value_and_pullback(lambda x: [ag.sum(ag.tanh(x @ ag.transpose(x)), 0), ag.concatenate([x, x * 2])])
    assert len({Native(f, x).built.lowered.ir for _ in range(3)}) == 1


def test_batches_of_tangents_do_not_wait_for_each_other():
    """Their products stay where they are, so that each batch takes the memory of the one before."""
    W, X = np.random.default_rng(0).normal(size=(2, 16, 16))
    f = lambda theta: np.sum(np.tanh(np.tanh(X @ theta.reshape(16, 16)) @ W) ** 2)
    theta = np.random.default_rng(1).normal(size=256) / 4
    compiled = ag.compile(ag.hessian(f), backend="llvm")
    near(compiled(theta), ag.hessian(f)(theta), 2**14)
    batch = 64 * 16 * 16 * 8  # bytes of one value of a batch of 64 tangents
    assert compiled.plan.peak_bytes < 256 * 256 * 8 + 9 * batch


def test_a_result_that_is_a_number_outlives_all_that_follows_it():
    """Also where what follows was counted with items that have been dropped since."""
    _, update, X, labels = network((300, 200, 4), 50, "tanh", lr=0.1, momentum=0.9)
    native = Native(lambda X, y: [update(X, y)], X, labels)
    memories = native.built.lowered.memories
    (loss,) = native.program.outputs
    last = max(native.built.lowered.position.values())
    own = next(m for v, m in memories.items() if v.op is loss.op and v.shape == () and m.argument is None)
    assert own.last > last
