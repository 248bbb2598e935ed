"""Label tables of any size: one answer a row, in order, in constant memory, over processes, and resumable."""

import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import OutputError
from pipeline.store.answers import Answers, answer, header
from pipeline.store.bundle import Bundle, load_bundle
from pipeline.store.progress import counted
from pipeline.store.resume import Part
from pipeline.store.tables import Chunk, read_table

_AHEAD = 3  # chunks a worker has before it and behind it: enough that none waits, few enough for the memory
Progress = Callable[[int, int], None]


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
    with counted(job.source, shown=shown) as progress:
        if output is None:
            return _label(job, sys.stdout.buffer, 0, progress)
        part = Part(output, job.source, job.column, job.form, job.model)
        try:
            with part.opened(resume=resume) as (file, done):
                summary = _label(job, file, done, progress)
            part.publish()
        except OSError as error:
            raise OutputError(f"{output}: cannot be written: {error.strerror or error}") from None
        return summary


def _label(job: Job, file: BinaryIO, done: int, progress: Progress) -> Summary:
    """Write the answers from row `done` + 1 on; `progress(rows, end)` is called after each chunk."""
    started = time.perf_counter()
    summary = Summary(resumed=done)
    bundle = load_bundle(job.model)
    if not done:
        file.write(header(bundle, job.form))
    chunks = read_table(job.source, job.column, skip=done)
    with _answering(job, bundle) as answering:
        for answers in answering(chunks):
            file.write(answers.content)
            file.flush()
            summary.add(answers)
            progress(summary.rows, answers.end)
    summary.seconds = time.perf_counter() - started
    return summary


@contextmanager
def _answering(job: Job, bundle: Bundle) -> Iterator[Callable[[Iterator[Chunk]], Iterator[Answers]]]:
    if job.workers == 1:
        yield partial(map, partial(answer, bundle=bundle, column=job.column, form=job.form))
        return
    pool = ProcessPoolExecutor(job.workers, get_context("spawn"), _open_in_worker, (job,))
    try:
        with _interrupts_held() as heed:
            yield partial(_in_order, pool, job.workers * _AHEAD, heed)
    except BrokenProcessPool:
        raise OutputError("a worker process ended early; go on with --resume, or with fewer workers") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, ahead: int, heed: Callable[[], None], chunks: Iterator[Chunk]
) -> Iterator[Answers]:
    given = (pool.submit(_answer_in_worker, chunk.sent()) for chunk in chunks)
    waiting: deque[Future[Answers]] = deque(islice(given, ahead))
    while waiting:
        yield waiting.popleft().result()
        heed()
        waiting.extend(islice(given, 1))


@contextmanager
def _interrupts_held() -> Iterator[Callable[[], None]]:
    """Keep Ctrl-C until it is heeded: raised inside the pool's own locks, it would leave them locked for ever."""
    told: list[int] = []

    def heed() -> None:
        if told:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, _: told.append(number))
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, before)


_worker: dict[str, Any] = {}  # what a worker process opened when it began


def _open_in_worker(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one ends the others
    _worker.update(bundle=load_bundle(job.model), column=job.column, form=job.form)


def _answer_in_worker(chunk: Chunk) -> Answers:
    return answer(chunk, **_worker)
