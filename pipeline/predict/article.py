"""Predict the topics of articles: for each paragraph scores, topics, and on request explanations."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BundleError, SourceError
from pipeline.model.bundle import Bundle
from pipeline.model.explain import explain_topics, worth_explaining
from pipeline.model.scorer import Scorer
from pipeline.predict.language import MOST, available, detect
from pipeline.schema import Article, Explanation, Prediction
from pipeline.text.paragraphs import Span, split

DEFAULT_POINT = "balanced"
_BATCH = 1000
_ENOUGH_TERMS, _FAMILIAR = 20, 0.6  # known terms, and their share, that make a text one of the model's language


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
    language = _language(article.text, bundle) if bundle.languages else None
    if language is None:
        return article
    notes = article.notes
    if language not in bundle.languages:
        notes += (f"the language seems to be {language}; the model was trained on {', '.join(bundle.languages)}",)
    return replace(article, language=language, notes=notes)


def with_copies_named(articles: Iterable[Article | SourceError]) -> Iterator[Article | SourceError]:
    """Note of each article that has the text of one before it which one that is; white space does not count.

    Parameters
    ----------
    articles : iterable of Article or SourceError

    Yields
    ------
    Article or SourceError

    """
    first: dict[bytes, str] = {}
    for article in articles:
        if isinstance(article, SourceError) or not article.text.strip():
            yield article
            continue
        text = " ".join(article.text.split())
        original = first.setdefault(blake2b(text.encode(errors="surrogatepass")).digest(), article.source)
        if original == article.source:
            yield article
        else:
            yield replace(article, copy_of=original, notes=(*article.notes, f"the same text as {original}"))


def copied_from(article: Sequence[Prediction]) -> str | None:
    """Return the source of the article before that an article repeats, None where it repeats none."""
    return article.copy_of if isinstance(article, ArticlePredictions) else None


class ArticlePredictions(Sequence[Prediction]):
    """The predictions for an article, each put together when it is asked for.

    So an article of a million paragraphs takes some hundred bytes for each, not some thousand.

    Parameters
    ----------
    article : Article
    spans : list of (start, end)
        Its paragraphs.
    scorer : Scorer
    explained : bool

    """

    def __init__(self, article: Article, spans: list[Span], scorer: Scorer, *, explained: bool) -> None:
        self._article, self._spans, self._scorer, self._explained = article, spans, scorer, explained
        batches = (spans[first : first + _BATCH] for first in range(0, len(spans), _BATCH))
        texts = ([article.text[start:end] for start, end in batch] for batch in batches)
        self._scores = np.concatenate([scorer.scores(batch) for batch in texts])
        self._assigned = scorer.labels(self._scores)

    @property
    def copy_of(self) -> str | None:
        """The source of the article before that this one repeats."""
        return self._article.copy_of

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, place: int) -> Prediction: ...
    @overload
    def __getitem__(self, place: slice) -> list[Prediction]: ...
    def __getitem__(self, place: int | slice) -> Prediction | list[Prediction]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        paragraph, scores = Paragraph(self._article, number, *self._spans[number]), self._scores[number]
        why: Mapping[str, Explanation] = {}
        if self._explained:
            why = _Explanations(self._scorer, paragraph.text, worth_explaining(self._scorer, scores))
        return _prediction(paragraph, self._scorer, scores, self._assigned[number], why)


class _Explanations(Mapping[str, Explanation]):
    """Explanations of some topics of a text, found when the first is asked for."""

    def __init__(self, scorer: Scorer, text: str, topics: list[str]) -> None:
        self._scorer, self._text, self._topics = scorer, text, topics

    @cached_property
    def _found(self) -> dict[str, Explanation]:
        return explain_topics(self._scorer, self._text, self._topics)

    def __getitem__(self, topic: str) -> Explanation:
        if topic not in self._topics:
            raise KeyError(topic)
        return self._found[topic]

    def __iter__(self) -> Iterator[str]:
        return iter(self._topics)

    def __len__(self) -> int:
        return len(self._topics)


def predict(article: Article, bundle: Bundle, *, explained: bool = False) -> Sequence[Prediction]:
    """Predict the topics of every paragraph of an article.

    Parameters
    ----------
    article : Article
    bundle : Bundle
    explained : bool, default False
        Explain the score of each topic assigned and of each near miss.

    Returns
    -------
    sequence of Prediction
        In the order of the paragraphs.

    Raises
    ------
    SourceError
        Where the article has no paragraphs.

    """
    found = split(article.text)
    if not found:
        raise SourceError(f"{article.source}: no paragraphs")
    return ArticlePredictions(article, found, bundle.scorer, explained=explained)


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
    assigned = scorer.labels(scores)
    rows = []
    for i, paragraph in enumerate(found):
        why = explain_topics(scorer, paragraph.text, worth_explaining(scorer, scores[i])) if explained else {}
        rows.append(_prediction(paragraph, scorer, scores[i], assigned[i], why))
    return rows


def predict_articles(
    articles: Iterable[Article | SourceError],
    bundle: Bundle,
    *,
    explained: bool,
    complain: Callable[[SourceError], None],
    note: Callable[[str], None],
) -> Iterator[Sequence[Prediction]]:
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
    sequence of Prediction
        Those of an article.

    """
    for article in articles:
        try:
            if isinstance(article, SourceError):
                raise article
            told = with_language(article, bundle)
            for said in told.notes:
                note(f"{told.source}: {said}")
            yield predict(told, bundle, explained=explained)
        except SourceError as error:
            complain(error)


def predict_all(
    articles: Iterable[Article | SourceError],
    bundle: Bundle,
    *,
    explained: bool,
    complain: Callable[[SourceError], None],
    note: Callable[[str], None],
) -> Iterator[Prediction]:
    """Predict the topics of every paragraph of article after article; see `predict_articles`."""
    for rows in predict_articles(articles, bundle, explained=explained, complain=complain, note=note):
        yield from rows


def _language(text: str, bundle: Bundle) -> str | None:
    """Tell a language, by the vocabulary where most of the text's terms are those of a model of one language.

    Of English articles outside the training data the shares are 0.49 and above, of 22 other languages 0.36 and
    below; what lies between is left to the detector, which takes long to load.
    """
    if len(bundle.languages) == 1 and available():
        counted = bundle.scorer.vocabulary.count([text[:MOST]]).wholes
        known, unknown = counted.data.sum(), counted.oov[0]
        if known >= _ENOUGH_TERMS and known >= _FAMILIAR * (known + unknown):
            return bundle.languages[0]
    return detect(text)


def _prediction(
    paragraph: Paragraph,
    scorer: Scorer,
    scores: NDArray[np.float64],
    assigned: NDArray[np.bool_],
    why: Mapping[str, Explanation],
) -> Prediction:
    article, topics = paragraph.article, scorer.topics
    return Prediction(
        source=article.source,
        paragraph=paragraph.number,
        start=paragraph.start,
        end=paragraph.end,
        text=paragraph.text,
        topics=tuple(topic for topic, yes in zip(topics, assigned.tolist(), strict=True) if yes),
        scores=dict(zip(topics, scores.tolist(), strict=True)),
        margins=dict(zip(topics, (scores - scorer.thresholds).tolist(), strict=True)),
        explanation=why,
        title=article.title,
        date=article.date,
        origin=article.origin,
        language=article.language,
    )
