"""Times every case in every library and prints tables of ratios: `python -m benchmarks.run --help`."""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that `python benchmarks/run.py` works too

from benchmarks import load, tables  # noqa: E402
from benchmarks.cases import CASES, CONTESTANTS, HEADLINES, OTHERS, OURS  # noqa: E402
from benchmarks.turns import Worker, ask_once, disagreeing, ratio, take_turns  # noqa: E402

SECONDS_PER_TURN = 0.2
LIBRARY_SETTINGS = ("OPENBLAS_", "OMP_", "MKL_", "XLA_", "JAX_")  # environment variables to report


def main():
    options = parse_options()
    workers = start(options)
    rows = [measure(case, workers, options) for case in options.cases]
    for worker in workers.values():
        worker.close()

    about = {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {CONTESTANTS[name].distribution: worker.greeting["version"] for name, worker in workers.items()},
        "environment": {k: v for k, v in os.environ.items() if k.startswith(LIBRARY_SETTINGS)},
        "rounds": options.rounds,
        "seconds_per_turn": options.seconds,
    }
    text = report(dict(zip(options.cases, rows, strict=True)), about)
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text)
    if options.json:
        options.json.write_text(json.dumps({**about, "cases": rows}, indent=1) + "\n")


def report(rows, about):
    """One table for the headlines, another for what else was measured."""
    both = (HEADLINES, tables.headline_table), (OTHERS, tables.plain_table)
    chosen = [([row for case, row in rows.items() if case in cases], table) for cases, table in both]
    return "\n\n".join(table(some, about) for some, table in chosen if some) + "\n"


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
    say(f"{case.name} ...")
    if case.baseline:  # ours against ours
        contestants = {"eager": ("eager", case.name), case.baseline: ("eager", case.baseline)}
    else:
        contestants = {name: (name, case.name) for name in workers if name in case.contestants}
    contestants = {label: pair for label, pair in contestants.items() if pair[0] in workers}
    rounds = min(options.rounds, 3) if case.slow else options.rounds
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
        "limits": [tables.judge(limit, ratios, medians) for limit in case.limits],
        "rounds": {label: [value * scale for value in values] for label, values in turns.values.items()},
        "first_step_s": {label: s["first_step_s"] for label, s in setups.items() if "first_step_s" in s},
        "discarded": turns.discarded,
        "disturbed": turns.disturbed,
        "unwatched": turns.unwatched,
    }


def time_steps(case, contestants, workers, rounds, options):
    """Set the steps up, compare their results, and let those that are there take turns."""
    setups = {label: workers[name].ask("setup", of) for label, (name, of) in contestants.items()}
    for label, setup in setups.items():
        if "error" in setup:
            say(f"  {label} failed: {setup['error']}")
    if not case.baseline:
        for label, (values, middle) in disagreeing({name: s.get("result") for name, s in setups.items()}).items():
            say(f"  {label} disagrees: {values}, where the median is {middle}")
    contestants = {label: pair for label, pair in contestants.items() if "result" in setups[label]}
    with load.one_core_busy() if case.busy else contextlib.nullcontext() as helper:
        helpers = [helper] if helper else []

        def turn(label):
            name, of = contestants[label]
            return workers[name].ask("time", of, seconds=options.seconds, helpers=helpers)

        turns = take_turns(contestants, rounds, turn, options.pause)
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
    parser.add_argument("--rounds", type=int, default=7, help="slow cases take 3 at most (default: 7)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of short turns, caches of compilers as they are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement")
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
