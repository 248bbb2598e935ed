"""Predict the topics of articles: for each paragraph scores, topics, and on request explanations."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import BundleError, SourceError
from pipeline.model.bundle import Bundle
from pipeline.model.explain import explain_topics, worth_explaining
from pipeline.predict.language import detect
from pipeline.schema import Article, Prediction
from pipeline.text.paragraphs import split

DEFAULT_POINT = "balanced"


def bundle_path(model: Path) -> Path:
    """Find the bundle that a path stands for.

    Parameters
    ----------
    model : Path
        A bundle, or an output directory.

    Returns
    -------
    Path
        The bundle; of a directory its champion if present, else its candidate.

    """
    if not model.is_dir():
        return model
    champion = model / "champion.safetensors"
    return champion if champion.exists() else model / "candidate.safetensors"


def at_point(bundle: Bundle, point: str) -> Bundle:
    """Return a model that decides by the thresholds of an operating point.

    Parameters
    ----------
    bundle : Bundle
    point : str
        One of `bundle.scorer.points`.

    Returns
    -------
    Bundle

    Raises
    ------
    BundleError
        Where the model has no such point; the message lists those that it has.

    """
    try:
        return replace(bundle, scorer=bundle.scorer.at(point))
    except ValueError as error:
        raise BundleError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of an article.

    Parameters
    ----------
    article : Article
    number : int
        From 0.
    start, end : int
        Character offsets in the article's text.

    """

    article: Article
    number: int
    start: int
    end: int

    @property
    def text(self) -> str:
        """The paragraph's text."""
        return self.article.text[self.start : self.end]


def paragraphs(article: Article) -> list[Paragraph]:
    """List the paragraphs of an article.

    Parameters
    ----------
    article : Article

    Returns
    -------
    list of Paragraph

    """
    return [Paragraph(article, number, *span) for number, span in enumerate(split(article.text))]


def with_language(article: Article, bundle: Bundle) -> Article:
    """Tell the language of an article, and note it where the model was not trained on it.

    Parameters
    ----------
    article : Article
    bundle : Bundle

    Returns
    -------
    Article
        As it is where the model does not say which languages it was trained on, or the language is not clear.

    """
    language = detect(article.text) if bundle.languages else None
    if language is None:
        return article
    notes = article.notes
    if language not in bundle.languages:
        notes += (f"the language seems to be {language}; the model was trained on {', '.join(bundle.languages)}",)
    return replace(article, language=language, notes=notes)


def predict(article: Article, bundle: Bundle, *, explained: bool = False) -> list[Prediction]:
    """Predict the topics of every paragraph of an article.

    Parameters
    ----------
    article : Article
    bundle : Bundle
    explained : bool, default False
        Explain the score of each topic assigned and of each near miss.

    Returns
    -------
    list of Prediction
        In the order of the paragraphs.

    Raises
    ------
    SourceError
        Where the article has no paragraphs.

    """
    found = paragraphs(article)
    if not found:
        raise SourceError(f"{article.source}: no paragraphs")
    return predict_paragraphs(found, bundle, explained=explained)


def predict_paragraphs(found: Sequence[Paragraph], bundle: Bundle, *, explained: bool) -> list[Prediction]:
    """Predict the topics of paragraphs, of one article or of several.

    Parameters
    ----------
    found : sequence of Paragraph
    bundle : Bundle
    explained : bool
        Explain the score of each topic assigned and of each near miss.

    Returns
    -------
    list of Prediction

    """
    scorer = bundle.scorer
    scores = scorer.scores([paragraph.text for paragraph in found])
    assigned, margins = scorer.labels(scores), scores - scorer.thresholds
    rows = []
    for i, paragraph in enumerate(found):
        why = explain_topics(scorer, paragraph.text, worth_explaining(scorer, scores[i])) if explained else {}
        rows.append(
            Prediction(
                source=paragraph.article.source,
                paragraph=paragraph.number,
                start=paragraph.start,
                end=paragraph.end,
                text=paragraph.text,
                topics=tuple(topic for topic, yes in zip(scorer.topics, assigned[i], strict=True) if yes),
                scores=dict(zip(scorer.topics, scores[i].tolist(), strict=True)),
                margins=dict(zip(scorer.topics, margins[i].tolist(), strict=True)),
                explanation=why,
                title=paragraph.article.title,
                date=paragraph.article.date,
                origin=paragraph.article.origin,
                language=paragraph.article.language,
            )
        )
    return rows


def predict_all(
    articles: Iterable[Article | SourceError],
    bundle: Bundle,
    *,
    explained: bool,
    complain: Callable[[SourceError], None],
    note: Callable[[str], None],
) -> Iterator[Prediction]:
    """Predict the topics of article after article.

    Parameters
    ----------
    articles : iterable of Article or SourceError
    bundle : Bundle
    explained : bool
    complain : callable
        Called with the error of each article that cannot be read or has no paragraphs.
    note : callable
        Called with each of an article's notes, its source before it.

    Yields
    ------
    Prediction

    """
    for article in articles:
        try:
            if isinstance(article, SourceError):
                raise article
            told = with_language(article, bundle)
            for said in told.notes:
                note(f"{told.source}: {said}")
            yield from predict(told, bundle, explained=explained)
        except SourceError as error:
            complain(error)
