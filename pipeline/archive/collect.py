"""Collect articles from files and tables: read them and put what they hold into the archive.

What was read to its end is noted after its articles are kept. So a collector that is killed at any moment loses
none and doubles none: the next one reads that place again, and finds the articles that are there unchanged.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pipeline.archive.entries import Place, entries, storable
from pipeline.archive.tables import articles_of_table
from pipeline.archive.visited import Content, articles_known, note_content
from pipeline.archive.write import ArchiveModel, Entry, put
from pipeline.data.documents import articles_in
from pipeline.data.sources import content_of, place_of
from pipeline.errors import MissingExtraError, SourceError
from pipeline.files import STDIN
from pipeline.predict.tables import holds_table, is_table
from pipeline.schema import Article

Parts = Sequence[Article | SourceError]
_NAMED = 5  # failures that a summary names
_OWN_PAGE, _HEAD = b'<meta name="generator" content="topics today">', 1024  # bytes in which it stands


class StoppedError(Exception):
    """The collector is told to end while it waits."""


@dataclass(slots=True)
class Summary:
    """What a collector read, and what became of the articles.

    Parameters
    ----------
    read : int
        Files and addresses.
    failed : dict of str to None
        Those that could not be read, or not to their end.
    waiting : int
        Addresses that failed before and are left alone for a while.
    articles : counter of {"new", "changed", "unchanged"}
    copies : int
        Of the new and changed articles, those that tell a story that is there already.

    """

    read: int = 0
    failed: dict[str, None] = field(default_factory=dict)
    waiting: int = 0
    articles: Counter[str] = field(default_factory=Counter)
    copies: int = 0

    def as_text(self) -> str:
        """Return the summary as one line."""
        waiting = f", {self.waiting:,} to be asked again later" if self.waiting else ""
        total = self.articles.total()
        counts = ", ".join(f"{self.articles[kind]:,} {kind}" for kind in ("new", "changed", "unchanged"))
        copies = f"; {self.copies:,} {'is a copy' if self.copies == 1 else 'are copies'}" if self.copies else ""
        articles = f"{total:,} {'article' if total == 1 else 'articles'}: {counts}{copies}"
        return f"{self.read:,} read, {len(self.failed):,} not{self._named_failures()}{waiting}; {articles}"

    def _named_failures(self) -> str:
        if not self.failed:
            return ""
        further = len(self.failed) - _NAMED
        return f" ({', '.join(list(self.failed)[:_NAMED])}{f' and {further:,} more' if further > 0 else ''})"


@dataclass(frozen=True, slots=True)
class Collecting:
    """How to collect.

    Parameters
    ----------
    complain : callable
        Called with each error; the others are read all the same.
    note : callable
        Called with a sentence on what is left for later.
    outlet : str or None
        The outlet of all articles; None for what the feed, page or folder says.
    text_column : str
        Column of a table that holds the text.
    full_text : bool
        Fetch the pages behind a feed's entries.
    left_out : callable or None
        Called with each file that is left out on purpose, and its ending or why; None to note it.
    stopping : callable
        Asked before each article whether to end.
    now : callable
        The time in UTC.

    """

    complain: Callable[[SourceError], None]
    note: Callable[[str], None]
    outlet: str | None = None
    text_column: str = "text"
    full_text: bool = False
    left_out: Callable[[Path, str], None] | None = None
    stopping: Callable[[], bool] = lambda: False
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def reading(self) -> str:
        """What the articles found in a place depend on, beside its content."""
        return "\t".join((version("paragraph-topics"), self.outlet or "", "full" if self.full_text else ""))


class Collector:
    """Puts what one place after the other holds into an archive.

    Parameters
    ----------
    database : sqlite3.Connection
    model : ArchiveModel
    how : Collecting

    """

    def __init__(self, database: sqlite3.Connection, model: ArchiveModel, how: Collecting) -> None:
        self.database, self.model, self.how = database, model, how
        self.summary = Summary()

    def files(self, found: Iterable[Path | SourceError]) -> None:
        """Collect the articles and tables in files, as `sources.find` finds them."""
        for path in found:
            if self.how.stopping():
                return
            if isinstance(path, SourceError):
                self.fail(str(path).partition(": ")[0], path)
            else:
                self.attempt(str(path), lambda path=path: self._file(path))  # type: ignore[misc]  # it is bound here

    def attempt(self, name: str, work: Callable[[], bool]) -> None:
        """Read a place, and count it as read where `work` says that it was read to its end."""
        try:
            self.summary.read += work()
        except (SourceError, MissingExtraError) as error:
            self.fail(name, error)

    def fail(self, name: str, error: SourceError | MissingExtraError) -> None:
        """Tell of an error, and count the place among those that could not be read."""
        self.summary.failed[name] = None
        said = str(error) if isinstance(error, SourceError) else f"{name}: {error}"
        self.how.complain(SourceError(said))

    def keep(self, name: str, where: str, parts: Parts) -> bool:
        """Put the articles of a place into the archive.

        Parameters
        ----------
        name : str
            As the user knows the place.
        where : str
            As the archive knows it.
        parts : sequence of Article or SourceError

        Returns
        -------
        bool
            Whether all are there: False where one cannot be read, or the collector is told to end.

        """
        place = Place(where, self.how.outlet, self.how.now().date())
        errors = [part for part in parts if isinstance(part, SourceError)]
        for entry in entries([part for part in parts if isinstance(part, Article)], place):
            if self.how.stopping():
                return False
            try:
                self._put(entry)
            except SourceError as error:
                errors.append(SourceError(str(error).replace(where, name, 1)))
        for found in errors:
            self.fail(name, found)
        return not errors

    def is_known(self, content: Content) -> bool:
        """Tell whether a place was read to its end and has not changed; its articles count as unchanged then."""
        known = articles_known(self.database, content)
        if known:
            self.summary.articles["unchanged"] += known
        return known is not None

    def _file(self, path: Path) -> bool:
        name, where = str(path), STDIN if str(path) == STDIN else storable(place_of(path))
        if is_table(name) or (name == STDIN and holds_table(name, self.how.text_column)):
            return self._table(name, where)
        bytes_ = content_of(path)
        if _OWN_PAGE in bytes_[:_HEAD]:
            self._leave_out(path, "a page that topics today has made")
            return False
        content = Content(where, self.how.reading, hashlib.sha256(bytes_).hexdigest())
        if self.is_known(content):
            return True
        parts = [_moved(part, name, where) for part in articles_in(bytes_, name)]
        is_whole = self.keep(name, where, parts)
        if is_whole and where != STDIN:
            note_content(self.database, replace(content, articles=len(parts)))
        return is_whole

    def _leave_out(self, path: Path, why: str) -> None:
        if self.how.left_out is None:
            self.how.note(f"{path}: left out, {why}")
        else:
            self.how.left_out(path, why)

    def _table(self, name: str, where: str) -> bool:
        is_whole = True
        for rows in articles_of_table(name, where, self.how.text_column):
            is_whole = self.keep(name, where, rows) and is_whole
            if self.how.stopping():
                return False
        return is_whole

    def _put(self, entry: Entry) -> None:
        outcome = "unchanged"
        if self._is_wanted(entry):
            stamp = self.how.now().isoformat(timespec="seconds")
            outcome = put(self.database, entry, self.model, collected=stamp)
        self.summary.articles[outcome] += 1
        if outcome != "unchanged":
            self.summary.copies += self._is_copy(entry.key)

    def _is_wanted(self, entry: Entry) -> bool:
        """Tell what the archive may take from what was pruned, and from what it has from elsewhere.

        An article is replaced from the place it was first read from, or from its own: two feeds with the same link
        would replace each other's without an end, and a feed's summary the text of the page.
        """
        if self.database.execute("SELECT 1 FROM pruned WHERE key = ?", (entry.key,)).fetchone():
            return False
        kept = self.database.execute("SELECT source FROM articles WHERE key = ?", (entry.key,)).fetchone()
        return kept is None or entry.article.source in (kept["source"], entry.key)

    def _is_copy(self, key: str) -> bool:
        query = "SELECT count(*) FROM articles WHERE story = (SELECT story FROM articles WHERE key = ?)"
        return bool(self.database.execute(query, (key,)).fetchone()[0] > 1)


def _moved(part: Article | SourceError, name: str, where: str) -> Article | SourceError:
    """Name an article's source by where the archive knows it."""
    if isinstance(part, SourceError):
        return part
    return replace(part, source=where + part.source.removeprefix(name))
