"""Read tables of texts to label, JSON lines, CSV and Parquet of any size, a chunk of rows at a time.

A row that cannot be read keeps its place as a `Problem`: there is one answer for each row.
"""

import codecs
import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pipeline.errors import SourceError

SUFFIXES = (".jsonl", ".csv", ".parquet")
MAX_ROW = 20_000_000
_BLOCK, _ROWS = 1 << 19, 1000
_LINE_END = ord("\n")
_UNDECODED = range(0xDC80, 0xDD00)


@dataclass(frozen=True)
class Problem:
    """Why a row has no text: the line it is on (in Parquet: its row), from 1, and the reason."""

    line: int
    reason: str


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows, the first numbered `first` from 1: read texts, or lines of JSON that are read later.

    `end` is how far the table is read with this chunk: bytes, in Parquet rows. `place` is where the lines are:
    file, first byte and number of bytes; None where they are not in a file.
    """

    first: int
    rows: list[str | Problem] | bytes
    end: int
    place: tuple[str, int, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Give what goes to another process, which reads lines of a file itself."""
        return vars(self) | ({"rows": b""} if self.place else {})

    def texts(self, column: str) -> list[str | Problem]:
        """Give the text of every row, a blank line of JSON lines being a row without text."""
        if not isinstance(self.rows, bytes):
            return self.rows
        lines = (self.rows or self._read()).removesuffix(b"\n").split(b"\n")
        return [_text(line, number, column) for number, line in enumerate(lines, self.first)]

    def _read(self) -> bytes:
        assert self.place
        name, start, length = self.place
        with Path(name).open("rb") as file:
            file.seek(start)
            return file.read(length)


def is_table(name: str) -> bool:
    """Tell tables from articles by the ending of their name."""
    return name.lower().endswith(SUFFIXES)


def read_table(name: str, column: str, *, skip: int = 0) -> Iterator[Chunk]:
    """Read a table's column of texts but for the first `skip` rows; `-` is JSON lines on standard input.

    Raises SourceError where the table as a whole cannot be read.
    """
    try:
        if name.lower().endswith(".parquet"):
            yield from _parquet(Path(name), column, skip)
        elif name.lower().endswith(".csv"):
            yield from _csv(Path(name), column, skip)
        elif name == "-":
            yield from _json_lines(sys.stdin.buffer, None, skip)
        else:
            with Path(name).open("rb") as file:
                yield from _json_lines(file, name, skip)
    except FileNotFoundError:
        raise SourceError(f"{name}: no such file") from None
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror or error}") from None


def size(name: str) -> int | None:
    """Give what `Chunk.end` is at the end of a table, where that is known."""
    if name == "-" or not Path(name).exists():
        return None
    if name.lower().endswith(".parquet"):
        return int(_parquet_file(Path(name)).metadata.num_rows)
    return Path(name).stat().st_size


def _json_lines(file: BinaryIO, name: str | None, skip: int) -> Iterator[Chunk]:
    row, done, rest = 1, 0, b""
    while block := file.read(_BLOCK):
        done += len(block)
        if done == len(block):
            block = block.removeprefix(codecs.BOM_UTF8)
        if b"\n" not in block and len(rest) > MAX_ROW:
            continue  # keep the memory flat in a line without end; `_text` says that it is too long
        whole, line_end, rest = (rest + block).rpartition(b"\n")
        if not line_end:
            continue
        lines = int(np.count_nonzero(np.frombuffer(whole, np.uint8) == _LINE_END)) + 1
        if row + lines > skip + 1:
            first, whole = _after(row, whole + line_end, skip)
            start = done - len(rest) - len(whole)
            yield Chunk(first, whole, done, (name, start, len(whole)) if name else None)
        row += lines
    if rest and row > skip:
        yield Chunk(row, rest, done)


def _after(row: int, lines: bytes, skip: int) -> tuple[int, bytes]:
    """Leave out the lines that are within the first `skip` rows."""
    while row <= skip:
        lines, row = lines[lines.index(b"\n") + 1 :], row + 1
    return row, lines


def _text(line: bytes, number: int, column: str) -> str | Problem:
    if len(line) > MAX_ROW:
        return Problem(number, f"longer than {MAX_ROW // 1_000_000} MB")
    try:
        found = json.loads(str(line, "utf-8"))
    except (ValueError, RecursionError):
        return Problem(number, "not JSON in UTF-8" if line.strip() else "an empty line")
    if not isinstance(found, dict):
        return Problem(number, "not a JSON object")
    return _checked(found.get(column), number, column)


def _checked(text: object, line: int, column: str) -> str | Problem:
    if isinstance(text, str):
        return text
    return Problem(line, f"no text in {column}" if text is None else f"{column} is not text")


def _csv(path: Path, column: str, skip: int) -> Iterator[Chunk]:
    before = csv.field_size_limit(MAX_ROW)
    try:
        with path.open("rb") as raw:
            file = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
            reader = csv.reader(file)
            place = _column(path, next(reader, []), column)
            rows = islice(_records(reader, place, column), skip, None)
            yield from _grouped(rows, skip + 1, raw.tell)
    finally:
        csv.field_size_limit(before)


def _records(reader: Iterator[list[str]], place: int, column: str) -> Iterator[str | Problem]:
    while True:
        line: int = reader.line_num + 1  # type: ignore[attr-defined]  # csv's readers have it
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(line, f"not CSV: {error}")
            continue
        text = record[place] if place < len(record) else None
        undecoded = text and not text.isascii() and any(ord(c) in _UNDECODED for c in text)
        yield Problem(line, "not UTF-8") if undecoded else _checked(text, line, column)


def _column(path: Path, names: list[str], column: str) -> int:
    if column not in names:
        raise SourceError(
            f"{path}: no column {column!r}, found {', '.join(names[:10]) or 'none'}; see --text-column"
        )
    return names.index(column)


def _parquet(path: Path, column: str, skip: int) -> Iterator[Chunk]:
    from pyarrow import ArrowException

    file = _parquet_file(path)
    _column(path, file.schema_arrow.names, column)
    try:
        batches = file.iter_batches(batch_size=_ROWS, columns=[column], use_threads=False)
        texts = (text for batch in batches for text in batch.column(0).to_pylist())
        rows = (_checked(text, row, column) for row, text in enumerate(texts, 1))
        for chunk in _grouped(islice(rows, skip, None), skip + 1, lambda: 0):
            yield replace(chunk, end=chunk.first + len(chunk.rows) - 1)
    except ArrowException as error:
        raise SourceError(f"{path}: damaged Parquet: {error}") from None


def _parquet_file(path: Path) -> Any:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path)
    except ArrowInvalid as error:
        raise SourceError(f"{path}: not a Parquet file: {error}") from None


def _grouped(rows: Iterable[str | Problem], first: int, end: Callable[[], int]) -> Iterator[Chunk]:
    rows = iter(rows)
    while group := list(islice(rows, _ROWS)):
        yield Chunk(first, group, end())
        first += len(group)
