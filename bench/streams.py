"""The second part of `make bench`: tables of many rows by the command line, with one worker and with two."""

import itertools
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import measure
from bench.measure import Figure
from bench.table import header

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS_OF_A_SIZE = 3


class Streams:
    """Tables of some texts, over and over, and the command that labels them."""

    def __init__(self, texts: Sequence[str], model: Path, folder: Path) -> None:
        self.lines = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts]
        self.model, self.folder = model, folder

    def workers(self, rows: int, *, rounds: int) -> None:
        """Compare one worker with two, and with what the machine has for two: two independent processes."""
        one, side_by_side = self.command(rows, "1", "one"), self.command(rows, "1", "other")
        rates = {
            "one": lambda: rows / measure.process(one).seconds,
            "two": lambda: rows / measure.process(self.command(rows, "2", "one")).seconds,
            "independent": lambda: 2 * rows / measure.together([one, side_by_side]),
        }
        found = measure.interleaved(rates, rounds=rounds)
        header("a table of rows, start of the processes included", "rows/s", "times one worker")
        for name, what in (
            ("one", "one worker"),
            ("two", "two workers"),
            ("independent", "two independent processes with one worker each, a table each"),
        ):
            ratio = found[name].over(found["one"]).written("{:.2f}") if name != "one" else ""
            print(f"| {rows:,}: {what} | {found[name].written('{:,.0f}')} | {ratio} |", flush=True)

    def cost_against_size(self, most: int) -> None:
        """Label ever larger tables with one worker."""
        header("rows", "seconds", "rows/s", "peak memory, MB")
        for rows in (size for size in SIZES if size <= most):
            runs = [measure.process(self.command(rows, "1", "out")) for _ in range(ROUNDS_OF_A_SIZE)]
            seconds = Figure(tuple(run.seconds for run in runs))
            peak = statistics.median(run.peak for run in runs)
            print(
                f"| {rows:,} | {seconds.written('{:.1f}')} | {rows / seconds.median:,.0f} | {peak:.0f} |",
                flush=True,
            )

    def command(self, rows: int, workers: str, output: str) -> list[str]:
        """Give the command that labels a table of so many rows."""
        source = str(self.table(rows))
        return [*topics(self.model, source), "--workers", workers, "--output", str(self.folder / output)]

    def table(self, rows: int) -> Path:
        """Write a table of so many rows, unless it is there."""
        path = self.folder / f"{rows}.jsonl"
        if not path.exists():
            with path.open("w", encoding="utf-8") as file:
                file.writelines(itertools.islice(itertools.cycle(self.lines), rows))
        return path


def topics(model: Path, source: str) -> list[str]:
    """Give the command that labels a source."""
    return [str(Path(sys.executable).with_name("topics")), "predict", "--model", str(model), source]
