"""Passes and buffers: each gives the program that it got, to the bit, on programs that nobody thought of."""

from __future__ import annotations

import gc
import tracemalloc
from tracemalloc import DomainFilter

import numpy as np
import pytest
from compiling import training_step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.ops.elementwise import add, exp, multiply, negative, tanh
from autograd_lite.plan import blocks, lifetimes, numpy_backend, passes
from autograd_lite.plan.passes import fusion
from autograd_lite.plan.passes.algebra import simplified
from autograd_lite.plan.passes.common import without_repeats
from autograd_lite.plan.passes.constants import folded
from autograd_lite.plan.passes.dead import without_dead
from autograd_lite.plan.passes.expansion import expanded
from autograd_lite.plan.passes.fusion import fused
from autograd_lite.plan.program import Argument, Captured, Program, Value
from autograd_lite.plan.record import Recording, recording
from autograd_lite.runtime import as_value

EACH = {f.__name__: f for f in (expanded, folded, simplified, without_repeats, without_dead, fused)}
SHAPE = (3, 4)

# -- programs, and what they give ------------------------------------------------------------------------------------


def evaluated(program, arguments):
    """The outputs of a program, value by value, and what it writes; nothing is optimised here."""
    known = {}
    for s in program.sources:
        x = arguments[s.source.position] if isinstance(s.source, Argument) else s.source.read()
        known[s] = np.array(x)[()]
    for value in program.values:
        inputs = [known[i] if isinstance(i, Value) else i for i in value.inputs]
        y = value.op.run(*inputs, **value.keywords)
        known[value] = as_value(y[0] if value.op.residual else y)
    at = lambda y: np.array(known[y])[()] if isinstance(y, Value) else y
    return [at(y) for y in program.outputs], [(target.source.memory, at(new)) for target, new in program.writes]


def equal(got, wanted):
    for g, w in zip(got, wanted, strict=True):
        g, w = np.asarray(g), np.asarray(w)
        assert (g.dtype, g.shape, g.tobytes()) == (w.dtype, w.shape, w.tobytes()), f"{g} is not {w}"


def run_and_compare(built, program, memories, seeds, kind):
    """What was built gives what the program gives, call after call, and leaves the same in the memories; what it gave
    earlier stays."""
    given = []
    for seed in seeds:
        arguments = inputs_for(seed, kind)
        outputs, writes = evaluated(program, arguments)
        sources = [
            arguments[s.source.position] if isinstance(s.source, Argument) else s.source.read()
            for s in built.program.sources
        ]
        before = [np.array(x) for x in arguments]
        results = built.run(sources)
        equal(results, outputs)
        equal([memory for memory, _ in writes], [new for _, new in writes])
        equal(arguments, before)
        given += zip(results, map(np.array, results), strict=True)
    for result, as_it_was in given:
        equal([result], [as_it_was])
    assert len({id(m) for m in memories}) == len(memories)


def inputs_for(seed, kind):
    rng = np.random.default_rng(seed)
    if kind == "int":
        return [rng.integers(-5, 6, SHAPE) for _ in range(2)] + [rng.integers(-5, 6, 4), rng.integers(-5, 6, (3, 1))]
    return [rng.standard_normal(SHAPE) for _ in range(2)] + [rng.standard_normal(4), rng.standard_normal((3, 1))]


def whole(a):
    return a + np.zeros(SHAPE, a.dtype)


STEPS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: np.maximum(a, b),
    lambda a, b: np.where(a > b, a, b),
    lambda a, b: -a,
    lambda a, b: np.negative(-a),
    lambda a, b: a * 1,
    lambda a, b: a - 0,
    lambda a, b: a + 0,
    lambda a, b: abs(a),
    lambda a, b: np.square(a),
    lambda a, b: 2 * a - b,
    lambda a, b: a.T.T,
    lambda a, b: np.reshape(whole(a).T, SHAPE),
    lambda a, b: whole(a)[::-1],
    lambda a, b: whole(a)[:, ::2].sum(1, keepdims=True),
    lambda a, b: np.reshape(np.reshape(whole(a), -1)[::-1], SHAPE),
    lambda a, b: whole(a).sum(0),
    lambda a, b: whole(a).sum(1, keepdims=True),
    lambda a, b: np.sum(a),
    lambda a, b: np.max(whole(a), 0),
    lambda a, b: whole(a) @ whole(b).T @ whole(a),
    lambda a, b: whole(a) @ np.reshape(whole(b), (4, 3)) @ whole(b),
    lambda a, b: np.broadcast_to(a, SHAPE),
    lambda a, b: np.concatenate([whole(a)[1:], whole(b)[:1]]),
    lambda a, b: np.cumsum(whole(a), 1),
    lambda a, b: whole(a)[np.array([2, 0, 1])],
    lambda a, b: np.expand_dims(a, 0)[0],
    lambda a, b: assigned(whole(a), b),
]
FLOATING = [
    lambda a, b: np.tanh(a),
    lambda a, b: np.exp(-abs(a)),
    lambda a, b: ag.sigmoid(a) * b,
    lambda a, b: a / (1 + abs(b)),
    lambda a, b: ag.softmax(whole(a), axis=1),
    lambda a, b: np.mean(whole(a), 0),
    lambda a, b: ag.grad(lambda x: np.sum(np.tanh(x) * b))(whole(a)),
    lambda a, b: (a + 0.0).astype("float32").astype("float64"),
    lambda a, b: whole(a) ** 2,
]


