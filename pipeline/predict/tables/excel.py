"""Read XLSX, with openpyxl: one sheet, whose first row that is not empty is the header."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.errors import MissingExtraError, SourceError
from pipeline.predict.tables.rows import Chunk, Columns, Record, Table, checked, grouped
from pipeline.predict.tables.streams import Stream, in_one_line

_Row = tuple[int, Sequence[Any]]
"""A row's number in the sheet, and its cells."""


def read_excel(stream: Stream, sheet: str | None) -> Table:
    """Open a sheet of a workbook.

    Parameters
    ----------
    stream : Stream
    sheet : str or None
        Its name; None for the first one.

    Returns
    -------
    Table

    Raises
    ------
    SourceError, MissingExtraError

    """
    try:
        from openpyxl import load_workbook
    except ModuleNotFoundError:
        raise MissingExtraError("reading XLSX", "documents") from None
    file = stream.whole("XLSX")
    try:
        with warnings.catch_warnings(action="ignore"):  # of styles and extensions that no text is in
            sheets = load_workbook(file, read_only=True, data_only=True, keep_links=False).worksheets
    except Exception as error:  # whatever the library meets in a damaged file
        raise SourceError(f"{stream.name}: not valid XLSX: {in_one_line(error)}") from None
    chosen = _chosen(sheets, sheet, stream.name)
    rows = _rows(chosen, stream.name)
    _, header = next(rows, (0, ()))

    def read(columns: Columns, skip: int) -> Iterator[Chunk]:
        places = [names.index(column) for column in (columns.text, *columns.others)]
        return grouped((_record(row, places, columns.text) for row in rows), skip, lambda last: last)

    names = tuple("" if cell is None else str(cell) for cell in header)
    return Table(stream.name, names, None, read, notes=_notes(sheets, sheet, stream.name))


def _chosen(sheets: Sequence[Any], name: str | None, source: str) -> Any:
    found = [sheet for sheet in sheets if name in (None, sheet.title)]
    if not found:
        wanted = f"no sheet {name!r}" if name else "no sheet of cells"
        raise SourceError(f"{source}: {wanted}, found {', '.join(sheet.title for sheet in sheets) or 'none'}")
    return found[0]


def _notes(sheets: Sequence[Any], name: str | None, source: str) -> tuple[str, ...]:
    if name is not None or len(sheets) == 1:
        return ()
    return (f"{source}: read the first of {len(sheets)} sheets, {sheets[0].title!r}; see --sheet",)


def _rows(sheet: Any, name: str) -> Iterator[_Row]:
    """Return the rows that are not empty."""
    sheet.reset_dimensions()  # some programs write a size that is too small
    try:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            if any(cell is not None for cell in cells):
                yield number, cells
    except Exception as error:  # whatever the library meets in a damaged file
        raise SourceError(f"{name}: damaged XLSX: {in_one_line(error)}") from None


def _record(row: _Row, places: Sequence[int], column: str) -> Record:
    number, cells = row
    text, *others = (_value(cells[place]) if place < len(cells) else None for place in places)
    return checked(text, number, column), *others


def _value(cell: Any) -> Any:
    """Return a cell's value, of text with the control characters that XLSX writes as `_x000D_`."""
    if not isinstance(cell, str) or "_x00" not in cell:
        return cell
    from openpyxl.utils.escape import unescape

    return unescape(cell)
