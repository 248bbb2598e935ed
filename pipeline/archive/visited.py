"""What the archive knows of addresses and files that it read: versions, contents, and when to ask again."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.archive.database import transaction
from pipeline.archive.entries import storable
from pipeline.data.visits import wait_after
from pipeline.data.web import Validators
from pipeline.errors import SourceError


@dataclass(frozen=True, slots=True)
class Content:
    """What a place held when it was read.

    Parameters
    ----------
    place : str
    reading : str
        How it was read: other options may find other articles in it.
    digest : str
        SHA-256 of the content, in hexadecimal.
    articles : int, default 0

    """

    place: str
    reading: str
    digest: str
    articles: int = 0


def articles_known(database: sqlite3.Connection, content: Content) -> int | None:
    """Return how many articles a place held where its content is the same as it was, else None."""
    row = database.execute(
        "SELECT articles FROM sources WHERE place = ? AND reading = ? AND digest = ?",
        (content.place, content.reading, content.digest),
    ).fetchone()
    return None if row is None else int(row["articles"])


def articles_read(database: sqlite3.Connection, place: str, reading: str) -> int | None:
    """Return how many articles a place held when it was last read in this way, None where it was not."""
    row = database.execute(
        "SELECT articles FROM sources WHERE place = ? AND reading = ?", (place, reading)
    ).fetchone()
    return None if row is None else int(row["articles"])


def note_content(database: sqlite3.Connection, content: Content) -> None:
    """Note that a place was read to its end."""
    with transaction(database):
        database.execute(
            "INSERT OR REPLACE INTO sources (place, reading, digest, articles) VALUES (?, ?, ?, ?)",
            (content.place, content.reading, content.digest, content.articles),
        )


def due(database: sqlite3.Connection, address: str, now: datetime) -> datetime | None:
    """Return until when an address is left alone after failures, None where it may be asked."""
    row = database.execute("SELECT due FROM feeds WHERE address = ?", (address,)).fetchone()
    until = datetime.fromisoformat(row["due"]) if row and row["due"] else None
    return until if until and until > now else None


def validators(database: sqlite3.Connection, address: str) -> Validators:
    """Return the version of an address that was read to its end last."""
    row = database.execute("SELECT etag, last_modified FROM feeds WHERE address = ?", (address,)).fetchone()
    return Validators(row["etag"] or "", row["last_modified"] or "") if row else Validators()


def note_success(database: sqlite3.Connection, address: str, found: Validators, now: datetime) -> None:
    """Note the version of an address that was read to its end."""
    with transaction(database):
        database.execute(
            "INSERT OR REPLACE INTO feeds (address, etag, last_modified, checked, due, failures, error)"
            " VALUES (?, ?, ?, ?, NULL, 0, NULL)",
            (address, found.etag or None, found.last_modified or None, _stamp(now)),
        )


def note_failure(database: sqlite3.Connection, address: str, error: SourceError, now: datetime) -> None:
    """Note that an address could not be read, and leave it alone for a while."""
    with transaction(database):
        row = database.execute("SELECT failures FROM feeds WHERE address = ?", (address,)).fetchone()
        failures = 1 + (row["failures"] if row else 0)
        until = now + timedelta(seconds=wait_after(error, failures, now))
        database.execute(
            "INSERT INTO feeds (address, checked, due, failures, error) VALUES (?1, ?2, ?3, ?4, ?5)"
            " ON CONFLICT DO UPDATE SET checked = ?2, due = ?3, failures = ?4, error = ?5",
            (address, _stamp(now), _stamp(until), failures, storable(str(error))),
        )


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
