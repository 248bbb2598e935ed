"""Keep the archive small: remove what is old, and say what it holds."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipeline.archive.database import transaction
from pipeline.archive.write import remove

_BATCH = 50  # articles that a transaction removes


def prune(
    database: sqlite3.Connection,
    *,
    before: date,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> int:
    """Remove the articles of the days before a day, and remember their keys: they are not collected again.

    Parameters
    ----------
    database : sqlite3.Connection
    before : datetime.date
    progress : callable
        `(done, total)` articles.

    Returns
    -------
    int
        How many.

    """
    day = before.isoformat()
    rows = database.execute("SELECT id, key FROM articles WHERE day < ? ORDER BY day, id", (day,)).fetchall()
    for first in range(0, len(rows), _BATCH):
        batch = rows[first : first + _BATCH]
        with transaction(database):
            known = [row for row in batch if _is_there(database, row["id"], day)]
            database.executemany("INSERT OR IGNORE INTO pruned (key) VALUES (?)", [(row["key"],) for row in known])
            remove(database, [row["id"] for row in known])
        progress(first + len(batch), len(rows))
    return len(rows)


def day_before(today: date, days: int) -> date:
    """Return the day that lies some days back, the first day there is where these are too many.

    Parameters
    ----------
    today : datetime.date
    days : int

    Returns
    -------
    datetime.date

    """
    return today - timedelta(min(days, (today - date.min).days))


def compact(database: sqlite3.Connection) -> None:
    """Give the space of what was removed back to the disk; that takes as much space again for the time being.

    Parameters
    ----------
    database : sqlite3.Connection

    """
    database.execute("INSERT INTO words(words) VALUES ('optimize')")
    database.commit()
    database.execute("VACUUM")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive holds.

    Parameters
    ----------
    articles, paragraphs, stories, outlets : int
    first_day, last_day : str or None
        None where it is empty.
    models : tuple of (run, articles, whether its answers are complete)
        The newest first.
    failing : tuple of (address, error)
        Addresses that failed when they were last asked.
    size : int
        Bytes of the file and of the journal beside it.

    """

    articles: int
    paragraphs: int
    stories: int
    outlets: int
    first_day: str | None
    last_day: str | None
    models: tuple[tuple[str, int, bool], ...]
    failing: tuple[tuple[str, str], ...]
    size: int


def contents(database: sqlite3.Connection, path: Path) -> Contents:
    """Say what an archive holds.

    Parameters
    ----------
    database : sqlite3.Connection
    path : Path
        Its file.

    Returns
    -------
    Contents

    """
    row = database.execute(
        "SELECT count(*) AS articles, count(DISTINCT story) AS stories, count(DISTINCT outlet) AS outlets,"
        " min(day) AS first_day, max(day) AS last_day, (SELECT count(*) FROM paragraphs) AS paragraphs"
        " FROM articles"
    ).fetchone()
    models = database.execute(
        "SELECT run_id, complete, (SELECT count(DISTINCT article) FROM predictions"
        " JOIN paragraphs ON paragraphs.id = paragraph WHERE model = models.id) AS articles"
        " FROM models ORDER BY id DESC"
    ).fetchall()
    failing = database.execute("SELECT address, error FROM feeds WHERE failures > 0 ORDER BY address").fetchall()
    files = (path, path.with_name(f"{path.name}-wal"))
    return Contents(
        **dict(row),
        models=tuple((model["run_id"], model["articles"], bool(model["complete"])) for model in models),
        failing=tuple((feed["address"], feed["error"]) for feed in failing),
        size=sum(file.stat().st_size for file in files if file.exists()),
    )


def _is_there(database: sqlite3.Connection, article: int, day: str) -> bool:
    query = "SELECT 1 FROM articles WHERE id = ? AND day < ?"
    return database.execute(query, (article, day)).fetchone() is not None
