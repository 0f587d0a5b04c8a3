"""ag.compile: what a compiled function may be called with, what it gives, and what it refuses."""

from __future__ import annotations

import collections
import enum
import weakref

import numpy as np
import pytest
from compiling import agrees, compiled_for, normal, same

import autograd_lite as ag
from autograd_lite.ops.neural import dropout_mask
from autograd_lite.plan.compiled import CACHE
from autograd_lite.plan.plan import Plan
from autograd_lite.tree import leaves

# -- arguments -----------------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize("keys", [("a", "b"), (1, 2), (np.int64(1), (2, "x")), (Colour.RED, None), (True, -0.0)])
def test_dicts_with_any_keys(keys):
    k, j = keys
    arguments = [({k: normal(3, seed=s), j: 2.0 + s},) for s in range(3)]
    compiled = agrees(lambda d: {j: d[k] * d[j], k: d[k]}, *arguments)
    assert len(compiled._plans) == 1


@pytest.mark.parametrize("kind", [collections.OrderedDict, collections.Counter, lambda: collections.defaultdict(list)])
def test_kinds_of_dicts(kind):
    def of(seed):
        d = kind()
        d["x"] = normal(3, seed=seed)
        return d

    agrees(lambda d: d["x"] * 2, (of(0),), (of(1),))


@pytest.mark.parametrize(
    ("before", "now"),
    [(0j, complex(0, -0.0)), (complex(-1, 0), complex(-1, -0.0)), (2j, 3j), (1, True), (1, 2), (0.0, -0.0)],
)
def test_numbers_that_are_no_floats_are_part_of_the_signature(before, now):
    """The root of -1 + 0j is i, that of -1 - 0j is -i, and 1 and True are two things."""
    x, y = normal(3), normal(3, dtype="float32")  # of two dtypes: then floats are part of the signature too
    agrees(lambda x, y, z: (x * np.sqrt(z), y * z), (x, y, before), (x, y, now), (x, y, before))


def test_what_is_compared_entry_by_entry_is_recognised_by_what_it_is():
    class Strange:
        __hash__ = object.__hash__

        def __eq__(self, other):
            return np.array([True, False])

    strange = Strange()
    agrees(lambda x, _: x * 2, (normal(2), strange), (normal(2, seed=1), strange))


# -- values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan, -0.0, 1e308, 5e-324])
def test_programs_of_numbers_with_any_constant(number):
    agrees(lambda x: (x * number + number, x - number, number / x), *[(x,) for x in (2.0, -3.0, 1e-300, -1e300)])


@pytest.mark.parametrize("one", [1, 1.0, np.float64(1), np.complex128(1)])
def test_complex_numbers_times_one_are_not_as_they_were(one):
    z = np.array([complex(np.inf, 1), complex(1, np.inf), complex(-0.0, -1), complex(1, -0.0), complex(np.nan, 0)])
    agrees(lambda z: (z * one, one * z, z / one, z - 0.0, 0 - z), (z,), (z[::-1],))


def test_statics_that_equal_each_other_and_are_not_the_same():
    x = np.array([np.nan, 1.0])
    agrees(lambda x: (np.nan_to_num(x, nan=0.0), np.nan_to_num(x, nan=-0.0)), (x,), (x[::-1],))


def test_an_elementwise_op_of_ones_own_on_large_arrays():
    """It can be computed only where it likes, so it is no part of a loop over blocks."""
    triple = ag.Op(lambda x: np.array(x) * 3, name="triple", x=lambda g: 3 * g, elementwise=True)
    agrees(lambda x: np.tanh(triple(x * 2) + 1) * x, (normal(100_000),), (normal(100_000, seed=1),))


# -- random numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 1])
def test_generators_go_on_as_without_compiling(first):
    """Whichever is needed first: what is drawn first is drawn first."""

    def noisy():
        rng, W = np.random.default_rng(3), normal(4, 2)

        def f(x):
            a = x * 2
            masks = [dropout_mask(x, rng, p=0.5), dropout_mask(x, rng, p=0.5)]
            return masks[1 - first] @ W, a * masks[first]

        return f, rng

    (f, one), (g, other) = noisy(), noisy()
    compiled = compiled_for(g)
    results = []
    for seed in range(4):
        x = normal(3, 4, seed=seed)
        results.append(compiled(x))
        same(results[-1], f(x))
    assert one.bit_generator.state == other.bit_generator.state
    assert not np.array_equal(results[0][0], results[1][0])


# -- Python's floats -----------------------------------------------------------------------------------------------


