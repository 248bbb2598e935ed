"""`python -m bench.scale`: what batch prediction on a cluster costs, and from it what a billion rows would."""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bench.table import header, machine
from pipeline.config import read_config
from pipeline.data import corpus
from pipeline.model.bundle import load_bundle

BILLION = 1_000_000_000
ROWS_A_FILE = 50_000
WORDS = 30  # of a short row: a headline and its first sentence
REQUESTS_A_FILE = 8  # two for a record that may be there, two for the source, two for each of two files written
_LOOK = 0.05  # seconds between looks at memory


@dataclass(frozen=True)
class Run:
    """What one command took.

    Parameters
    ----------
    rows, workers : int
    seconds, processor : float
        From start to end; of all its processes, which `local` starts itself.
    peak : float
        The most memory that all its processes had at once, in MB; pages that they share count once for each.
    read, written : int
        Bytes.

    """

    rows: int
    workers: int
    seconds: float
    processor: float
    peak: float
    read: int
    written: int


@dataclass(frozen=True)
class Cost:
    """Processor seconds as a straight line over rows: a start, and so much a row.

    Parameters
    ----------
    start, row : float

    """

    start: float
    row: float

    @classmethod
    def fitted(cls, runs: Sequence[Run]) -> "Cost":
        """Fit the line by least squares of relative errors, so that small runs count, too."""
        rows = np.array([run.rows for run in runs], float)
        seconds = np.array([run.processor for run in runs])
        design = np.stack([np.ones(len(rows)), rows], axis=1) / seconds[:, None]
        (start, row), *_ = np.linalg.lstsq(design, np.ones(len(rows)), rcond=None)
        return cls(float(start), float(row))

    @property
    def rows_a_second(self) -> float:
        """What one core predicts once it has begun."""
        return 1 / self.row

    @property
    def core_hours(self) -> float:
        """What a billion rows take."""
        return self.row * BILLION / 3600


def main() -> None:
    """Measure every size with every number of workers, and print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--model", type=Path, default=Path("models/champion.safetensors"))
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000], help="add 10000000 for more")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    texts = short_texts(options.config, options.model)
    print(f"{machine()}; {ROWS_A_FILE:,} rows a file, JSON lines in and out.\n")
    header("rows", "workers", "seconds", "processor s", "rows/s", "peak memory, MB", "output, MB")
    with tempfile.TemporaryDirectory() as folder:
        runs = list(measured(options.rows, options.workers, texts, options.model, Path(folder)))
    for workers in options.workers:
        print_billion(workers, [run for run in runs if run.workers == workers])


def short_texts(config: Path, model: Path) -> list[str]:
    """Cut the training texts of the corpus short."""
    rows = corpus.read_split(read_config(config), load_bundle(model).scorer.topics).train
    return [" ".join(row.text.split()[:WORDS]) for row in rows]


def measured(
    sizes: Sequence[int], workers: Sequence[int], texts: Sequence[str], model: Path, folder: Path
) -> Iterator[Run]:
    """Run the command for every size and number of workers, and print each as soon as it has ended."""
    for rows in sizes:
        source = folder / str(rows)
        read = write_tables(source, texts, rows)
        for number in workers:
            run = measure(source, model, folder / f"{rows}-{number}", rows=rows, workers=number, read=read)
            speed = f"{rows / run.seconds:,.0f} | {run.peak:,.0f} | {run.written / 1e6:,.1f}"
            print(f"| {rows:,} | {number} | {run.seconds:.1f} | {run.processor:.1f} | {speed} |", flush=True)
            yield run


def write_tables(folder: Path, texts: Sequence[str], rows: int) -> int:
    """Write the texts over and over, until there are so many rows; return their bytes."""
    folder.mkdir()
    lines = itertools.cycle([json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts])
    for first in range(0, rows, ROWS_A_FILE):
        with (folder / f"{first:010}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(itertools.islice(lines, min(ROWS_A_FILE, rows - first)))
    return size_of(folder)


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(source: Path, model: Path, output: Path, *, rows: int, workers: int, read: int) -> Run:
    """Run the command, and look at its processes until it ends."""
    command = [sys.executable, "-m", "pipeline", "predict", source, "--output", output, "--model", model]
    command += ["--scheduler", "local", "--workers", workers]
    before, started = os.times(), time.perf_counter()
    with subprocess.Popen([*map(str, command)], stderr=subprocess.DEVNULL) as process:
        peak = peak_memory(process)
    seconds, after = time.perf_counter() - started, os.times()
    if process.returncode:
        raise SystemExit(f"exit status {process.returncode}: {' '.join(map(str, command))}")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(rows, workers, seconds, processor, peak, read, size_of(output))


def peak_memory(process: "subprocess.Popen[bytes]") -> float:
    """Wait for a process; return the most memory that it and its children had at once, in MB."""
    peak, watched = 0, psutil.Process(process.pid)
    while process.poll() is None:
        used = 0
        try:
            for one in [watched, *watched.children(recursive=True)]:
                used += one.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
        peak = max(peak, used)
        time.sleep(_LOOK)
    return peak / 1e6


def print_billion(workers: int, runs: Sequence[Run]) -> None:
    """Print what a billion such rows need, by the line through some runs."""
    if len({run.rows for run in runs}) < 2:  # noqa: PLR2004  # a line needs two points
        return
    cost, largest = Cost.fitted(runs), max(runs, key=lambda run: run.rows)
    files = -(-BILLION // ROWS_A_FILE)
    print(f"\nA billion such rows, by the line through the runs with {workers} workers:\n")
    header("what", "how much")
    for what, much in (
        ("start, processor s", f"{cost.start:.1f}"),
        ("rows/s and core", f"{cost.rows_a_second:,.0f}"),
        ("core-hours", f"{cost.core_hours:,.1f}"),
        ("memory a worker, client included, GB", f"{largest.peak / workers / 1e3:.2f}"),
        ("read, GB", f"{largest.read / largest.rows:,.0f}"),
        ("written, GB", f"{largest.written / largest.rows:,.0f}"),
        ("files of predictions", f"{files:,}"),
        ("requests to an object store", f"{files * REQUESTS_A_FILE:,}"),
    ):
        print(f"| {what} | {much} |", flush=True)


if __name__ == "__main__":
    main()
