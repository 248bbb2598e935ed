"""Read from the archive: the stories of a selection, each once, with the paragraphs that matter quoted."""

import json
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from pipeline.archive.matches import Matches, matches
from pipeline.archive.selection import Selection
from pipeline.archive.words import full_text_query
from pipeline.schema import Topic

_RANKED = """
SELECT story, row_number() OVER () AS place FROM (
    SELECT story FROM mine GROUP BY story
    ORDER BY max(about) DESC, max(day) DESC, count(DISTINCT outlet) DESC, story DESC LIMIT :limit OFFSET :offset
)
"""
# Of each story its articles, and of the first of these the paragraphs, too: a story may have thousands of copies.
_MATCHED = """
SELECT DISTINCT story, article, iif(is_first, paragraph, NULL) AS paragraph, iif(is_first, topic, NULL) AS topic,
iif(is_first, score, NULL) AS score, (SELECT place FROM ranked WHERE ranked.story = some.story) AS place FROM (
    SELECT *, article = first_value(article) OVER (PARTITION BY story ORDER BY day, article) AS is_first
    FROM mine WHERE story IN (SELECT story FROM ranked)
) AS some
"""
_FACTS = "id, story, title, outlet, day, address, source, language, dated"


@dataclass(frozen=True, slots=True)
class Quotation:
    """A paragraph with its topics.

    Parameters
    ----------
    paragraph, article, number : int
        Ids in the archive, and the paragraph's place in its article.
    text : str
    scores : dict of str to float
        By topic that the paragraph is given, the widest first; empty where it is shown for its words alone.
    before, after : str
        The paragraphs around it, empty at the ends: its context, to fold.
    spans : tuple of (int, int)
        Where the selection's words are: start and end, characters in `text`.

    """

    paragraph: int
    article: int
    number: int
    text: str
    scores: dict[str, float]
    before: str = ""
    after: str = ""
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StoryArticle:
    """An article of a story: `about` and `mentioned` are topics, most paragraphs first.

    Where it is not dated, its day is the one on which it was collected.
    """

    id: int
    title: str
    outlet: str
    day: str
    address: str | None
    source: str
    language: str | None
    about: tuple[str, ...]
    mentioned: tuple[str, ...]
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Story:
    """Articles that tell the same: quotations are of the first article alone, as the others repeat it."""

    id: int
    title: str
    articles: tuple[StoryArticle, ...]
    quotations: tuple[Quotation, ...]
    about: tuple[str, ...]
    mentioned: tuple[str, ...]

    @property
    def outlets(self) -> tuple[str, ...]:
        """Each outlet once, in the order of the articles."""
        return tuple(dict.fromkeys(article.outlet for article in self.articles))


@dataclass(frozen=True, slots=True)
class TopicCount:
    """How many stories, articles and paragraphs of a selection have a topic."""

    topic: str
    stories: int
    articles: int
    paragraphs: int


@dataclass(frozen=True, slots=True)
class StoryPage:
    """Some stories of a selection, and what there is of all of them.

    Parameters
    ----------
    stories : tuple of Story
    total : int
        How many stories the selection has.
    topics : tuple of TopicCount
        What the selection has by topic; of its topics themselves, what it would have with any other.

    """

    stories: tuple[Story, ...]
    total: int
    topics: tuple[TopicCount, ...]


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many of a day's paragraphs have a topic; `scores` is the sum of its scores over all of them."""

    day: str
    topic: str
    hits: int
    paragraphs: int
    scores: float


@dataclass(frozen=True, slots=True)
class StoryCount:
    """How many of the stories that began on a day have a topic; `of` is how many began in all."""

    day: str
    topic: str
    stories: int
    of: int


@dataclass(frozen=True, slots=True)
class OutletCount:
    """How many of an outlet's paragraphs have a topic."""

    outlet: str
    topic: str
    hits: int
    paragraphs: int


@dataclass(frozen=True, slots=True)
class ShownModel:
    """The model whose answers readers get: the newest that has answered for every paragraph.

    Parameters
    ----------
    id : int
        In the archive.
    sha256, run_id : str
    topics : tuple of Topic
        In column order.
    thresholds : dict of str to float
        By topic.

    """

    id: int
    sha256: str
    run_id: str
    topics: tuple[Topic, ...]
    thresholds: dict[str, float]


