"""The process of one contestant: `python -m benchmarks.worker torch`.

Reads one JSON command a line from stdin and answers each with one JSON line on stdout; in between it sleeps.
"""

import gc
import importlib
import json
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.cases import CASES, CONTESTANTS
from benchmarks.load import Watch

CHECKED_STEPS = 3  # the third loss of a training run tells a wrong gradient or update too


def main(name):
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints must not reach the runner
    steps = {}  # case name -> the step that is set up
    try:
        programs = load(CONTESTANTS[name])
    except Exception as error:  # whatever goes wrong, the others go on
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers, flush=True)
        return
    print(json.dumps({"version": version(CONTESTANTS[name].distribution)}), file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = obey(command, programs, steps)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def load(contestant):
    module = importlib.import_module(f"benchmarks.peers.{contestant.module}")
    return module.variant(contestant.variant) if contestant.variant else module


def obey(command, programs, steps):
    case = next(case for case in CASES if case.name == command["case"])
    setup = getattr(programs, case.program, None)
    if setup is None:
        return {"absent": True}
    if command["do"] == "setup":
        step = steps[case.name] = setup(*case.args)
        first, result = first_call(step)
        for _ in range(0 if case.slow else CHECKED_STEPS - 1):
            result = step()
        return {"first_step_s": first, "result": numbers(result)}
    if command["do"] == "time":
        watch = Watch(command["helpers"])
        seconds = time_per_step(steps[case.name], command["seconds"])
        return {"value": seconds, "foreign": watch.foreign()}
    if command["do"] == "compile":
        watch = Watch()
        step = setup(*case.args)
        first, _ = first_call(step)
        return {"value": first - time_per_step(step, command["seconds"]), "foreign": watch.foreign()}
    if command["do"] == "memory":
        return {"value": peak_growth(setup, case.args) / case.args[0], "foreign": None}
    steps.pop(case.name)
    gc.collect()
    return {}


def first_call(step):
    """How long the first step takes, which may include compiling; and its result."""
    start = perf_counter()
    result = step()
    return perf_counter() - start, result


def time_per_step(step, seconds):
    """Mean time of a step over about `seconds`, after a quarter of that for warming up."""
    count = 0
    start = perf_counter()
    while (spent := perf_counter() - start) < seconds / 4:
        step()
        count += 1
    if spent > 1:  # so long a step needs no warming up
        return spent / count
    count = max(1, round(seconds * count / spent))
    start = perf_counter()
    for _ in range(count):
        step()
    return (perf_counter() - start) / count


def peak_growth(setup, args):
    """How far one step raises the peak of the process's resident memory, in bytes. Linux only."""
    setup(1000)()  # load whatever is loaded on first use
    step = setup(*args)
    gc.collect()
    reset_peak()
    before = resident_peak()
    graph = step()  # held until the peak is read
    growth = resident_peak() - before
    del graph
    return growth


def reset_peak():
    """Set the peak back to what is resident now. Linux only."""
    Path("/proc/self/clear_refs").write_text("5")


def resident_peak():
    kilobytes = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]
    return int(kilobytes) * 1024


def numbers(result):
    """The mean of each value that a step returned, for comparing the libraries."""
    if result is None or isinstance(result, (tuple, list)):
        return [n for part in result or () for n in numbers(part)]
    try:
        value = result.detach() if hasattr(result, "detach") else result
        return [float(np.mean(np.asarray(value, dtype=np.float64)))]
    except Exception:  # not a number: nothing to compare
        return []


def version(distribution):
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "working tree" if distribution == "autograd_lite" else f"on Python {platform.python_version()}"


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    main(sys.argv[1])
