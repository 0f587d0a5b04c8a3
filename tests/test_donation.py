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
