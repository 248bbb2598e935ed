"""Fit linear classifiers on the features of whole texts and of the sentence that carries a topic."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

from pipeline.errors import DataError
from pipeline.text.tfidf import Weighting, fit_weighting
from pipeline.text.tokenizer import CountedTexts, Counts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Kind = Literal["logistic_regression", "linear_svc", "ridge"]


class Settings(Protocol):
    """What a fit needs to know; `TopicClassifier` has it."""

    min_df: int
    sublinear: bool
    unknown: float
    sentence_share: float
    kind: Kind
    C: float
    class_weight: Literal["balanced"] | None
    seed: int


@dataclass(frozen=True)
class Features:
    """TF-IDF features of n texts as wholes, sparse [n, m], and of their sentences, sparse [s, m]."""

    wholes: sparse.csr_array
    sentences: sparse.csr_array
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, counted: CountedTexts, weighting: Weighting) -> "Features":
        """Weigh the counts of n texts and keep the columns of the terms that the weighting kept."""
        kept = np.flatnonzero(weighting.idf)
        wholes, sentences = (_matrix(counts, weighting)[:, kept] for counts in (counted.wholes, counted.sentences))
        return cls(wholes, sentences, counted.starts)

    def best(self, estimator: Any) -> tuple[Floats, NDArray[np.int64]]:
        """Give each text's highest sentence margin, and the row of that sentence."""
        margins = estimator.decision_function(self.sentences)
        highest = np.maximum.reduceat(margins, self.starts[:-1])
        is_best = margins == np.repeat(highest, np.diff(self.starts))
        rows = np.flatnonzero(is_best)
        owners = np.searchsorted(self.starts, rows, side="right") - 1
        return highest, rows[np.unique(owners, return_index=True)[1]]


def fit_rows(
    settings: Settings, counted: CountedTexts, n_terms: int, labels: Bools, rows: Bools
) -> tuple[Weighting, Features, list[Any]]:
    """Fit weighting and classifiers on the marked texts; give them with the features of all texts.

    Raises DataError where no term is frequent enough.
    """
    weighting = fit_weighting(
        counted.wholes,
        rows,
        n_terms,
        min_df=settings.min_df,
        sublinear=settings.sublinear,
        unknown=settings.unknown,
    )
    if not weighting.idf.any():
        raise DataError(f"no term occurs in {settings.min_df} training paragraphs: lower min_df, or label more")
    features = Features.of(counted, weighting)
    return weighting, features, [_fit_topic(settings, features, column, rows) for column in labels.T]


def _fit_topic(settings: Settings, features: Features, label: Bools, rows: Bools) -> Any:
    """Fit one topic: on whole texts, then on the mean of each text and the sentence found best by the first fit.

    The second fit is one round of training with a latent variable, the sentence that carries the topic
    (Felzenszwalb et al. 2010, "Object detection with discriminatively trained part-based models").
    """
    if label[rows].all() or not label[rows].any():
        return None
    X, y = features.wholes[rows], label[rows]
    estimator = _estimator(settings).fit(X, y)
    if not settings.sentence_share:
        return estimator
    best = features.sentences[features.best(estimator)[1][rows]]
    return _estimator(settings).fit((1 - settings.sentence_share) * X + settings.sentence_share * best, y)


def _estimator(settings: Settings) -> Any:
    if settings.kind == "linear_svc":
        return LinearSVC(C=settings.C, class_weight=settings.class_weight, random_state=settings.seed)
    if settings.kind == "ridge":
        return RidgeClassifier(
            alpha=1 / settings.C, class_weight=settings.class_weight, random_state=settings.seed
        )
    return LogisticRegression(
        C=settings.C, class_weight=settings.class_weight, max_iter=1000, random_state=settings.seed
    )


def pooled(estimator: Any, features: Features, share: float) -> Floats:
    """Give each text's margin, `share` of it from its best sentence; NaN without an estimator."""
    if estimator is None:
        return np.full(features.wholes.shape[0], np.nan)
    whole: Floats = estimator.decision_function(features.wholes)
    return (1 - share) * whole + share * features.best(estimator)[0] if share else whole


def _matrix(counts: Counts, weighting: Weighting) -> sparse.csr_array:
    shape = (len(counts.unknown), len(weighting.idf))
    return sparse.csr_array((weighting.weigh(counts), counts.indices, counts.indptr), shape=shape)
