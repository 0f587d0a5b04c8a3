"""The benchmark harness: who is judged against whom, and which turns count. Nothing here measures a time."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import load, run, tables
from benchmarks.cases import CASES, CONTESTANTS, FASTEST, HEADLINES, OURS, Limit, aims
from benchmarks.peers import autograd_lite, plan
from benchmarks.turns import Worker, disagreeing, ratio, take_turns
from benchmarks.worker import numbers


def test_cases_name_what_there_is():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    for case in CASES:
        assert set(case.contestants) <= set(CONTESTANTS), case
        assert not case.baseline or case.baseline in names, case
        for limit in case.limits:
            against = FASTEST.get(limit.versus, (limit.versus,))
            assert limit.ours in OURS, case
            assert limit.ours in case.contestants, case
            assert set(against) <= {*case.contestants, case.baseline}, (case, limit)


def test_ours_define_every_case():
    compiled = {name for name in dir(plan.Programs) if not name.startswith("_")}
    for case in CASES:
        assert hasattr(autograd_lite, case.program) or "eager" not in case.contestants, case
    for case in HEADLINES:
        assert case.program in compiled or "numpy" not in case.contestants, case


def test_limits_as_the_issue_writes_them():
    assert aims("0.5 micrograd", numpy="0.4 JAX, 0.15 torch") == (
        Limit("eager", "micrograd", 0.5),
        Limit("numpy", "JAX", 0.4),
        Limit("numpy", "torch", 0.15),
    )


RATIOS = {"numpy": {"jax": 0.3, "jax_one_thread": 0.6, "torch": 0.1}}
MEDIANS = {"numpy": 30.0, "jax": 100.0, "jax_one_thread": 50.0, "torch": 300.0}


@pytest.mark.parametrize(
    ("limit", "against", "value", "met"),
    [
        (Limit("numpy", "JAX", 0.4), "jax_one_thread", 0.6, False),  # JAX's faster setting counts
        (Limit("numpy", "JAX", 0.6), "jax_one_thread", 0.6, True),  # at most
        (Limit("numpy", "torch", 0.15), "torch", 0.1, True),
    ],
)
def test_verdicts(limit, against, value, met):
    judged = tables.judge(limit, RATIOS, MEDIANS)
    assert (judged["against"], judged["ratio"], judged["met"]) == (against, value, met)


@pytest.mark.parametrize("limit", [Limit("numpy", "sklearn", 0.4), Limit("llvm", "JAX", 0.4)])
def test_what_is_not_measured_is_neither_met_nor_missed(limit):
    assert tables.judge(limit, RATIOS, MEDIANS)["met"] is None


def test_a_ratio_is_the_median_of_the_rounds():
    assert ratio([1.0, 10.0, 3.0], [2.0, 10.0, 1.0]) == 1.0  # a slow round is slow for both


def contestants(**answers):
    """A turn that answers with each contestant's next answer; and the order in which they were asked."""
    answers, asked = {label: iter(series) for label, series in answers.items()}, []

    def turn(label):
        asked.append(label)
        return next(answers[label])

    return turn, asked


def quiet(*values):
    return [{"value": value, "foreign": 0.0} for value in values]


def test_each_round_begins_with_another_contestant():
    turn, asked = contestants(a=quiet(1, 2, 3), b=quiet(4, 5, 6), c=quiet(7, 8, 9))
    turns = take_turns("abc", 3, turn)
    assert turns.values == {"a": [1, 2, 3], "b": [4, 5, 6], "c": [7, 8, 9]}
    assert "".join(asked) == "abcbcacab"
    assert (turns.discarded, turns.disturbed, turns.unwatched) == (0, 0, False)


def test_disturbed_turns_are_taken_again_after_ever_longer_pauses():
    disturbed, pauses = {"value": 9, "foreign": 0.5}, []
    turn, _ = contestants(a=[disturbed, disturbed, *quiet(1, 2)], b=quiet(3, 4))
    turns = take_turns("ab", 2, turn, pauses.append)
    assert turns.values == {"a": [1, 2], "b": [3, 4]}
    assert (turns.discarded, turns.disturbed) == (2, 0)
    assert 0 < pauses[0] < pauses[1]


