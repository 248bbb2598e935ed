"""Predict on tables of any size: row by row, in order, in constant memory, over processes, resumable."""

import json
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

from pipeline.errors import OutputError
from pipeline.files import (
    Part,
    atomic_file,
    is_stream,
    one_line_errors,
    part_of,
    refuse_overwriting,
)
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
from pipeline.predict.tables import ID, Chunk, Columns, ReadOptions, Table, UnreadableRow, open_tables
from pipeline.predict.workers import mapping

SOURCE = "source"


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
    before : int, default 0
        Rows of a larger table that precede this part of it: its first row has the next number.

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
    before: int = 0


@dataclass(frozen=True)
class Kept:
    """What an interrupted run left complete: rows, the bytes that they take, and the errors among them."""

    rows: int = 0
    size: int = 0
    errors: int = 0
    first_error: str = ""


@dataclass
class Summary:
    """Rows of a table predicted and the seconds that took; errors include those of an interrupted run."""

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
        self.note(chunk.first_error, chunk.source)

    def note(self, error: str, source: str | None = None) -> None:
        """Keep the first error, with the table that it is in."""
        if error and not self.first_error:
            self.first_error = f"{source or self.source}, {error}"


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
    before : int, default 0
        Rows of a larger table that precede the first chunk.

    """

    bundle: Bundle
    columns: Columns
    names: Mapping[str, str]
    writer: LineWriter | None
    several: bool = False
    before: int = 0

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
        texts = [_later(text, self.before) for text in found.texts] if self.before else found.texts
        first_number = self.before + chunk.first
        own: dict[str, list[Any]] = {"row": list(range(first_number, first_number + len(texts)))}
        if self.several:
            own[SOURCE] = [chunk.source] * len(texts)
        leading = {name: own[name] if name in own else values[name] for name in self.leading}
        trailing = {self.names[column]: values[column] for column in self.names}
        rows = predict_rows(self.bundle.scorer, leading, texts, trailing)
        first = str(next(iter(rows.errors.values()), ""))
        content = self.writer.encode(rows) if self.writer else rows
        return Predicted(content, len(rows), len(rows.errors), first, chunk.end, chunk.source)


def _later(text: str | UnreadableRow, before: int) -> str | UnreadableRow:
    """Count an unreadable row from the beginning of the larger table."""
    return replace(text, line=text.line + before) if isinstance(text, UnreadableRow) else text


def predict_table(
    job: Job,
    output: Path | None,
    *,
    resume: bool,
    progress: Callable[[int, int | None], None],
    note: Callable[[str], None] = lambda _: None,
    bundle: Bundle | None = None,
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
    bundle : Bundle or None
        The model where it is loaded already; None to load the job's.

    Returns
    -------
    Summary

    Raises
    ------
    SourceError, BundleError, OutputError

    """
    started = time.perf_counter()
    refuse_overwriting(output, (job.source, *job.more, job.model))
    bundle = at_point(bundle or load_bundle(job.model), job.point)
    bundle.scorer.scores([""])  # makes what is made when it is first asked for, for all processes to share
    with open_tables([job.source, *job.more], ReadOptions(job.column, job.encoding, job.sheet)) as table:
        for said in table.notes:
            note(said)
        work = _predictor(job, table, bundle)
        with (
            mapping(work, job.workers) as predicting,
            _sink(job, output, table, work, resume=resume) as sink,
        ):
            kept = sink.kept
            summary = Summary(job.source, resumed=kept.rows, errors=kept.errors)
            summary.note(kept.first_error)
            for chunk in predicting(table.chunks(work.columns, skip=kept.rows)):
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
    return ChunkPredictor(bundle, columns, names, writers.get(job.form), several, job.before)


class Sink(Protocol):
    """What predictions are written to."""

    @property
    def kept(self) -> Kept:
        """What an interrupted run left."""

    def write(self, chunk: Predicted) -> None:
        """Write the predictions of a chunk."""


class LineSink:
    """Lines for a file; where there is a journal, it notes what is complete up to which byte."""

    def __init__(self, file: BinaryIO, kept: Kept | None = None) -> None:
        self.kept = self.noted = kept or Kept()
        self.journal: TextIO | None = None
        self._file = file

    def write(self, chunk: Predicted) -> None:
        """Write the lines of a chunk, and note them."""
        self._file.write(chunk.content)  # type: ignore[arg-type]  # bytes, as the workers have a writer
        self._file.flush()
        if self.journal:
            before = self.noted
            first_error = before.first_error or chunk.first_error
            rows, errors = before.rows + chunk.rows, before.errors + chunk.errors
            self.noted = Kept(rows, self._file.tell(), errors, first_error)
            self.journal.write(f"{json.dumps(astuple(self.noted))}\n")
            self.journal.flush()


