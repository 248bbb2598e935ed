"""The rows of a digest, which every format is written from, and the words that all of them share."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath
from urllib.parse import urlsplit

from pipeline.archive.queries import Quotation, Story, StoryArticle, TopicCount
from pipeline.schema import Topic

NOTHING = "Nothing new in this period."
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Entry:
    """A story with the quotations that are shown of it, in the order of its text; `more` are left out."""

    story: Story
    quotations: tuple[Quotation, ...]
    more: int = 0

    @property
    def first(self) -> StoryArticle:
        """The article that is quoted."""
        return self.story.articles[0]

    @property
    def days(self) -> str:
        """The first and the last day of its articles."""
        days = sorted(article.day for article in self.story.articles)
        return words_of_period(days[0], days[-1])


@dataclass(frozen=True, slots=True)
class Section:
    """The stories of a topic.

    Parameters
    ----------
    topic : Topic
        One with an empty id for stories that were found for their words alone.
    about, mentioned : tuple of Entry
        Stories that are about the topic, and those that only mention it.
    elsewhere : tuple of Entry
        Stories of this topic that stand under another one, as each stands once.
    count : TopicCount
    days : tuple of (str, int)
        Each day of the timeline with its number of paragraphs on the topic.

    """

    topic: Topic
    about: tuple[Entry, ...]
    mentioned: tuple[Entry, ...]
    elsewhere: tuple[Entry, ...]
    count: TopicCount
    days: tuple[tuple[str, int], ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
        """The stories under their headings, those about the topic first."""
        if not self.topic.id:
            return (("Found for their words", self.mentioned),)
        return tuple(
            (name, found) for name, found in (("About", self.about), ("Mentioned", self.mentioned)) if found
        )

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The stories that stand here."""
        return self.about + self.mentioned


@dataclass(frozen=True, slots=True)
class Digest:
    """What is new on each topic.

    Parameters
    ----------
    title : str
    period : str
        In words.
    made : datetime
        With a time zone.
    sections : tuple of Section
        In the order of the label set.
    topics : tuple of Topic
        The label set.
    model : str
        Which model labelled it.
    key : str
        What it is a digest of, in a form that stays: a view's slug, for example.
    cut : bool
        Whether there are more stories than it may hold.

    """

    title: str
    period: str
    made: datetime
    sections: tuple[Section, ...]
    topics: tuple[Topic, ...]
    model: str
    key: str
    cut: bool = False

    @property
    def entries(self) -> Iterator[tuple[Section, Entry]]:
        """Each story with the section it stands in."""
        return ((section, entry) for section in self.sections for entry in section.entries)

    @property
    def summary(self) -> str:
        """How much there is, in one line."""
        entries = [entry for _, entry in self.entries]
        if not entries:
            return NOTHING
        articles = [article for entry in entries for article in entry.story.articles]
        outlets = {article.outlet for article in articles}
        found = (
            f"{counted(len(entries), 'story', 'stories')} in {counted(len(articles), 'article')}"
            f" of {counted(len(outlets), 'outlet')}"
        )
        return f"{found}; there are more than are shown." if self.cut else f"{found}."

    @property
    def footer(self) -> str:
        """When and with what it was made."""
        return f"Made {self.made:%Y-%m-%d %H:%M} {self.made.tzname()}, topics by {self.model}."

    def titles(self, topics: tuple[str, ...]) -> list[str]:
        """Return the titles of topics; of one that the label set lacks, its id."""
        known = {topic.id: topic.title for topic in self.topics}
        return [known.get(topic, topic) for topic in topics]


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    Parameters
    ----------
    number : int
    one, many : str
        The noun, and its plural where that does not end in s.

    Returns
    -------
    str

    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def words_of_day(day: str) -> str:
    """Return a day such as 2026-03-05 as 5 March 2026.

    Parameters
    ----------
    day : str

    Returns
    -------
    str

    """
    found = date.fromisoformat(day)
    return f"{found.day} {found:%B %Y}"


def words_of_period(since: str | None, until: str | None) -> str:
    """Return the days from one to another, in words.

    Parameters
    ----------
    since, until : str or None
        The first and the last day; None for no bound.

    Returns
    -------
    str

    """
    if since and until:
        first, last = words_of_day(since), words_of_day(until)
        if first == last:
            return last
        return f"{first.split()[0] if since[:7] == until[:7] else first} to {last}"  # 4 to 5 March 2026
    if since or until:
        return f"since {words_of_day(since)}" if since else f"until {words_of_day(until or '')}"
    return "all days"


def link(article: StoryArticle) -> str | None:
    """Return the address of an article where it is one of the web.

    Parameters
    ----------
    article : StoryArticle

    Returns
    -------
    str or None

    """
    address = article.address or ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc and address.isprintable() else None


def place(article: StoryArticle) -> str:
    """Return where an article can be found: its address, else the name of the file, without its folder.

    Parameters
    ----------
    article : StoryArticle

    Returns
    -------
    str

    """
    return link(article) or PurePath(article.source).name


def source_of(entry: Entry, quotation: Quotation) -> str:
    """Name the source of a quotation, without its address.

    Parameters
    ----------
    entry : Entry
    quotation : Quotation

    Returns
    -------
    str

    """
    first = entry.first
    told = f"{enclosed(first.outlet)}, “{enclosed(first.title)}”"
    return f"{told}, {day_of(first)}, paragraph {quotation.number + 1}"


def day_of(article: StoryArticle) -> str:
    """Return an article's day in words; of one without a date, that on which it was collected, and that it is so.

    Parameters
    ----------
    article : StoryArticle

    Returns
    -------
    str

    """
    return words_of_day(article.day) if article.dated else f"collected {words_of_day(article.day)}"


def enclosed(text: str) -> str:
    """Return a text that runs from right to left with a mark after it, so that a date behind it stays a date.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    """
    from_right = any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
    return f"{text}\u200e" if from_right else text


def further_topics(digest: Digest, section: Section, entry: Entry) -> list[str]:
    """Return the titles of the topics that a story has beside its section's.

    Parameters
    ----------
    digest : Digest
    section : Section
    entry : Entry

    Returns
    -------
    list of str

    """
    topics = entry.story.about + entry.story.mentioned
    return digest.titles(tuple(topic for topic in topics if topic != section.topic.id))


def sparkline(days: tuple[tuple[str, int], ...]) -> str:
    """Draw counts as a line of blocks.

    Parameters
    ----------
    days : tuple of (str, int)

    Returns
    -------
    str
        A character a day; a day without any is the lowest.

    """
    most = max((count for _, count in days), default=0) or 1
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for _, count in days)


def timeline_words(section: Section) -> str:
    """Say what the timeline shows, for those who do not see it.

    Parameters
    ----------
    section : Section

    Returns
    -------
    str

    """
    found = [f"{count} on {words_of_day(day)}" for day, count in section.days if count]
    return f"Paragraphs a day: {', '.join(found) or 'none'}"
