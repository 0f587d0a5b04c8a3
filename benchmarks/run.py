"""Times every case in every library and prints one table of ratios: `python -m benchmarks.run --help`."""

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that `python benchmarks/run.py` works too

from benchmarks.cases import CASES, OURS, PEERS  # noqa: E402

TOLERANCE = 2e-3  # relative; the libraries sum float32 in different orders
SECONDS_PER_TURN = 0.2
LIBRARY_SETTINGS = ("OPENBLAS_", "OMP_", "MKL_", "XLA_", "JAX_")  # environment variables to report


class Worker:
    """One library's process. It works only between a command and its answer."""

    def __init__(self, library):
        self.library = library
        command = [sys.executable, "-m", "benchmarks.worker", library]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True, bufsize=1
        )
        self.greeting = self.answer()

    def ask(self, do, case, **arguments):
        with contextlib.suppress(BrokenPipeError):  # then the answer says that the process ended
            self.process.stdin.write(json.dumps({"do": do, "case": case, **arguments}) + "\n")
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": f"process ended with {self.process.wait()}"}

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


def main():
    options = parse_options()
    workers = {}
    for library in [OURS, *options.peers]:
        worker = Worker(library)
        if "error" in worker.greeting:
            say(f"{library} is left out: {worker.greeting['error']}")
            worker.close()
        else:
            workers[library] = worker

    results = [measure(case, workers, options) for case in options.cases]
    for worker in workers.values():
        worker.close()

    about = {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {library: worker.greeting["version"] for library, worker in workers.items()},
        "environment": {k: v for k, v in os.environ.items() if k.startswith(LIBRARY_SETTINGS)},
        "rounds": options.rounds,
        "seconds_per_turn": options.seconds,
    }
    text = table(results, workers, about)
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text)
    if options.json:
        options.json.write_text(json.dumps({**about, "cases": results}, indent=1) + "\n")


def measure(case, workers, options):
    """Measure one case in all libraries, which take turns. Returns the row of the table, ready for JSON."""
    say(f"{case.name} ...")
    if case.baseline:  # ours against ours
        contestants = {OURS: (OURS, case.name), case.baseline: (OURS, case.baseline)}
    else:
        contestants = {library: (library, case.name) for library in workers}
    contestants = {label: pair for label, pair in contestants.items() if pair[0] in workers}

    rounds = min(options.rounds, 3) if case.slow else options.rounds
    if case.unit == "B/node":
        turns = take_turns(contestants, 1, measure_memory)  # memory hardly varies
        setups = {}
    else:
        setups = {label: workers[name].ask("setup", of) for label, (name, of) in contestants.items()}
        for label, setup in setups.items():
            if "error" in setup:
                say(f"  {label} failed: {setup['error']}")
        compare({label: setup.get("result") for label, setup in setups.items()}, case)
        contestants = {label: contestants[label] for label in contestants if "result" in setups[label]}
        turns = take_turns(contestants, rounds, lambda name, of: workers[name].ask("time", of, seconds=options.seconds))
        for name, of in contestants.values():
            workers[name].ask("drop", of)

    for label, values in turns.items():
        if max(values) > 2 * min(values):
            say(f"  unsteady: {label}'s slowest turn took {max(values) / min(values):.1f} times its fastest")

    scale = 1e6 if case.unit == "us" else 1
    ratios = {
        label: statistics.median(ours / theirs for ours, theirs in zip(turns[OURS], values, strict=True))
        for label, values in turns.items()
        if label != OURS and OURS in turns
    }
    return {
        "case": case.name,
        "unit": case.unit,
        "median": {label: statistics.median(values) * scale for label, values in turns.items()},
        "ratio": ratios,
        "targets": [
            {"versus": versus, "limit": limit, "verdict": verdict(ratios.get(versus), limit)}
            for versus, limit in case.targets.items()
        ],
        "rounds": {label: [value * scale for value in values] for label, values in turns.items()},
        "first_step_s": {label: s["first_step_s"] for label, s in setups.items() if "first_step_s" in s},
    }


def take_turns(contestants, rounds, turn):
    """One value per round for each contestant, each round beginning with another one."""
    turns = {label: [] for label in contestants}
    order = list(contestants)
    for _ in range(rounds):
        for label in order:
            if label in turns:
                answer = turn(*contestants[label])
                if "error" in answer or "absent" in answer:
                    if "error" in answer:
                        say(f"  {label} failed: {answer['error']}")
                    del turns[label]
                else:
                    turns[label].extend(answer.values())
        order = order[1:] + order[:1]
    return turns


def measure_memory(library, case):
    """Memory is measured in a process that has done nothing else."""
    worker = Worker(library)
    answer = worker.ask("memory", case)
    worker.close()
    return answer


def compare(results, case):
    """Say so if libraries that should have done the same work did not reach the same result."""
    results = {label: values for label, values in results.items() if values}
    if case.baseline or not results:
        return
    middle = [statistics.median(values) for values in zip(*results.values(), strict=True)]
    for label, values in results.items():
        if any(abs(value - m) > TOLERANCE * (abs(m) + 1e-3) for value, m in zip(values, middle, strict=True)):
            say(f"  {label} disagrees: {values}, where the median is {middle}")


def verdict(ratio, limit):
    return "not measured" if ratio is None else f"{'met' if ratio <= limit else 'missed'} ({ratio:.3g})"


def table(results, workers, about):
    """The results as Markdown. Where ours is missing, the others are shown as values instead of ratios."""
    labels = [library for library in workers if library != OURS]
    lines = [
        "| case | ours | " + "".join(f"{label} | " for label in labels) + "target | |",
        "|---" * (len(labels) + 4) + "|",
    ]
    for row in results:
        cells = [row["case"], value_cell(row, OURS)]
        for label in labels:
            ratio = row["ratio"].get(label)
            cells.append(value_cell(row, label) if ratio is None else f"{ratio:.3g}")
        cells.append("; ".join(f"<= {t['limit']:g} {t['versus']}" for t in row["targets"]))
        cells.append("; ".join(t["verdict"] for t in row["targets"]))
        lines.append("| " + " | ".join(cells) + " |")
    versions = ", ".join(f"{library} {version}" for library, version in about["versions"].items())
    settings = "".join(f", {name}={value}" for name, value in about["environment"].items())
    lines += [
        "",
        "Ours as a value, the others as the ratio ours/theirs (below 1: ours is faster, or smaller); "
        f"medians over {about['rounds']} rounds. {about['machine']}{settings}; {versions}.",
    ]
    return "\n".join(lines) + "\n"


def value_cell(row, label):
    value = row["median"].get(label)
    if value is None:
        return "-"
    return f"{value:,.0f} {row['unit']}" if value >= 100 else f"{value:.3g} {row['unit']}"


def say(text):
    print(text, file=sys.stderr, flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", default=[""], metavar="TEXT", help="cases with TEXT in their name")
    parser.add_argument(
        "--peers",
        nargs="*",
        default=list(PEERS),
        choices=PEERS,
        metavar="PEER",
        help=f"any of {', '.join(PEERS)}; all if left out",
    )
    parser.add_argument("--rounds", type=int, default=7, help="slow cases take 3 at most (default: 7)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of short turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    options = parser.parse_args()

    options.seconds = SECONDS_PER_TURN
    if options.quick:
        options.rounds, options.seconds = min(options.rounds, 3), SECONDS_PER_TURN / 4
    options.cases = [case for case in CASES if any(text in case.name for text in options.cases)]
    if not options.cases:
        parser.error("no such case; there are: " + "; ".join(case.name for case in CASES))
    return options


if __name__ == "__main__":
    main()
