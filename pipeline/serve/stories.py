"""Stories as the pages show them: grouped, with quotations cut to a length that can be read and words marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.archive.digest.rows import link, place
from pipeline.archive.queries import Quotation, Story, StoryArticle
from pipeline.labelling.store import Label
from pipeline.labelling.task import Task

QUOTED = 3  # paragraphs of a story
_LONGEST, _CONTEXT = 1500, 500  # characters
_GROUPS = {"about": "About", "mentioned": "Mentioned", "words": "Found for the words alone"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text; `found` where it is one of the words that are searched for."""

    text: str
    found: bool


@dataclass(frozen=True, slots=True)
class ShownChip:
    """A topic of a quotation: its score, None where only a person says so, and whether it is assigned."""

    id: str
    score: float | None
    assigned: bool


@dataclass(frozen=True, slots=True)
class Given:
    """What decides on the topics that a quotation is shown with.

    Parameters
    ----------
    thresholds : mapping of str to float
        Of the model; a topic that was only found by a lower least score is not assigned.
    labels : mapping of str to Label
        What people say of texts, by the ids of their tasks; it counts before the model.

    """

    thresholds: Mapping[str, float]
    labels: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class ShownQuotation:
    """A quotation.

    Parameters
    ----------
    row : Quotation
    chips : tuple of ShownChip
    label : Label or None
        What people say of the paragraph.
    pieces : tuple of Piece
    cut : bool
        Whether the pieces are not the whole paragraph.
    before, after : str
        Its context.

    """

    row: Quotation
    chips: tuple[ShownChip, ...]
    label: Label | None
    pieces: tuple[Piece, ...]
    cut: bool
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ShownArticle:
    """An article's facts, its address where that is one of the web, and else the name of its file."""

    row: StoryArticle
    address: str | None
    place: str


@dataclass(frozen=True, slots=True)
class ShownStory:
    """A story: its articles, the first of which is quoted, and how many more paragraphs of it match.

    `key` keeps the corrections of its paragraphs together.
    """

    row: Story
    articles: tuple[ShownArticle, ...]
    quotations: tuple[ShownQuotation, ...]
    more: int
    key: str


@dataclass(frozen=True, slots=True)
class Group:
    """Stories under one heading."""

    id: str
    title: str
    stories: tuple[ShownStory, ...]


def grouped(
    stories: Sequence[Story], chosen: Sequence[str], digests: Mapping[int, str], given: Given
) -> list[Group]:
    """Put stories under headings, those about a topic first.

    Parameters
    ----------
    stories : sequence of Story
        In the order of the archive.
    chosen : sequence of str
        The topics that are asked for, empty for any.
    digests : mapping of int to str
        SHA-256 of the texts of articles.
    given : Given

    Returns
    -------
    list of Group

    """
    return [
        Group(kind, _GROUPS[kind], tuple(_shown(story, digests, given) for story in found))
        for kind, found in groupby(stories, lambda story: _kind(story, chosen))
    ]


def task_ids(stories: Sequence[Story]) -> list[str]:
    """Return the ids of the tasks of all paragraphs that are shown of stories."""
    return [Task(row.text).id for story in stories for row in story.quotations[:QUOTED]]


def shown_article(row: StoryArticle) -> ShownArticle:
    """Return an article's facts with what may be linked to."""
    return ShownArticle(row, link(row), place(row))


def _kind(story: Story, chosen: Sequence[str]) -> str:
    if any(topic in story.about for topic in chosen or story.about):
        return "about"
    return "mentioned" if any(quoted.scores for quoted in story.quotations) else "words"


def _shown(story: Story, digests: Mapping[int, str], given: Given) -> ShownStory:
    quoted = tuple(_quoted(row, given) for row in story.quotations[:QUOTED])
    key = digests.get(story.articles[0].id, "")[:16]
    articles = tuple(map(shown_article, story.articles))
    return ShownStory(story, articles, quoted, len(story.quotations) - len(quoted), key)


def _quoted(row: Quotation, given: Given) -> ShownQuotation:
    label = given.labels.get(Task(row.text).id)
    first = row.spans[0][0] if row.spans else 0
    start = max(0, min(first - _LONGEST // 4, len(row.text) - _LONGEST))
    end = start + _LONGEST
    pieces = list(_pieces(row.text, row.spans, start, end))
    cut = len(row.text) > _LONGEST
    if start:
        pieces.insert(0, Piece("\u2026 ", found=False))
    if end < len(row.text):
        pieces.append(Piece(" \u2026", found=False))
    before = f"\u2026 {row.before[-_CONTEXT:]}" if len(row.before) > _CONTEXT else row.before
    after = f"{row.after[:_CONTEXT]} \u2026" if len(row.after) > _CONTEXT else row.after
    return ShownQuotation(row, tuple(_chips(row, label, given)), label, tuple(pieces), cut, before, after)


def _chips(row: Quotation, label: Label | None, given: Given) -> Iterator[ShownChip]:
    """Tell of the topics that were found, and of those that only a person assigns."""
    for topic, score in row.scores.items():
        yield ShownChip(topic, score, topic in label.topics if label else score >= given.thresholds[topic])
    for topic in label.topics if label else ():
        if topic not in row.scores and topic in given.thresholds:
            yield ShownChip(topic, None, assigned=True)


def _pieces(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> Sequence[Piece]:
    """Cut a stretch of a text where found words begin and end."""
    pieces, place = [], start
    for first, last in spans:
        if first < start or last > end:
            continue
        pieces += [Piece(text[place:first], found=False), Piece(text[first:last], found=True)]
        place = last
    return [piece for piece in (*pieces, Piece(text[place:end], found=False)) if piece.text]
