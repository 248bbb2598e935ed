"""The archive behind the pages: opened for one request, read as it is at its beginning."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from pipeline.archive.database import open_archive
from pipeline.archive.queries import ShownModel, days, outlets, shown_model, snapshot
from pipeline.schema import Topic
from pipeline.serve import work
from pipeline.serve.api import state_of
from pipeline.serve.paths import route_path
from pipeline.serve.refusal import RefusedError
from pipeline.serve.work import Place

_PATIENCE = 5.0  # seconds to wait for a writer
_MAPPED = 1 << 30  # bytes of the file that are read without a copy


@dataclass(frozen=True)
class Reader:
    """An archive that has articles.

    Parameters
    ----------
    database : sqlite3.Connection
    model : ShownModel
        Whose answers are shown.
    newest : str
        The newest day, YYYY-MM-DD, that is not in the future.
    outlets : list of str

    """

    database: sqlite3.Connection
    model: ShownModel
    newest: str
    outlets: list[str]

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The label set of the model, in column order."""
        return self.model.topics


def archive_path(request: Request) -> Path | None:
    """Return where the service's archive is, None where there is none yet."""
    path = state_of(request).settings.archive
    return path if path is not None and path.exists() else None


@contextmanager
def opened(request: Request) -> Iterator[sqlite3.Connection]:
    """Open the archive to write.

    Parameters
    ----------
    request : Request

    Yields
    ------
    sqlite3.Connection

    Raises
    ------
    RefusedError
        With status 404 where there is no archive.
    ArchiveError
        Where it cannot be used.

    """
    path = archive_path(request)
    if path is None:
        raise RefusedError(404, "no archive yet: `topics collect` makes one")
    with open_archive(path, patience=_PATIENCE) as database:
        yield database


@contextmanager
def reading(request: Request) -> Iterator[Reader | None]:
    """Open the archive to read.

    Parameters
    ----------
    request : Request

    Yields
    ------
    Reader or None
        None where there is no archive, or no article in it.

    Raises
    ------
    ArchiveError
        Where it cannot be used.

    """
    if archive_path(request) is None:
        yield None
        return
    with opened(request) as database:
        database.execute("PRAGMA query_only = ON")
        database.execute(f"PRAGMA mmap_size = {_MAPPED}")
        with snapshot(database):
            model = shown_model(database)
            tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()  # it is that day somewhere
            found = days(database, until=tomorrow)
            yield Reader(database, model, found[1], outlets(database)) if model and found else None


def page(
    request: Request, template: str, topics: tuple[Topic, ...], *, under: str | None = None, **shown: Any
) -> HTMLResponse:
    """Render a page on the archive.

    Parameters
    ----------
    request : Request
    template : str
    topics : tuple of Topic
        Whose colours it uses.
    under : str, optional
        The page of the navigation that it belongs to, where it is none itself.
    **shown
        What the template is filled with.

    Returns
    -------
    HTMLResponse

    """
    place = Place(under or route_path(request.scope), request.scope.get("root_path", ""), request.state.nonce)
    return HTMLResponse(work.render(template, place, topics, **shown))


def without_archive(request: Request) -> HTMLResponse:
    """Say how an archive is made."""
    settings = state_of(request).settings
    topics = state_of(request).model.current.bundle.topics
    return page(
        request,
        "no_archive.html",
        topics,
        path=settings.archive,
        empty=archive_path(request) is not None,
    )
