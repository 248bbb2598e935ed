"""Predict on tables of any size: row by row, in order, in constant memory, over processes, resumable."""

import json
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

from pipeline.errors import OutputError
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.predict.article import DEFAULT_POINT, at_point
from pipeline.predict.output import (
    CsvWriter,
    Format,
    JsonLinesWriter,
    LineWriter,
    ParquetWriter,
    Predictions,
    arrow,
    own_names,
    predict_rows,
)
from pipeline.predict.tables import ID, Chunk, Columns, ReadOptions, Table, open_tables
from pipeline.predict.workers import mapping

SOURCE = "source"
_NOTED = re.compile(r"\d+ \d+")


@dataclass(frozen=True)
class Job:
    """What to predict on, and how.

    Parameters
    ----------
    source : str
        A table, or `-` for standard input.
    column : str
        Its column of texts.
    model : Path
        A bundle.
    form : {"jsonl", "csv", "parquet"}
    keep : tuple of str
        Columns to carry through; `all` for all of them.
    point : str, default "balanced"
        The operating point.
    workers : int, default 1
    encoding : str or None
        Codec of a text table; None to recognise it.
    sheet : str or None
        Sheet of a workbook; None for the first one.
    more : tuple of str
        Further tables, to predict on after it; they cannot be resumed.

    """

    source: str
    column: str
    model: Path
    form: Format
    keep: tuple[str, ...] = ()
    point: str = DEFAULT_POINT
    workers: int = 1
    encoding: str | None = None
    sheet: str | None = None
    more: tuple[str, ...] = ()


@dataclass
class Summary:
    """Rows of a table predicted and the seconds that took, rows with an error, and rows of an earlier run."""

    source: str
    resumed: int = 0
    rows: int = 0
    errors: int = 0
    first_error: str = ""
    seconds: float = 0.0

    def as_text(self) -> str:
        """Return the summary as one line."""
        resumed = f", resumed after {self.resumed:,} rows" if self.resumed else ""
        errors = f"; {self.errors:,} rows with an error, the first in {self.first_error}" if self.errors else ""
        speed = self.rows / max(self.seconds, 1e-3)
        return f"{self.rows:,} rows in {self.seconds:.1f} s, {speed:,.0f} rows/s{resumed}{errors}"

    def add(self, chunk: "Predicted") -> None:
        """Count the rows of a chunk."""
        self.rows += chunk.rows
        self.errors += chunk.errors
        if chunk.first_error and not self.first_error:
            self.first_error = f"{chunk.source or self.source}, {chunk.first_error}"


@dataclass(frozen=True)
class Predicted:
    """A chunk's predictions, as lines to write or still by column, and what to count of them."""

    content: bytes | Predictions
    rows: int
    errors: int
    first_error: str
    end: int
    source: str | None = None


@dataclass(frozen=True)
class ChunkPredictor:
    """The work of a process: predict on the rows of a chunk.

    Parameters
    ----------
    bundle : Bundle
    columns : Columns
    names : mapping of str to str
        The columns that are carried through, by their names in the output.
    writer : LineWriter or None
        None where the first process writes, as it does Parquet.
    several : bool, default False
        Whether there are several tables, whose names come first in each row.

    """

    bundle: Bundle
    columns: Columns
    names: Mapping[str, str]
    writer: LineWriter | None
    several: bool = False

    @property
    def leading(self) -> list[str]:
        """The columns that come before the predictions."""
        own = [ID] if self.columns.others[:1] == (ID,) else []
        return [*([SOURCE] if self.several else []), "row", *own]

    @property
    def trailing(self) -> list[str]:
        """The columns that come after the predictions."""
        return list(self.names.values())

    def header(self) -> bytes:
        """Return what precedes the first row."""
        return self.writer.header(self.leading, self.trailing) if self.writer else b""

    def __call__(self, chunk: Chunk) -> Predicted:
        """Predict on every row; a row without a text gets the reason."""
        found = chunk.read(self.columns)
        values = dict(zip(self.columns.others, found.values, strict=True))
        count = len(found.texts)
        own: dict[str, list[Any]] = {"row": list(range(chunk.first, chunk.first + count))}
        if self.several:
            own[SOURCE] = [chunk.source] * count
        leading = {name: own[name] if name in own else values[name] for name in self.leading}
        trailing = {self.names[column]: values[column] for column in self.names}
        rows = predict_rows(self.bundle.scorer, leading, found.texts, trailing)
        first = str(next(iter(rows.errors.values()), ""))
        content = self.writer.encode(rows) if self.writer else rows
        return Predicted(content, len(rows), len(rows.errors), first, chunk.end, chunk.source)


