"""Read the articles that a table holds, a row each: text, title, date, outlet and address."""

from collections.abc import Iterator
from typing import Any

from pipeline.errors import SourceError
from pipeline.predict.tables import ID, ReadOptions, Table, UnreadableRow, open_table
from pipeline.schema import Article

NAMES = {
    "title": ("title", "headline"),
    "date": ("date", "published"),
    "outlet": ("outlet", "publisher"),
    "address": ("address", "url", "link"),
}
_OF_PARAGRAPHS = ("article", "paragraph")


def articles_of_table(
    name: str, place: str, column: str = "text", *, encoding: str | None = None
) -> Iterator[list[Article | SourceError]]:
    """Read the articles of a table.

    Parameters
    ----------
    name : str
        A file, or `-` for standard input.
    place : str
        What the sources of the articles begin with; an article's id, else the number of its row, follows.
    column : str, default "text"
        The column of texts.
    encoding : str or None
        Codec of a text table; None to recognise it.

    Yields
    ------
    list of Article or SourceError
        Those of some rows, in their order.

    Raises
    ------
    SourceError
        Where the table as a whole cannot be read, has no such column, or has a row for each paragraph.

    """
    with open_table(name, ReadOptions(column, encoding)) as table:
        if all(needed in table.columns for needed in _OF_PARAGRAPHS):
            raise SourceError(f"{name}: has a row for each paragraph, expected one for each article")
        chosen = _columns(table)
        columns = table.select(column, list(chosen.values()))
        for chunk in table.chunks(columns):
            rows = chunk.read(columns)
            values = dict(zip(columns.others, rows.values, strict=True))
            facts = {field: values[own] for field, own in chosen.items()}
            ids = values.get(ID, [None] * len(rows.texts))
            yield [
                _article(
                    text, f"{place}#={_said(ids[n]) or chunk.first + n}", {f: v[n] for f, v in facts.items()}, name
                )
                for n, text in enumerate(rows.texts)
            ]


def _columns(table: Table) -> dict[str, str]:
    """Choose the column of each field, by the first of its names that the table has."""
    found = {field: [name for name in names if name in table.columns] for field, names in NAMES.items()}
    return {field: names[0] for field, names in found.items() if names}


def _article(text: str | UnreadableRow, source: str, facts: dict[str, Any], name: str) -> Article | SourceError:
    if isinstance(text, UnreadableRow):
        return SourceError(f"{name}, {text}")
    title, date, outlet, address = (_said(facts.get(field)) for field in NAMES)
    return Article(source, text, title, date, address, outlet=outlet)


def _said(value: Any) -> str | None:
    """Return a cell's value as text; None for an empty one, and for what is no number or date."""
    if value is None or value != value or isinstance(value, list | dict):  # noqa: PLR0124  # not a number
        return None
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return " ".join(text.split()) or None
