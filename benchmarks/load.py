"""What else the machine is doing: processor time spent by others than the process that is measured (Linux)."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

FOREIGN_LIMIT = 0.1  # of a core; a turn with more is taken again
STAT = Path("/proc/stat")
STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


class Watch:
    """From its making on, counts processor time spent in other processes, or taken from a virtual machine by its host.

    `helpers` are ids of processes that belong to the measurement.
    """

    def __init__(self, helpers=()):
        self.helpers = helpers
        self.start = self._now()

    def foreign(self):
        """How many cores others have kept busy since then; None where the system does not tell."""
        (wall, everyone, own), (wall_before, everyone_before, own_before) = self._now(), self.start
        if everyone is None:
            return None
        return foreign_cores(wall - wall_before, everyone - everyone_before, own - own_before, os.cpu_count())

    def _now(self):
        try:
            everyone = busy_seconds(STAT.read_text())
        except (OSError, ValueError):
            return perf_counter(), None, 0.0
        return perf_counter(), everyone, own_seconds() + sum(map(process_seconds, self.helpers))


def foreign_cores(wall, everyone, own, processors):
    """Processor seconds that are not our own, per second. The kernel counts ticks: one a processor may be an error."""
    free = processors / os.sysconf("SC_CLK_TCK")
    return max(0.0, everyone - own - free) / wall


def busy_seconds(text):
    """All processors' time that was not idle, from the text of /proc/stat."""
    first, *ticks = text.split("\n", 1)[0].split()
    counts = dict(zip(STATES, map(int, ticks), strict=False))  # what guests get is counted as user time already
    if first != "cpu" or not any(counts.values()):
        raise ValueError("not the format of /proc/stat")
    return sum(counts[state] for state in STATES if state not in ("idle", "iowait")) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """Processor time of this process, all its threads, and its children that have ended."""
    import resource

    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def process_seconds(pid):
    """Processor time of another process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def one_core_busy():
    """Inside, a process of ours computes without pause, on the last processor where that can be chosen."""
    busy = "print(flush=True)\nwhile True: pass"
    process = subprocess.Popen([sys.executable, "-S", "-c", busy], stdout=subprocess.PIPE)
    try:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        process.stdout.readline()  # from here on it computes
        yield process.pid
    finally:
        process.kill()
        process.communicate()