def predict_table(
    job: Job,
    output: Path | None,
    *,
    resume: bool,
    progress: Callable[[int, int | None], None],
    note: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Predict on every row of a table.

    The output appears when it is complete. Until then its beginning lies hidden beside it, and an interrupted job
    resumes behind that.

    Parameters
    ----------
    job : Job
    output : Path or None
        The file to write, None for standard output.
    resume : bool
        Resume an interrupted job; JSON lines and CSV alone.
    progress : callable
        `(done, total)`: how far the table is read, and its size, None where it is not known.
    note : callable
        Takes a sentence on what was chosen in reading the table.

    Returns
    -------
    Summary

    Raises
    ------
    SourceError, BundleError, OutputError

    """
    started = time.perf_counter()
    bundle = at_point(load_bundle(job.model), job.point)
    bundle.scorer.scores([""])  # makes what is made when it is first asked for, for all processes to share
    with open_tables([job.source, *job.more], ReadOptions(job.column, job.encoding, job.sheet)) as table:
        for said in table.notes:
            note(said)
        work = _predictor(job, table, bundle)
        with (
            mapping(work, job.workers) as predicting,
            _sink(job, output, table, work, resume=resume) as sink,
        ):
            summary = Summary(job.source, resumed=sink.done)
            for chunk in predicting(table.chunks(work.columns, skip=sink.done)):
                sink.write(chunk)
                summary.add(chunk)
                progress(chunk.end, table.size)
    summary.seconds = time.perf_counter() - started
    return summary


def _predictor(job: Job, table: Table, bundle: Bundle) -> ChunkPredictor:
    columns = table.select(job.column, job.keep)
    kept = columns.others[1:] if columns.others[:1] == (ID,) else columns.others
    topics = bundle.scorer.topics
    writers: dict[str, LineWriter] = {"jsonl": JsonLinesWriter(topics), "csv": CsvWriter(topics, errors=True)}
    several = bool(job.more)
    names = own_names(kept, (*topics, SOURCE) if several else topics)
    return ChunkPredictor(bundle, columns, names, writers.get(job.form), several)


class Sink(Protocol):
    """What predictions are written to; `done` rows are there already."""

    done: int

    def write(self, chunk: Predicted) -> None:
        """Write the predictions of a chunk."""


class LineSink:
    """Lines for a file, with a journal of how many rows end at which byte."""

    def __init__(self, file: BinaryIO, journal: TextIO | None = None, done: int = 0) -> None:
        self.done, self._rows = done, done
        self._file, self._journal = file, journal

    def write(self, chunk: Predicted) -> None:
        """Write the lines of a chunk, and note them."""
        self._file.write(chunk.content)  # type: ignore[arg-type]  # bytes, as the workers have a writer
        self._file.flush()
        self._rows += chunk.rows
        if self._journal:
            self._journal.write(f"{self._rows} {self._file.tell()}\n")
            self._journal.flush()


class ParquetSink:
    """One Parquet file, which cannot be resumed."""

    done = 0

    def __init__(self, writer: ParquetWriter) -> None:
        self._writer = writer

    def write(self, chunk: Predicted) -> None:
        """Write the rows of a chunk."""
        self._writer.write(chunk.content)  # type: ignore[arg-type]  # predictions, as the workers have no writer


@contextmanager
def _sink(job: Job, output: Path | None, table: Table, work: ChunkPredictor, *, resume: bool) -> Iterator[Sink]:
    """Open what is written to; at the end it takes its name."""
    if job.form == "parquet":
        if resume:
            raise OutputError("an interrupted Parquet file cannot be resumed; use JSON lines or CSV")
        with _parquet_file(output) as file:
            writer = _parquet_writer(file, table, work)
            yield ParquetSink(writer)
            writer.close()
    elif output is None:
        sys.stdout.buffer.write(work.header())
        yield LineSink(sys.stdout.buffer)
    else:
        with PartFile(output, job).opened(work.header(), resume=resume) as sink:
            yield sink


def _parquet_writer(file: BinaryIO, table: Table, work: ChunkPredictor) -> ParquetWriter:
    pa = arrow()

    types = {**table.types, "row": pa.int64(), SOURCE: pa.string()}
    leading = {name: types.get(name) for name in work.leading}
    trailing = {name: table.types.get(column) for column, name in work.names.items()}
    return ParquetWriter(file, work.bundle.scorer.topics, leading, trailing, errors=True)


@contextmanager
def _parquet_file(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        return
    with atomic_path(output) as part, part.open("wb") as file:
        yield file


class PartFile:
    """The hidden beginning of an output, and beside it a journal: the job, then rows and bytes chunk by chunk.

    Parameters
    ----------
    output : Path
    job : Job

    """

    def __init__(self, output: Path, job: Job) -> None:
        self.output = output
        self.path = output.with_name(f".{output.name}.part")
        self.journal = output.with_name(f".{output.name}.part.journal")
        self.job = {
            "source": job.source,
            "column": job.column,
            "form": job.form,
            "keep": list(job.keep),
            "point": job.point,
            "encoding": job.encoding,
            "sheet": job.sheet,
            "model": _digest(job.model),
            **_stamp(job.source),
        }

    @contextmanager
    def opened(self, header: bytes, *, resume: bool) -> Iterator[LineSink]:
        """Open the part to append to it, an empty one without `resume`; at the end make it the output.

        Raises OutputError where the part belongs to another job, or cannot be written.
        """
        try:
            self.output.parent.mkdir(parents=True, exist_ok=True)
            rows, size = self._complete() if resume and self.path.exists() else (0, 0)
            with (
                self.path.open("r+b" if size else "wb") as file,
                self.journal.open("a" if size else "w") as journal,
            ):
                if not size:
                    journal.write(f"{json.dumps(self.job)}\n")
                    file.write(header)
                file.truncate(file.seek(size) if size else None)
                yield LineSink(file, journal, rows)
            self.path.replace(self.output)
            self.journal.unlink()
        except OSError as error:
            raise OutputError(f"{self.output}: cannot be written: {error.strerror or error}") from None

    def _complete(self) -> tuple[int, int]:
        """Return how many rows of the part are complete, and the bytes that they take."""
        lines = self.journal.read_text("utf-8").split("\n") if self.journal.exists() else [""]
        if lines[0] != json.dumps(self.job):
            raise OutputError(f"{self.path}: part of another job; rerun without --resume")
        chunks = (line.split() for line in lines[1:-1])  # the last line is empty, or was cut short
        noted = [(int(rows), int(size)) for rows, size in chunks]
        there = self.path.stat().st_size
        return max((chunk for chunk in noted if chunk[1] <= there), default=(0, 0))


def _digest(model: Path) -> str:
    return f"{zlib.crc32(model.read_bytes()):08x}" if model.exists() else ""


def _stamp(source: str) -> dict[str, int]:
    path = Path(source)
    return {"size": path.stat().st_size, "changed": path.stat().st_mtime_ns} if path.exists() else {}
