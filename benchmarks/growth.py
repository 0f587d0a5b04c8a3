"""How time and memory grow with a network and with a graph: `python -m benchmarks.growth` writes docs/growth.md.

Each point is a process of its own, which has done nothing else. The machine's rates are measured right before each.
What is measured is written to a JSON file after each point, from which `--from` makes the page again.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.cases import CONTESTANTS
from benchmarks.worker import first_call, load, reset_peak, resident_peak, time_per_step

ROOT = Path(__file__).resolve().parent.parent
DRAWN = ("eager", "numpy", "llvm", "torch")
SECONDS = 0.3  # of steps at each point
LONG = 3.0  # seconds; so long a step is not taken again
PATIENCE = 60  # seconds for one point, compiling included; a contestant that needs more is left out from there on
PAGE = 4096  # bytes; of less, resident memory tells nothing
SQUARE, COPIED = 2048, 1 << 26  # sizes that the machine's rates are measured with: of a matrix, and bytes


@dataclass(frozen=True)
class Series:
    """One figure: a step of `program(*args(n))` for each n, and what it must at least compute and move."""

    name: str
    title: str
    program: str
    args: object
    sizes: tuple[int, ...]


def network(sizes, batch):
    """Products and bytes of a training step: three products a layer, but for the first one's input gradient; every
    weight is read twice, its gradient written and read, velocity and weight read and written; every activation and
    its gradient are written and read."""
    weights = sum(m * n for m, n in pairwise(sizes))
    operations = 2 * batch * (3 * weights - sizes[0] * sizes[1])
    return operations, 4 * (8 * weights + 4 * batch * sum(sizes))


SERIES = [
    Series(
        "layers",
        "layers of 64 units, batch 64",
        "mlp",
        lambda n: ((64,) * (n + 1) + (10,), "tanh", 64),
        (1, 3, 10, 30, 100, 300, 1000),
    ),
    Series(
        "width",
        "width w of an MLP 784-w-w-10, batch 128",
        "mlp",
        lambda n: ((784, n, n, 10), "relu", 128),
        (16, 64, 256, 1024, 4096),
    ),
    Series(
        "batch",
        "batch of an MLP 784-512-512-10",
        "mlp",
        lambda n: ((784, 512, 512, 10), "relu", n),
        (1, 8, 64, 512, 2048, 8192),
    ),
    Series(
        "chain",
        "length of a chain of multiplications of two numbers",
        "multiply_chain",
        lambda n: (n,),
        (10, 100, 1000, 10_000, 100_000, 1_000_000),
    ),
]


def least(series, n):
    """Operations and bytes that a step cannot do without."""
    if series.program == "mlp":
        sizes, _, batch = series.args(n)
        return network(sizes, batch)
    return 4 * n, 16 * n  # forward a product; back two and a sum; each intermediate value is written and read


def point(name, program, args, small):
    """Measure one point, in this process. Resident memory counts from before the program is set up."""
    programs = load(CONTESTANTS[name])
    setup = getattr(programs, program)
    setup(*small)()  # load whatever is loaded on first use
    gc.collect()
    reset_peak()
    before = resident_peak()
    step = setup(*args)
    first, result = first_call(step)
    seconds = first
    if first < LONG or CONTESTANTS[name].compiles:
        seconds, result = first_call(step)
        reset_peak()  # what compiling needed is given back, or is still resident
        again, result = first_call(step)
        seconds = again if seconds > LONG else time_per_step(step, SECONDS)
    del result  # held until here, as its user does
    return {"seconds": seconds, "first": first, "bytes": max(resident_peak() - before, PAGE)}


def rates():
    """Products of float32 matrices and copies in memory, as they run just now: operations and bytes per second."""
    a = np.ones((SQUARE, SQUARE), np.float32)
    source, target = np.ones(COPIED, np.uint8), np.empty(COPIED, np.uint8)
    c = a @ a
    product = min(seconds_of(lambda: np.matmul(a, a, out=c)) for _ in range(3))
    copy = min(seconds_of(lambda: np.copyto(target, source)) for _ in range(3))
    return 2 * SQUARE**3 / product, 2 * COPIED / copy


def seconds_of(action):
    start = perf_counter()
    action()
    return perf_counter() - start


def roofline(series, n, seconds, product_rate, bandwidth):
    """The share of the machine's rates that a step reaches: in products, in bytes, and of the nearer bound."""
    operations, moved = least(series, n)
    products, memory = operations / product_rate / seconds, moved / bandwidth / seconds
    return {"products": products, "memory": memory, "bound": max(products, memory)}


def measure(series, names, say, keep):
    """All points of a series; `keep` gets a row for each size and contestant, and one where one is left out."""
    before = dict.fromkeys(names)  # each one's last row
    for n in series.sizes:
        for name, last in list(before.items()):
            row = {"series": series.name, "n": n, "contestant": name}
            product_rate, bandwidth = rates()
            expected = last["first"] * n / last["n"] if last else 0
            if expected > PATIENCE:
                answer = {"error": f"its first call would take about {expected:.0f} s"}
            else:
                answer = ask(name, series.program, series.args(n), series.args(series.sizes[0]))
                if "error" in answer and expected < PATIENCE / 4:  # not for its size
                    answer = ask(name, series.program, series.args(n), series.args(series.sizes[0]))
            if "error" in answer:
                say(f"{series.name} {n}: {name} is left out from here on: {answer['error']}")
                del before[name]
            else:
                row |= roofline(series, n, answer["seconds"], product_rate, bandwidth)
                row |= {"product_rate": product_rate, "bandwidth": bandwidth}
                say(f"{series.name} {n}: {name} {answer['seconds'] * 1e6:,.0f} us, {answer['bytes'] / 1e6:.1f} MB")
                before[name] = row | answer
            keep(row | answer)


def ask(*arguments):
    command = [sys.executable, "-m", "benchmarks.growth", "--point", json.dumps(arguments)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return {"error": f"took more than {PATIENCE} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--point", help=argparse.SUPPRESS)
    parser.add_argument("--series", nargs="+", default=[s.name for s in SERIES], choices=[s.name for s in SERIES])
    parser.add_argument("--contestants", nargs="+", default=DRAWN, choices=CONTESTANTS, metavar="NAME")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of growth.md and its figures")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "growth.json", help="every measurement")
    parser.add_argument(
        "--from", type=Path, dest="read", metavar="FILE", help="measure nothing: the page of such a file"
    )
    options = parser.parse_args()
    if options.point:
        name, program, args, small = json.loads(options.point)
        print(json.dumps(point(name, program, listed(args), listed(small))))
        return
    from benchmarks.growth_page import write

    rows = json.loads(options.read.read_text()) if options.read else measure_all(options)
    measured = {s: [row for row in rows if row["series"] == s.name] for s in SERIES}
    write(options.out, {s: some for s, some in measured.items() if some}, os.cpu_count())


def measure_all(options):
    rows, began = [], perf_counter()

    def say(text):
        print(f"[{perf_counter() - began:.0f} s] {text}", file=sys.stderr, flush=True)

    def keep(row):
        rows.append(row)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1) + "\n")

    for series in SERIES:
        if series.name in options.series:
            measure(series, options.contestants, say, keep)
    return rows


def listed(args):
    """JSON's lists as the tuples that programs expect."""
    return tuple(tuple(arg) if isinstance(arg, list) else arg for arg in args)


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    main()
