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
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

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
    """What was measured, once a round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.values)

    def over(self, other: "Figure") -> "Figure":
        """Divide round by round: both took turns, so each round met them with the same machine."""
        return Figure(tuple(one / another for one, another in zip(self.values, other.values, strict=True)))

    def written(self, form: str) -> str:
        """Write the median, and in brackets the lowest and the highest round."""
        low, high = min(self.values), max(self.values)
        return form.format(self.median) + (f" ({form.format(low)} to {form.format(high)})" if low < high else "")


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
    return {name: Figure(tuple(values)) for name, values in found.items()}


def rate(work: Callable[[], object], n: int, *, repeats: int) -> Callable[[], float]:
    """Measure so many times n pieces of work, in pieces a second."""

    def run() -> float:
        started = time.perf_counter()
        _repeat(work, repeats)
        return n * repeats / (time.perf_counter() - started)

    return run


def rate_on_two_cores(work: Callable[[], object], n: int, *, repeats: int) -> Callable[[], float]:
    """Measure so many times n pieces of work in each of two forked processes, warm ones, in pieces a second."""
    context = get_context("fork")

    def run() -> float:
        warm = context.Barrier(3)
        processes = [context.Process(target=_repeat_warm, args=(work, repeats, warm)) for _ in range(2)]
        for process in processes:
            process.start()
        warm.wait()
        started = time.perf_counter()
        for process in processes:
            process.join()
        return 2 * n * repeats / (time.perf_counter() - started)

    return run


def _repeat_warm(work: Callable[[], object], times: int, warm: Barrier) -> None:
    work()
    warm.wait()
    _repeat(work, times)


def _repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


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


def together(commands: Sequence[Sequence[str]]) -> float:
    """Run commands side by side; give the seconds until the last one has ended."""
    started = time.perf_counter()
    running = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands
    ]
    for process in running:
        process.wait()
    return time.perf_counter() - started


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
