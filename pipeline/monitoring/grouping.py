"""Read text to observe: the sources and tables that `topics predict` reads, as groups of paragraphs by article."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.data.documents import SUFFIXES
from pipeline.data.sources import find, read_files
from pipeline.errors import SourceError
from pipeline.monitoring.sample import Group
from pipeline.predict.tables import SUFFIXES as TABLES
from pipeline.predict.tables import Columns, ReadOptions, Rows, UnreadableRow, holds_table, is_table, open_tables
from pipeline.text.paragraphs import split

ARTICLE = "article"


@dataclass(frozen=True)
class TableOptions:
    """How a table is read.

    Parameters
    ----------
    column : str or None
        Its column of texts; None for `text`, and for files that may be articles as well.
    article_column : str or None
        Its column that names the article of a row; None for `article` where it has one. Without it, every row
        stands alone.
    encoding, sheet : str or None
        See `pipeline.predict.tables.ReadOptions`.

    """

    column: str | None = None
    article_column: str | None = None
    encoding: str | None = None
    sheet: str | None = None


def read_groups(
    names: Sequence[str],
    options: TableOptions,
    *,
    complain: Callable[[SourceError], None],
    note: Callable[[str], None],
) -> Iterator[Group]:
    """Read the paragraphs of sources, which are all tables or all articles.

    Parameters
    ----------
    names : sequence of str
        What `pipeline.data.sources.find` takes.
    options : TableOptions
    complain : callable
        Called with the error of each article that cannot be read, and of the first row of a table.
    note : callable
        Called with sentences on what was chosen in reading.

    Yields
    ------
    Group

    Raises
    ------
    SourceError
        For a table that cannot be read, and for tables among articles.

    """
    endings = (TABLES, SUFFIXES) if options.column else (SUFFIXES, TABLES)
    files = list(find(names, endings=endings, note=note))
    if tables := _tables(files, options):
        yield from _rows(tables, options, complain=complain, note=note)
        return
    for article in read_files(files):
        if isinstance(article, SourceError):
            complain(article)
        elif texts := [article.text[start:end] for start, end in split(article.text)]:
            yield article.source, texts
        else:
            complain(SourceError(f"{article.source}: no paragraphs"))


def _tables(files: Sequence[Path | SourceError], options: TableOptions) -> list[str]:
    names = [str(file) for file in files if not isinstance(file, SourceError)]
    tables = names if options.column else list(filter(is_table, names))
    if len(names) == 1 and not tables and holds_table(names[0]):
        tables = names
    if tables and (others := [name for name in names if name not in tables]):
        raise SourceError(f"{tables[0]} is a table, and {others[0]} is none: give one kind at a time")
    if tables and (errors := [file for file in files if isinstance(file, SourceError)]):
        raise errors[0]
    return tables


def _rows(
    tables: Sequence[str],
    options: TableOptions,
    *,
    complain: Callable[[SourceError], None],
    note: Callable[[str], None],
) -> Iterator[Group]:
    column = options.column or "text"
    refused = 0
    with open_tables(list(tables), ReadOptions(column, options.encoding, options.sheet)) as table:
        for said in table.notes:
            note(said)
        named = options.article_column or (ARTICLE if ARTICLE in table.columns else None)
        columns = replace(table.select(column, [named] if named else []), others=(named,) if named else ())
        for chunk in table.chunks(columns):
            source = chunk.source or tables[0]
            for number, (text, article) in enumerate(_pairs(chunk.read(columns), columns), chunk.first):
                if isinstance(text, UnreadableRow):
                    refused += 1
                    if refused == 1:
                        complain(SourceError(f"{source}, {text}"))
                elif text.strip():
                    yield f"{source}\n{article if article is not None else number}", [text]
    if refused > 1:
        note(f"{refused:,} rows have no text and are left out")


def _pairs(rows: Rows, columns: Columns) -> Iterator[tuple[str | UnreadableRow, Any]]:
    articles = rows.values[0] if columns.others else [None] * len(rows.texts)
    return zip(rows.texts, articles, strict=True)