def assigned(a, b):
    a = a * 1
    a[1] = np.broadcast_to(b, SHAPE)[2]
    return a


@st.composite
def functions(draw, kind):
    """A function of arrays and of two memories, which it reads and writes, as a list of steps."""
    steps = STEPS if kind == "int" else STEPS + FLOATING
    calls = draw(
        st.lists(st.tuples(st.sampled_from(range(len(steps))), st.integers(0, 9), st.integers(0, 9)), max_size=12)
    )
    outputs = draw(st.lists(st.integers(0, 9), max_size=3))
    written = draw(st.lists(st.integers(0, 9), min_size=2, max_size=2))
    memories = [x * 1 for x in inputs_for(99, kind)[:2]]
    writes = draw(st.integers(0, 2))

    def f(arguments):
        trace = recording()
        pool = [*arguments, *[trace.contents(m) for m in memories]]
        for k, a, b in calls:
            pool.append(steps[k](pool[-1 - a % len(pool)], pool[-1 - b % len(pool)]))
        for m, k in zip(memories[:writes], written, strict=False):
            trace.writes_to(m, whole(pool[-1 - k % len(pool)]), "memory")
        return [pool[-1 - k % len(pool)] for k in outputs]

    return f, memories


def recorded(f, kind):
    return Recording(f, inputs_for(0, kind)).program


SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
KINDS = ("int", "float")


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("kind", KINDS)
def test_a_pass_changes_no_bit(name, kind):
    @SETTINGS
    @given(functions(kind))
    def holds(drawn):
        f, _ = drawn
        with np.errstate(all="ignore"):
            before = recorded(f, kind)
            after = EACH[name](before)
            for seed in (0, 1):
                arguments = inputs_for(seed, kind)
                equal(evaluated(after, arguments)[0], evaluated(before, arguments)[0])
                written = [[new for _, new in evaluated(p, arguments)[1]] for p in (after, before)]
                equal(*written)
            again = EACH[name](after)
            equal(evaluated(again, arguments)[0], evaluated(after, arguments)[0])

    holds()


@pytest.mark.parametrize("kind", KINDS)
def test_the_backend_changes_no_bit(kind):
    @SETTINGS
    @given(functions(kind), st.booleans())
    def holds(drawn, optimised):
        f, memories = drawn
        with np.errstate(all="ignore"):
            program = recorded(f, kind)
            built = numpy_backend.build(passes.optimised(program) if optimised else program)
            run_and_compare(built, program, memories, range(3), kind)

    holds()


def small_blocks(monkeypatch):
    """Let the arrays of these tests be large ones, which are run two rows at a time."""
    for module in (fusion, numpy_backend):
        monkeypatch.setattr(module, "LARGE", 4)
    monkeypatch.setattr(blocks, "BLOCK", 8)


def test_blocks_change_no_bit(monkeypatch):
    """On integers, whose sums are the same in any order."""
    small_blocks(monkeypatch)
    used = []

    @SETTINGS
    @given(functions("int"))
    def holds(drawn):
        f, memories = drawn
        with np.errstate(all="ignore"):
            program = recorded(f, "int")
            built = numpy_backend.build(passes.optimised(program))
            used.append("for start in range" in built.source)
            run_and_compare(built, program, memories, range(3), "int")

    holds()
    assert any(used)