@dataclass(frozen=True)
class ParquetSink:
    """One Parquet file, which cannot be resumed."""

    writer: ParquetWriter
    kept: Kept = field(default_factory=Kept)

    def write(self, chunk: Predicted) -> None:
        """Write the rows of a chunk."""
        self.writer.write(chunk.content)  # type: ignore[arg-type]  # predictions, as the workers have no writer


@contextmanager
def _sink(job: Job, output: Path | None, table: Table, work: ChunkPredictor, *, resume: bool) -> Iterator[Sink]:
    """Open what is written to; at the end it takes its name."""
    streamed = output is None or is_stream(output)
    if resume and (streamed or job.form == "parquet"):
        raise OutputError("a pipe, a device or a Parquet file cannot be resumed; use a file of JSON lines or CSV")
    if output is not None and not streamed and job.form != "parquet":
        with PartFile(output, job).opened(work.header(), resume=resume) as sink:
            yield sink
        return
    with _binary_file(output) as file:
        if job.form == "parquet":
            writer = _parquet_writer(file, table, work)
            yield ParquetSink(writer)
            writer.close()
        else:
            file.write(work.header())
            yield LineSink(file)


@contextmanager
def _binary_file(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
    else:
        with atomic_file(output) as file:
            yield file


def _parquet_writer(file: BinaryIO, table: Table, work: ChunkPredictor) -> ParquetWriter:
    pa = arrow()

    types = {**table.types, "row": pa.int64(), SOURCE: pa.string()}
    leading = {name: types.get(name) for name in work.leading}
    trailing = {name: table.types.get(column) for column, name in work.names.items()}
    return ParquetWriter(file, work.bundle.scorer.topics, leading, trailing, errors=True)


class PartFile:
    """The beginning of an output, and beside it a journal: the job, then what is complete, chunk by chunk.

    Parameters
    ----------
    output : Path
    job : Job

    """

    def __init__(self, output: Path, job: Job) -> None:
        self.output = output
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

        Raises OutputError where the part belongs to another job or to a running process, or cannot be written.
        """
        with one_line_errors(self.output), part_of(self.output, keep=True) as part:
            kept = self._kept(part, header) if resume and part.path.stat().st_size else Kept()
            sink = LineSink(part.file, kept=kept)
            part.file.truncate(part.file.seek(kept.size))
            try:
                with part.journal.open("a" if kept.rows else "w", encoding="utf-8") as sink.journal:
                    if not kept.rows:
                        sink.journal.write(f"{json.dumps(self.job)}\n")
                        sink.journal.flush()  # whenever this is killed, a part with content has a job
                        part.file.write(header)
                    yield sink
                part.publish()
            except Exception:
                if not sink.noted.rows:  # nothing to resume
                    part.path.unlink(missing_ok=True)
                    part.journal.unlink(missing_ok=True)
                raise

    def _kept(self, part: Part, header: bytes) -> Kept:
        """Return the most that is both in the journal and, to the end of a line, in the part."""
        lines = part.journal.read_text("utf-8", "replace").split("\n") if part.journal.exists() else [""]
        if lines[0] != json.dumps(self.job):
            raise OutputError(f"{part.path}: part of another job; rerun without --resume")
        there = part.path.stat().st_size
        for line in reversed(lines[1:-1]):  # the last line is empty, or was cut short
            kept = _noted(line)
            if kept and len(header) < kept.size <= there:
                part.file.seek(kept.size - 1)
                if part.file.read(1) == b"\n":
                    return kept
        return Kept()


def _noted(line: str) -> Kept | None:
    """Read a line of the journal; None where it is damaged."""
    try:
        kept = Kept(*json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    numbers = (kept.rows, kept.size, kept.errors)
    sound = all(type(number) is int and number >= 0 for number in numbers) and isinstance(kept.first_error, str)
    return kept if sound and kept.errors <= kept.rows else None


def _digest(model: Path) -> str:
    return f"{zlib.crc32(model.read_bytes()):08x}" if model.exists() else ""


def _stamp(source: str) -> dict[str, int]:
    path = Path(source)
    return {"size": path.stat().st_size, "changed": path.stat().st_mtime_ns} if path.exists() else {}
