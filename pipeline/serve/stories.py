"""Stories as the pages show them: grouped, with quotations cut to a length that can be read and words marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.archive.digest.rows import link, place
from pipeline.archive.queries import Quotation, Story, StoryArticle

QUOTED = 3  # paragraphs of a story
_LONGEST, _CONTEXT = 1500, 500  # characters
_GROUPS = {"about": "About", "mentioned": "Mentioned", "words": "Found for the words alone"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text; `found` where it is one of the words that are searched for."""

    text: str
    found: bool


@dataclass(frozen=True, slots=True)
class ShownQuotation:
    """A quotation.

    Parameters
    ----------
    row : Quotation
    pieces : tuple of Piece
    cut : bool
        Whether the pieces are not the whole paragraph.
    before, after : str
        Its context.

    """

    row: Quotation
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


def grouped(stories: Sequence[Story], chosen: Sequence[str], digests: Mapping[int, str]) -> list[Group]:
    """Put stories under headings, those about a topic first.

    Parameters
    ----------
    stories : sequence of Story
        In the order of the archive.
    chosen : sequence of str
        The topics that are asked for, empty for any.
    digests : mapping of int to str
        SHA-256 of the texts of articles.

    Returns
    -------
    list of Group

    """
    return [
        Group(kind, _GROUPS[kind], tuple(_shown(story, digests) for story in found))
        for kind, found in groupby(stories, lambda story: _kind(story, chosen))
    ]


def shown_article(row: StoryArticle) -> ShownArticle:
    """Return an article's facts with what may be linked to."""
    return ShownArticle(row, link(row), place(row))


def _kind(story: Story, chosen: Sequence[str]) -> str:
    if any(topic in story.about for topic in chosen or story.about):
        return "about"
    return "mentioned" if any(quoted.scores for quoted in story.quotations) else "words"


def _shown(story: Story, digests: Mapping[int, str]) -> ShownStory:
    quoted = tuple(_quoted(row) for row in story.quotations[:QUOTED])
    key = digests.get(story.articles[0].id, "")[:16]
    articles = tuple(map(shown_article, story.articles))
    return ShownStory(story, articles, quoted, len(story.quotations) - len(quoted), key)


def _quoted(row: Quotation) -> ShownQuotation:
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
    return ShownQuotation(row, tuple(pieces), cut, before, after)


def _pieces(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> Sequence[Piece]:
    """Cut a stretch of a text where found words begin and end."""
    pieces, place = [], start
    for first, last in spans:
        if first < start or last > end:
            continue
        pieces += [Piece(text[place:first], found=False), Piece(text[first:last], found=True)]
        place = last
    return [piece for piece in (*pieces, Piece(text[place:end], found=False)) if piece.text]
