"""Read tables to predict on, JSON lines, CSV and Parquet of any size, a chunk of rows at a time.

A row that cannot be read keeps its place as an `UnreadableRow`: there is one prediction or one error for each row.
"""

import codecs
import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pipeline.errors import MissingExtraError, SourceError

SUFFIXES = (".jsonl", ".csv", ".parquet")
ID = "id"
MAX_ROW = 20_000_000
_BLOCK, _ROWS = 1 << 19, 1000
_LINE_END = ord("\n")
_UNDECODED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """Why a row has no text.

    Parameters
    ----------
    line : int
        Its line in the file, in Parquet its row, from 1.
    reason : str

    """

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True)
class FileRange:
    """Bytes of a file, to be read by the process that needs them."""

    name: str
    start: int
    length: int

    def read(self) -> bytes:
        """Read them; raise SourceError if the file no longer has them all."""
        try:
            with Path(self.name).open("rb") as file:
                file.seek(self.start)
                content = file.read(self.length)
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be read: {error.strerror or error}") from None
        if len(content) < self.length:
            raise SourceError(f"{self.name}: truncated while it was being read")
        return content


@dataclass(frozen=True)
class Columns:
    """The columns to read from a table.

    Parameters
    ----------
    text : str
        The column to predict on.
    others : tuple of str
        Columns that are carried through to the output.

    """

    text: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of a table.

    Parameters
    ----------
    texts : list of str or UnreadableRow
    values : list of list
        The values of each of `Columns.others`, in their order.

    """

    texts: list[str | UnreadableRow]
    values: list[list[Any]]


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows as they are handed to a worker: read already, or lines of JSON.

    Parameters
    ----------
    first : int
        Number of the first row, from 1.
    rows : Rows, bytes or FileRange
    end : int
        How far into the table this chunk reaches, in bytes; in Parquet, in rows.
    skipped : int, default 0
        Leading lines that belong to rows before `first`.

    """

    first: int
    rows: Rows | bytes | FileRange
    end: int
    skipped: int = 0

    def read(self, columns: Columns) -> Rows:
        """Return the rows; a blank line of JSON lines is an unreadable row."""
        if isinstance(self.rows, Rows):
            return self.rows
        lines = self.rows.read() if isinstance(self.rows, FileRange) else self.rows
        if self.first == 1:
            lines = lines.removeprefix(codecs.BOM_UTF8)
        wanted = lines.removesuffix(b"\n").split(b"\n")[self.skipped :]
        parsed = [_parsed(line, number) for number, line in enumerate(wanted, self.first)]
        texts = [
            row if isinstance(row, UnreadableRow) else _checked(row.get(columns.text), number, columns.text)
            for number, row in enumerate(parsed, self.first)
        ]
        objects = [{} if isinstance(row, UnreadableRow) else row for row in parsed] if columns.others else []
        return Rows(texts, [[row.get(name) for row in objects] for name in columns.others])


@dataclass(frozen=True)
class Table:
    """A table that is open for reading.

    Parameters
    ----------
    name : str
    columns : tuple of str
        All its columns; of JSON lines, the fields of the first readable row.
    size : int or None
        What `Chunk.end` is at its end, where that is known.
    reader : callable
        `(columns, skip)` to chunks.
    types : mapping of str to Arrow data type
        The columns' types in Parquet, empty for other formats.

    """

    name: str
    columns: tuple[str, ...]
    size: int | None
    reader: Callable[[Columns, int], Iterator[Chunk]]
    types: dict[str, Any] = field(default_factory=dict)

    def chunks(self, columns: Columns, *, skip: int = 0) -> Iterator[Chunk]:
        """Read all rows but the first `skip`; raise SourceError where that fails."""
        with _one_line_errors(self.name):
            yield from self.reader(columns, skip)

    def select(self, text: str, keep: Sequence[str]) -> Columns:
        """Choose the columns to read: the text, the table's own id, and those to keep.

        Parameters
        ----------
        text : str
        keep : sequence of str
            Names of columns; `all` stands for all of them.

        Returns
        -------
        Columns

        Raises
        ------
        SourceError
            Where a column does not exist. A field of JSON lines may begin in a later row.

        """
        if not self.name.lower().endswith((".csv", ".parquet")):
            missing = []
        else:
            missing = [name for name in (text, *keep) if name not in self.columns and name != "all"]
        if missing:
            found = ", ".join(self.columns[:10]) or "none"
            hint = "; see --text-column" if missing[0] == text else ""
            raise SourceError(f"{self.name}: no column {missing[0]!r}, found {found}{hint}")
        own = (ID,) if ID in self.columns and text != ID else ()
        kept = chain.from_iterable(self.columns if name == "all" else (name,) for name in keep)
        return Columns(text, tuple(dict.fromkeys((*own, *kept))))


