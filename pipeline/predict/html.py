"""Predictions as one HTML file that needs nothing else: no address, its style and the script of its keys inside.

Texts are cut into pieces that are underlined by how much they contribute; the service's page shows the same views.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, islice
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.assets import read_asset, script_digest
from pipeline.model.aggregation import ArticleTopics, aggregate
from pipeline.predict.article import copied_from
from pipeline.schema import Explanation, Prediction, Topic
from pipeline.text.display import score_text

if TYPE_CHECKING:
    from jinja2 import Environment

LEVELS = 4
MARKS = "●■▲◆★✚⬟⬢"
_GREY = "#5f6368"
_IN_MEMORY, _PIECE = 1 << 20, 1 << 16
_HEX = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Chip:
    """A topic beside a paragraph; `index` is its column, which names its colour."""

    index: int
    topic: Topic
    score: float
    threshold: float
    assigned: bool
    explanation: Explanation | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, the column of the topic that it speaks for, and how strongly: 0 to LEVELS."""

    text: str
    index: int
    level: int


@dataclass(frozen=True, slots=True)
class ParagraphView:
    """A paragraph's pieces and topics; `tint` is the column of the topic with the widest margin, or None."""

    row: Prediction
    chips: tuple[Chip, ...]
    pieces: tuple[Piece, ...]
    tint: int | None


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article's predictions, the topics of the whole, and how many paragraphs have each.

    A paragraph is prepared when it is shown.
    """

    rows: Sequence[Prediction]
    columns: Sequence[Topic]
    topics: ArticleTopics
    counts: Counter[str]

    @property
    def first(self) -> Prediction:
        """The first paragraph, which has the facts of the article."""
        return self.rows[0]

    @property
    def paragraphs(self) -> Iterator[ParagraphView]:
        """The paragraphs."""
        return (_paragraph(row, self.columns) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Entry:
    """An article in the list of contents: its title, what it repeats, and counts by the column of their topic."""

    title: str
    copy_of: str | None
    counts: tuple[tuple[int, int], ...]


def as_html(articles: Iterable[Sequence[Prediction]], topics: Sequence[Topic]) -> Iterator[str]:
    """Render articles as one page.

    The page begins with sums over all articles, so what follows waits in a temporary file: neither articles nor
    their paragraphs are held in memory.

    Parameters
    ----------
    articles : iterable of sequence of Prediction
        The paragraphs of each article, with explanations.
    topics : sequence of Topic

    Yields
    ------
    str
        A piece of the page.

    """
    script = read_asset("keys.js")
    inside = {"style": read_asset("style.css"), "script": script, "digest": script_digest(script)}
    contents: list[Entry] = []
    counts: Counter[str] = Counter()
    total = 0
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", errors="backslashreplace", newline="") as body:
        remaining = iter(articles)
        first = list(islice(remaining, 2))
        for number, article in enumerate(chain(first, remaining), 1):
            shown = view(article, topics)
            contents.append(_entry(shown, copied_from(article), topics))
            if contents[-1].copy_of is None:
                counts += shown.counts
                total += len(article)
            about = {"several": len(first) > 1, "entry": contents[-1]}
            for piece in _streamed("article.html", 100, a=shown, topics=topics, number=number, **about):
                body.write(piece)  # writelines would hold it all in memory
        body.seek(0)
        pieces = iter(lambda: body.read(_PIECE), "")
        sums = {"counts": [counts[topic.id] for topic in topics], "total": total}
        yield from _streamed("report.html", 10, contents=contents, body=pieces, topics=topics, **sums, **inside)


def view(article: Sequence[Prediction], topics: Sequence[Topic]) -> ArticleView:
    """Prepare an article for the templates.

    Parameters
    ----------
    article : sequence of Prediction
        At least one.
    topics : sequence of Topic

    Returns
    -------
    ArticleView

    """
    texts, found = zip(*((row.text, row.topics) for row in article), strict=True)
    counts = Counter(topic for paragraph in found for topic in paragraph)
    return ArticleView(article, topics, aggregate(texts, found), counts)


def _entry(shown: ArticleView, original: str | None, topics: Sequence[Topic]) -> Entry:
    title = shown.first.title or shown.first.source
    counts = [(index, shown.counts[topic.id]) for index, topic in enumerate(topics) if shown.counts[topic.id]]
    return Entry(title, original, tuple(counts if original is None else ()))


def _streamed(template: str, at_once: int, **shown: Any) -> Iterator[str]:
    """Render a template, some of its nodes at once."""
    stream = environment().get_template(template).stream(**shown)
    stream.enable_buffering(at_once)
    return stream


@lru_cache(maxsize=1)
def environment() -> "Environment":
    """Return the templates, which escape whatever they are filled with."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("pipeline"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["colour"] = _colour
    made.filters["score"] = score_text
    made.globals["marks"] = MARKS
    return made


def _colour(topic: Topic) -> str:
    """Let nothing but a colour's hexadecimal digits into a style sheet."""
    digits = topic.colour.removeprefix("#")
    return f"#{digits}" if len(digits) in (3, 6) and set(digits) <= _HEX else _GREY


def _paragraph(row: Prediction, topics: Sequence[Topic]) -> ParagraphView:
    chips = tuple(
        Chip(
            index,
            topic,
            row.scores[topic.id],
            row.scores[topic.id] - row.margins[topic.id],
            topic.id in row.topics,
            row.explanation.get(topic.id),
        )
        for index, topic in enumerate(topics)
    )
    assigned = [chip for chip in chips if chip.assigned]
    tint = max(assigned, key=lambda chip: chip.score - chip.threshold).index if assigned else None
    return ParagraphView(row, chips, tuple(_pieces(row.text, assigned)), tint)


def _pieces(text: str, assigned: list[Chip]) -> Iterator[Piece]:
    """Cut a text where the strongest topic or its strength changes.

    A term's contribution is spread over its occurrences; a character has that of all terms that cover it.
    """
    if not assigned:
        yield Piece(text, 0, 0)
        return
    strength = np.zeros((len(assigned), len(text)))
    for row, chip in enumerate(assigned):
        for term in chip.explanation.terms if chip.explanation else ():
            strength[row] += term.value / max(len(term.spans), 1) * _covers(term.spans, len(text))
    best, most = strength.argmax(0), strength.max(0)
    top = max(float(most.max(initial=0.0)), 1e-9)
    levels = np.where(most > 0, np.ceil(LEVELS * most / top), 0).astype(int)
    columns = np.where(levels > 0, np.array([chip.index for chip in assigned])[best], 0)
    start = 0
    for (column, level), group in groupby(zip(columns.tolist(), levels.tolist(), strict=True)):
        end = start + sum(1 for _ in group)
        yield Piece(text[start:end], column, level)
        start = end


def _covers(spans: Sequence[tuple[int, int]], length: int) -> NDArray[np.int64]:
    """Count for each character the spans that cover it, in a time that is linear however they overlap."""
    changes = np.zeros(length + 1, np.int64)
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T
    np.add.at(changes, starts, 1)
    np.subtract.at(changes, ends, 1)
    return changes[:-1].cumsum()
