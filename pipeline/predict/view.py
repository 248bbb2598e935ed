"""Predictions as a page shows them: text cut into pieces that are underlined by how much they say."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np

from pipeline.model.aggregation import ArticleTopics, aggregate
from pipeline.schema import Explanation, Prediction, Topic

LEVELS = 4


@dataclass(frozen=True, slots=True)
class Chip:
    """One topic beside a paragraph; `index` is its column, which names its colour."""

    index: int
    topic: Topic
    score: float
    threshold: float
    given: bool
    why: Explanation | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with the topic it speaks for, and how strongly: 0 for not at all, to LEVELS."""

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
    """An article's paragraphs and what they sum up to."""

    first: Prediction
    paragraphs: tuple[ParagraphView, ...]
    rollup: ArticleTopics


def articles(rows: Iterable[Prediction], topics: Sequence[Topic]) -> Iterator[ArticleView]:
    """Give the view of every article."""
    for _, group in groupby(rows, attrgetter("source")):
        article = list(group)
        views = tuple(_paragraph(row, topics) for row in article)
        yield ArticleView(article[0], views, aggregate([row.topics for row in article]))


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
    given = [chip for chip in chips if chip.given]
    tint = max(given, key=lambda chip: chip.score - chip.threshold).index if given else None
    return ParagraphView(row, chips, tuple(_pieces(row.text, given)), tint)


def _pieces(text: str, given: list[Chip]) -> Iterator[Piece]:
    """Cut a text where the strongest topic or its strength changes.

    A term's contribution is spread over its occurrences; a character has that of all terms that cover it.
    """
    if not given:
        yield Piece(text, 0, 0)
        return
    strength = np.zeros((len(given), len(text)))
    for row, chip in enumerate(given):
        for term in chip.why.terms if chip.why else ():
            for start, end in term.spans:
                strength[row, start:end] += term.value / len(term.spans)
    best, most = strength.argmax(0), strength.max(0)
    top = max(float(most.max(initial=0.0)), 1e-9)
    levels = np.where(most > 0, np.ceil(LEVELS * most / top), 0).astype(int)
    columns = np.where(levels > 0, np.array([chip.index for chip in given])[best], 0)
    start = 0
    for (column, level), group in groupby(zip(columns.tolist(), levels.tolist(), strict=True)):
        end = start + sum(1 for _ in group)
        yield Piece(text[start:end], column, level)
        start = end
