"""Read what a digest is made of from the archive: the stories of a selection, the label set and the last days."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from pipeline.archive.digest.build import MOST_STORIES, QUOTATIONS, TIMELINE_DAYS, build
from pipeline.archive.digest.rows import Digest
from pipeline.archive.queries import Story, day_counts, shown_model, snapshot, stories
from pipeline.archive.selection import Selection
from pipeline.errors import ArchiveError


def read_digest(
    database: sqlite3.Connection,
    selection: Selection,
    *,
    title: str,
    period: str,
    made: datetime,
    key: str,
    collected_since: str | None = None,
    most: int = MOST_STORIES,
    quotations: int = QUOTATIONS,
) -> Digest:
    """Make the digest of a selection.

    Parameters
    ----------
    database : sqlite3.Connection
    selection : Selection
    title, period, made, key
        As of `Digest`.
    collected_since : str or None
        Only articles that were collected then or later: UTC, ISO 8601.
    most, quotations : int
        As of `build`.

    Returns
    -------
    Digest

    Raises
    ------
    ArchiveError
        Where a topic is not in the label set, or the words are no query.

    """
    with snapshot(database):
        found = stories(database, selection, limit=most + 1, collected_since=collected_since)
        return digest_of(
            database,
            selection,
            found,
            title=title,
            period=period,
            made=made,
            key=key,
            most=most,
            quotations=quotations,
        )


def digest_of(
    database: sqlite3.Connection,
    selection: Selection,
    found: Sequence[Story],
    *,
    title: str,
    period: str,
    made: datetime,
    key: str,
    most: int = MOST_STORIES,
    quotations: int = QUOTATIONS,
) -> Digest:
    """Make the digest of stories that were read already.

    Parameters
    ----------
    database : sqlite3.Connection
    selection : Selection
        What they were selected by.
    found : sequence of Story
    title, period, made, key, most, quotations
        As of `read_digest`.

    Returns
    -------
    Digest

    Raises
    ------
    ArchiveError
        Where a topic is not in the label set, or the words are no query.

    """
    model = shown_model(database)
    topics = model.topics if model else ()
    if model:
        check_topics(selection.topics, tuple(topic.id for topic in topics))
    last = selection.until or made.date().isoformat()
    first = (date.fromisoformat(last) - timedelta(days=TIMELINE_DAYS - 1)).isoformat()
    return build(
        found,
        topics,
        title=title,
        period=period,
        made=made,
        model=_name(model.sha256, model.run_id) if model else "no model yet",
        key=key,
        wanted=selection.topics,
        days=day_counts(database, replace(selection, since=first, until=last)),
        last_day=last,
        quotations=quotations,
        most=most,
    )


def check_topics(wanted: Sequence[str], known: Sequence[str]) -> None:
    """Raise ArchiveError where a topic is not in the label set.

    Parameters
    ----------
    wanted, known : sequence of str

    """
    for topic in wanted:
        if topic not in known:
            raise ArchiveError(f"no topic {topic!r} in this archive; there are: {', '.join(known)}")


def _name(sha256: str, run_id: str) -> str:
    return f"model {sha256[:12]}" + (f" (run {run_id[:8]})" if run_id else "")
