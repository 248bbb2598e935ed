"""Read CSV, with commas, semicolons, tabs or bars, strictly: a bad row is an error, the rows after it are read.

A row is bad if a quote in a quoted field is not doubled, a quote is not closed by the end of the table or within
20 MB, or there are more fields than columns. Where quotes are wrong, reading resumes at the line after the row's
first. Blank lines are no rows.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter

from pipeline.data.tabular import delimiter_of, excel_delimiter
from pipeline.errors import SourceError
from pipeline.predict.tables.rows import (
    MAX_ROW,
    TOO_LARGE,
    Chunk,
    Columns,
    Record,
    Table,
    UnreadableRow,
    checked,
    grouped,
)
from pipeline.predict.tables.streams import Stream

_UNDECODED = re.compile("[\udc80-\udcff]")


def read_csv(stream: Stream, column: str) -> Table:
    """Open CSV.

    Parameters
    ----------
    stream : Stream
    column : str
        The column of texts, which tells the delimiter.

    Returns
    -------
    Table

    Raises
    ------
    SourceError
        Where the header cannot be read.

    """
    lines = _Lines(io.TextIOWrapper(stream.file, stream.encoding, errors="surrogateescape", newline=""))
    delimiter = _delimiter(lines, stream, column)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        with _field_limit():
            header = _header(lines, reader)
    except csv.Error as error:
        raise SourceError(f"{stream.name}: line {lines.first}: {_reason(error, lines)}") from None
    if any(map(_UNDECODED.search, header)):
        raise SourceError(f"{stream.name}: line {lines.first}: not {_shown(stream.encoding)}")

    def read(columns: Columns, skip: int) -> Iterator[Chunk]:
        with _field_limit():
            records = _Records(lines, reader, header, columns, delimiter=delimiter, encoding=stream.encoding)
            yield from grouped(records, skip, lambda _: stream.position())

    return Table(stream.name, tuple(header), stream.size, read)


class _Lines:
    """The lines of a file; those of the record that is being read can be given back.

    Parameters
    ----------
    file : text file
        That keeps its line ends.

    """

    def __init__(self, file: io.TextIOWrapper) -> None:
        self.record: list[str] = []
        self.first = 1
        self._read, self._again = file.readline, deque[str]()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read(MAX_ROW + 1)
        if not line:
            raise StopIteration
        if len(line) > MAX_ROW:
            self.record.append(self._without_rest(line))
            raise csv.Error(TOO_LARGE)
        self.record.append(line)
        return line

    def begin(self) -> None:
        """Begin a record."""
        self.first += len(self.record)
        self.record.clear()

    def give_back(self) -> None:
        """Give back all lines of the record but the first."""
        self._again.extendleft(reversed(self.record[1:]))
        del self.record[1:]

    def _without_rest(self, line: str) -> str:
        """Skip the rest of a line that is too long, and end it here, so that it can be given back."""
        rest = line
        while rest and not rest.endswith(("\n", "\r")):
            rest = self._read(MAX_ROW)
        return line if line.endswith("\n") else f"{line}\n"


class _Records:
    """The text and the other values of each row.

    Parameters
    ----------
    lines : _Lines
    reader : csv reader
        Of these lines, behind the header.
    header : sequence of str
    columns : Columns
    delimiter : str
    encoding : str

    """

    def __init__(
        self,
        lines: _Lines,
        reader: Iterator[list[str]],
        header: Sequence[str],
        columns: Columns,
        *,
        delimiter: str,
        encoding: str,
    ) -> None:
        self._lines, self._reader, self._width = lines, reader, len(header)
        self._places = [header.index(column) for column in (columns.text, *columns.others)]
        self._nothing = [None] * len(columns.others)
        self._column, self._delimiter, self._encoding = columns.text, delimiter, encoding

    def __iter__(self) -> Iterator[Record]:
        places, width, lines = self._places, self._width, self._lines
        pick = itemgetter(*places) if len(places) > 1 else lambda record: (record[places[0]],)
        while True:
            lines.begin()
            try:
                record = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._error(_reason(error, lines))
                lines.give_back()
                continue
            if len(record) == width > 1 and all(map(str.isascii, values := pick(record))):
                yield values
            elif not self._is_blank(record):
                yield self._strange(record)

    def _is_blank(self, record: list[str]) -> bool:
        return not record or (len(record) == 1 and not self._lines.record[0].strip())

    def _error(self, reason: str) -> Record:
        return UnreadableRow(self._lines.first, reason), *self._nothing

    def _strange(self, record: list[str]) -> Record:
        """Return the values of a row that is too short or too long, is not ASCII, or has one field."""
        if len(record) > self._width:
            return self._error(f"{len(record)} fields, expected {self._width}: unquoted {self._delimiter!r}?")
        text, *others = ([*record, *[None] * self._width][place] for place in self._places)
        if any(value and _UNDECODED.search(value) for value in (text, *others)):
            return self._error(f"not {_shown(self._encoding)}")
        return checked(text, self._lines.first, self._column), *others


def _header(lines: _Lines, reader: Iterator[list[str]]) -> list[str]:
    """Return the first row that is not blank, an empty one at the end."""
    while True:
        lines.begin()
        record = next(reader, None)
        if record is None or any(map(str.strip, record)):
            return record or []


def _delimiter(lines: _Lines, stream: Stream, column: str) -> str:
    """Choose the delimiter by the first line; one such as `sep=;` is no row."""
    start = stream.look().splitlines()
    if start and (hint := excel_delimiter(start[0])):
        next(lines)
        return hint
    return delimiter_of(next(filter(str.strip, start), ""), column)


def _reason(error: csv.Error, lines: _Lines) -> str:
    """Say what is wrong: the library's words are about its parser."""
    if len(lines.record) > 1 or "unexpected end" in str(error):
        return "quote not closed"
    return TOO_LARGE if str(error) == TOO_LARGE else "quote not doubled in a quoted field"


def _shown(codec: str) -> str:
    return codec.removesuffix("-sig").upper()


@contextmanager
def _field_limit() -> Iterator[None]:
    limit = csv.field_size_limit(MAX_ROW)
    try:
        yield
    finally:
        csv.field_size_limit(limit)
