"""The SQL of a selection: a row for each paragraph and topic that match, for the queries that sum them up."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.archive.selection import Selection
from pipeline.archive.words import full_text_query

_COLUMNS = "a.story, a.outlet, a.day"
_GIVEN = f"""
SELECT h.paragraph, h.article, {_COLUMNS}, h.topic, h.score, h.about
FROM hits h JOIN articles a ON a.id = h.article
WHERE h.model = :model AND h.topic IN (SELECT value FROM json_each(:topics)) AND h.score >= :least
AND h.day BETWEEN :since AND :until
"""
_SCORED = f"""
SELECT p.id AS paragraph, p.article, {_COLUMNS}, t.value AS topic, json_extract(s.scores, t.place) AS score,
EXISTS (SELECT 1 FROM hits h WHERE h.article = a.id AND h.model = s.model AND h.topic = t.value AND h.about)
AS about
FROM predictions s JOIN paragraphs p ON p.id = s.paragraph JOIN articles a ON a.id = p.article
JOIN (SELECT value, '$[' || key || ']' AS place FROM json_each(:columns)) t
WHERE s.model = :model AND t.value IN (SELECT value FROM json_each(:topics))
AND json_extract(s.scores, t.place) >= :least AND a.day BETWEEN :since AND :until
"""
_FOUND = f"""
SELECT p.id AS paragraph, p.article, {_COLUMNS}, h.topic, h.score, coalesce(h.about, 0) AS about
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
    within: Sequence[int] | None = None,
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
    within : sequence of int or None
        Only these stories.

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
    values: dict[str, Any] = {
        "model": model,
        "topics": json.dumps(topics),
        "least": -1 if selection.threshold is None else selection.threshold,
        "since": selection.since or _FIRST_DAY,
        "until": selection.until or _LAST_DAY,
    }
    if selection.words and not selection.topics:
        sql = _FOUND
    elif selection.threshold is not None and selection.threshold < max(
        thresholds.get(topic, 0) for topic in topics
    ):
        sql = _SCORED  # paragraphs below the model's own thresholds are no hits
        values["columns"] = json.dumps(list(thresholds))
    else:
        sql = _GIVEN
    if selection.words:
        values["words"] = full_text_query(selection.words)
        paragraph = "h.paragraph" if sql is _GIVEN else "p.id"
        sql += f" AND {paragraph} IN (SELECT rowid FROM words WHERE words MATCH :words)"
    if selection.outlets:
        values["outlets"] = json.dumps(selection.outlets)
        sql += " AND a.outlet IN (SELECT value FROM json_each(:outlets))"
    if collected_since is not None:
        values["collected"] = collected_since
        sql += " AND a.collected >= :collected"
    if within is not None:
        values["stories"] = json.dumps(within)
        sql += " AND a.story IN (SELECT value FROM json_each(:stories))"
    return Matches(sql, values)
