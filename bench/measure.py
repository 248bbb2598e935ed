"""Time functions in turn, and whole processes with their memory."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

# A process starts with its parent's peak memory as its own, so a small parent is needed.
_LAUNCH = """
import os, sys, time
quiet = os.open(os.devnull, os.O_WRONLY)
started = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                       file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1), (os.POSIX_SPAWN_DUP2, quiet, 2)])
_, status, used = os.wait4(child, 0)
print([time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024])
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Figure:
    """A median with the lowest and the highest value of several rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Sum up the rounds."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Process:
    """What a finished process took: wall-clock and processor seconds, and its peak memory in MB."""

    seconds: float
    processor: float
    peak: float


def interleaved(runs: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, Figure]:
    """Run all once to warm up, then all in turn for so many rounds, so that each meets the same machine."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            value = run()
            if number:
                found[name].append(value)
    return {name: Figure.of(values) for name, values in found.items()}


def rate(work: Callable[[], object], n: int) -> Callable[[], float]:
    """Measure n pieces of work in pieces a second."""

    def run() -> float:
        started = time.perf_counter()
        work()
        return n / (time.perf_counter() - started)

    return run


def latency(work: Callable[[], object], *, repeats: int) -> Callable[[], float]:
    """Measure one piece of work in milliseconds, the median of so many."""

    def run() -> float:
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
        return 1000 * statistics.median(times)

    return run


def process(command: Sequence[str]) -> Process:
    """Run a command to its end; its children count towards its processor time, not towards its peak."""
    found = subprocess.run([sys.executable, "-S", "-c", _LAUNCH, *command], stdout=subprocess.PIPE, check=True)
    return Process(*json.loads(found.stdout))


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, where the system can."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