@pytest.mark.parametrize("broken", ["too early", "never forever", "views"])
def test_a_wrong_liveness_is_noticed(monkeypatch, broken):
    """These tests would fail if a buffer were given away before its last reader, or a view were not counted as one."""
    right = lifetimes.Lifetimes.__init__

    def wrong(self, program):
        right(self, program)
        if broken == "too early":
            for owner in self.last:
                if self.last[owner] != self.forever:
                    self.last[owner] -= 1
        elif broken == "never forever":
            for owner in self.last:
                if self.last[owner] == self.forever:
                    self.last[owner] = self.place.get(owner, 0)
        else:
            for value in self.owner:
                self.owner[value] = value
            self.last.clear()
            for value, k in self.place.items():
                for i in (value, *value.operands):
                    self.last[i] = k
            for y in program.roots:
                self.last[y] = self.forever

    noticed = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(functions("float"))
    def try_it(drawn):
        f, memories = drawn
        with np.errstate(all="ignore"):
            program = recorded(f, "float")
            try:
                run_and_compare(numpy_backend.build(passes.optimised(program)), program, memories, range(2), "float")
            except Exception:
                noticed.append(1)

    def read_through_a_view(arguments):
        view = np.exp(arguments[0])[::-1]
        first = np.tanh(view)
        return [np.sum(np.exp(first * 2) * 3 + view @ np.ones((4, 4))), np.sum(view * 2)]

    p = recorded(read_through_a_view, "float")
    run_and_compare(numpy_backend.build(passes.optimised(p)), p, [], range(2), "float")
    monkeypatch.setattr(lifetimes.Lifetimes, "__init__", wrong)
    if broken == "views":  # where a reader writes over what it reads, NumPy itself keeps the two apart
        with pytest.raises(AssertionError):
            run_and_compare(numpy_backend.build(passes.optimised(p)), p, [], range(2), "float")
    else:
        try_it()
        assert noticed


# -- each pass, alone --------------------------------------------------------------------------------------------------


def argument(position=0, shape=(3,), dtype=float, weak=False):
    return Value(None, (), (), shape, np.dtype(dtype), Argument(position), weak)


def value(op, *inputs, statics=(), shape=(3,), dtype=float):
    return Value(op, inputs, statics, shape, np.dtype(dtype))


def program(*steps, outputs, writes=()):
    values = [v for step in steps for v in (step if isinstance(step, tuple) else (step,))]
    read = [i for v in values for i in v.operands if i.op is None]
    sources = dict.fromkeys([*read, *[y for y in outputs if isinstance(y, Value) and y.op is None]])
    return Program(tuple(sources), tuple((s if isinstance(s, tuple) else (s,)) for s in steps), tuple(outputs), writes)


def ops_of(p):
    return [v.op.name for v in p.values]


def record(f, *arrays):
    return Recording(lambda tensors: f(*tensors), [np.asarray(x)[()] for x in arrays]).program


def test_dead_code_goes_with_its_sources():
    x, z = argument(0), argument(1)
    used, unused = value(tanh, x), value(exp, z)
    deeper = value(negative, unused)
    p = without_dead(program(unused, used, deeper, outputs=[used]))
    assert (p.values, p.sources) == ([used], (x,))


def test_effects_and_what_is_written_are_not_dead():
    rng = np.random.default_rng(0)
    p = record(lambda x: (ag.ops.neural.dropout_mask(x, rng, p=0.5), x * 2)[1], np.ones(3))
    assert ops_of(without_dead(p)) == ["dropout_mask", "multiply"]
    memory = np.zeros(3)
    target = Value(None, (), (), (3,), np.dtype(float), Captured(lambda: memory, "memory", memory))
    x = argument()
    new = value(tanh, x)
    assert without_dead(program(new, outputs=[], writes=((target, new),))).values == [new]


def test_repeats_are_computed_once():
    p = without_dead(without_repeats(record(lambda x: np.exp(x * 2) + np.exp(x * 2), np.ones(3))))
    assert ops_of(p) == ["multiply", "exp", "add"]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x * 0.0, x * -0.0),
        lambda x: (x * 1, x * 1.0, x * True),
        lambda x: (x * np.float32(2), x * np.float64(2), x * 2),
        lambda x: (np.sum(x, 0), np.sum(x, 0, keepdims=True)),
        lambda x: (np.nan_to_num(x, nan=0.0), np.nan_to_num(x, nan=-0.0)),
        lambda x: (x - 1, 1 - x),
    ],
)
def test_what_differs_is_no_repeat(f):
    p = record(f, np.ones(3, np.float32))
    assert len(without_repeats(p).values) == len(p.values)


