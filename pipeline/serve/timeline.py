"""Topics over time, as bars that are drawn on the server: shares of paragraphs with their intervals."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.archive.queries import DayCount, OutletCount, StoryCount
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.quantification import Tally, TopicReference, corrected_rate
from pipeline.evaluation.trends import BASE_DAYS, RECENT_DAYS, DayTally, Rise, Share, rise, wilson
from pipeline.schema import Topic

HEIGHT, WIDTH = 100.0, 1000.0  # of a chart, in its own units
MOST_BARS = 62
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """A period: its first and last day, what was counted, and where it stands in the chart.

    `x`, `width`, `top`, `low` and `high` are in units of the chart, from above; None without a paragraph.
    `corrected` is the share without the model's errors, None where these are not known.
    """

    since: str
    until: str
    hits: int
    paragraphs: int
    share: Share
    corrected: Estimate | None
    x: float
    width: float
    top: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A topic over time.

    Parameters
    ----------
    topic : Topic
    bars : tuple of Bar
    ceiling : float
        The share at the top of the chart.
    total : Share
        Of all paragraphs.
    corrected : Estimate or None
        The same without the model's errors, where these are known.
    hits, paragraphs : int
    rise : Rise

    """

    topic: Topic
    bars: tuple[Bar, ...]
    ceiling: float
    total: Share
    corrected: Estimate | None
    hits: int
    paragraphs: int
    rise: Rise

    @property
    def highest(self) -> Bar | None:
        """The period with the largest share, None where there is no paragraph of the topic."""
        return max((bar for bar in self.bars if bar.hits), key=lambda bar: bar.share.value, default=None)


@dataclass(frozen=True, slots=True)
class OutletRow:
    """An outlet, its paragraphs, and of each topic how many of them have it."""

    outlet: str
    paragraphs: int
    shares: tuple[tuple[int, Share], ...]


def charts(
    counts: Sequence[DayCount],
    stories: Sequence[StoryCount],
    topics: Sequence[Topic],
    *,
    since: str,
    until: str,
    errors: Mapping[str, TopicReference],
) -> list[Chart]:
    """Draw each topic over the days from one to another.

    Parameters
    ----------
    counts : sequence of DayCount
        Of these days and topics.
    stories : sequence of StoryCount
        Of the days that `rise_days` names.
    topics : sequence of Topic
        At most so many charts are drawn.
    since, until : str
    errors : mapping of str to TopicReference
        What the model misses and assigns by mistake, by topic; empty where it is not known of these counts.

    Returns
    -------
    list of Chart
        The rising topics first.

    """
    by_topic: dict[str, list[DayCount]] = defaultdict(list)
    for count in counts:
        by_topic[count.topic].append(count)
    rises = _rises(stories, [topic.id for topic in topics], until)
    drawn = [
        _chart(topic, by_topic[topic.id], rises[topic.id], errors.get(topic.id), since=since, until=until)
        for topic in topics
    ]
    return sorted(drawn, key=lambda chart: not chart.rise.rises)


def rise_days(until: str) -> tuple[str, str, str]:
    """Return the first day of the days before, and the first and the last of the recent days."""
    last = date.fromisoformat(until)
    recent = _earlier(last, RECENT_DAYS - 1)
    return _earlier(recent, BASE_DAYS).isoformat(), recent.isoformat(), until


def days_per_bar(since: str, until: str) -> int:
    """Return how many days a bar stands for: one, a week, or as many as leave at most 62 bars."""
    days = (date.fromisoformat(until) - date.fromisoformat(since)).days + 1
    if days <= MOST_BARS:
        return 1
    return max(_WEEK, math.ceil(days / MOST_BARS))


def outlet_rows(counts: Sequence[OutletCount], topics: Sequence[Topic]) -> list[OutletRow]:
    """Put the topics of each outlet in a row, in the order of the counts.

    Parameters
    ----------
    counts : sequence of OutletCount
    topics : sequence of Topic

    Returns
    -------
    list of OutletRow

    """
    rows: dict[str, dict[str, OutletCount]] = defaultdict(dict)
    for count in counts:
        rows[count.outlet][count.topic] = count
    return [
        OutletRow(
            outlet,
            next(iter(found.values())).paragraphs,
            tuple((found[t.id].hits, wilson(found[t.id].hits, found[t.id].paragraphs)) for t in topics),
        )
        for outlet, found in rows.items()
    ]


def _earlier(day: date, days: int) -> date:
    return day - timedelta(days=min(days, (day - date.min).days))


def _rises(stories: Sequence[StoryCount], topics: Sequence[str], until: str) -> Mapping[str, Rise]:
    _, recent, _ = rise_days(until)
    tallies: dict[str, tuple[list[DayTally], list[DayTally]]] = {topic: ([], []) for topic in topics}
    for count in stories:
        if count.topic in tallies:
            tallies[count.topic][count.day >= recent].append(DayTally(count.stories, count.of))
    return {topic: rise(new, old, topics=len(topics)) for topic, (old, new) in tallies.items()}


def _chart(
    topic: Topic,
    counts: Sequence[DayCount],
    risen: Rise,
    errors: TopicReference | None,
    *,
    since: str,
    until: str,
) -> Chart:
    first, last, size = date.fromisoformat(since), date.fromisoformat(until), days_per_bar(since, until)
    number = math.ceil(((last - first).days + 1) / size)
    hits, paragraphs = [0] * number, [0] * number
    for count in counts:
        place = (date.fromisoformat(count.day) - first).days // size
        hits[place] += count.hits
        paragraphs[place] += count.paragraphs
    shares = [wilson(*found) for found in zip(hits, paragraphs, strict=True)]
    ceiling = _ceiling([share.value for share, found in zip(shares, hits, strict=True) if found])
    bars = []
    for place, share in enumerate(shares):
        start = first + timedelta(days=place * size)
        end = start + timedelta(days=min(size - 1, (last - start).days))
        heights = [None if math.isnan(one) else round(HEIGHT * (1 - min(1.0, one / ceiling)), 2) for one in share]
        x, width = round(place * WIDTH / number, 2), round(0.8 * WIDTH / number, 2)
        days, found = (start.isoformat(), end.isoformat()), (hits[place], paragraphs[place])
        bars.append(Bar(*days, *found, share, _corrected(*found, errors), x, width, *heights))
    found = sum(hits), sum(paragraphs)
    return Chart(topic, tuple(bars), ceiling, wilson(*found), _corrected(*found, errors), *found, risen)


def _corrected(hits: int, paragraphs: int, errors: TopicReference | None) -> Estimate | None:
    """Correct a share for the model's errors, where they are known and there is a paragraph."""
    if errors is None or not paragraphs:
        return None
    found = corrected_rate(Tally(paragraphs, hits), errors)
    return None if math.isnan(found.value) else found


def _ceiling(shares: Sequence[float]) -> float:
    """Return the least round share that is above all of these."""
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75)
    return next((step for step in steps if step >= max(shares, default=0)), 1.0)