FLOATS = {
    "times": lambda x, a: x * a,
    "of operators": lambda x, a: (x * (-a * 2 + 1) / 3, x + a**2, x - abs(a) // 0.7 % 0.3, a * x * a),
    "a function's is a float64": lambda x, a: x * np.sin(a) + a,
    "both": lambda x, a: (x * a, x * np.exp(a)),
    "compared": lambda x, a: (x * (a > 0.5), np.where(a > 0.5, x, a), np.where(x > a, x, a)),
    "of masks": lambda x, a: (x > 0) * a,
    "of integers": lambda x, a: np.arange(x.size) * a + x,
    "complex": lambda x, a: x * (a * 1j),
    "where": lambda x, a: np.where(x > 0, a, 0.25),
    "clipped": lambda x, a: np.clip(x, -a, a),
    "themselves": lambda x, a: (a, 2 * a, x),
}


@pytest.mark.parametrize("dtype", ["e", "f", "d", "F", "D", "i4", "?"])
@pytest.mark.parametrize("name", FLOATS)
def test_floats_take_the_dtype_that_they_take_in_numpy(name, dtype):
    x = np.array([0.5, -1.5, 2.0, -0.3]).astype(dtype)
    if name in ("clipped", "compared", "of masks", "where") and dtype in "FD" + "?" * (name == "clipped"):
        pytest.skip("not defined in NumPy")
    agrees(FLOATS[name], (x, 0.75), (x[::-1], 0.25), (x, 1.5))


@pytest.mark.parametrize("dtype", ["f", "d", "e"])
def test_floats_that_meet_leaves_only(dtype):
    w = ag.tensor(normal(3, dtype=dtype), requires_grad=True)
    compiled = agrees(lambda rate: w * rate, (0.1,), (0.3,))
    w.data = normal(3, seed=1, dtype=dtype)
    same(compiled(0.7), w * 0.7)
    assert len(compiled._plans) == 1


def test_floats_that_meet_arrays_of_several_dtypes():
    compiled = agrees(lambda x, y, a: (x * a, y * a), *[(normal(3, dtype="f"), normal(3), a) for a in (0.1, 0.2, 0.3)])
    assert len(compiled._plans) == 1


def test_floats_that_are_differentiated_by():
    f = ag.grad(lambda x, a: np.sum(x * a * a), argnums=(0, 1))
    agrees(f, (normal(3, dtype="f"), 2.0), (normal(3, dtype="f"), 3.0))
    agrees(ag.grad(lambda a, b: a * b * b, argnums=(0, 1)), (2.0, 3.0), (4.0, 5.0))


def test_a_changed_rate_does_not_record_again():
    compiled = compiled_for(lambda w, rate: w - rate * ag.grad(lambda w: np.sum(w * w))(w))
    for rate in (0.1, 0.2, 0.3):
        assert compiled(np.ones(3, "f"), rate).dtype == np.float32
    assert len(compiled._plans) == 1


# -- results -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ag.vjp(np.sin, x),
        lambda x: {1, 2},
        lambda x: (x, [lambda: x]),
        lambda x: ag.Graph(np.sin(x)),
        lambda x: ag.nn.Linear(2, 2),
    ],
)
def test_results_that_would_be_those_of_the_first_call_for_ever_are_refused(f):
    with pytest.raises(ag.ArgumentError, match="returns a"):
        compiled_for(f)(normal(3))


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x,
        lambda x: (x, x),
        lambda x: x.T,
        lambda x: x + 0,
        lambda x: (np.exp(x), np.exp(x)),
        lambda x: x[:1],
        lambda x: [x + 1] * 2,
        lambda x: np.ones(3),
        lambda x: np.full((3, 3), 2.0),
        lambda x: np.broadcast_to(x, (2, *x.shape)),
        lambda x: (None, {"a": [x * 2, None]}, Point(x, x[::-1]), [], 3, "text", True, 2.5, 1j, b""),
        lambda x: (x.reshape(-1), x * 1, x.astype(float), np.transpose(np.transpose(x))),
        lambda x: (np.sum(x), np.mean(x, 1), np.float64(2.0)),
    ],
)
@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (0, 3), (300, 400)])
def test_results_are_the_callers_own(f, shape):
    """They are neither the memory of arguments, nor of each other, nor of later results."""
    compiled, given = compiled_for(f), []
    for seed in range(3):
        x = normal(*shape, seed=seed)
        before, result = x.copy(), compiled(x)
        same(x, before)
        wanted = f(x)
        same(result, wanted)
        assert [type(part) for part in leaves(result)] == [type(part) for part in leaves(wanted)]
        arrays = [part for part in leaves(result) if isinstance(part, np.ndarray)]
        for array in arrays:
            assert array.flags.writeable
            assert not np.shares_memory(array, x)
        given += [(array, array.copy()) for array in arrays]
    for k, (array, as_it_was) in enumerate(given):
        same(array, as_it_was)
        assert not any(np.shares_memory(array, other) for other, _ in given[:k])


def test_a_captured_array_that_is_returned_is_a_copy():
    a = np.ones(3)
    result = compiled_for(lambda x: (x, a))(normal(2))[1]
    result[0] = 9
    assert a[0] == 1


def test_signatures_that_alternate_are_written_out_once(monkeypatch):
    """As those of an epoch's last batch and of the others do."""
    written = []
    write = Plan.entrance_for

    def entrance_for(plan, *args):
        written.append(weakref.ref(plan))
        return write(plan, *args)

    monkeypatch.setattr(Plan, "entrance_for", entrance_for)
    f = ag.compile(lambda x: 2 * x)
    for n in (2, 3, 2, 3, 2):
        np.testing.assert_array_equal(f(np.ones(n)), np.full(n, 2.0))
    assert len(written) == 2
    for n in range(4, 4 + CACHE):  # the first two are forgotten, and so is what was written for them
        f(np.ones(n))
    assert [plan() for plan in written[:2]] == [None, None]
    np.testing.assert_array_equal(f(np.ones(2)), [2.0, 2.0])