@dataclass(frozen=True, slots=True)
class ArchivedParagraph:
    """A paragraph of an article; `start` and `end` are characters of its text, `topics` what it is given."""

    id: int
    number: int
    start: int
    end: int
    text: str
    scores: dict[str, float]
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArchivedArticle:
    """An article as a whole.

    Parameters
    ----------
    facts : StoryArticle
    story : int
    text, digest : str
        Its text, and the SHA-256 of that.
    date : str or None
        As the article states it.
    notes : tuple of str
        What its reader left out or doubts, a sentence each.
    paragraphs : tuple of ArchivedParagraph
    others : tuple of StoryArticle
        Articles that tell the same story.

    """

    facts: StoryArticle
    story: int
    text: str
    digest: str
    date: str | None
    notes: tuple[str, ...]
    paragraphs: tuple[ArchivedParagraph, ...]
    others: tuple[StoryArticle, ...]


def shown_model(database: sqlite3.Connection) -> ShownModel | None:
    """Return the model whose answers readers get.

    Parameters
    ----------
    database : sqlite3.Connection

    Returns
    -------
    ShownModel or None
        None where no model has answered for every paragraph.

    """
    row = database.execute("SELECT * FROM models WHERE complete ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    found = json.loads(row["topics"])
    topics = tuple(Topic(topic["id"], topic["title"], colour=topic["colour"]) for topic in found)
    thresholds = {topic["id"]: float(topic["threshold"]) for topic in found}
    return ShownModel(row["id"], row["sha256"], row["run_id"], topics, thresholds)


def stories(
    database: sqlite3.Connection,
    selection: Selection,
    *,
    limit: int,
    offset: int = 0,
    collected_since: str | None = None,
) -> list[Story]:
    """Return the stories of a selection, each once, with the articles and paragraphs that match.

    Parameters
    ----------
    database : sqlite3.Connection
    selection : Selection
    limit : int
        How many stories.
    offset : int, default 0
        How many to leave out before.
    collected_since : str or None
        Only articles that were collected then or later: UTC, ISO 8601.

    Returns
    -------
    list of Story
        First those with an article about one of the topics, then those that mention one; of these the newest day
        first, then those of most outlets.

    Raises
    ------
    ArchiveError
        Where the words are no query.

    """
    with snapshot(database):
        model = shown_model(database)
        if model is None:
            return []
        matching = _matches(model, selection, collected_since)
        rows = database.execute(
            f"WITH mine AS MATERIALIZED ({matching.sql}), ranked AS MATERIALIZED ({_RANKED}) {_MATCHED}",
            {**matching.values, "limit": limit, "offset": offset},
        ).fetchall()
        return _stories(database, model, selection, rows)


def story_page(database: sqlite3.Connection, selection: Selection, *, limit: int, offset: int = 0) -> StoryPage:
    """Return some stories of a selection with its sums, in about the time of `stories` alone.

    Parameters
    ----------
    database, selection, limit, offset
        As of `stories`.

    Returns
    -------
    StoryPage

    Raises
    ------
    ArchiveError
        Where the words are no query.

    """
    with snapshot(database):
        model = shown_model(database)
        if model is None:
            return StoryPage((), 0, ())
        any_topic = tuple(model.thresholds) if selection.topics else ()
        matching = _matches(model, replace(selection, topics=any_topic), None)
        chosen = json.dumps(selection.topics) if selection.topics else None
        rows = database.execute(
            f"WITH every AS MATERIALIZED ({matching.sql}), mine AS (SELECT * FROM every"
            " WHERE :chosen IS NULL OR topic IN (SELECT value FROM json_each(:chosen))),"
            f" ranked AS MATERIALIZED ({_RANKED})"
            " SELECT count(DISTINCT story) AS story, count(DISTINCT article) AS article, count(*) AS paragraph,"
            " topic, NULL AS score, NULL AS place FROM every WHERE topic IS NOT NULL GROUP BY topic"
            " UNION ALL SELECT count(DISTINCT story), NULL, NULL, NULL, NULL, NULL FROM mine"
            f" UNION ALL {_MATCHED}",
            {**matching.values, "chosen": chosen, "limit": limit, "offset": offset},
        ).fetchall()
        sums = [row for row in rows if row["place"] is None]
        counts = {row["topic"]: TopicCount(row["topic"], *row[:3]) for row in sums if row["topic"] is not None}
        (total,) = (row["story"] for row in sums if row["topic"] is None)
        shown = _stories(database, model, selection, [row for row in rows if row["place"] is not None])
    return StoryPage(
        tuple(shown), total, tuple(counts.get(topic, TopicCount(topic, 0, 0, 0)) for topic in model.thresholds)
    )


def count_stories(
    database: sqlite3.Connection, selection: Selection, *, collected_since: str | None = None
) -> int:
    """Count the stories that `stories` returns without a limit.

    Parameters
    ----------
    database, selection, collected_since
        As of `stories`.

    Returns
    -------
    int

    Raises
    ------
    ArchiveError
        Where the words are no query.

    """
    with snapshot(database):
        model = shown_model(database)
        if model is None:
            return 0
        matching = _matches(model, selection, collected_since)
        sql = f"SELECT count(DISTINCT story) FROM ({matching.sql})"
        return int(database.execute(sql, matching.values).fetchone()[0])


def topic_counts(
    database: sqlite3.Connection, selection: Selection, *, collected_since: str | None = None
) -> list[TopicCount]:
    """Count the stories, articles and paragraphs of a selection by topic.

    Parameters
    ----------
    database, selection, collected_since
        As of `stories`.

    Returns
    -------
    list of TopicCount
        For each topic of the model, or of the selection where it names some, in column order.

    Raises
    ------
    ArchiveError
        Where the words are no query.

    """
    with snapshot(database):
        model = shown_model(database)
        if model is None:
            return []
        matching = _matches(model, selection, collected_since)
        counted = database.execute(
            "SELECT topic, count(DISTINCT story), count(DISTINCT article), count(*)"
            f" FROM ({matching.sql}) WHERE topic IS NOT NULL GROUP BY topic",
            matching.values,
        )
        counts = {topic: TopicCount(topic, *numbers) for topic, *numbers in counted}
    return [counts.get(topic, TopicCount(topic, 0, 0, 0)) for topic in _named(model, selection)]


def day_counts(database: sqlite3.Connection, selection: Selection) -> list[DayCount]:
    """Count a selection's paragraphs by day and topic.

    Without words and threshold they are not looked at: sums by day and outlet are kept with the articles. With
    these, `paragraphs` and `scores` still are those of all paragraphs of the days and outlets.

    Parameters
    ----------
    database : sqlite3.Connection
    selection : Selection

    Returns
    -------
    list of DayCount
        For each day that has articles, oldest first, and each topic as in `topic_counts`.

    Raises
    ------
    ArchiveError
        Where the words are no query.

    """
    counts = sorted(_counts(database, selection, "day").items())
    return [DayCount(day, topic, *found) for day, topics in counts for topic, found in topics.items()]


def outlet_counts(database: sqlite3.Connection, selection: Selection) -> list[OutletCount]:
    """Count a selection's paragraphs by outlet and topic, as `day_counts` does by day.

    Parameters
    ----------
    database : sqlite3.Connection
    selection : Selection

    Returns
    -------
    list of OutletCount
        For each outlet that has articles, most paragraphs first, and each topic as in `topic_counts`.

    Raises
    ------
    ArchiveError
        Where the words are no query.

    """
    counts = _counts(database, selection, "outlet").items()
    rows = [OutletCount(outlet, topic, *found[:2]) for outlet, topics in counts for topic, found in topics.items()]
    return sorted(rows, key=lambda row: (-row.paragraphs, row.outlet))


def story_counts(database: sqlite3.Connection, selection: Selection) -> list[StoryCount]:
    """Count the stories that begin in a selection's days by first day and topic; ten copies are one.

    Parameters
    ----------
    database : sqlite3.Connection
    selection : Selection
        Its words and threshold are not looked at.

    Returns
    -------
    list of StoryCount
        For each day on which a story begins, oldest first, and each topic as in `topic_counts`.

    """
    with snapshot(database):
        model = shown_model(database)
        if model is None:
            return []
        values = {
            "model": model.id,
            "since": selection.since or "",
            "until": selection.until or "9999-99-99",
            "outlets": json.dumps(selection.outlets) if selection.outlets else None,
        }
        began = "s.first_day BETWEEN :since AND :until"
        here = "(:outlets IS NULL OR a.outlet IN (SELECT value FROM json_each(:outlets)))"
        every = dict(
            database.execute(
                f"SELECT s.first_day, count(DISTINCT s.id) FROM stories s JOIN articles a ON a.story = s.id"
                f" WHERE {began} AND {here} GROUP BY s.first_day",
                values,
            ).fetchall()
        )
        rows = database.execute(
            "SELECT s.first_day, h.topic, count(DISTINCT s.id) FROM hits h JOIN articles a ON a.id = h.article"
            f" JOIN stories s ON s.id = a.story WHERE h.model = :model AND h.day >= :since AND {began} AND {here}"
            " GROUP BY s.first_day, h.topic",
            values,
        )
        counts = {(day, topic): count for day, topic, count in rows}
    return [
        StoryCount(day, topic, counts.get((day, topic), 0), every[day])
        for day in sorted(every)
        for topic in _named(model, selection)
    ]


def first_articles(database: sqlite3.Connection) -> list[int]:
    """Return the id of each story's first article, which `stories` quotes, in the order of their days.

    Parameters
    ----------
    database : sqlite3.Connection

    Returns
    -------
    list of int

    """
    ordered = "row_number() OVER (PARTITION BY story ORDER BY day, id) AS place"
    query = f"SELECT id FROM (SELECT id, day, {ordered} FROM articles) WHERE place = 1 ORDER BY day, id"
    return [row["id"] for row in database.execute(query)]


def outlets(database: sqlite3.Connection) -> list[str]:
    """Return the names of all outlets, in alphabetical order.

    Parameters
    ----------
    database : sqlite3.Connection

    Returns
    -------
    list of str

    """
    found = [row[0] for row in database.execute("SELECT DISTINCT outlet FROM tallies")]
    return sorted(found, key=lambda outlet: (outlet.casefold(), outlet))


def days(database: sqlite3.Connection, *, until: str | None = None) -> tuple[str, str] | None:
    """Return the first and the last day that have articles.

    Parameters
    ----------
    database : sqlite3.Connection
    until : str or None
        Days after it are left out, unless there are no others: an article may be dated wrongly.

    Returns
    -------
    tuple of str or None
        None where there is no article.

    """
    first, last, last_until = database.execute(
        "SELECT (SELECT min(day) FROM articles), (SELECT max(day) FROM articles),"
        " (SELECT max(day) FROM articles WHERE day <= ?)",
        (until or "9999-99-99",),
    ).fetchone()
    return None if first is None else (first, last_until or last)


def newest_collection(database: sqlite3.Connection) -> str | None:
    """Return when the newest article was collected, None where there is none."""
    found: str | None = database.execute("SELECT max(collected) FROM articles").fetchone()[0]
    return found


def text_digests(database: sqlite3.Connection, articles: Iterable[int]) -> dict[int, str]:
    """Return the SHA-256 of articles' texts, by which corrections of their paragraphs are kept together."""
    rows = _select(database, "SELECT id, digest FROM articles WHERE id IN", articles)
    return {row["id"]: row["digest"] for row in rows}


def article(database: sqlite3.Connection, number: int) -> ArchivedArticle | None:
    """Return an article as a whole.

    Parameters
    ----------
    database : sqlite3.Connection
    number : int
        Its id.

    Returns
    -------
    ArchivedArticle or None
        None where there is none of this id.

    """
    with snapshot(database):
        model = shown_model(database)
        row = database.execute("SELECT * FROM articles WHERE id = ?", (number,)).fetchone()
        if row is None or model is None:
            return None
        others = database.execute(
            f"SELECT {_FACTS} FROM articles WHERE story = ? ORDER BY day, id", (row["story"],)
        ).fetchall()
        facts = _story_articles(database, model, others)
        paragraphs = tuple(_paragraphs(database, model, number))
    mine = next(found for found in facts if found.id == number)
    return ArchivedArticle(
        mine,
        row["story"],
        row["text"],
        row["digest"],
        row["date"],
        tuple(json.loads(row["notes"])),
        paragraphs,
        tuple(found for found in facts if found.id != number),
    )


@contextmanager
def snapshot(database: sqlite3.Connection) -> Iterator[None]:
    """Let all queries of a block see the archive as it is at the first one, whatever is written meanwhile.

    Parameters
    ----------
    database : sqlite3.Connection

    """
    if database.in_transaction:
        yield
        return
    database.execute("BEGIN")
    try:
        yield
    finally:
        database.rollback()


def _matches(model: ShownModel, selection: Selection, collected_since: str | None) -> Matches:
    return matches(selection, model=model.id, thresholds=model.thresholds, collected_since=collected_since)


def _named(model: ShownModel, selection: Selection) -> list[str]:
    """Return the topics of a selection in column order, all where it names none."""
    return [topic for topic in model.thresholds if not selection.topics or topic in selection.topics]


def _stories(
    database: sqlite3.Connection, model: ShownModel, selection: Selection, matched: Sequence[sqlite3.Row]
) -> list[Story]:
    """Put stories together from their matching paragraphs, in the order of their places."""
    story_of: dict[int, int] = {}
    paragraphs: dict[int, dict[str, float]] = defaultdict(dict)
    for row in sorted(matched, key=lambda row: row["place"]):
        story_of[row["article"]] = row["story"]
        if row["paragraph"] is not None:
            scores = paragraphs[row["paragraph"]]
            if row["topic"] is not None:
                scores[row["topic"]] = row["score"]
    rows = _select(database, f"SELECT {_FACTS} FROM articles WHERE id IN", story_of, "ORDER BY day, id")
    articles: dict[int, list[StoryArticle]] = defaultdict(list)
    for shown in _story_articles(database, model, rows):
        articles[story_of[shown.id]].append(shown)
    quotations: dict[int, list[Quotation]] = defaultdict(list)
    for quoted in _quotations(database, model, paragraphs, selection.words):
        quotations[story_of[quoted.article]].append(quoted)
    ids = list(dict.fromkeys(story_of.values()))
    titles = {
        row["id"]: row["title"] for row in _select(database, "SELECT id, title FROM stories WHERE id IN", ids)
    }
    return [
        Story(story, titles[story], tuple(articles[story]), tuple(quotations[story]), *_merged(articles[story]))
        for story in ids
    ]


def _merged(articles: Sequence[StoryArticle]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a story is about, which is what one of its articles is about, and what else it mentions."""
    about = tuple(dict.fromkeys(topic for article in articles for topic in article.about))
    mentioned = dict.fromkeys(topic for article in articles for topic in article.mentioned)
    return about, tuple(topic for topic in mentioned if topic not in about)


def _story_articles(
    database: sqlite3.Connection, model: ShownModel, rows: Sequence[sqlite3.Row]
) -> list[StoryArticle]:
    """Add to the facts of articles what each is about and mentions."""
    counted = _select(
        database,
        "SELECT article, topic, max(about) AS about FROM hits WHERE article IN",
        [row["id"] for row in rows],
        "AND model = ? GROUP BY article, topic ORDER BY count(*) DESC, topic",
        model.id,
    )
    topics: dict[tuple[int, int], list[str]] = defaultdict(list)
    for row in counted:
        topics[row["article"], row["about"]].append(row["topic"])
    return [
        StoryArticle(
            row["id"],
            row["title"],
            row["outlet"],
            row["day"],
            row["address"],
            row["source"],
            row["language"],
            tuple(topics[row["id"], 1]),
            tuple(topics[row["id"], 0]),
            bool(row["dated"]),
        )
        for row in rows
    ]


def _quotations(
    database: sqlite3.Connection, model: ShownModel, wanted: Mapping[int, Mapping[str, float]], words: str
) -> Iterator[Quotation]:
    """Quote paragraphs in their articles' order; `wanted` has by paragraph the scores of topics that match."""
    rows = _select(
        database,
        "SELECT p.id, p.article, p.number, p.text, coalesce(b.text, '') AS before, coalesce(n.text, '') AS after"
        " FROM paragraphs p LEFT JOIN paragraphs b ON b.article = p.article AND b.number = p.number - 1"
        " LEFT JOIN paragraphs n ON n.article = p.article AND n.number = p.number + 1 WHERE p.id IN",
        list(wanted),
        "ORDER BY p.article, p.number",
    )
    given: dict[int, dict[str, float]] = defaultdict(dict)
    for row in _select(
        database,
        "SELECT paragraph, topic, score FROM hits WHERE paragraph IN",
        list(wanted),
        "AND model = ?",
        model.id,
    ):
        given[row["paragraph"]][row["topic"]] = row["score"]
    spans = _spans({row["id"]: row["text"] for row in rows}, words) if words else {}
    for row in rows:
        scores = {**wanted[row["id"]], **given[row["id"]]}
        widest = sorted(scores, key=lambda topic: (model.thresholds[topic] - scores[topic], topic))
        yield Quotation(
            row["id"],
            row["article"],
            row["number"],
            row["text"],
            {topic: scores[topic] for topic in widest},
            row["before"],
            row["after"],
            spans.get(row["id"], ()),
        )


def _spans(texts: Mapping[int, str], words: str) -> dict[int, tuple[tuple[int, int], ...]]:
    """Find where words are in a few texts, by a full-text index of these alone: that of all has many others."""
    mark = f"\x02{secrets.token_hex(4)}\x02"  # no text can have guessed it
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute("CREATE VIRTUAL TABLE words USING fts5(text, tokenize='unicode61')")
        index.executemany("INSERT INTO words(rowid, text) VALUES (?, ?)", texts.items())
        found = index.execute(
            "SELECT rowid, highlight(words, 0, ?1, ?1) FROM words WHERE words MATCH ?2",
            (mark, full_text_query(words)),
        )
        return {number: tuple(_every_other(marked.split(mark))) for number, marked in found}


def _every_other(pieces: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where every second piece of a text starts and ends."""
    ends = list(accumulate(map(len, pieces)))
    return zip(ends[:-1:2], ends[1::2], strict=True)


def _paragraphs(database: sqlite3.Connection, model: ShownModel, number: int) -> Iterator[ArchivedParagraph]:
    rows = database.execute(
        "SELECT p.id, p.number, p.start, p.end, p.text, s.scores FROM paragraphs p"
        " JOIN predictions s ON s.paragraph = p.id AND s.model = ? WHERE p.article = ? ORDER BY p.number",
        (model.id, number),
    ).fetchall()
    given: dict[int, set[str]] = defaultdict(set)
    for hit in database.execute(
        "SELECT paragraph, topic FROM hits WHERE article = ? AND model = ?", (number, model.id)
    ):
        given[hit["paragraph"]].add(hit["topic"])
    for row in rows:
        scores = dict(zip(model.thresholds, json.loads(row["scores"]), strict=True))
        topics = tuple(topic for topic in scores if topic in given[row["id"]])
        yield ArchivedParagraph(row["id"], row["number"], row["start"], row["end"], row["text"], scores, topics)


def _counts(
    database: sqlite3.Connection, selection: Selection, column: str
) -> dict[str, dict[str, tuple[int, int, float]]]:
    """Return hits, paragraphs and the sum of scores by the value of a column, and topic."""
    with snapshot(database):
        model = shown_model(database)
        if model is None:
            return {}
        sums = _sums(database, model, selection, column)
        hits = _hits_by(database, model, selection, column)
    counts: dict[str, dict[str, tuple[int, int, float]]] = {}
    for value, kept in sums.items():
        paragraphs, _ = kept[""]
        for topic in _named(model, selection):
            found, scores = kept.get(topic, (0, 0.0))
            counted = found if hits is None else hits.get((value, topic), 0)
            counts.setdefault(value, {})[topic] = (counted, paragraphs, scores)
    return counts


def _sums(
    database: sqlite3.Connection, model: ShownModel, selection: Selection, by: str
) -> dict[str, dict[str, tuple[int, float]]]:
    """Sum up tallies by day or outlet, and topic; the topic '' stands for all paragraphs."""
    rows = database.execute(
        f"SELECT {by}, topic, sum(paragraphs), sum(scores) FROM tallies WHERE model = :model"
        " AND day BETWEEN :since AND :until"
        " AND (:outlets IS NULL OR outlet IN (SELECT value FROM json_each(:outlets)))"
        f" GROUP BY {by}, topic",
        {
            "model": model.id,
            "since": selection.since or "",
            "until": selection.until or "9999-99-99",
            "outlets": json.dumps(selection.outlets) if selection.outlets else None,
        },
    )
    sums: dict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
    for key, topic, paragraphs, scores in rows:
        sums[key][topic] = (paragraphs, scores)
    return {key: found for key, found in sums.items() if found.get("", (0, 0))[0]}


def _hits_by(
    database: sqlite3.Connection, model: ShownModel, selection: Selection, by: str
) -> dict[tuple[str, str], int] | None:
    """Count the paragraphs that match by day or outlet, and topic; None where tallies have the counts."""
    if not selection.words and selection.threshold is None:
        return None
    matching = _matches(model, selection, None)
    rows = database.execute(
        f"SELECT {by}, topic, count(*) FROM ({matching.sql}) WHERE topic IS NOT NULL GROUP BY {by}, topic",
        matching.values,
    )
    return {(key, topic): count for key, topic, count in rows}


def _select(
    database: sqlite3.Connection, sql: str, ids: Iterable[int], rest: str = "", *values: Any
) -> list[sqlite3.Row]:
    """Run a query that ends in `IN`, for ids of any number."""
    return database.execute(
        f"{sql} (SELECT value FROM json_each(?1)) {rest}", (json.dumps(list(ids)), *values)
    ).fetchall()
