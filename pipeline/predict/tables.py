"""Read tables of texts to label, JSON lines, CSV and Parquet of any size, a chunk of rows at a time."""

import csv
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pipeline.errors import SourceError
from pipeline.predict.rows import MAX_ROW, Chunk, Place, Problem, checked

SUFFIXES = (".jsonl", ".csv", ".parquet")
_BLOCK, _ROWS = 1 << 19, 1000
_LINE_END = ord("\n")
_UNDECODED = re.compile("[\udc80-\udcff]")


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
                yield from _json_lines(file, name if Path(name).is_file() else None, skip)
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
    """Find whole lines; those of a file that can be read again are not copied: whoever labels them reads them."""
    row, done, rest = 1, 0, b""
    while block := file.read(_BLOCK):
        whole = block.rfind(b"\n") + 1
        lines = int(np.count_nonzero(np.frombuffer(block, np.uint8, whole) == _LINE_END))
        if row + lines > max(row, skip + 1):
            rows = Place(name, done - len(rest), len(rest) + whole) if name else rest + block[:whole]
            yield Chunk(max(row, skip + 1), rows, done + whole, answered=max(0, skip + 1 - row))
        row, done, rest = row + lines, done + len(block), b"" if whole else rest
        if len(rest) <= MAX_ROW:  # keep the memory flat in a line without end; `Chunk` says that it is too long
            rest += block[whole:]
    if rest and row > skip:
        yield Chunk(row, rest, done)


def _csv(path: Path, column: str, skip: int) -> Iterator[Chunk]:
    before = csv.field_size_limit(MAX_ROW)
    try:
        with path.open("rb") as raw:
            file = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
            reader = csv.reader(file)
            place = _column(path, next(reader, []), column)
            rows = islice(_records(reader, place, column), skip, None)
            yield from _grouped(rows, skip + 1, lambda _: raw.tell())
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
        undecoded = text and not text.isascii() and _UNDECODED.search(text)
        yield Problem(line, "not UTF-8") if undecoded else checked(text, line, column)


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
        rows = (checked(text, row, column) for row, text in enumerate(texts, 1))
        yield from _grouped(islice(rows, skip, None), skip + 1, lambda last: last)
    except ArrowException as error:
        raise SourceError(f"{path}: damaged Parquet: {error}") from None


def _parquet_file(path: Path) -> Any:
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path)
    except ArrowInvalid as error:
        raise SourceError(f"{path}: not a Parquet file: {error}") from None


def _grouped(rows: Iterable[str | Problem], first: int, end: Callable[[int], int]) -> Iterator[Chunk]:
    """Make chunks; `end` tells from the number of a chunk's last row how far the table is read."""
    rows = iter(rows)
    while group := list(islice(rows, _ROWS)):
        after = first + len(group)
        yield Chunk(first, group, end(after - 1))
        first = after