def test_random_draws_are_no_repeats():
    rng = np.random.default_rng(0)
    mask = ag.ops.neural.dropout_mask
    p = record(lambda x: mask(x, rng, p=0.5) + mask(x, rng, p=0.5), np.ones(3))
    assert ops_of(passes.optimised(p)).count("dropout_mask") == 2


def test_constants_fold():
    two = value(multiply, 2.0, np.float64(3.0), shape=())
    y = value(add, argument(), two)
    p = without_dead(folded(program(two, y, outputs=[y])))
    assert ops_of(p) == ["add"]
    assert p.values[0].inputs[1] == 6.0
    assert type(p.values[0].inputs[1]) is np.float64


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 1,
        lambda x: 1.0 * x,
        lambda x: x / 1,
        lambda x: x - 0,
        lambda x: x - 0.0,
        lambda x: np.negative(-x),
        lambda x: +x,
        lambda x: x.reshape(x.shape),
        lambda x: x.reshape(-1).reshape(x.shape),
        lambda x: np.broadcast_to(x, x.shape),
        lambda x: np.transpose(np.transpose(x)),
        lambda x: np.swapaxes(np.swapaxes(x, 0, 1), 1, 0),
        lambda x: x.astype(float),
    ],
)
def test_what_changes_nothing_goes(f):
    p = without_dead(simplified(simplified(record(f, np.ones((2, 3))))))
    assert not p.values
    assert p.outputs == p.sources


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x + 0, [-0.0]),
        (lambda x: x + 0.0, [-0.0]),
        (lambda x: 0 - x, [0.0]),
        (lambda x: x - -0.0, [-0.0]),
        (lambda x: x * 0, [np.inf]),
        (lambda x: x - x, [np.inf]),
        (lambda x: x / x, [0.0]),
        (lambda x: 1 / x, [2.0]),
        (lambda x: x * 1.0, [2]),
        (lambda x: x * 1, [complex(np.inf, 0)]),
        (lambda x: x / 1, [complex(0, -0.0)]),
        (lambda x: x.astype(float), np.ones(1, "f")),
        (lambda x: x * np.float64(1), np.ones(1, "f")),
        (lambda x: np.broadcast_to(x, (2, 1)), [1.0]),
    ],
)
def test_what_changes_something_stays(f, x):
    with np.errstate(all="ignore"):
        p = simplified(record(f, np.asarray(x)))
        assert p.values
        equal(evaluated(p, [np.asarray(x)])[0], [f(np.asarray(x))])


def test_expansion_shows_what_an_op_is_made_of():
    p = record(lambda x: ag.softmax(x, axis=1), np.ones((2, 3)))
    assert ops_of(p) == ["softmax"]
    assert {"exp", "sum", "divide"} <= set(ops_of(expanded(p)))


def test_groups_are_element_wise_and_of_one_shape():
    p = fused(
        passes.simplified(record(lambda x, w: (np.tanh(x * 2) + x) @ w * 3 - 1, np.ones((4, 4)), np.ones((4, 4))))
    )
    groups = [[v.op.name for v in step] for step in p.steps]
    assert groups == [["multiply", "tanh", "add"], ["matmul"], ["multiply", "subtract"]]


def test_groups_keep_to_the_order_of_what_they_need():
    @SETTINGS
    @given(functions("float"))
    def holds(drawn):
        p = passes.optimised(recorded(drawn[0], "float"))
        known = set(p.sources)
        for step in p.steps:
            for v in step:
                assert all(i in known for i in v.operands)
                known.add(v)

    with np.errstate(all="ignore"):
        holds()


def test_a_sum_in_the_middle_parts_two_groups(monkeypatch):
    small_blocks(monkeypatch)
    p = fused(record(lambda x: np.exp(x) / np.sum(np.exp(x)) * 2, np.ones(8)))
    groups = [[v.op.name for v in step] for step in p.steps]
    assert groups.index(next(g for g in groups if "divide" in g)) > groups.index(next(g for g in groups if "sum" in g))


# -- buffers -----------------------------------------------------------------------------------------------------------


def built_for(f, *arrays):
    return numpy_backend.build(passes.optimised(record(f, *arrays)))


def test_a_chain_takes_one_buffer_whatever_its_length():
    def chain(n):
        def f(x):
            for _ in range(n):
                x = np.tanh(x) * 0.5
            return np.sum(x)

        return f

    for n in (1, 5, 50):
        assert built_for(chain(n), np.ones(100)).peak_bytes == 800


