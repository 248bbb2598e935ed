"""A collector's run: once over all sources, or on and on as files come in and feeds are due."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.archive.collect import Collecting, Collector, StoppedError, Summary
from pipeline.archive.database import open_archive
from pipeline.archive.relabel import relabel
from pipeline.archive.watch import Watch
from pipeline.archive.write import ArchiveModel, load_model
from pipeline.data.documents import SUFFIXES
from pipeline.data.sources import MAX_BYTES, find, place_of
from pipeline.errors import MissingExtraError, SourceError, TopicsError
from pipeline.predict.article import bundle_path
from pipeline.predict.tables import SUFFIXES as TABLES

if TYPE_CHECKING:
    from pipeline.archive.feeds import WebCollector
    from pipeline.data.visits import Visitor

ENDINGS = (*SUFFIXES, *TABLES)
LOOK_SECONDS = 2.0  # between looks at the folders that are watched: a file that is as it was is written to its end
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Sources:
    """What to collect.

    Parameters
    ----------
    names : tuple of str
        Files, folders, patterns, or `-`.
    pages, feeds : tuple of str
        Addresses.
    folders : tuple of Path
        To be watched.
    without : Path or None
        A file to leave out where a folder or pattern has it.

    """

    names: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    without: Path | None = None

    def files(self, how: Collecting) -> Iterator[Path | SourceError]:
        """Find the files that the names stand for."""
        spared = None if self.without is None else place_of(self.without)
        for found in find(self.names, endings=(ENDINGS,), note=how.note, left_out=how.left_out):
            if isinstance(found, SourceError) or place_of(found) != spared:
                yield found


class Session:
    """Collects into an archive with the model that its file holds at the time.

    Parameters
    ----------
    archive : Path
    model : callable
        Returns the model's bundle or output directory; where it raises a TopicsError later, the model stays.
    how : Collecting
    wait : callable
        Called with seconds to wait; it raises StoppedError to end.
    allow_private : bool
        Read from private networks and this machine, too.
    progress : callable
        `(done, total)` articles that are labelled anew, as the model is another one.

    """

    def __init__(
        self,
        archive: Path,
        model: Callable[[], Path],
        how: Collecting,
        *,
        wait: Callable[[float], None],
        allow_private: bool,
        progress: Progress,
    ) -> None:
        self._archive, self._look_up, self._how, self._progress = archive, model, how, progress
        self._wait, self._allow_private = wait, allow_private
        self._visitor: Visitor | None = None
        self._stamp: tuple[str | int, ...] = ()
        self._model: ArchiveModel | None = None

    def once(self, sources: Sources) -> Summary:
        """Collect from all sources.

        Parameters
        ----------
        sources : Sources

        Returns
        -------
        Summary

        Raises
        ------
        ArchiveError, BundleError, MissingExtraError

        """

        def work(collector: Collector) -> None:
            collector.files(sources.files(self._how))
            if sources.pages or sources.feeds:
                web = self._web(collector)
                web.pages(sources.pages)
                web.feeds(sources.feeds)

        return self._run(work)

    def on_and_on(self, sources: Sources, *, every: float | None, tell: Callable[[Summary], None]) -> None:
        """Collect until told to stop.

        Parameters
        ----------
        sources : Sources
        every : float or None
            Seconds from the beginning of one round over all sources to that of the next; None for one round.
        tell : callable
            Called with the summary of each round, and of what came into the folders that are watched.

        """
        watch, due = Watch(sources.folders, ENDINGS), 0.0
        try:
            while not self._how.stopping():
                if time.monotonic() >= due:
                    due = time.monotonic() + every if every else float("inf")
                    if sources.names or sources.pages or sources.feeds:
                        tell(self.once(sources))
                if ready := watch.ready():
                    tell(self._run(lambda collector: collector.files(ready)))
                left = max(0.0, due - time.monotonic())
                self._wait(min(left, LOOK_SECONDS) if sources.folders else left)
        except StoppedError:
            return

    def _run(self, work: Callable[[Collector], None]) -> Summary:
        model = self._current_model()
        with open_archive(self._archive, create=True) as database:
            database.execute("PRAGMA synchronous = NORMAL")  # a power cut may undo the last articles: read again
            relabel(database, model, progress=self._progress, stopping=self._how.stopping)
            collector = Collector(database, model, self._how)
            with suppress(StoppedError):
                work(collector)
            return collector.summary

    def _web(self, collector: Collector) -> "WebCollector":
        """Collect from the web, with what is known of hosts from the rounds before; HTTP is imported only here."""
        try:
            from pipeline.archive.feeds import WebCollector
            from pipeline.data.visits import Visitor
        except ModuleNotFoundError:
            raise MissingExtraError("collecting from addresses", "documents") from None
        if self._visitor is None:
            self._visitor = Visitor(max_bytes=MAX_BYTES, allow_private=self._allow_private, wait=self._wait)
        self._visitor.forget()
        return WebCollector(collector, self._visitor)

    def _current_model(self) -> ArchiveModel:
        """Load the model where its file is another one than before; one that is in use stays while that fails."""
        try:
            path = bundle_path(self._look_up())
            found = path.stat() if path.exists() else None
            stamp = (str(path), found.st_ino, found.st_size, found.st_mtime_ns) if found else ()
            if self._model is None or stamp != self._stamp:
                self._model, self._stamp = load_model(path), stamp
        except TopicsError as error:
            if self._model is None:
                raise
            self._how.note(f"{error}; the model in use stays")
        return self._model
