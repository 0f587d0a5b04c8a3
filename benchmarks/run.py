"""Times every case in every library and prints tables of ratios: `python -m benchmarks.run --help`."""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that `python benchmarks/run.py` works too

from benchmarks import load, tables  # noqa: E402
from benchmarks.cases import CASES, CONTESTANTS, HEADLINES, OTHERS, OURS, TRAININGS  # noqa: E402
from benchmarks.turns import Worker, ask_once, disagreeing, ratio, take_turns  # noqa: E402

SECONDS_PER_TURN = 0.2
BUSY_TURN = 5  # times as long: who gets the busy core when varies from step to step
OTHER_ROUNDS, SLOW_ROUNDS = 5, 3  # at most: of what is in no headline, and of what takes long
LIBRARY_SETTINGS = ("OPENBLAS_", "OMP_", "MKL_", "XLA_", "JAX_")  # environment variables to report


def main():
    options = parse_options()
    results = json.loads(options.read.read_text()) if options.read else measure_all(options)
    text = report(results["cases"], results)
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text)


def measure_all(options):
    """All cases one after the other; what is known by then is in the JSON file after each."""
    workers = start(options)
    results = {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {CONTESTANTS[name].distribution: worker.greeting["version"] for name, worker in workers.items()},
        "environment": {k: v for k, v in os.environ.items() if k.startswith(LIBRARY_SETTINGS)},
        "rounds": options.rounds,
        "seconds_per_turn": options.seconds,
        "cases": [],
    }
    began = time.perf_counter()
    for number, case in enumerate(options.cases, 1):
        say(f"[{number}/{len(options.cases)}, {time.perf_counter() - began:.0f} s] {case.name}")
        try:
            for worker in workers.values():
                worker.revive()
            results["cases"].append(measure(case, workers, options))
        except Exception:  # the other cases are worth having
            say(f"  left out:\n{traceback.format_exc()}")
        if options.json:
            write(options.json, json.dumps(results, indent=1) + "\n")
    for worker in workers.values():
        worker.close()
    say(f"{time.perf_counter() - began:.0f} s in all")
    return results


def write(path, text):
    """At no time is there half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)


def report(rows, about):
    """The page: a table of the headlines, others of what else was measured, each judged by today's limits."""
    measured = {row["case"]: row for row in rows}
    parts = ["# Benchmarks"]
    for heading, cases, table in (
        ("", HEADLINES, tables.headline_table),
        ("## Training with nn.fit", TRAININGS, tables.headline_table),
        ("## Everything else that is measured", OTHERS, tables.plain_table),
    ):
        some = [tables.judged(measured[case.name], case) for case in cases if case.name in measured]
        parts += [part for part in (heading, table(some, about)) if some and part]
    return "\n\n".join(parts) + "\n"


def start(options):
    """The contestants' processes; they load their libraries side by side."""
    needed = {name for case in options.cases for name in case.contestants}
    names = [name for name in options.contestants if name in needed]
    workers = {name: Worker(name, fresh_caches=not options.quick) for name in names}
    for name, worker in list(workers.items()):
        if "error" in worker.greet():
            say(f"{name} is left out: {worker.greeting['error']}")
            worker.close()
            del workers[name]
    return workers


def measure(case, workers, options):
    """Measure one case with all its contestants. Returns the row of the table, ready for JSON."""
    if case.baseline:  # ours against ours
        contestants = {"eager": ("eager", case.name), case.baseline: ("eager", case.baseline)}
    else:
        contestants = {name: (name, case.name) for name in workers if name in case.contestants}
    contestants = {label: pair for label, pair in contestants.items() if pair[0] in workers}
    rounds = min(options.rounds, SLOW_ROUNDS if case.slow else options.rounds if case in HEADLINES else OTHER_ROUNDS)
    if case.measure == "time":
        turns, setups = time_steps(case, contestants, workers, rounds, options)
    else:  # each turn is in a process of its own; memory hardly varies
        rounds, setups = 1 if case.measure == "memory" else rounds, {}
        turns = take_turns(
            contestants,
            rounds,
            lambda label: ask_once(label, case.measure, case.name, seconds=options.seconds),
            options.pause,
        )

    for label, why in turns.failed.items():
        if why:
            say(f"  {label} failed: {why}")
    for label, values in turns.values.items():
        if max(values) > 2 * min(values):
            say(f"  unsteady: {label}'s slowest turn took {max(values) / min(values):.1f} times its fastest")
    if turns.discarded:
        say(f"  {turns.discarded} disturbed turns taken again, {turns.disturbed} kept")

    scale = 1e6 if case.unit == "us" else 1
    ratios = {
        ours: {label: ratio(turns.values[ours], values) for label, values in turns.values.items() if label != ours}
        for ours in OURS
        if ours in turns.values
    }
    medians = {label: statistics.median(values) * scale for label, values in turns.values.items()}
    return {
        "case": case.name,
        "measure": case.measure,
        "unit": case.unit,
        "median": medians,
        "ratio": ratios,
        "rounds": {label: [value * scale for value in values] for label, values in turns.values.items()},
        "first_step_s": {label: s["first_step_s"] for label, s in setups.items() if "first_step_s" in s},
        "failed": {label: why for label, why in turns.failed.items() if why},
        "discarded": turns.discarded,
        "disturbed": turns.disturbed,
        "unwatched": turns.unwatched,
    }


def time_steps(case, contestants, workers, rounds, options):
    """Set the steps up, compare their results, and let those that are there take turns."""
    setups = {label: workers[name].ask("setup", of) for label, (name, of) in contestants.items()}
    if not case.baseline:
        for label, (values, middle) in disagreeing({name: s.get("result") for name, s in setups.items()}).items():
            say(f"  {label} disagrees: {values}, where the median is {middle}")
    contestants = {label: pair for label, pair in contestants.items() if "result" in setups[label]}

    seconds = options.seconds * (BUSY_TURN if case.busy else 1)

    def turn(label):
        name, of = contestants[label]
        with load.one_core_busy() if case.busy else contextlib.nullcontext() as helper:
            return workers[name].ask("time", of, seconds=seconds, helpers=[helper] if helper else [])

    turns = take_turns(contestants, rounds, turn, options.pause)
    turns.failed.update({label: setup["error"] for label, setup in setups.items() if "error" in setup})
    for name, of in contestants.values():
        workers[name].ask("drop", of)
    return turns, setups


def say(text):
    print(text, file=sys.stderr, flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cases", nargs="+", default=[""], metavar="TEXT", help="cases of these names, or with TEXT in their name"
    )
    parser.add_argument(
        "--contestants",
        nargs="+",
        default=list(CONTESTANTS),
        choices=CONTESTANTS,
        metavar="NAME",
        help=f"any of {', '.join(CONTESTANTS)}; all if left out",
    )
    parser.add_argument("--rounds", type=int, default=7, help="at most (default: 7)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of short turns, caches of compilers as they are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement, after each case")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="read", help="measure nothing: tables of such a file")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    options = parser.parse_args()

    options.seconds, options.pause = SECONDS_PER_TURN, time.sleep
    if options.quick:
        options.rounds, options.seconds = min(options.rounds, 3), SECONDS_PER_TURN / 4
        options.pause = lambda seconds: time.sleep(min(seconds, SECONDS_PER_TURN))
    exact = [case for case in CASES if case.name in options.cases]
    options.cases = exact or [case for case in CASES if any(text in case.name for text in options.cases)]
    if not options.cases:
        parser.error("no such case; there are: " + "; ".join(case.name for case in CASES))
    return options


if __name__ == "__main__":
    main()