def test_a_result_takes_no_buffer_of_the_plan():
    assert built_for(lambda x: np.tanh(x), np.ones(100)).peak_bytes == 0


def test_values_that_live_together_take_a_buffer_each():
    def f(x):
        parts = [np.exp(x * k) for k in range(1, 6)]
        return np.sum(parts[0] * parts[4] + parts[1] * parts[3] + parts[2])

    built = built_for(f, np.ones(100))
    assert 5 * 800 <= built.peak_bytes <= 6 * 800


def test_nothing_is_written_over_an_argument():
    built = built_for(lambda x: np.sum(np.tanh(x) + x), np.ones(100))
    x = np.ones(100)
    built.run([x])
    equal([x], [np.ones(100)])


def test_an_update_is_made_in_the_memory_that_it_replaces():
    memory = np.ones(100)

    def f(x):
        trace = recording()
        trace.writes_to(memory, trace.contents(memory) * 0.9 + x, "memory")

    built = built_for(f, np.ones(100))
    assert "copyto" not in built.source
    assert built.peak_bytes <= 800


def test_two_memories_that_change_places():
    a, b = np.zeros(5), np.ones(5)

    def f(x):
        trace = recording()
        one, two = trace.contents(a), trace.contents(b)
        trace.writes_to(a, two + x, "a")
        trace.writes_to(b, one - x, "b")
        return one * two

    program = record(f, np.ones(5))
    built = numpy_backend.build(passes.optimised(program))
    for x in (np.ones(5), np.arange(5.0)):
        outputs, writes = evaluated(program, [x])
        sources = [x if isinstance(s.source, Argument) else s.source.read() for s in built.program.sources]
        equal(built.run(sources), outputs)
        equal([a, b], [new for _, new in writes])


def test_an_argument_may_be_the_memory_that_is_written():
    memory = np.arange(6.0)

    def f(x):
        trace = recording()
        new = trace.contents(memory) * 2
        trace.writes_to(memory, new, "memory")
        return new + x[::-1]

    program = record(f, np.ones(6))
    built = numpy_backend.build(passes.optimised(program))
    for x in (memory, memory[:], memory[::-1], np.ones(6)):
        outputs, _ = evaluated(program, [x])
        sources = [x if isinstance(s.source, Argument) else s.source.read() for s in built.program.sources]
        equal(built.run(sources), outputs)


def test_the_text_of_a_program():
    p = record(lambda x, w: np.sum(np.tanh(x @ w)) * 2.0, np.ones((2, 3), "f"), np.ones((3, 4), "f"))
    words = str(p).split()
    for word in ("x0:", "float32[2,", "argument", "tanh(v0)", "x0", "@", "x1", "return", "v3"):
        assert word in words
    assert [line.split(":")[0].strip() for line in str(p).splitlines()] == [
        "x0",
        "x1",
        "v0",
        "v1",
        "v2",
        "v3",
        "return v3",
    ]


# -- memory ------------------------------------------------------------------------------------------------------------


def step_of(sizes):
    model = ag.nn.MLP(sizes, rng=0, dtype="float32")
    return training_step(model, ag.nn.SGD(model.parameters(), lr=0.1, momentum=0.9))


def of_arrays(snapshot):
    """The bytes that NumPy has taken for arrays."""
    return sum(t.size for t in snapshot.filter_traces([DomainFilter(True, np.lib.tracemalloc_domain)]).traces)


@pytest.mark.parametrize("sizes", [[64, 64, 10], [784, 512, 512, 10]])
def test_the_memory_of_a_training_step(sizes):
    """What `peak_bytes` says is what is allocated, but for arrays of a few entries, and no more than uncompiled."""
    X, y = np.ones((128, sizes[0]), "f"), np.arange(128) % 10
    step = step_of(sizes)
    step(X, y)
    gc.collect()
    tracemalloc.start()
    try:
        start = tracemalloc.get_traced_memory()[0]
        step(X, y)
        uncompiled = tracemalloc.get_traced_memory()[1] - start
    finally:
        tracemalloc.stop()
    compiled = ag.compile(step_of(sizes), backend="numpy")
    compiled(X, y)
    plan = compiled.plan
    gc.collect()
    tracemalloc.start()
    try:
        built = plan.build(plan.best)
        gc.collect()
        allocated = of_arrays(tracemalloc.take_snapshot())
    finally:
        tracemalloc.stop()
    assert built.peak_bytes == plan.peak_bytes
    assert abs(allocated - plan.peak_bytes) < 64
    assert plan.peak_bytes <= uncompiled
