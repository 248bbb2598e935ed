"""The SQL of a selection: a row for each paragraph and topic that match, for the queries that sum them up."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.archive.selection import Selection
from pipeline.archive.words import full_text_query

# Hits are the paragraphs that a model gives a topic. Below its thresholds all scores are looked through, and
# paragraphs without a topic, found by their words, have no hit.
_GIVEN = """
SELECT h.paragraph, h.article, a.story, a.outlet, a.day, h.topic, h.score, h.about
FROM hits h JOIN articles a ON a.id = h.article
WHERE h.model = :model AND h.topic IN (SELECT value FROM json_each(:topics)) AND h.score >= :least
AND h.day BETWEEN :since AND :until
"""
_SCORED = """
SELECT p.id AS paragraph, p.article, a.story, a.outlet, a.day, c.value AS topic, e.value AS score,
EXISTS (SELECT 1 FROM hits h WHERE h.article = a.id AND h.model = s.model AND h.topic = c.value AND h.about)
AS about
FROM paragraphs p JOIN articles a ON a.id = p.article JOIN predictions s ON s.paragraph = p.id AND s.model = :model
JOIN json_each(s.scores) e CROSS JOIN json_each(:columns) c ON c.key = e.key
WHERE c.value IN (SELECT value FROM json_each(:topics)) AND e.value >= :least AND a.day BETWEEN :since AND :until
"""
_FOUND = """
SELECT p.id AS paragraph, p.article, a.story, a.outlet, a.day, h.topic, h.score, coalesce(h.about, 0) AS about
FROM paragraphs p JOIN articles a ON a.id = p.article
LEFT JOIN hits h ON h.paragraph = p.id AND h.model = :model AND h.score >= :least
WHERE a.day BETWEEN :since AND :until
"""
_FIRST_DAY, _LAST_DAY = "0000-00-00", "9999-99-99"


class Matches(NamedTuple):
    """A query, and the values of its parameters."""

    sql: str
    values: dict[str, Any]


def matches(
    selection: Selection,
    *,
    model: int,
    thresholds: Mapping[str, float],
    collected_since: str | None = None,
) -> Matches:
    """Write the query of a selection.

    Parameters
    ----------
    selection : Selection
    model : int
        Id in the archive of the model whose answers are read.
    thresholds : mapping of str to float
        Its topics in column order, with their thresholds.
    collected_since : str or None
        Only articles that were collected then or later.

    Returns
    -------
    Matches
        Columns: paragraph, article, story, outlet, day, topic, score, about. A paragraph without a topic that has
        the words is a row whose topic is NULL.

    Raises
    ------
    ArchiveError
        Where the words are no query.

    """
    topics = selection.topics or tuple(thresholds)
    select = _source(selection, [thresholds.get(topic, 0) for topic in topics])
    values: dict[str, Any] = {
        "model": model,
        "topics": json.dumps(topics),
        "columns": json.dumps(list(thresholds)),
        "least": -1 if selection.threshold is None else selection.threshold,
        "since": selection.since or _FIRST_DAY,
        "until": selection.until or _LAST_DAY,
    }
    sql = [select]
    if selection.words:
        values["words"] = full_text_query(selection.words)
        paragraph = "h.paragraph" if select is _GIVEN else "p.id"
        sql.append(f"AND {paragraph} IN (SELECT rowid FROM words WHERE words MATCH :words)")
    if selection.outlets:
        values["outlets"] = json.dumps(selection.outlets)
        sql.append("AND a.outlet IN (SELECT value FROM json_each(:outlets))")
    if collected_since is not None:
        values["collected"] = collected_since
        sql.append("AND a.collected >= :collected")
    return Matches(" ".join(sql), values)


def _source(selection: Selection, thresholds: Sequence[float]) -> str:
    if selection.words and not selection.topics:
        return _FOUND
    below = selection.threshold is not None and selection.threshold < max(thresholds, default=0)
    return _SCORED if below else _GIVEN