def test_a_machine_that_is_never_quiet_is_waited_for_within_bounds():
    pauses = []
    turn = lambda label: {"value": 1, "foreign": 2.0}
    turns = take_turns("ab", 3, turn, pauses.append)
    assert turns.values == {"a": [1, 1, 1], "b": [1, 1, 1]}
    assert turns.discarded == turns.disturbed == len(pauses) == 6
    assert max(pauses) <= 2


def test_a_tenth_of_a_core_is_allowed():
    turn, _ = contestants(a=[{"value": 1, "foreign": 0.1}, {"value": 2, "foreign": 0.11}, *quiet(3)])
    assert take_turns("a", 2, turn, lambda seconds: None).values == {"a": [1, 3]}


def test_who_fails_is_out_and_the_others_go_on():
    turn, _ = contestants(a=[*quiet(1), {"error": "ended"}], b=quiet(2, 3), c=[{"absent": True}])
    turns = take_turns("abc", 2, turn)
    assert turns.values == {"b": [2, 3]}
    assert turns.failed == {"a": "ended", "c": ""}


def test_where_nothing_is_known_of_others_every_turn_counts():
    turn, _ = contestants(a=[{"value": 1, "foreign": None}])
    turns = take_turns("a", 1, turn)
    assert turns.values == {"a": [1]}
    assert turns.unwatched


def test_processor_time_of_all():
    tick = os.sysconf("SC_CLK_TCK")
    #           user nice system idle iowait irq softirq steal guest guest_nice
    text = f"cpu  {tick} {tick} {tick} 5000 700 {tick} {tick} {tick} {tick} 0\ncpu0 1 1 1 1\n"
    assert load.busy_seconds(text) == 6  # not idle, nor waiting; a guest's time is the user's already
    with pytest.raises(ValueError, match="format"):
        load.busy_seconds("cpu  0 0 0 0 0 0 0 0 0 0\n")


def test_foreign_load():
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert load.foreign_cores(2.0, everyone=3.0 + 2 * tick, own=2.0, processors=2) == pytest.approx(0.5)
    assert load.foreign_cores(1.0, everyone=0.5, own=0.51, processors=2) == 0


def test_the_busy_core_is_ours_and_ends():
    with load.one_core_busy() as process:
        os.kill(process, 0)  # is there
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_who_computes_something_else_is_named():
    same = {"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [1.0, 2.1], "hand": []}
    assert list(disagreeing(same)) == ["c"]
    assert disagreeing({"a": [], "b": None}) == {}


ABOUT = {"rounds": 7, "versions": {"numpy": "2"}, "environment": {}, "machine": "a machine"}


def row(**changes):
    limits = [tables.judge(Limit("numpy", "JAX", 0.4), RATIOS, MEDIANS)]
    facts = {
        "case": "work",
        "failed": {},
        "measure": "time",
        "unit": "us",
        "median": MEDIANS,
        "ratio": RATIOS,
        "limits": limits,
    }
    seen = {"first_step_s": {"jax_one_thread": 1.5}, "discarded": 3, "disturbed": 0, "unwatched": False}
    return facts | seen | changes


def test_the_headline_table():
    head, _, cells, *_, note = tables.headline_table([row()], ABOUT).splitlines()
    assert head == "| work | numpy backend | JAX | PyTorch |"
    assert cells == "| work | 30 us<br>0.6 JAX (≤ 0.4 ✗) | 50 us (1.5 s) | 300 us |"
    assert "3 turns were discarded" in note
    disturbed = tables.headline_table([row(disturbed=2)], ABOUT)
    assert "| work † |" in disturbed
    assert "† 2 such turns had to be kept" in disturbed
    assert "could not be measured" in tables.headline_table([row(unwatched=True)], ABOUT)


def test_the_table_of_other_cases():
    medians, ratios = {"eager": 200.0, "torch": 100.0}, {"eager": {"torch": 2.0}}
    limits = [tables.judge(Limit("eager", versus, 1.5), ratios, medians) for versus in ("torch", "hand")]
    head, _, cells, *_ = tables.plain_table([row(median=medians, ratio=ratios, limits=limits)], ABOUT).splitlines()
    assert head == "| case | ours | PyTorch | aimed at |  |"
    assert cells == "| work | 200 us | 2 | <= 1.5 PyTorch; <= 1.5 hand-written NumPy | missed (2); not measured |"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(3.04, "us", "3.04 us"), (1234, "us", "1,234 us"), (56_789, "us", "56.8 ms"), (12_345_678, "us", "12.3 s"),
     (20_000, "B/node", "20,000 B/node")],
)  # fmt: skip
def test_quantities_in_words(value, unit, text):
    assert tables.quantity(row(unit=unit, median={"numpy": value}), "numpy") == text
    assert tables.quantity(row(median={}, failed={"numpy": "no memory"}), "numpy") == "failed"
    assert tables.quantity(row(median={}), "numpy") == "-"


