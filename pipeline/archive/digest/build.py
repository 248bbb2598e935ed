"""Make a digest: each story once, under its first topic, those about it before those that mention it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from pipeline.archive.digest.rows import Digest, Entry, Section
from pipeline.archive.queries import DayCount, Quotation, Story, TopicCount
from pipeline.schema import Topic

MOST_STORIES = 200
QUOTATIONS = 3
TIMELINE_DAYS = 14
_WORDS_ALONE = Topic("", "Without a topic")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_Row = TypeVar("_Row")


def build(
    stories: Sequence[Story],
    topics: Sequence[Topic],
    *,
    title: str,
    period: str,
    made: datetime,
    model: str,
    key: str,
    wanted: Sequence[str] = (),
    days: Iterable[DayCount] = (),
    last_day: str | None = None,
    quotations: int = QUOTATIONS,
    most: int = MOST_STORIES,
) -> Digest:
    """Make a digest.

    Parameters
    ----------
    stories : sequence of Story
        In the order in which they are to stand. One more than `most` tells that there are more.
    topics : sequence of Topic
        The label set.
    title, period, made, model, key
        As of `Digest`.
    wanted : sequence of str
        The topics that are asked for; empty for all.
    days : iterable of DayCount
        For the timelines.
    last_day : str or None
        The day that timelines end with; None for the day on which the digest is made.
    quotations : int, default 3
        The most of one story.
    most : int, default 200
        The most stories.

    Returns
    -------
    Digest

    """
    shown = [_entry(cleaned(story), set(wanted), quotations) for story in stories[:most]]
    columns = [topic for topic in topics if not wanted or topic.id in wanted]
    ids = [topic.id for topic in columns]
    places = [_place(entry.story, ids) for entry in shown]
    lines = _timelines(days, last_day or made.date().isoformat())
    sections = (_section(topic, shown, places, lines) for topic in (*columns, _WORDS_ALONE))
    return Digest(
        title=cleaned(title),
        period=period,
        made=made,
        sections=tuple(section for section in sections if section.entries or section.elsewhere),
        topics=tuple(topics),
        model=model,
        key=key,
        cut=len(stories) > most,
    )


def cleaned(value: _Row) -> _Row:
    """Return a row, or a text, whose texts stand in one line and have no characters that XML refuses.

    Parameters
    ----------
    value : dataclass, str or tuple
        Anything else stays as it is.

    Returns
    -------
    dataclass, str or tuple

    """
    made: Any = value
    if isinstance(value, str):
        made = " ".join(_NO_XML.sub("\ufffd", value).split())
    elif isinstance(value, tuple):
        made = tuple(map(cleaned, value))
    elif isinstance(value, Story | Quotation) or hasattr(value, "outlet"):
        made = replace(made, **{field.name: cleaned(getattr(value, field.name)) for field in fields(made)})
    return made  # type: ignore[no-any-return]


def _entry(story: Story, wanted: set[str], most: int) -> Entry:
    """Choose the quotations that speak most for what is asked for, and keep the order of the text."""

    def strength(quotation: Quotation) -> float:
        scores = [score for topic, score in quotation.scores.items() if not wanted or topic in wanted]
        return max(scores, default=0.0)

    strongest = sorted(story.quotations, key=strength, reverse=True)[:most]
    kept = {quotation.paragraph for quotation in strongest}
    return Entry(
        story,
        tuple(quotation for quotation in story.quotations if quotation.paragraph in kept),
        len(story.quotations) - len(kept),
    )


def _place(story: Story, ids: Sequence[str]) -> str:
    """Return the topic under which a story stands; empty where it has none of them."""
    return next((topic for topic in story.about + story.mentioned if topic in ids), "")


def _section(
    topic: Topic, shown: Sequence[Entry], places: Sequence[str], lines: Mapping[str, tuple[tuple[str, int], ...]]
) -> Section:
    here = [entry for entry, found in zip(shown, places, strict=True) if found == topic.id]
    about = tuple(entry for entry in here if topic.id in entry.story.about)
    elsewhere = tuple(
        entry
        for entry, found in zip(shown, places, strict=True)
        if found != topic.id and topic.id in entry.story.about + entry.story.mentioned
    )
    mentioned = tuple(entry for entry in here if topic.id not in entry.story.about)
    return Section(topic, about, mentioned, elsewhere, _count(topic, (*here, *elsewhere)), lines.get(topic.id, ()))


def _count(topic: Topic, entries: Sequence[Entry]) -> TopicCount:
    """Count what the digest holds on a topic, so that its figures and its stories agree."""
    articles = [article for entry in entries for article in entry.story.articles]
    found = sum(not topic.id or topic.id in article.about + article.mentioned for article in articles)
    quoted = [quotation for entry in entries for quotation in entry.story.quotations]
    paragraphs = sum(not topic.id or topic.id in quotation.scores for quotation in quoted)
    return TopicCount(topic.id, len(entries), found, paragraphs)


def _timelines(days: Iterable[DayCount], last: str) -> dict[str, tuple[tuple[str, int], ...]]:
    """Return the last days of each topic, those without a paragraph too."""
    end = date.fromisoformat(last)
    shown = [(end - timedelta(days=back)).isoformat() for back in reversed(range(TIMELINE_DAYS))]
    hits: dict[str, Counter[str]] = {}
    for row in days:
        hits.setdefault(row.topic, Counter())[row.day] += row.hits
    return {topic: tuple((day, count[day]) for day in shown) for topic, count in hits.items()}
