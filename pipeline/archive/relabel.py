"""Ask a new model about every article of the archive, while what the one before said is still shown.

The new answers are written a few articles at a time; a process that is killed has kept those, and the next one
goes on. When every article has its answers, the new model's are shown, and those of the others are removed.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.archive.database import transaction
from pipeline.archive.write import ArchiveModel, Labels, Texts, label_texts, register, texts_of, write_labels

BATCH = 20  # articles that a transaction writes: others wait for some hundredths of a second
_PENDING = """
    SELECT id FROM articles WHERE id > :after AND NOT EXISTS (
        SELECT 1 FROM paragraphs JOIN predictions ON paragraph = paragraphs.id
        WHERE article = articles.id AND model = :model
    ) ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Relabelled:
    """How many articles a model was asked about, and whether its answers are shown now."""

    articles: int
    is_complete: bool


def is_current(database: sqlite3.Connection, sha256: str) -> bool:
    """Tell whether the archive shows a model's answers, has those of no other, and lacks none.

    Parameters
    ----------
    database : sqlite3.Connection
    sha256 : str
        Of the model's file.

    Returns
    -------
    bool
        True also for an archive without articles.

    """
    if database.execute("SELECT NOT EXISTS (SELECT 1 FROM articles)").fetchone()[0]:
        return True
    rows = database.execute("SELECT id, sha256, complete FROM models").fetchall()
    if [(row["sha256"], row["complete"]) for row in rows] != [(sha256, 1)]:
        return False
    pending = database.execute(f"{_PENDING} LIMIT 1", {"after": 0, "model": rows[0]["id"]})
    return pending.fetchone() is None


def relabel(
    database: sqlite3.Connection,
    model: ArchiveModel,
    *,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Relabelled:
    """Ask a model about the articles that it has not been asked about, and show its answers when it has all.

    Parameters
    ----------
    database : sqlite3.Connection
    model : ArchiveModel
    progress : callable
        `(done, total)` articles.
    stopping : callable
        Asked after each batch whether to end before all is done.

    Returns
    -------
    Relabelled

    """
    if is_current(database, model.sha256):
        return Relabelled(0, is_complete=True)
    with transaction(database):
        number = register(database, model, added=datetime.now(UTC).isoformat(timespec="seconds"))
    done = 0
    while True:
        waiting = [row["id"] for row in database.execute(_PENDING, {"after": 0, "model": number})]
        if not waiting:
            if _finish(database, model, number):
                return Relabelled(done, is_complete=True)
            continue
        for first in range(0, len(waiting), BATCH):
            done += _relabel_batch(database, model, waiting[first : first + BATCH])
            progress(done, max(done, len(waiting)))
            if stopping():
                return Relabelled(done, is_complete=False)


def _relabel_batch(database: sqlite3.Connection, model: ArchiveModel, articles: list[int]) -> int:
    """Label articles without keeping others waiting, then write what still holds."""
    found: list[tuple[int, Texts, Labels]] = []
    for article in articles:
        texts = texts_of(database, article)
        if texts.ids:  # else it was removed just now
            found.append((article, texts, label_texts(texts.spans, texts.texts, model.bundle)))
    with transaction(database):
        number = register(database, model, added=datetime.now(UTC).isoformat(timespec="seconds"))
        for article, texts, labels in found:
            if texts_of(database, article) == texts and not _has_answers(database, number, texts.ids[0]):
                write_labels(database, number, article, texts.ids, labels)
    return len(articles)


def _has_answers(database: sqlite3.Connection, model: int, paragraph: int) -> bool:
    query = "SELECT 1 FROM predictions WHERE paragraph = ? AND model = ?"
    return database.execute(query, (paragraph, model)).fetchone() is not None


def _finish(database: sqlite3.Connection, model: ArchiveModel, number: int) -> bool:
    """Show a model's answers and remove those of others, unless an article came in between."""
    with transaction(database):
        if database.execute(f"{_PENDING} LIMIT 1", {"after": 0, "model": number}).fetchone():
            return False
        database.execute("UPDATE models SET complete = 1 WHERE sha256 = ?", (model.sha256,))
        for table in ("tallies", "hits", "predictions"):  # before their model, which would look for each of them
            database.execute(f"DELETE FROM {table} WHERE model != ?", (number,))
        database.execute("DELETE FROM models WHERE id != ?", (number,))
    return True
