"""Open several tables as one, in which each row has its table's name."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pipeline.errors import SourceError
from pipeline.predict.tables.opening import ReadOptions, open_table
from pipeline.predict.tables.rows import ID, Chunk, Columns, Rows, Table, Unread


@dataclass(frozen=True)
class JoinedTable(Table):
    """Several tables, one after the other; rows are counted in each.

    Parameters
    ----------
    tables : tuple of Table

    """

    tables: tuple[Table, ...] = ()

    def select(self, text: str, keep: Sequence[str]) -> Columns:
        """Choose the columns to read of every table, as `Table.select` does of one."""
        chosen = chain.from_iterable(table.select(text, keep).others for table in self.tables)
        others = dict.fromkeys(chosen)
        return Columns(text, (*([ID] if ID in others else []), *(name for name in others if name != ID)))


@contextmanager
def open_tables(names: Sequence[str], options: ReadOptions | None = None) -> Iterator[Table]:
    """Open one table, or several as one.

    Parameters
    ----------
    names : sequence of str
    options : ReadOptions or None

    Yields
    ------
    Table

    Raises
    ------
    SourceError, MissingExtraError
        Where one of them cannot be read.

    """
    if len(names) == 1:
        with open_table(names[0], options) as table:
            yield table
        return
    if "-" in names:
        raise SourceError("standard input must be the only table")
    yield _joined([_described(name, options) for name in names], options)


def _described(name: str, options: ReadOptions | None) -> Table:
    """Return what there is to know of a table, closed again: only one is open at a time."""
    with open_table(name, options) as table:
        return table


def _joined(tables: Sequence[Table], options: ReadOptions | None) -> JoinedTable:
    sizes = [table.size for table in tables]

    def read(columns: Columns, _: int) -> Iterator[Chunk]:
        before = 0
        for table in tables:
            own = Columns(columns.text, tuple(filter(table.may_have, columns.others)))
            with open_table(table.name, options) as opened:
                for chunk in opened.chunks(own):
                    rows = _aligned(chunk.rows, own, columns)
                    yield Chunk(chunk.first, rows, before + chunk.end, source=table.name)
            before += table.size or 0

    return JoinedTable(
        name=", ".join(table.name for table in tables),
        columns=tuple(dict.fromkeys(chain.from_iterable(table.columns for table in tables))),
        size=None if None in sizes else sum(filter(None, sizes)),
        reader=read,
        types=_common_types(tables),
        notes=tuple(note for table in tables for note in table.notes),
        tables=tuple(tables),
    )


def _aligned(rows: Rows | Unread, own: Columns, columns: Columns) -> Rows | Unread:
    """Return the rows with all columns, in their order; those that are not read yet find them on their own."""
    if not isinstance(rows, Rows):
        return rows
    values = dict(zip(own.others, rows.values, strict=True))
    missing = [None] * len(rows.texts)
    return Rows(rows.texts, [values.get(name, missing) for name in columns.others])


def _common_types(tables: Sequence[Table]) -> dict[str, Any]:
    """Return the types on which all tables agree; other columns become text."""
    first, *others = (table.types for table in tables)
    return {name: kind for name, kind in first.items() if all(types.get(name) == kind for types in others)}
