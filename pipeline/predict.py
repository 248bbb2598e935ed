"""Label an article: paragraphs, their scores, the topics given, and on request why."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.bundle import Bundle
from pipeline.errors import SourceError
from pipeline.explain import explain_topics, worth_explaining
from pipeline.paragraphs import split
from pipeline.schema import Article, Prediction


def bundle_path(model: Path) -> Path:
    """Choose the bundle of an output folder: its champion, or its candidate as long as there is no champion."""
    if not model.is_dir():
        return model
    champion = model / "champion.safetensors"
    return champion if champion.exists() else model / "candidate.safetensors"


def predict(article: Article, bundle: Bundle, *, explained: bool = False) -> list[Prediction]:
    """Label every paragraph of an article, in order; raise SourceError where it has none."""
    spans = split(article.text)
    if not spans:
        raise SourceError(f"{article.source}: no paragraphs")
    return label(article, spans, bundle, explained=explained)


def label(
    article: Article, spans: Sequence[tuple[int, int]], bundle: Bundle, *, explained: bool, first: int = 0
) -> list[Prediction]:
    """Label these (start, end) stretches of an article, numbered from `first`."""
    texts = [article.text[start:end] for start, end in spans]
    scorer = bundle.scorer
    scores = scorer.scores(texts)
    labels, margins = scorer.labels(scores), scores - scorer.thresholds
    rows = []
    for i, ((start, end), text) in enumerate(zip(spans, texts, strict=True)):
        why = explain_topics(scorer, text, worth_explaining(scorer, scores[i])) if explained else {}
        rows.append(
            Prediction(
                source=article.source,
                paragraph=first + i,
                start=start,
                end=end,
                text=text,
                topics=tuple(topic for topic, given in zip(scorer.topics, labels[i], strict=True) if given),
                scores=dict(zip(scorer.topics, scores[i].tolist(), strict=True)),
                margins=dict(zip(scorer.topics, margins[i].tolist(), strict=True)),
                explanation=why,
                title=article.title,
                date=article.date,
                origin=article.origin,
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