def test_a_process_that_ends_is_started_again():
    worker, case = Worker("hand"), HEADLINES[0].name
    assert "version" in worker.greet()
    assert worker.ask("setup", case)["result"]
    worker.process.kill()
    assert "ended" in worker.ask("time", case, seconds=0.01, helpers=[])["error"]
    worker.revive()
    assert worker.ask("setup", case)["result"]
    worker.close()
    assert worker.process.returncode == 0


def test_a_process_that_hangs_is_ended():
    worker = Worker("hand", patience=0)
    assert worker.greet() == {"error": "no answer in 0 s"}
    assert worker.process.returncode
    worker.close()


def test_a_case_that_fails_loses_no_other(monkeypatch, tmp_path, capsys):
    def measure(case, workers, options):
        if case is HEADLINES[1]:
            raise RuntimeError("no memory")
        return row(case=case.name)

    monkeypatch.setattr(run, "measure", measure)
    monkeypatch.setattr(run, "start", lambda options: {})
    file = tmp_path / "build" / "all.json"
    options = SimpleNamespace(cases=HEADLINES[:3], rounds=1, seconds=0, json=file)
    results = run.measure_all(options)
    assert [r["case"] for r in results["cases"]] == [HEADLINES[0].name, HEADLINES[2].name]
    assert json.loads(file.read_text()) == results
    assert [path.name for path in file.parent.iterdir()] == ["all.json"]
    assert "no memory" in capsys.readouterr().err
    assert run.report(json.loads(file.read_text())["cases"], results) == run.report(results["cases"], results)


def test_the_page_judges_by_the_limits_of_today():
    """What is read from a file has measurements in it, and no verdicts."""
    measured = row(case=HEADLINES[0].name)
    del measured["limits"]
    page = run.report([measured, row(case=CASES[-1].name)], ABOUT)
    assert page.startswith("# Benchmarks\n\n| work | numpy backend |")
    assert "0.6 JAX (≤ 0.4 ✗)<br>0.1 PyTorch (≤ 0.15 ✓)" in page
    assert page.index("## Everything else") < page.index(CASES[-1].name)


PROGRAMS = [
    ("scalar_chain", ()),
    ("elementwise", (1000,)),
    ("mlp", ((2, 16, 16, 2), "tanh", 32)),
    ("mlp", ((7, 5, 5, 3), "relu", 32)),
    ("mlp_hessian", ((8, 4, 1), 5)),
    ("rosenbrock_hessian", (10,)),
    ("multiply_chain", (100,)),
]


@pytest.mark.parametrize(("program", "args"), PROGRAMS)
def test_what_is_compiled_does_the_work_of_what_is_not(program, args):
    """The programs as pure functions, with nothing compiled, against those written with leaves and optimizers."""
    functional = getattr(plan.Programs(lambda f, donate=(): f), program)(*args)
    eager = getattr(autograd_lite, program)(*args)
    for _ in range(3):
        results = [numbers(functional()), numbers(eager())]
    assert results[0]
    np.testing.assert_allclose(*results, rtol=1e-5)
