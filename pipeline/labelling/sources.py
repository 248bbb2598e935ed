"""Read the paragraphs of documents and tables as tasks, and the texts that were labelled or queued before."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.data.documents import SUFFIXES as ARTICLES
from pipeline.data.sources import find, read_files, read_urls
from pipeline.errors import SourceError
from pipeline.files import STDIN, is_stream
from pipeline.labelling.task import Task
from pipeline.predict.article import paragraphs
from pipeline.predict.tables import SUFFIXES as TABLES
from pipeline.predict.tables import ReadOptions, UnreadableRow, holds_table, is_table, open_table
from pipeline.schema import Article

_LABELS = ("topics", "annotations", "decision")
_OF_ARTICLE = ("title", "date", "source")


@dataclass(frozen=True)
class Sources:
    """Where paragraphs come from.

    Parameters
    ----------
    names : sequence of str
        Files, folders, patterns, or `-` for standard input: documents and tables, as `topics predict` reads them.
    urls : sequence of str
        Addresses of pages, documents and feeds.
    allow_private : bool
        Whether addresses may be of private networks.
    text_column : str or None
        The tables' column of texts; None for `text`. Where it is given, every file is a table.
    encoding, sheet : str or None
        Of tables.

    """

    names: Sequence[str]
    urls: Sequence[str] = ()
    allow_private: bool = False
    text_column: str | None = None
    encoding: str | None = None
    sheet: str | None = None

    def files(self, note: Callable[[str], None]) -> list[Path | SourceError]:
        """Find the files that the names stand for; a folder stands for its documents, else for its tables."""
        endings = (TABLES, ARTICLES) if self.text_column else (ARTICLES, TABLES)
        return list(find(self.names, endings=endings, note=note))


@dataclass
class Tally:
    """What was read, and what was passed over and why."""

    paragraphs: int = 0
    labelled: int = 0
    seen: int = 0
    near_seen: int = 0
    empty: int = 0
    unreadable: int = 0
    first_error: str = ""

    def passed_over(self) -> str:
        """List what was passed over, and why; empty where nothing was."""
        reasons = {
            "with a label": self.labelled,
            "labelled or queued before": self.seen,
            "near-duplicates of those": self.near_seen,
            "empty": self.empty,
            "unreadable": self.unreadable,
        }
        return ", ".join(f"{count:,} {why}" for why, count in reasons.items() if count)


def read_tasks(
    files: Sequence[Path | SourceError],
    sources: Sources,
    tally: Tally,
    *,
    complain: Callable[[SourceError], None],
    note: Callable[[str], None],
) -> Iterator[Task]:
    """Read the paragraphs of documents and the rows of tables that are not labelled.

    Parameters
    ----------
    files : sequence of Path or SourceError
        Those of the sources.
    sources : Sources
    tally : Tally
        Counts the rows that have a label, and those without a text.
    complain : callable
        Called with the error of each source that cannot be read.
    note : callable
        Called with what a reader remarks.

    Yields
    ------
    Task
        A row of a table is one paragraph; a column that is named as a field of a task is taken for it.

    """
    for file in files:
        try:
            if isinstance(file, SourceError):
                raise file
            if _is_table(str(file), sources, alone=len(files) == 1):
                yield from _rows(str(file), sources, tally, note)
            else:
                yield from _paragraphs(read_files([file]), complain, note)
        except SourceError as error:
            complain(error)
    if sources.urls:
        yield from _paragraphs(read_urls(sources.urls, allow_private=sources.allow_private), complain, note)


def tables(names: Sequence[str]) -> list[Path]:
    """Find the tables that names stand for, also in folders.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    list of Path

    Raises
    ------
    SourceError
        For a name without any, and for standard input and pipes: `seen_texts` is read twice.

    """
    found: list[Path] = []
    for file in find(names, endings=(TABLES,)):
        if isinstance(file, SourceError):
            raise file
        if str(file) == STDIN or is_stream(file):
            raise SourceError(f"{file}: what was seen is read twice, expected a file")
        found.append(file)
    return found


def seen_texts(files: Iterable[Path]) -> Iterator[str]:
    """Read the texts of what was labelled or queued before.

    Parameters
    ----------
    files : iterable of Path
        Tables of any kind with a column `text`, such as files of labelled paragraphs or of tasks.

    Yields
    ------
    str

    Raises
    ------
    SourceError
        For a file or a row that cannot be read: its text might be queued again.

    """
    for file in files:
        with open_table(str(file)) as table:
            columns = table.select("text", ())
            for text in chain.from_iterable(chunk.read(columns).texts for chunk in table.chunks(columns)):
                if isinstance(text, UnreadableRow):
                    raise SourceError(f"{file}, {text}")
                yield text


def _is_table(name: str, sources: Sources, *, alone: bool) -> bool:
    return sources.text_column is not None or is_table(name) or (alone and holds_table(name))


def _paragraphs(
    articles: Iterable[Article | SourceError], complain: Callable[[SourceError], None], note: Callable[[str], None]
) -> Iterator[Task]:
    for article in articles:
        if isinstance(article, SourceError):
            complain(article)
            continue
        for said in article.notes:
            note(f"{article.source}: {said}")
        for found in paragraphs(article):
            yield Task(
                found.text,
                article.source,
                found.number,
                title=article.title,
                date=article.date,
                source=article.origin or article.source,
            )


def _rows(name: str, sources: Sources, tally: Tally, note: Callable[[str], None]) -> Iterator[Task]:
    text = sources.text_column or "text"
    with open_table(name, ReadOptions(text, sources.encoding, sources.sheet)) as table:
        for said in table.notes:
            note(said)
        wanted = [
            column
            for column in (*_LABELS, "article", "paragraph", *_OF_ARTICLE)
            if column != text and table.may_have(column)
        ]
        columns = table.select(text, wanted)
        for chunk in table.chunks(columns):
            rows = chunk.read(columns)
            for i, found in enumerate(rows.texts):
                values = {column: rows.values[j][i] for j, column in enumerate(columns.others)}
                if (task := _task(found, values, name, chunk.first + i, tally)) is not None:
                    yield task


def _task(text: str | UnreadableRow, values: Mapping[str, Any], name: str, row: int, tally: Tally) -> Task | None:
    """Make a task of a row; None, and counted, where it has a label or no text."""
    if isinstance(text, UnreadableRow):
        tally.unreadable += 1
        tally.first_error = tally.first_error or f"{name}, {text}"
    elif not text.strip():
        tally.empty += 1
    elif any(values.get(column) not in (None, "") for column in _LABELS):
        tally.labelled += 1
    else:
        return _placed(text, values, name, row)
    return None


def _placed(text: str, values: Mapping[str, Any], name: str, row: int) -> Task:
    article, place = values.get("article"), values.get("paragraph")
    title, date, source = (None if (value := values.get(key)) is None else str(value) for key in _OF_ARTICLE)
    task = Task(text, f"{name}:{row}", title=title, date=date, source=source)
    if article is None or article == "":
        return task
    return replace(task, article=str(article), paragraph=_number(place, otherwise=row - 1))


def _number(value: Any, *, otherwise: int) -> int:
    """Take a paragraph's number from a table, in which it may be a text."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if type(value) is int and value >= 0 else otherwise
