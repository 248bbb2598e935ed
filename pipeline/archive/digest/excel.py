"""A digest as an Excel workbook, with XlsxWriter: quotations, stories, counts and days, each with filters."""

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

from pipeline.archive.digest.delimited import quotation_rows
from pipeline.archive.digest.rows import Digest, link, place
from pipeline.errors import MissingExtraError

_LONGEST_CELL = 32_767
_LONGEST_LINK = 2_079
_MOST_LINKS = 60_000  # a sheet holds 65,530
_QUOTATIONS = (
    ("Topic", 22),
    ("Kind", 11),
    ("Story", 36),
    ("Outlet", 18),
    ("Date", 11),
    ("Title", 36),
    ("Paragraph", 11),
    ("Quotation", 80),
    ("Score", 8),
    ("Other topics", 24),
    ("Address", 40),
    ("Outlets", 24),
    ("Articles", 10),
)
_ARTICLES = (
    ("Topic", 22),
    ("Kind", 11),
    ("Story", 40),
    ("Outlet", 18),
    ("Date", 11),
    ("Title", 40),
    ("Address", 50),
)
_COUNTS = (("Topic", 28), ("Stories", 10), ("Articles", 10), ("Paragraphs", 12), ("Last days", 24))


def as_xlsx(digest: Digest) -> bytes:
    """Write a digest as an Excel workbook.

    Parameters
    ----------
    digest : Digest

    Returns
    -------
    bytes
        Dates are dates, web addresses are links, and every other text is text: none is a formula.

    Raises
    ------
    MissingExtraError
        Where XlsxWriter is not installed.

    """
    try:
        from xlsxwriter import Workbook
    except ModuleNotFoundError:
        raise MissingExtraError("writing XLSX", "digest") from None
    file = io.BytesIO()
    as_they_are = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(file, {**as_they_are, "in_memory": True}) as book:
        made = digest.made.replace(tzinfo=None)
        book.set_properties(
            {"title": digest.title, "subject": digest.period, "comments": digest.footer, "created": made}
        )
        _Sheet(book, "Quotations", _QUOTATIONS).write(list(quotation_rows(digest)))
        _Sheet(book, "Articles", _ARTICLES).write(_article_rows(digest))
        _write_counts(_Sheet(book, "Counts", _COUNTS), digest)
        _write_days(book, digest)
    return file.getvalue()


class _Sheet:
    """A sheet with a frozen header and filters."""

    def __init__(self, book: Any, name: str, columns: Sequence[tuple[str, int]]) -> None:
        self.sheet, self.columns = book.add_worksheet(name), columns
        self._day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})
        self._text = book.add_format({"text_wrap": True, "valign": "top"})
        self._link = book.add_format({"font_color": "blue", "underline": 1, "valign": "top"})
        self._header = book.add_format({"bold": True, "bottom": 1})
        self._links = 0
        for column, (title, width) in enumerate(columns):
            self.sheet.set_column(column, column, width)
            self.sheet.write_string(0, column, title, self._header)
        self.sheet.freeze_panes(1, 0)

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write the rows below the header."""
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                self._write_cell(number, column, value)
        self.sheet.autofilter(0, 0, max(len(rows), 1), len(self.columns) - 1)

    def _write_cell(self, row: int, column: int, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, int | float):
            self.sheet.write_number(row, column, value, self._text)
        elif self.columns[column][0] in ("Date", "Day"):
            self.sheet.write_datetime(row, column, date.fromisoformat(value), self._day)
        elif self.columns[column][0] == "Address" and self._is_link(value):
            self._links += 1
            self.sheet.write_url(row, column, value, self._link, value)
        else:
            self.sheet.write_string(row, column, _cut(value), self._text)

    def _is_link(self, value: str) -> bool:
        known = value.startswith(("http://", "https://")) and len(value) <= _LONGEST_LINK
        return known and self._links < _MOST_LINKS


def _cut(text: str) -> str:
    """Shorten a text to what a cell holds, which is counted in UTF-16."""
    if len(text.encode("utf-16-le")) // 2 <= _LONGEST_CELL:
        return text
    return text.encode("utf-16-le")[: 2 * (_LONGEST_CELL - 1)].decode("utf-16-le", "ignore") + "…"


def _article_rows(digest: Digest) -> list[tuple[str, ...]]:
    return [
        (
            section.topic.title,
            "about" if entry in section.about else "mentioned" if section.topic.id else "words",
            entry.story.title,
            article.outlet,
            article.day,
            article.title,
            link(article) or place(article),
        )
        for section, entry in digest.entries
        for article in entry.story.articles
    ]


def _write_counts(sheet: _Sheet, digest: Digest) -> None:
    rows = [
        (section.topic.title, section.count.stories, section.count.articles, section.count.paragraphs)
        for section in digest.sections
    ]
    sheet.write(rows)
    for number, section in enumerate(digest.sections, 1):
        if section.days:
            last = len(section.days)
            column = _days_column(digest, section.topic.id)
            area = f"Days!${column}$2:${column}${last + 1}"
            sheet.sheet.add_sparkline(number, len(_COUNTS) - 1, {"range": area, "type": "column"})


def _write_days(book: Any, digest: Digest) -> None:
    shown = [section for section in digest.sections if section.days]
    columns = [("Day", 12), *((section.topic.title, 18) for section in shown)]
    days = [day for day, _ in shown[0].days] if shown else []
    rows = [(day, *(section.days[number][1] for section in shown)) for number, day in enumerate(days)]
    _Sheet(book, "Days", columns).write(rows)


def _days_column(digest: Digest, topic: str) -> str:
    from xlsxwriter.utility import xl_col_to_name

    shown = [section.topic.id for section in digest.sections if section.days]
    return str(xl_col_to_name(1 + shown.index(topic)))
