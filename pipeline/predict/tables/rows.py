"""Rows of tables: what every format is read as."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Protocol

from pipeline.errors import SourceError
from pipeline.predict.tables.streams import one_line_errors

ID = "id"
MAX_ROW = 20_000_000
TOO_LARGE = f"exceeds the {MAX_ROW // 1_000_000} MB limit"
ROWS = 1000  # of a chunk


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """Why a row has no text.

    Parameters
    ----------
    line : int
        Its line in the file, in Parquet and XLSX its row, from 1.
    reason : str

    """

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


Record = tuple[str | UnreadableRow, *tuple[Any, ...]]
"""A row's text, and its other values."""


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


class Unread(Protocol):
    """Rows that the process that needs them reads."""

    def read(self, columns: Columns) -> Rows:
        """Read them."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows as they are handed to a worker.

    Parameters
    ----------
    first : int
        Number of the first row, from 1.
    rows : Rows or Unread
    end : int
        How far into the table this chunk reaches, in bytes; in Parquet and XLSX, in rows.
    source : str or None
        The table that it is of, where there are several.

    """

    first: int
    rows: Rows | Unread
    end: int
    source: str | None = None

    def read(self, columns: Columns) -> Rows:
        """Return the rows."""
        return self.rows if isinstance(self.rows, Rows) else self.rows.read(columns)


@dataclass(frozen=True)
class Table:
    """A table that is open for reading.

    Parameters
    ----------
    name : str
    columns : tuple of str
        All its columns; of JSON, the fields of the first readable row.
    size : int or None
        What `Chunk.end` is at its end, where that is known.
    reader : callable
        `(columns, skip)` to chunks.
    types : mapping of str to Arrow data type
        The columns' types in Parquet, empty for other formats.
    has_header : bool, default True
        Whether it has no columns beyond `columns`; a field of JSON may begin in a later row.
    notes : tuple of str
        What the reader chose, a sentence each.

    """

    name: str
    columns: tuple[str, ...]
    size: int | None
    reader: Callable[[Columns, int], Iterator[Chunk]]
    types: dict[str, Any] = field(default_factory=dict)
    has_header: bool = True
    notes: tuple[str, ...] = ()

    def chunks(self, columns: Columns, *, skip: int = 0) -> Iterator[Chunk]:
        """Read all rows but the first `skip`; raise SourceError where that fails."""
        with one_line_errors(self.name):
            yield from self.reader(columns, skip)

    def may_have(self, column: str) -> bool:
        """Tell whether rows can have a column."""
        return column in self.columns or not self.has_header

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
            Where a column does not exist, or two have its name.

        """
        missing = [name for name in (text, *keep) if name != "all" and not self.may_have(name)]
        if missing:
            found = ", ".join(self.columns[:10]) or "none"
            hint = "; see --text-column" if missing[0] == text else ""
            raise SourceError(f"{self.name}: no column {missing[0]!r}, found {found}{hint}")
        own = (ID,) if ID in self.columns and text != ID else ()
        kept = chain.from_iterable(self.columns if name == "all" else (name,) for name in keep)
        chosen = Columns(text, tuple(dict.fromkeys((*own, *kept))))
        for name in (text, *chosen.others):
            if self.columns.count(name) > 1:
                raise SourceError(f"{self.name}: {self.columns.count(name)} columns have the name {name!r}")
        return chosen


def checked(text: object, line: int, column: str) -> str | UnreadableRow:
    """Return a row's text, or why it has none."""
    if isinstance(text, str):
        return text
    return UnreadableRow(line, f"no text in column {column!r}" if text is None else f"{column!r} is not text")


def grouped(records: Iterable[Record], skip: int, end: Callable[[int], int]) -> Iterator[Chunk]:
    """Group all records but the first `skip` in chunks.

    Parameters
    ----------
    records : iterable of Record
    skip : int
    end : callable
        The number of a chunk's last row to how far the table is read.

    Yields
    ------
    Chunk

    """
    rows, first = islice(records, skip, None), skip + 1
    while group := list(islice(rows, ROWS)):
        texts, *values = map(list, zip(*group, strict=True))
        after = first + len(group)
        yield Chunk(first, Rows(texts, values), end(after - 1))
        first = after
