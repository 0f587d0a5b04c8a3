"""ag.compile: what a compiled function may be called with, what it gives, what it reads anew, and what it refuses."""

from __future__ import annotations

import collections
import enum

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.ops.neural import dropout_mask
from autograd_lite.tree import leaves


def bits(x):
    x = x.data if isinstance(x, ag.Tensor) else x
    return np.asarray(x).dtype, np.shape(x), np.asarray(x).tobytes()


def same(got, wanted):
    got, wanted = list(leaves(got)), list(leaves(wanted))
    assert len(got) == len(wanted)
    for g, w in zip(got, wanted, strict=True):
        assert bits(g) == bits(w), f"{g!r} is not {w!r}"


def agrees(f, *calls, **options):
    """Compiled, `f` gives at each of these calls what it gives itself, to the bit; returns the compiled function."""
    compiled = ag.compile(f, **options)
    for args in calls:
        with np.errstate(all="ignore"):
            same(compiled(*args), f(*args))
    return compiled


def normal(*shape, seed=0, dtype=float):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


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
    agrees(lambda z: (z * one, one * z, z / one, z - 0.0, -(-z)), (z,), (z[::-1],))


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
    compiled = ag.compile(g)
    results = []
    for seed in range(4):
        x = normal(3, 4, seed=seed)
        results.append(compiled(x))
        same(results[-1], f(x))
    assert one.bit_generator.state == other.bit_generator.state
    assert not np.array_equal(results[0][0], results[1][0])
