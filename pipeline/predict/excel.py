"""Predictions on articles as an Excel workbook, in which no text is ever a formula or a link."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from pipeline.errors import MissingExtraError, OutputError
from pipeline.schema import Topic

if TYPE_CHECKING:
    from pipeline.predict.output import Predictions

_MOST_ROWS = 1_048_576  # of a sheet, its header among them
_LONGEST = 32_767  # characters of a cell
_PIECE = 1 << 16
_WIDTHS = {"source": 24, "paragraph": 10, "text": 90, "topics": 26, "title": 40, "date": 12, "origin": 30}
_LEFT_OUT = ("start", "end")  # positions in a text that a reader of the workbook does not have


def as_xlsx(batches: Iterable["Predictions"], topics: Sequence[Topic]) -> Iterator[bytes]:
    """Write a sheet with a row for each paragraph, filters, and a header that stays in sight.

    Parameters
    ----------
    batches : iterable of Predictions
    topics : sequence of Topic
        They are named by their titles.

    Yields
    ------
    bytes
        A piece of the workbook.

    Raises
    ------
    MissingExtraError
    OutputError
        Where there are more paragraphs than a sheet has rows.

    """
    try:
        import xlsxwriter
    except ModuleNotFoundError:
        raise MissingExtraError("writing XLSX", "documents") from None
    with TemporaryFile() as file:
        book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_urls": False})
        _fill(book, batches, [topic.title for topic in topics])
        book.close()
        file.seek(0)
        yield from iter(lambda: file.read(_PIECE), b"")


def _fill(book: Any, batches: Iterable["Predictions"], titles: Sequence[str]) -> None:
    sheet = book.add_worksheet("Paragraphs")
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    rest, row = iter(batches), 0
    first = next(rest, None)
    if first is None:
        return
    names = [*_named(first.leading), "topics", *titles, *_named(first.trailing)]
    for column, name in enumerate(names):
        sheet.set_column(column, column, _WIDTHS.get(name, 14), wrapped if name == "text" else None)
        sheet.write_string(0, column, name, bold)
    for batch in chain([first], rest):
        for cells in _rows(batch, titles):
            row += 1
            _write(sheet, row, cells)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, row, len(names) - 1)


def _named(columns: Iterable[str]) -> list[str]:
    return [name for name in columns if name not in _LEFT_OUT]


def _rows(batch: "Predictions", titles: Sequence[str]) -> Iterator[list[Any]]:
    for place in range(len(batch)):
        assigned = [title for title, yes in zip(titles, batch.assigned[place], strict=True) if yes]
        leading = [batch.leading[name][place] for name in _named(batch.leading)]
        trailing = [batch.trailing[name][place] for name in _named(batch.trailing)]
        yield [*leading, ", ".join(assigned), *map(float, batch.scores[place]), *trailing]


def _write(sheet: Any, row: int, cells: Sequence[Any]) -> None:
    if row >= _MOST_ROWS:
        raise OutputError(f"a sheet has no more than {_MOST_ROWS:,} rows; write csv or parquet instead")
    for column, value in enumerate(cells):
        if isinstance(value, int | float):
            sheet.write_number(row, column, value)
        elif value not in (None, ""):
            sheet.write_string(row, column, _fitting(str(value)))


def _fitting(text: str) -> str:
    """Shorten what no cell can hold, and replace half a surrogate pair, which no file can."""
    plain = text.encode(errors="backslashreplace").decode()
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}\u2026"
