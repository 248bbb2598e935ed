"""An archive made by hand: articles with the scores that a model of two topics might give."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.archive.database import open_archive
from pipeline.model.aggregation import aggregate

TOPICS = (
    {"id": "mine_action", "title": "Mine action", "colour": "#d55e00", "threshold": 0.5},
    {"id": "peace_process", "title": "Peace process", "colour": "#0072b2", "threshold": 0.6},
)
MINES, PEACE, BOTH, NONE = (0.9, 0.1), (0.1, 0.8), (0.7, 0.95), (0.2, 0.3)
Scores = tuple[float, ...]


@dataclass(frozen=True)
class Kept:
    """An article to keep; articles of one title are one story."""

    title: str
    outlet: str
    day: str
    paragraphs: tuple[tuple[str, Scores], ...]
    address: str | None = None
    collected: str = "2025-03-04T06:00:00+00:00"


ARTICLES = (
    Kept(
        "Field cleared near the village",
        "The Courier",
        "2025-03-03",
        (
            ("Sappers cleared landmines from the field near the village before the harvest began.", MINES),
            ("Demining goes on until autumn, the governor said on Monday at the market.", MINES),
            ("Lunch was served in the garden, and the orchestra played until late.", NONE),
        ),
        "https://courier.example/field",
    ),
    Kept(
        "Field cleared near the village",
        "Evening Post",
        "2025-03-04",
        (("Sappers cleared landmines from the field near the village before the harvest began.", MINES),),
        "https://post.example/mines?id=7",
    ),
    Kept(
        "Talks resume in the capital",
        "Evening Post",
        "2025-03-05",
        (
            ("The two sides met for peace talks and agreed on a ceasefire.", PEACE),
            ("The ceasefire would let sappers clear landmines along the border by next winter.", BOTH),
            ("Neither minister took questions, and both left the hall before four o'clock.", NONE),
            ("The orchestra will play for the delegates on Friday evening in the park.", NONE),
            ("Delegates praised the garden, where lunch was served to all on long tables.", NONE),
        ),
    ),
    Kept(
        "Orchestra opens the season",
        "The Courier",
        "2025-03-01",
        (
            ("The orchestra opened its season with a symphony for the city and its guests.", NONE),
            ("Its conductor was in the audience of the peace talks a week ago today.", (0.1, 0.59)),
        ),
        collected="2025-03-01T06:00:00+00:00",
    ),
)


def fill(
    path: Path,
    articles: Iterable[Kept] = ARTICLES,
    *,
    topics: Iterable[Mapping[str, object]] = TOPICS,
    sha256: str | None = None,
) -> Path:
    """Make an archive of articles, with the hits and tallies that go with them."""
    known = list(topics)
    thresholds = [(str(topic["id"]), float(str(topic["threshold"]))) for topic in known]
    with open_archive(path, create=True) as database, database:
        add_model(database, known, sha256=sha256)
        for place, article in enumerate(articles):
            _add(database, article, f"{place}:{article.title}", thresholds)
    return path


def add_model(
    database: sqlite3.Connection,
    topics: Iterable[Mapping[str, object]],
    *,
    complete: bool = True,
    sha256: str | None = None,
) -> None:
    """Add a model."""
    place = database.execute("SELECT count(*) FROM models").fetchone()[0]
    known = json.dumps(list(topics))
    values = (sha256 or f"{place:064x}", f"run-{place}", known, "2025-03-01T00:00:00+00:00", complete)
    database.execute("INSERT INTO models (sha256, run_id, topics, added, complete) VALUES (?, ?, ?, ?, ?)", values)


def _add(database: sqlite3.Connection, article: Kept, key: str, topics: list[tuple[str, float]]) -> None:
    story = _story(database, article)
    text = "\n\n".join(text for text, _ in article.paragraphs)
    digest = hashlib.sha256(text.encode()).hexdigest()
    values = (
        key,
        digest,
        story,
        article.title,
        article.outlet,
        article.day,
        article.day,
        article.address,
        key,
        text,
    )
    number = database.execute(
        "INSERT INTO articles (key, digest, story, title, outlet, day, dated, date, language, address, source,"
        " text, notes, collected) VALUES (?, ?, ?, ?, ?, ?, 1, ?, 'en', ?, ?, ?, '[]', ?)",
        (*values, article.collected),
    ).lastrowid
    given = [
        [t for (t, least), s in zip(topics, scores, strict=True) if s >= least] for _, scores in article.paragraphs
    ]
    about = aggregate([text for text, _ in article.paragraphs], given).about
    start, sums, counts = 0, Counter[str](), Counter[str]()
    for place, (text, scores) in enumerate(article.paragraphs):
        row = database.execute(
            'INSERT INTO paragraphs (article, number, start, "end", text) VALUES (?, ?, ?, ?, ?)',
            (number, place, start, start + len(text), text),
        ).lastrowid
        start += len(text) + 2
        database.execute("INSERT INTO predictions VALUES (1, ?, ?)", (row, json.dumps(scores)))
        for (topic, _), score in zip(topics, scores, strict=True):
            sums[topic] += score  # type: ignore[assignment]
            if topic in given[place]:
                counts[topic] += 1
                hit = (topic, article.day, row, number, score, topic in about)
                database.execute("INSERT INTO hits VALUES (1, ?, ?, ?, ?, ?, ?)", hit)
    counts[""] = len(article.paragraphs)
    for topic in ("", *(topic for topic, _ in topics)):
        database.execute(
            "INSERT INTO tallies VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " paragraphs = paragraphs + excluded.paragraphs, scores = scores + excluded.scores",
            (article.day, article.outlet, topic, counts[topic], sums[topic]),
        )


def _story(database: sqlite3.Connection, article: Kept) -> int:
    row = database.execute("SELECT id FROM stories WHERE title = ?", (article.title,)).fetchone()
    if row is None:
        values = (article.title, article.day, article.day)
        made = database.execute(
            "INSERT INTO stories (title, first_day, last_day) VALUES (?, ?, ?)", values
        ).lastrowid
        return int(made or 0)
    database.execute(
        "UPDATE stories SET first_day = min(first_day, ?1), last_day = max(last_day, ?1) WHERE id = ?2",
        (article.day, row[0]),
    )
    return int(row[0])