def is_table(name: str) -> bool:
    """Tell tables from articles by the ending of their name."""
    return name.lower().endswith(SUFFIXES)


@contextmanager
def open_table(name: str) -> Iterator[Table]:
    """Open a table by the ending of its name; anything but CSV and Parquet is read as JSON lines.

    Parameters
    ----------
    name : str
        A file, or `-` for standard input.

    Yields
    ------
    Table

    Raises
    ------
    SourceError
        Where the table as a whole cannot be read.

    """
    if name == "-":
        with _one_line_errors(name):
            table = _json_lines(sys.stdin.buffer, name)
        yield table
        return
    with _one_line_errors(name):
        file = Path(name).open("rb")  # noqa: SIM115  # closed below, outside of what may fail
    with file:
        limit = csv.field_size_limit(MAX_ROW)
        try:
            with _one_line_errors(name):
                table = _opened(file, name)
            yield table
        finally:
            csv.field_size_limit(limit)


def _opened(file: BinaryIO, name: str) -> Table:
    if name.lower().endswith(".parquet"):
        return _parquet(file, name)
    return _csv(file, name) if name.lower().endswith(".csv") else _json_lines(file, name)


@contextmanager
def _one_line_errors(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise SourceError(f"{name}: no such file") from None
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror or error}") from None


def _json_lines(file: BinaryIO, name: str) -> Table:
    begin = file.read(_BLOCK)
    again = Path(name).is_file()  # not a pipe: workers can read it themselves

    def reader(_: Columns, skip: int) -> Iterator[Chunk]:
        blocks = chain([begin] if begin else [], iter(lambda: file.read(_BLOCK), b""))
        return _lines(blocks, name if again else None, skip)

    lines = begin.removeprefix(codecs.BOM_UTF8).splitlines()
    rows = (_parsed(line, number) for number, line in enumerate(lines, 1))
    first = next((row for row in rows if isinstance(row, dict)), {})
    return Table(name, tuple(first), Path(name).stat().st_size if again else None, reader)


def _lines(blocks: Iterable[bytes], name: str | None, skip: int) -> Iterator[Chunk]:
    """Find whole lines; those of a file that can be read again are not copied: the worker reads them."""
    row, done, rest = 1, 0, b""
    for block in blocks:
        whole = block.rfind(b"\n") + 1
        lines = int(np.count_nonzero(np.frombuffer(block, np.uint8, whole) == _LINE_END))
        if row + lines > max(row, skip + 1):
            rows = FileRange(name, done - len(rest), len(rest) + whole) if name else rest + block[:whole]
            yield Chunk(max(row, skip + 1), rows, done + whole, skipped=max(0, skip + 1 - row))
        row, done, rest = row + lines, done + len(block), b"" if whole else rest
        if len(rest) <= MAX_ROW:  # keep the memory flat in a line without end; `_parsed` says that it is too long
            rest += block[whole:]
    if rest and row > skip:
        yield Chunk(row, rest, done)


