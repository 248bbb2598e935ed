"""An archive made of the real parts, and what must hold of every archive."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import serving

from pipeline.archive.database import open_archive
from pipeline.archive.write import ArchiveModel, Entry, Outcome, load_model, put
from pipeline.schema import Article

MINES = "Sappers cleared landmines from the {place} near the village, and demining goes on in the district."
PEACE = "The two sides met for peace talks in the {place} and agreed on a ceasefire before the winter began."
LUNCH = "The orchestra played in the {place}, and lunch was served in the garden to all who had come."


def made_model(path: Path, *, run_id: str = "run-one", turn: int = 0) -> ArchiveModel:
    """Train a model, save it, and name it as the archive does."""
    serving.make_model(path, run_id=run_id, turn=turn)
    return load_model(path)


@contextmanager
def made_archive(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a new archive."""
    with open_archive(path, create=True) as database:
        yield database


def entry(
    key: str,
    text: str,
    *,
    title: str | None = None,
    outlet: str = "Gazette",
    day: str = "2026-03-01",
    dated: bool = True,
    **more: Any,
) -> Entry:
    """Make an entry whose place is its key."""
    return Entry(Article(key, text, title, day if dated else None, **more), key, outlet, day, dated)


def add(
    database: sqlite3.Connection, model: ArchiveModel, *entries: Entry, time: str = "2026-03-02T06:00:00+00:00"
) -> list[Outcome]:
    """Put entries into an archive."""
    return [put(database, one, model, collected=time) for one in entries]


def check(database: sqlite3.Connection) -> None:
    """Hold an archive to what must always be true of it, but for the answers of a model that is not complete."""
    assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.execute("INSERT INTO words(words, rank) VALUES ('integrity-check', 1)")
    database.rollback()
    empty = "SELECT count(*) FROM stories WHERE NOT EXISTS (SELECT 1 FROM articles WHERE story = stories.id)"
    assert database.execute(empty).fetchone()[0] == 0
    for article in database.execute("SELECT id, text FROM articles"):
        for row in database.execute("SELECT * FROM paragraphs WHERE article = ?", (article["id"],)):
            assert row["text"] == article["text"][row["start"] : row["end"]]
    assert tallies(database) == counted(database)


def tallies(database: sqlite3.Connection) -> dict[tuple[Any, ...], tuple[int, float]]:
    """Return the tallies as they are kept."""
    return {tuple(row[:4]): (row[4], round(row[5], 6)) for row in database.execute("SELECT * FROM tallies")}


def counted(database: sqlite3.Connection) -> dict[tuple[Any, ...], tuple[int, float]]:
    """Count the tallies anew, from the predictions and hits."""
    found: dict[tuple[Any, ...], tuple[int, float]] = {}
    topics = {
        row["id"]: [one["id"] for one in json.loads(row["topics"])]
        for row in database.execute("SELECT * FROM models")
    }
    rows = database.execute(
        "SELECT model, paragraph, scores, day, outlet FROM predictions JOIN paragraphs"
        " ON paragraphs.id = paragraph JOIN articles ON articles.id = article"
    ).fetchall()
    for row in rows:
        place = (row["model"], row["day"], row["outlet"])
        scores = {"": 0.0, **dict(zip(topics[row["model"]], json.loads(row["scores"]), strict=True))}
        given = {""} | {
            hit["topic"]
            for hit in database.execute(
                "SELECT topic FROM hits WHERE model = ? AND paragraph = ? AND day = ?",
                (row["model"], row["paragraph"], row["day"]),
            )
        }
        for topic, score in scores.items():
            count, total = found.get((*place, topic), (0, 0.0))
            found[*place, topic] = (count + (topic in given), round(total + score, 6))
    return found
