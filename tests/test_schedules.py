"""Schedules: their equations, and the Robbins-Monro conditions held against partial sums."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.nn import schedules as s

RATE = st.floats(0.01, 10.0)
BASIC = st.one_of(
    st.builds(s.Constant, RATE),
    st.builds(s.Linear, RATE),
    st.builds(s.Quadratic, RATE),
    st.builds(s.Exponential, RATE, st.floats(0.01, 2.0)),
    st.builds(s.Inverse, RATE, st.floats(0.05, 5.0)),
    st.builds(s.Power, RATE, st.floats(0.55, 1.0)),
    st.builds(s.Step, RATE, st.integers(1, 300), st.floats(0.1, 0.8)),
    st.builds(s.Cosine, RATE, st.integers(1, 500), st.sampled_from([0.0, 0.005])),
)
ANY = st.recursive(
    BASIC,
    lambda inner: st.one_of(
        st.builds(s.WarmUp, inner, st.integers(1, 50)), st.builds(s.Fixed, inner, st.integers(1, 50), RATE)
    ),
    max_leaves=1,
)

K = range(0, 40)
EQUATIONS = [
    (s.Constant(0.5), lambda k: 0.5),
    (s.Linear(0.5), lambda k: 0.5 / (k + 1)),
    (s.Quadratic(0.5), lambda k: 0.5 / (k + 1) ** 2),
    (s.Exponential(0.5, 0.1), lambda k: 0.5 * np.exp(-0.1 * k)),
    (s.Inverse(0.5, 2.0), lambda k: 0.5 / (1 + 2.0 * k)),
    (s.Power(0.5, 0.7), lambda k: 0.5 * (k + 1.0) ** -0.7),
    (s.Step(0.5, 10, 0.3), lambda k: 0.5 * 0.3 ** (k // 10)),
    (s.Cosine(0.5, 20, 0.1), lambda k: 0.1 if k >= 20 else 0.3 + 0.2 * np.cos(np.pi * k / 20)),
    (s.WarmUp(s.Linear(0.5), 4), lambda k: [0.125, 0.25, 0.375, 0.5][k] if k < 4 else 0.5 / (k - 3)),
    (s.Fixed(s.Linear(0.5), 4, 2.0), lambda k: 2.0 if k < 4 else 0.5 / (k - 3)),
]


@pytest.mark.parametrize(("schedule", "equation"), EQUATIONS, ids=lambda x: type(x).__name__)
def test_equations(schedule, equation):
    rates = [schedule(k) for k in K]
    np.testing.assert_allclose(rates, [equation(k) for k in K], rtol=1e-14)
    assert all(type(rate) is float for rate in rates)


def test_every_schedule_is_tested():
    classes = {c for c in vars(s).values() if isinstance(c, type) and issubclass(c, s.Schedule)}
    public = {c for c in classes if not c.__name__.startswith("_")} - {s.Schedule}
    assert {type(schedule) for schedule, _ in EQUATIONS} == public
    assert all("eta(" in c.__doc__ for c in public)


def partial_sums_say(schedule):
    """Sums over k = 2^j ... 2^(j+1) of a series that converges shrink by a factor below 1 from one j to the next, and
    of one that diverges by none (for powers of k, which is what falls slowly here)."""
    rates = np.array([schedule(k) for k in range(50, 50 + 2**15)])
    first, second = slice(2**13, 2**14), slice(2**14, 2**15)
    converges = [r[first].sum() < 1e-12 or r[second].sum() / r[first].sum() < 0.98 for r in (rates, rates**2)]
    return not converges[0] and converges[1]


@given(ANY)
def test_robbins_monro_is_what_partial_sums_say(schedule):
    assert schedule.satisfies_robbins_monro == partial_sums_say(schedule)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in EQUATIONS], ids=lambda x: type(x).__name__)
def test_robbins_monro_of_each(schedule):
    assert schedule.satisfies_robbins_monro == partial_sums_say(schedule)


def test_wrapping_changes_nothing_about_robbins_monro():
    for inner, holds in ((s.Linear(1.0), True), (s.Constant(1.0), False)):
        assert s.WarmUp(inner, 5).satisfies_robbins_monro is holds
        assert s.Fixed(s.WarmUp(inner, 5), 5, 0.1).satisfies_robbins_monro is holds


@given(ANY)
def test_values(schedule):
    """Equal by value, hashable, picklable, immutable; every rate a finite number that is not negative."""
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert all(0 <= schedule(k) < math.inf for k in (0, 1, 7, 10**6))
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.eta0 = 1.0


@pytest.mark.parametrize(("distance", "arrives"), [(1.0, True), (3.0, False)])
def test_the_quadratic_schedule_cannot_arrive_from_far_away(distance, arrives):
    """On |w|, whose gradient has length 1, the way gone is the sum of the rates: pi^2 / 6 = 1.64 in all."""
    for schedule, able in ((s.Quadratic(1.0), arrives), (s.Linear(1.0), True)):
        w = ag.tensor([distance], requires_grad=True)
        optimizer = ag.nn.SGD([w], lr=schedule)
        closest = distance
        for _ in range(300):
            optimizer.step(lambda w=w: abs(w).sum())
            closest = min(closest, abs(w.data[0]))
        assert (closest < 0.05) == able


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: s.Constant(0.0), "Constant: eta0 is 0.0; it must be a finite positive"),
        (lambda: s.Linear(math.nan), "eta0 is nan"),
        (lambda: s.Linear(math.inf), "eta0 is inf"),
        (lambda: s.Exponential(1.0, -1.0), "beta is -1.0"),
        (lambda: s.Inverse(1.0, 0.0), "delta is 0.0"),
        (lambda: s.Power(1.0, 0.5), r"Power: delta is 0.5; it must be in \(0.5, 1\]"),
        (lambda: s.Power(1.0, 1.1), r"in \(0.5, 1\]"),
        (lambda: s.Step(1.0, 0), "updates is 0; it must be a positive whole number"),
        (lambda: s.Step(1.0, 2, 1.5), r"gamma is 1.5; it must be in \(0, 1\]"),
        (lambda: s.Cosine(1.0, 10, 2.0), "minimum is 2.0; it must be at most eta0, 1.0"),
        (lambda: s.WarmUp(0.1, 10), "schedule is 0.1; it must be one of nn.schedules"),
        (lambda: s.Fixed(s.Linear(1.0), 2.5, 0.1), "updates is 2.5"),
        (lambda: s.Constant("fast"), "eta0 is 'fast'; it must be a finite positive number"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(TypeError, match=message):
        call()
