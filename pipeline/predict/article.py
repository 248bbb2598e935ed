"""Label an article: paragraphs, their scores, the topics given, and on request why."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.model.bundle import Bundle
from pipeline.model.explain import explain_topics, worth_explaining
from pipeline.schema import Article, Prediction
from pipeline.text.paragraphs import split


def bundle_path(model: Path) -> Path:
    """Choose the bundle of an output folder: its champion, or its candidate as long as there is no champion."""
    if not model.is_dir():
        return model
    champion = model / "champion.safetensors"
    return champion if champion.exists() else model / "candidate.safetensors"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a paragraph stands: its number in the article, and its start and end in the text."""

    article: Article
    number: int
    start: int
    end: int

    @property
    def text(self) -> str:
        """The paragraph."""
        return self.article.text[self.start : self.end]


def paragraphs(article: Article) -> list[Place]:
    """List an article's paragraphs."""
    return [Place(article, number, *span) for number, span in enumerate(split(article.text))]


def predict(article: Article, bundle: Bundle, *, explained: bool = False) -> list[Prediction]:
    """Label every paragraph of an article, in order; raise SourceError where it has none."""
    places = paragraphs(article)
    if not places:
        raise SourceError(f"{article.source}: no paragraphs")
    return label(places, bundle, explained=explained)


def label(places: Sequence[Place], bundle: Bundle, *, explained: bool) -> list[Prediction]:
    """Label paragraphs, of one article or of several, together."""
    scorer = bundle.scorer
    scores = scorer.scores([place.text for place in places])
    labels, margins = scorer.labels(scores), scores - scorer.thresholds
    rows = []
    for i, place in enumerate(places):
        why = explain_topics(scorer, place.text, worth_explaining(scorer, scores[i])) if explained else {}
        rows.append(
            Prediction(
                source=place.article.source,
                paragraph=place.number,
                start=place.start,
                end=place.end,
                text=place.text,
                topics=tuple(topic for topic, given in zip(scorer.topics, labels[i], strict=True) if given),
                scores=dict(zip(scorer.topics, scores[i].tolist(), strict=True)),
                margins=dict(zip(scorer.topics, margins[i].tolist(), strict=True)),
                explanation=why,
                title=place.article.title,
                date=place.article.date,
                origin=place.article.origin,
            )
        )
    return rows


def predict_all(
    articles: Iterable[Article | SourceError],
    bundle: Bundle,
    *,
    explained: bool,
    complain: Callable[[SourceError], None],
) -> Iterator[Prediction]:
    """Label article after article; what cannot be read or has no paragraphs goes to `complain`."""
    for article in articles:
        try:
            if isinstance(article, SourceError):
                raise article
            yield from predict(article, bundle, explained=explained)
        except SourceError as error:
            complain(error)