def _parsed(line: bytes, number: int) -> dict[str, Any] | UnreadableRow:
    if len(line) > MAX_ROW:
        return UnreadableRow(number, f"exceeds the {MAX_ROW // 1_000_000} MB limit")
    try:
        found = json.loads(str(line, "utf-8"))
    except (ValueError, RecursionError):
        return UnreadableRow(number, "not JSON in UTF-8" if line.strip() else "empty line")
    return found if isinstance(found, dict) else UnreadableRow(number, "not a JSON object")


def _checked(text: object, line: int, column: str) -> str | UnreadableRow:
    if isinstance(text, str):
        return text
    return UnreadableRow(line, f"no text in column {column!r}" if text is None else f"{column!r} is not text")


def _csv(raw: BinaryIO, name: str) -> Table:
    file = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(file)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise SourceError(f"{name}: not CSV: {error}") from None

    def read(columns: Columns, skip: int) -> Iterator[Chunk]:
        places = [header.index(column) for column in (columns.text, *columns.others)]
        records = _records(reader, places, columns.text)
        return _grouped(islice(records, skip, None), skip + 1, lambda _: raw.tell())

    return Table(name, tuple(header), Path(name).stat().st_size or None, read)


def _records(
    reader: Iterator[list[str]], places: Sequence[int], column: str
) -> Iterator[tuple[str | UnreadableRow, *tuple[Any, ...]]]:
    """Return each row's text and its other values."""
    pick = itemgetter(*places) if len(places) > 1 else lambda record: (record[places[0]],)
    nothing = [None] * (len(places) - 1)
    while True:
        line: int = reader.line_num + 1  # type: ignore[attr-defined]  # csv's readers have it
        try:
            record = next(reader)
            values = pick(record)
        except StopIteration:
            return
        except csv.Error as error:
            yield (UnreadableRow(line, f"not CSV: {error}"), *nothing)
        except IndexError:
            yield _strange_record([*record, *[None] * (1 + max(places))], places, line, column)
        else:
            yield values if all(map(str.isascii, values)) else _strange_record(record, places, line, column)


def _strange_record(
    record: Sequence[str | None], places: Sequence[int], line: int, column: str
) -> tuple[str | UnreadableRow, *tuple[Any, ...]]:
    """Return what `_records` does for a row that is too short, or is not ASCII."""
    text, *others = [record[place] for place in places]
    if any(value and _UNDECODED.search(value) for value in (text, *others)):
        return UnreadableRow(line, "not UTF-8"), *[None] * len(others)
    return _checked(text, line, column), *others


def _parquet(file: BinaryIO, name: str) -> Table:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError:
        raise MissingExtraError("reading Parquet", "parquet") from None
    try:
        table = ParquetFile(file)
        schema = table.schema_arrow
    except ArrowException as error:
        raise SourceError(f"{name}: not a Parquet file: {error}") from None

    def read(columns: Columns, skip: int) -> Iterator[Chunk]:
        wanted = [columns.text, *columns.others]
        try:
            batches = table.iter_batches(batch_size=_ROWS, columns=wanted, use_threads=False)
            lists = ([batch.column(column).to_pylist() for column in wanted] for batch in batches)
            rows = chain.from_iterable(zip(*columns, strict=True) for columns in lists)
            checked = ((_checked(text, row, columns.text), *others) for row, (text, *others) in enumerate(rows, 1))
            yield from _grouped(islice(checked, skip, None), skip + 1, lambda last: last)
        except (ArrowException, ValueError) as error:
            raise SourceError(f"{name}: damaged Parquet: {error}") from None

    types = {column.name: column.type for column in schema}
    return Table(name, tuple(schema.names), table.metadata.num_rows, read, types)


def _grouped(
    rows: Iterable[tuple[str | UnreadableRow, *tuple[Any, ...]]], first: int, end: Callable[[int], int]
) -> Iterator[Chunk]:
    """Group rows in chunks; `end` maps the number of a chunk's last row to how far the table is read."""
    rows = iter(rows)
    while group := list(islice(rows, _ROWS)):
        texts, *values = map(list, zip(*group, strict=True))
        after = first + len(group)
        yield Chunk(first, Rows(texts, values), end(after - 1))
        first = after
