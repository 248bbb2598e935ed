"""Put articles into the archive with what a model says of them, and take them out again.

An article with its paragraphs, predictions, topics, story and share in the tallies is written in one transaction.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.archive.database import transaction
from pipeline.archive.stories import link, new_story, unlink
from pipeline.errors import SourceError
from pipeline.model.aggregation import aggregate
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.predict.article import with_language
from pipeline.schema import Article
from pipeline.text.paragraphs import Span, split

DECIMALS = 6  # of a score that is kept
_TITLE = 80  # characters of a text that stand for its title
_HEADLINE = 3  # words of a headline, at least
_BLANK_LINE = re.compile(r"\n\s*\n")
Outcome = Literal["new", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class ArchiveModel:
    """A model, and what its predictions are known by.

    Parameters
    ----------
    bundle : Bundle
    sha256 : str
        Of its file, in hexadecimal.

    """

    bundle: Bundle
    sha256: str


def load_model(path: Path) -> ArchiveModel:
    """Load a model, and name it by its file.

    Parameters
    ----------
    path : Path
        A bundle.

    Returns
    -------
    ArchiveModel

    Raises
    ------
    BundleError

    """
    digest = None
    while True:  # until it was not replaced meanwhile
        bundle, before = load_bundle(path, mapped=False), digest
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest == before:
            return ArchiveModel(bundle, digest)


@dataclass(frozen=True, slots=True)
class Entry:
    """An article as the archive keeps it.

    Parameters
    ----------
    article : Article
        Without its language, unless somebody else has told it.
    key : str
        What it is recognised by when it is collected again.
    outlet : str
    day : str
        YYYY-MM-DD: its own date, else the day it was collected.
    dated : bool
        Whether the day is its own.
    address : str or None
        http or https.

    """

    article: Article
    key: str
    outlet: str
    day: str
    dated: bool
    address: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.article.text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Labels:
    """What a model says of an article's n paragraphs.

    Parameters
    ----------
    topics : tuple of str
        The k topics, in column order.
    spans : list of (start, end)
    scores : float64 array of shape (n, k)
        Rounded to DECIMALS.
    assigned : bool array of shape (n, k)
        The topics that are given.
    about : bool array of shape (k,)
        The topics that the article is about.

    """

    topics: tuple[str, ...]
    spans: list[Span]
    scores: NDArray[np.float64]
    assigned: NDArray[np.bool_]
    about: NDArray[np.bool_]


def label(article: Article, bundle: Bundle) -> Labels:
    """Predict the topics of an article's paragraphs and of the article.

    Parameters
    ----------
    article : Article
    bundle : Bundle

    Returns
    -------
    Labels

    Raises
    ------
    SourceError
        Where the article has no paragraphs.

    """
    spans = split(article.text)
    if not spans:
        raise SourceError(f"{article.source}: no paragraphs")
    return label_texts(spans, [article.text[start:end] for start, end in spans], bundle)


def label_texts(spans: list[Span], texts: list[str], bundle: Bundle) -> Labels:
    """Predict the topics of paragraphs that were found before, and of their article.

    Parameters
    ----------
    spans : list of (start, end)
    texts : list of str
        Those of all its paragraphs.
    bundle : Bundle

    Returns
    -------
    Labels

    """
    scores = bundle.scorer.scores(texts)
    topics, assigned = bundle.scorer.topics, bundle.scorer.labels(scores)
    given = [[topic for topic, yes in zip(topics, row, strict=True) if yes] for row in assigned.tolist()]
    about = aggregate(texts, given).about
    return Labels(topics, spans, scores.round(DECIMALS), assigned, np.array([topic in about for topic in topics]))


def put(database: sqlite3.Connection, entry: Entry, model: ArchiveModel, *, collected: str) -> Outcome:
    """Put an article into the archive, in place of what it was when it was collected before.

    Parameters
    ----------
    database : sqlite3.Connection
    entry : Entry
    model : ArchiveModel
        It is asked only where the article is new or has changed.
    collected : str
        The time, UTC, ISO 8601. An article that is replaced keeps its first one, and with it the day of an article
        without a date of its own.

    Returns
    -------
    {"new", "changed", "unchanged"}

    Raises
    ------
    SourceError
        Where the article has no paragraphs.

    """
    if _same(_kept(database, entry), entry):
        return "unchanged"
    told = with_language(entry.article, model.bundle) if entry.article.language is None else entry.article
    entry = replace(entry, article=told)
    labels = label(told, model.bundle)  # before others have to wait
    with transaction(database):
        kept = _kept(database, entry)
        if _same(kept, entry):  # another process put it there just now
            return "unchanged"
        article = _write_article(database, entry, kept, collected)
        paragraphs = _write_paragraphs(database, article, entry.article.text, labels.spans)
        write_labels(database, register(database, model, added=collected), article, paragraphs, labels)
        link(database, article)
    return "changed" if kept else "new"


def remove(database: sqlite3.Connection, articles: Sequence[int]) -> None:
    """Take articles out of the archive, with all that belongs to them.

    Parameters
    ----------
    database : sqlite3.Connection
        In a transaction.
    articles : sequence of int

    """
    unlink(database, articles)
    for article in articles:
        _remove_paragraphs(database, article)
        (story,) = database.execute("SELECT story FROM articles WHERE id = ?", (article,)).fetchone()
        database.execute("DELETE FROM articles WHERE id = ?", (article,))
        database.execute("DELETE FROM told WHERE story = ?", (story,))
        database.execute("DELETE FROM stories WHERE id = ?", (story,))


def register(database: sqlite3.Connection, model: ArchiveModel, *, added: str) -> int:
    """Find a model's number in the archive; give it one where it has none.

    Parameters
    ----------
    database : sqlite3.Connection
        In a transaction.
    model : ArchiveModel
    added : str
        The time, UTC, ISO 8601.

    Returns
    -------
    int

    """
    found = database.execute("SELECT id FROM models WHERE sha256 = ?", (model.sha256,)).fetchone()
    if found:
        return int(found["id"])
    thresholds = model.bundle.scorer.thresholds.tolist()
    topics = [
        {"id": topic.id, "title": topic.title, "colour": topic.colour, "threshold": threshold}
        for topic, threshold in zip(model.bundle.topics, thresholds, strict=True)
    ]
    made = database.execute(
        "INSERT INTO models (sha256, run_id, topics, added, complete)"
        " VALUES (?, ?, ?, ?, NOT EXISTS (SELECT 1 FROM predictions))",
        (model.sha256, model.bundle.about.get("run_id", ""), json.dumps(topics, ensure_ascii=False), added),
    )
    return int(made.lastrowid or 0)


def write_labels(
    database: sqlite3.Connection, model: int, article: int, paragraphs: Sequence[int], labels: Labels
) -> None:
    """Write what a model says of an article, and count it in the tallies.

    Parameters
    ----------
    database : sqlite3.Connection
        In a transaction.
    model : int
        As `register` returns it; it has said nothing of the article yet.
    article : int
    paragraphs : sequence of int
        The article's, in order.
    labels : Labels

    """
    day, outlet = database.execute("SELECT day, outlet FROM articles WHERE id = ?", (article,)).fetchone()
    scores = labels.scores.tolist()
    database.executemany(
        "INSERT INTO predictions (model, paragraph, scores) VALUES (?, ?, ?)",
        [(model, paragraph, json.dumps(row)) for paragraph, row in zip(paragraphs, scores, strict=True)],
    )
    database.executemany(
        "INSERT INTO hits (model, topic, day, paragraph, article, score, about) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (model, labels.topics[k], day, paragraphs[n], article, scores[n][k], bool(labels.about[k]))
            for n, k in np.argwhere(labels.assigned).tolist()
        ],
    )
    hits, sums = labels.assigned.sum(axis=0).tolist(), labels.scores.sum(axis=0).tolist()
    by_topic = dict(zip(labels.topics, zip(hits, sums, strict=True), strict=True))
    _tally(database, (model, day, outlet), len(paragraphs), by_topic)


@dataclass(frozen=True, slots=True)
class Texts:
    """An article's paragraphs in the archive, in order: their numbers there, offsets and texts."""

    ids: list[int]
    spans: list[Span]
    texts: list[str]


