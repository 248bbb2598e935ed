"""One page of what a folder of articles says on the topics: made at once, and kept as one file without a network.

The articles are collected into an archive that is gone afterwards, so stories, copies and counts are those of
`topics collect`.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pipeline.archive import queries
from pipeline.archive.collect import Collecting, Summary
from pipeline.archive.database import open_archive
from pipeline.archive.digest import rows
from pipeline.archive.digest.read import read_digest
from pipeline.archive.digest.rows import Digest, counted
from pipeline.archive.queries import ArchivedArticle, ArchivedParagraph, StoryArticle
from pipeline.archive.selection import Selection
from pipeline.archive.session import Session, Sources
from pipeline.assets import read_asset, script_digest
from pipeline.errors import SourceError
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.predict.html import environment
from pipeline.schema import Topic

MOST_UNSURE = 20
_ALL = 1_000_000
_SCRIPTS = ("keys.js", "office.js", "tray.js", "today.js")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A paragraph of which the model is unsure.

    Parameters
    ----------
    article : StoryArticle
    paragraph : ArchivedParagraph
    topic : Topic
        The one in doubt: the model's operating points disagree on it.
    distance : float
        Between its score and the threshold that decides, at least 0.

    """

    article: StoryArticle
    paragraph: ArchivedParagraph
    topic: Topic
    distance: float

    @property
    def shown(self) -> dict[str, float]:
        """The scores of the topic in doubt and of those that are assigned."""
        return {
            topic: score
            for topic, score in self.paragraph.scores.items()
            if topic == self.topic.id or topic in self.paragraph.topics
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of the sources.

    Parameters
    ----------
    summary : Summary
    errors : tuple of str
        What could not be read, and why.
    left_out : tuple of str
        Files that were left out on purpose, and why.

    """

    summary: Summary
    errors: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def lead(self) -> str:
        """What was read, what was folded and what was not, in one line."""
        read, found, copies = self.summary.read, self.summary.articles.total(), self.summary.copies
        rest = len(self.summary.failed) + len(self.left_out)
        articles = f" ({counted(found, 'article')})" if found != read else ""
        folded = f", {counted(copies, 'copy', 'copies')} folded" if copies else ""
        return (
            f"{counted(read + rest, 'source')}: {read:,} read{articles}{folded}, {rest:,} not, or not to the end"
        )


@dataclass(frozen=True, slots=True)
class Today:
    """What the page shows.

    Parameters
    ----------
    reading : Reading
    digest : Digest
        Every story with all paragraphs that have a topic.
    unsure : tuple of Doubt
        The most doubtful first, each paragraph once.
    paragraphs : int
        Of all stories, copies left out.
    stories : int
        All of them, those without a topic too.
    keys : dict of int to str
        What keeps the corrections of an article together, by its id.
    run_id : str
        Of the model.

    """

    reading: Reading
    digest: Digest
    unsure: tuple[Doubt, ...]
    paragraphs: int
    stories: int
    keys: dict[int, str]
    run_id: str

    @property
    def found(self) -> str:
        """How much of it is on a topic, in one line."""
        entries = [entry for _, entry in self.digest.entries]
        hits = sum(len(entry.quotations) for entry in entries)
        stories = counted(self.stories, "story", "stories")
        return (
            f"{len(entries):,} of {stories} and {hits:,} of {counted(self.paragraphs, 'paragraph')} have a topic."
        )


def read_today(
    sources: Sources,
    how: Collecting,
    model: Path,
    *,
    now: datetime,
    title: str,
    wait: Callable[[float], None],
    allow_private: bool,
) -> Today:
    """Label what sources hold, and gather it story by story.

    Parameters
    ----------
    sources : Sources
    how : Collecting
        What it is told of what cannot be read goes into the page, too.
    model : Path
        A bundle.
    now : datetime
        With a time zone.
    title : str
    wait : callable
        Called with seconds to wait between requests to one host.
    allow_private : bool
        Read from private networks and this machine, too.

    Returns
    -------
    Today

    Raises
    ------
    SourceError
        Where no article was read.
    ArchiveError, BundleError, MissingExtraError

    """
    errors: dict[str, None] = {}
    left_out: dict[str, None] = {}

    def complain(error: SourceError) -> None:
        errors[str(error)] = None
        how.complain(error)

    def leave_out(file: Path, kind: str) -> None:
        left_out[f"{file}: {kind} is not read"] = None

    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive.sqlite3"
        telling = replace(how, complain=complain, left_out=leave_out)
        session = Session(
            archive,
            lambda: model,
            telling,
            wait=wait,
            allow_private=allow_private,
            progress=lambda done, total: None,
        )
        summary = session.once(sources)
        if not summary.articles.total():
            raise SourceError("nothing to show: no article was read")
        reading = Reading(summary, tuple(errors), tuple(left_out))
        with open_archive(archive) as database:
            return _gather(database, load_bundle(model), reading, now=now, title=title)


def as_html(today: Today) -> bytes:
    """Write the page: its style and scripts inside, no address that it would load.

    Parameters
    ----------
    today : Today

    Returns
    -------
    bytes

    """
    script = "\n".join(map(read_asset, _SCRIPTS))
    page = environment().get_template("today.html")
    return page.render(
        today=today,
        digest=today.digest,
        topics=today.digest.topics,
        counts={section.topic.id: section.count.stories for section in today.digest.sections},
        keys=today.keys,
        rows=rows,
        style=read_asset("style.css"),
        script=script,
        script_digest=script_digest(script),
    ).encode(errors="replace")


def _gather(database: sqlite3.Connection, bundle: Bundle, reading: Reading, *, now: datetime, title: str) -> Today:
    digest = read_digest(
        database,
        Selection(),
        title=title,
        period=rows.words_of_day(now.date().isoformat()),
        made=now,
        key="today",
        most=_ALL,
        quotations=_ALL,
    )
    numbers = queries.first_articles(database)
    articles = [found for number in numbers if (found := queries.article(database, number))]
    doubts = [doubt for article in articles for doubt in _doubts(article, bundle)]
    unsure = sorted(doubts, key=lambda doubt: doubt.distance)[:MOST_UNSURE]
    paragraphs = sum(len(article.paragraphs) for article in articles)
    quoted = (entry.first.id for _, entry in digest.entries)
    keys = {number: text[:16] for number, text in queries.text_digests(database, {*numbers, *quoted}).items()}
    run_id = bundle.about.get("run_id", "")
    return Today(reading, digest, tuple(unsure), paragraphs, len(articles), keys, run_id)


def _doubts(article: ArchivedArticle, bundle: Bundle) -> Iterator[Doubt]:
    """Yield the paragraphs that have a topic at one operating point of the model and not at another."""
    points = list(bundle.scorer.points.values())
    for paragraph in article.paragraphs:
        found = [
            Doubt(article.facts, paragraph, topic, abs(paragraph.scores[topic.id] - decisive))
            for column, (topic, decisive) in enumerate(zip(bundle.topics, bundle.scorer.thresholds, strict=True))
            if len({paragraph.scores[topic.id] >= point[column] for point in points}) > 1
        ]
        if found:
            yield min(found, key=lambda doubt: doubt.distance)
