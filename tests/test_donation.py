"""Donated arguments: what is given back lies in memory that the next call uses again, and no call reads what another
wrote too early."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import autograd_lite as ag


def crossed(a, b, c):
    return a + c, b * c


def swapped(a, b, c):
    return b + c, a * c


@pytest.mark.parametrize("f", [crossed, swapped])
@pytest.mark.parametrize("given", ["ab", "ba", "aa", "na", "an", "bn", "nn"])
def test_results_are_those_of_the_function_whichever_of_them_are_given_back(f, given):
    """a and b are the last call's results, n a new array; and c may be any of them as well."""
    for last in "abn":
        compiled = ag.compile(f, donate=(0, 1))
        known = dict(zip("ab", compiled(np.arange(3.0), np.full(3, 5.0), np.ones(3)), strict=True))
        known["n"] = np.array([7.0, 8.0, 9.0])
        args = [known[which] for which in (*given, last)]
        wanted = f(*[x.copy() for x in args])
        np.testing.assert_array_equal(compiled(*args), wanted)


def test_views_of_what_was_given_back():
    compiled = ag.compile(lambda a, b: a + b, donate=0)
    first = compiled(np.arange(4.0), np.ones(4))
    wanted = first[::-1] + first
    np.testing.assert_array_equal(compiled(first[::-1], first), wanted)


def test_the_callers_own_arrays_stay_as_they_are():
    compiled = ag.compile(lambda a, b: (a + b, a * b), donate=(0, 1))
    a, b = np.arange(3.0), np.full(3, 2.0)
    compiled(a, b)
    np.testing.assert_array_equal(a, np.arange(3.0))
    np.testing.assert_array_equal(b, np.full(3, 2.0))


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_the_donated_argument_is_the_one_behind_containers(kind):
    """Keys that read like places in a form are none."""
    compiled = ag.compile(lambda options, w: (w * 2.0, options["array"]), donate=1)
    options = kind(array=np.ones(2), float=np.ones(2))
    w, _ = compiled(options, np.arange(3.0))
    again, _ = compiled(options, w)
    assert again is w
    np.testing.assert_array_equal(w, np.arange(3.0) * 4)


@pytest.mark.parametrize("backend", ["numpy", None])
@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize("change", ["shape", "dtype"])
@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
def test_a_result_whose_shape_or_dtype_the_caller_sets(backend, read, change):
    """The memory is a plan's own; what a caller does to the view of it that it got is its own affair."""
    f = (lambda a, b: (a * 2.0 + b, b)) if read else (lambda a, b: (b * 2.0, b))
    compiled = ag.compile(f, donate=0, backend=backend)
    b = np.arange(6.0)
    got, _ = compiled(np.ones(6), b)
    setattr(got, change, (2, 3) if change == "shape" else np.dtype(np.int64))
    if change == "shape":
        other = np.arange(6.0).reshape(2, 3)
        wanted = f(got.copy(), other)
        np.testing.assert_array_equal(compiled(got, other)[0], wanted[0], strict=True)
    for _ in range(3):
        new = np.full(6, 4.0)
        np.testing.assert_array_equal(compiled(new, b)[0], f(np.full(6, 4.0), b)[0], strict=True)
    again, _ = compiled(new, b)
    assert compiled(again, b)[0] is again