def texts_of(database: sqlite3.Connection, article: int) -> Texts:
    """List an article's paragraphs; none where it is not there.

    Parameters
    ----------
    database : sqlite3.Connection
    article : int

    Returns
    -------
    Texts

    """
    query = "SELECT id, start, end, text FROM paragraphs WHERE article = ? ORDER BY number"
    rows = database.execute(query, (article,)).fetchall()
    spans = [(row["start"], row["end"]) for row in rows]
    return Texts([row["id"] for row in rows], spans, [row["text"] for row in rows])


def _kept(database: sqlite3.Connection, entry: Entry) -> sqlite3.Row | None:
    row: sqlite3.Row | None = database.execute("SELECT * FROM articles WHERE key = ?", (entry.key,)).fetchone()
    return row


def _same(kept: sqlite3.Row | None, entry: Entry) -> bool:
    return kept is not None and all(kept[name] == value for name, value in _facts(entry, kept).items())


def _facts(entry: Entry, kept: sqlite3.Row | None) -> dict[str, Any]:
    """Return what makes an article another one: all that does not follow from its text."""
    article = entry.article
    undated = kept is not None and not (kept["dated"] or entry.dated)
    return {
        "key": entry.key,
        "digest": entry.digest,
        "title": article.title or _beginning(article.text),
        "outlet": entry.outlet,
        "day": kept["day"] if kept is not None and undated else entry.day,
        "dated": int(entry.dated),
        "date": article.date,
        "address": entry.address,
        "source": article.source,
    }


