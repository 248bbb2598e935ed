"""Label an article: paragraphs, their scores, the topics given, and on request why."""

from collections.abc import Callable, Iterable, Iterator

from pipeline.bundle import Bundle
from pipeline.errors import SourceError
from pipeline.explain import explain
from pipeline.paragraphs import split
from pipeline.schema import Article, Prediction


def predict(article: Article, bundle: Bundle, *, explained: bool = False) -> list[Prediction]:
    """Label every paragraph of an article, in order; raise SourceError where it has none."""
    spans = split(article.text)
    if not spans:
        raise SourceError(f"{article.source}: no paragraphs")
    texts = [article.text[start:end] for start, end in spans]
    scorer = bundle.scorer
    scores = scorer.scores(texts)
    labels = scorer.labels(scores)
    rows = []
    for index, ((start, end), text) in enumerate(zip(spans, texts, strict=True)):
        topics = tuple(topic for topic, given in zip(scorer.topics, labels[index], strict=True) if given)
        why = {topic: explain(scorer, text, topic) for topic in topics} if explained else {}
        by_topic = dict(zip(scorer.topics, scores[index].tolist(), strict=True))
        rows.append(Prediction(article.source, index, start, end, text, topics, by_topic, why))
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
