"""Who computes when: one process per contestant, which take turns, and take a turn again that others disturbed."""

import contextlib
import itertools
import json
import os
import selectors
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load import FOREIGN_LIMIT

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 2e-3  # relative; the libraries sum float32 in different orders
PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds for which a disturber is waited for
PATIENCE = 180  # seconds for an answer; torch.compile needs 40 for 1,000 scalar operations
CACHES = ("XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR")  # where compiled programs of earlier processes may lie


class Worker:
    """One contestant's process. It works only between a command and its answer; one that ended is started again."""

    def __init__(self, name, fresh_caches=False, patience=PATIENCE):
        self.name, self.patience = name, patience
        self.caches = tempfile.TemporaryDirectory() if fresh_caches else None
        self.start()

    def start(self):
        fresh = dict.fromkeys(CACHES, self.caches.name) if self.caches else {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | fresh,
            text=True,
            bufsize=1,
        )

    def greet(self):
        """The contestant's version, or why it cannot take part; waits until the library is loaded."""
        self.greeting = self.answer()
        return self.greeting

    def revive(self):
        """Start the process again if it ended, as for the next case."""
        if self.process.poll() is not None:
            self.end()
            self.start()
            self.answer()

    def ask(self, do, case, **arguments):
        with contextlib.suppress(BrokenPipeError):  # then the answer says that the process ended
            self.process.stdin.write(json.dumps({"do": do, "case": case, **arguments}) + "\n")
        return self.answer()

    def answer(self):
        """One line, however long it takes within bounds; or an error, and then the process has ended."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(self.patience):
                self.process.kill()
                self.process.wait()
                return {"error": f"no answer in {self.patience} s"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": f"process ended with {self.process.wait()}"}

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def close(self):
        self.end()
        if self.caches:
            self.caches.cleanup()


def ask_once(name, do, case, **arguments):
    """The answer of a process that has done nothing else, and finds no programs compiled earlier."""
    worker = Worker(name, fresh_caches=True)
    greeting = worker.greet()
    answer = greeting if "error" in greeting else worker.ask(do, case, **arguments)
    worker.close()
    return answer


@dataclass
class Turns:
    """What came of taking turns: a value a round for each contestant, and how often others disturbed."""

    values: dict[str, list[float]]
    discarded: int = 0  # turns taken again
    disturbed: int = 0  # turns kept although disturbed, since there were too many of them
    unwatched: bool = False  # whether the system does not tell what others do
    failed: dict[str, str] = field(default_factory=dict)


def take_turns(labels, rounds, turn, pause=time.sleep):
    """One value per round for each contestant, each round beginning with another one.

    `turn(label)` answers with a value and the cores that others kept busy, or says why not. A disturbed turn is taken
    again after a pause, the longer the more often that happens in a row; after as many repetitions as there are turns,
    what comes is kept.
    """
    turns = Turns({label: [] for label in labels})
    order = list(labels)
    patience = rounds * len(order)
    for _ in range(rounds):
        for label in [label for label in order if label in turns.values]:
            for attempt in itertools.count():
                answer = turn(label)
                if "value" not in answer:
                    del turns.values[label]
                    turns.failed[label] = answer.get("error", "")
                    break
                turns.unwatched |= answer["foreign"] is None
                quiet = (answer["foreign"] or 0.0) <= FOREIGN_LIMIT
                if quiet or turns.discarded == patience:
                    turns.values[label].append(answer["value"])
                    turns.disturbed += not quiet
                    break
                turns.discarded += 1
                pause(min(PAUSE * 2**attempt, LONGEST_PAUSE))
        order = order[1:] + order[:1]
    return turns


def ratio(ours, theirs):
    """The median of the rounds' ratios, each of two turns that lie seconds apart."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def disagreeing(results):
    """The contestants that should have done the same work and did not reach the median's result."""
    results = {label: values for label, values in results.items() if values}
    if not results:
        return {}
    middle = [statistics.median(values) for values in zip(*results.values(), strict=True)]
    return {
        label: (values, middle)
        for label, values in results.items()
        if any(abs(value - m) > TOLERANCE * (abs(m) + 1e-3) for value, m in zip(values, middle, strict=True))
    }