def _beginning(text: str) -> str:
    """Return the first paragraph, as that is often a headline; one of a word or two, such as a place, is none."""
    start = text[: 4 * _TITLE].split()
    first = _BLANK_LINE.split(text.strip()[: 4 * _TITLE], maxsplit=1)[0].split()
    line = " ".join(first if len(first) >= _HEADLINE else start)
    return line if len(line) <= _TITLE else f"{line[:_TITLE].rpartition(' ')[0] or line[:_TITLE]}\u2026"


def _write_article(database: sqlite3.Connection, entry: Entry, kept: sqlite3.Row | None, collected: str) -> int:
    article = entry.article
    values = {**_facts(entry, kept), "text": article.text, "language": article.language}
    values["notes"] = json.dumps(article.notes, ensure_ascii=False)
    if kept is not None:
        unlink(database, [kept["id"]])
        _remove_paragraphs(database, kept["id"])
        assigned = ", ".join(f"{name} = :{name}" for name in values)
        database.execute(f"UPDATE articles SET {assigned} WHERE id = :id", {**values, "id": kept["id"]})
        return int(kept["id"])
    values |= {"story": new_story(database), "collected": collected}
    made = database.execute(
        f"INSERT INTO articles ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})", values
    )
    return int(made.lastrowid or 0)


def _write_paragraphs(database: sqlite3.Connection, article: int, text: str, spans: Iterable[Span]) -> list[int]:
    made = []
    for number, (start, end) in enumerate(spans):
        row = (article, number, start, end, text[start:end])
        added = database.execute(
            "INSERT INTO paragraphs (article, number, start, end, text) VALUES (?, ?, ?, ?, ?)", row
        )
        made.append(int(added.lastrowid or 0))
    return made


def _remove_paragraphs(database: sqlite3.Connection, article: int) -> None:
    """Remove an article's paragraphs with what models say of them, and take them off the tallies."""
    for model, described in database.execute("SELECT id, topics FROM models").fetchall():
        topics = [topic["id"] for topic in json.loads(described)]
        rows = database.execute(
            "SELECT scores FROM predictions JOIN paragraphs ON id = paragraph WHERE model = ? AND article = ?",
            (model, article),
        ).fetchall()
        if rows:
            sums = np.sum([json.loads(text) for (text,) in rows], axis=0).tolist()
            _untally(database, model, article, len(rows), dict(zip(topics, sums, strict=True)))
    database.execute("DELETE FROM paragraphs WHERE article = ?", (article,))


def _untally(
    database: sqlite3.Connection, model: int, article: int, paragraphs: int, sums: Mapping[str, float]
) -> None:
    day, outlet = database.execute("SELECT day, outlet FROM articles WHERE id = ?", (article,)).fetchone()
    query = "SELECT topic, count(*) FROM hits WHERE model = ? AND article = ? GROUP BY topic"
    hits = dict(database.execute(query, (model, article)).fetchall())
    by_topic = {topic: (-hits.get(topic, 0), -total) for topic, total in sums.items()}
    _tally(database, (model, day, outlet), -paragraphs, by_topic)
    here = "model = ?1 AND day = ?2 AND outlet = ?3"
    database.execute(
        f"DELETE FROM tallies WHERE {here} AND NOT EXISTS"
        f" (SELECT 1 FROM tallies WHERE {here} AND topic = '' AND paragraphs > 0)",
        (model, day, outlet),
    )


def _tally(
    database: sqlite3.Connection,
    place: tuple[int, str, str],
    paragraphs: int,
    by_topic: Mapping[str, tuple[int, float]],
) -> None:
    """Add to the tallies of a model, day and outlet; rounded sums of rounded scores are exact, come what may."""
    database.executemany(
        "INSERT INTO tallies (model, day, outlet, topic, paragraphs, scores) VALUES (?, ?, ?, ?, ?, round(?, 6))"
        " ON CONFLICT DO UPDATE SET paragraphs = paragraphs + excluded.paragraphs,"
        " scores = round(scores + excluded.scores, 6)",
        [(*place, topic, count, total) for topic, (count, total) in {"": (paragraphs, 0.0), **by_topic}.items()],
    )
