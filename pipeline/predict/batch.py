"""Label tables of any size: one answer a row, in order, in constant memory, over processes, and resumable."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import OutputError
from pipeline.model.bundle import load_bundle
from pipeline.predict.answers import Answers, answer, header
from pipeline.predict.progress import counted
from pipeline.predict.resume import Part
from pipeline.predict.tables import read_table
from pipeline.predict.workers import mapping


@dataclass(frozen=True)
class Job:
    """What to label and how: a table, its column of texts, a bundle's file, and `jsonl` or `csv` to write."""

    source: str
    column: str
    model: Path
    form: str
    workers: int = 1


@dataclass
class Summary:
    """How many rows were answered, and how many of them with an error; `resumed` rows were there before."""

    resumed: int = 0
    rows: int = 0
    errors: int = 0
    first_error: str = ""

    seconds: float = 0.0

    def as_text(self) -> str:
        """Say it in one line."""
        resumed = f", {self.resumed:,} of an earlier run kept" if self.resumed else ""
        errors = f"; {self.errors:,} with an error, the first on {self.first_error}" if self.errors else ""
        speed = self.rows / max(self.seconds, 1e-3)
        return f"{self.rows:,} rows in {self.seconds:.1f} s, {speed:,.0f} a second{resumed}{errors}"

    def add(self, answers: Answers) -> None:
        """Count the answers of one chunk."""
        self.rows += answers.rows
        self.errors += answers.errors
        self.first_error = self.first_error or answers.first_error


def label_table(job: Job, output: Path | None, *, resume: bool, shown: bool) -> Summary:
    """Label a table into a file, or with None to standard output; a bar is `shown` on standard error.

    A file appears when it is whole; until then its part lies hidden beside it, and with `resume` an interrupted
    job goes on where its part ends. Raises SourceError, BundleError, OutputError.
    """
    started = time.perf_counter()
    bundle = load_bundle(job.model)
    bundle.scorer.scores([""])  # makes what is made when it is first asked for, for all processes to share
    work = partial(answer, bundle=bundle, column=job.column, form=job.form)
    with (
        mapping(work, job.workers) as answering,
        counted(job.source, shown=shown) as progress,
        _opened(job, output, resume=resume) as (file, done),
    ):
        summary = Summary(resumed=done)
        if not done:
            file.write(header(bundle, job.form))
        for answers in answering(read_table(job.source, job.column, skip=done)):
            file.write(answers.content)
            file.flush()
            summary.add(answers)
            progress(summary.rows, answers.end)
    summary.seconds = time.perf_counter() - started
    return summary


@contextmanager
def _opened(job: Job, output: Path | None, *, resume: bool) -> Iterator[tuple[BinaryIO, int]]:
    """Open what is written to, with the number of rows that it answers already; at the end it takes its name."""
    if output is None:
        yield sys.stdout.buffer, 0
        return
    part = Part(output, job.source, job.column, job.form, job.model)
    try:
        with part.opened(resume=resume) as opened:
            yield opened
        part.publish()
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {error.strerror or error}") from None
