"""Fit one linear model a topic on the features of whole texts and of the sentence that carries the topic."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

from pipeline.text.tfidf import TfidfWeights, fit_tfidf
from pipeline.text.tokenizer import CountedTexts, Counts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Kind = Literal["logistic_regression", "linear_svc", "ridge"]
KINDS: tuple[Kind, ...] = ("logistic_regression", "linear_svc", "ridge")


class Params(Protocol):
    """What a fit needs to know; `TopicClassifier` has it."""

    min_df: int
    sublinear_tf: bool
    oov_weight: float
    pivot_slope: float
    nb_exponent: float
    sentence_weight: float
    kind: Kind
    C: float
    class_weight: Literal["balanced"] | None
    random_state: int


@dataclass(frozen=True)
class Features:
    """TF-IDF features of n texts as wholes, sparse [n, m], and of their sentences, sparse [s, m]."""

    wholes: sparse.csr_array
    sentences: sparse.csr_array
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, counted: CountedTexts, tfidf: TfidfWeights) -> "Features":
        """Weigh the counts of n texts and keep the columns of the terms that have an idf."""
        kept = np.flatnonzero(tfidf.idf)
        wholes = _matrix(counted.wholes, tfidf, tfidf.text_pivot)[:, kept]
        sentences = _matrix(counted.sentences, tfidf, tfidf.sentence_pivot)[:, kept]
        return cls(wholes, sentences, counted.starts)

    def scaled(self, factors: Floats) -> "Features":
        """Multiply every column by its factor."""
        diagonal = sparse.diags_array(factors)
        return Features(
            sparse.csr_array(self.wholes @ diagonal), sparse.csr_array(self.sentences @ diagonal), self.starts
        )


@dataclass(frozen=True)
class LinearTopic:
    """A topic's weights, float64 [m]; a decision value is their sum over a row's features, plus the intercept."""

    weights: Floats
    intercept: float

    def decide(self, features: Features) -> Floats:
        """Return the decision values of n texts and of their best sentences, float64 [n, 2]."""
        whole = features.wholes @ self.weights
        return np.column_stack([whole, self.best_sentence(features)[0]]) + self.intercept

    def best_sentence(self, features: Features) -> tuple[Floats, NDArray[np.int64]]:
        """Return each text's highest weighted sum over its sentences, and the row of that sentence."""
        sums = features.sentences @ self.weights
        highest = np.maximum.reduceat(sums, features.starts[:-1])
        is_best = sums == np.repeat(highest, np.diff(features.starts))
        rows = np.flatnonzero(is_best)
        owners = np.searchsorted(features.starts, rows, side="right") - 1
        return highest, rows[np.unique(owners, return_index=True)[1]]


def fit_rows(
    params: Params, counted: CountedTexts, n_terms: int, y_true: Bools, rows: Bools
) -> tuple[TfidfWeights, Features, list[LinearTopic | None]]:
    """Fit TF-IDF weights and one linear model a topic on the marked texts.

    Parameters
    ----------
    params : Params
    counted : CountedTexts
        The counts of n texts.
    n_terms : int
        Size of the vocabulary, m.
    y_true : bool array of shape (n, k)
    rows : bool array of shape (n,)
        The texts to fit on.

    Returns
    -------
    tfidf : TfidfWeights
    features : Features
        Of all n texts, marked or not.
    models : list of LinearTopic or None
        None for a topic that all marked texts have, or none of them.

    Raises
    ------
    ValueError
        Where no term is frequent enough.

    """
    tfidf = fit_tfidf(
        counted,
        rows,
        n_terms,
        min_df=params.min_df,
        sublinear=params.sublinear_tf,
        oov_weight=params.oov_weight,
        slope=params.pivot_slope,
    )
    if not tfidf.idf.any():
        raise ValueError(f"no term occurs in {params.min_df} of {rows.sum()} texts: lower min_df, or label more")
    features = Features.of(counted, tfidf)
    return tfidf, features, [_fit_topic(params, features, column, rows) for column in y_true.T]


def _fit_topic(params: Params, features: Features, label: Bools, rows: Bools) -> LinearTopic | None:
    """Fit one topic: on whole texts, then on the mean of each text and the sentence found best by the first fit.

    The second fit is one round of training with a latent variable, the sentence that carries the topic
    (Felzenszwalb et al. 2010, "Object detection with discriminatively trained part-based models").
    """
    if label[rows].all() or not label[rows].any():
        return None
    factors = None
    if params.nb_exponent:
        factors = _log_count_ratio(features.wholes[rows], label[rows]) ** params.nb_exponent
        factors /= np.sqrt(np.mean(factors**2))
        features = features.scaled(factors)
    X, y = features.wholes[rows], label[rows]
    model = _linear(params, X, y)
    if params.sentence_weight:
        best = features.sentences[model.best_sentence(features)[1][rows]]
        model = _linear(params, (1 - params.sentence_weight) * X + params.sentence_weight * best, y)
    return model if factors is None else LinearTopic(model.weights * factors, model.intercept)


def _log_count_ratio(X: sparse.csr_array, y: Bools) -> Floats:
    """Return how much more a term occurs in texts with the topic than in others: |ln(p / q)|, float64 [m].

    The Naive-Bayes log-count ratio of binary features, by which features are scaled before the linear fit (Wang
    and Manning 2012, "Baselines and bigrams"); one is added to every count.
    """
    present = sparse.csr_array((np.ones_like(X.data), X.indices, X.indptr), shape=X.shape)
    with_topic, without = present.T @ y + 1.0, present.T @ ~y + 1.0
    ratio: Floats = np.abs(np.log(with_topic / with_topic.sum()) - np.log(without / without.sum()))
    return ratio


def _linear(params: Params, X: sparse.csr_array, y: Bools) -> LinearTopic:
    options: dict[str, Any] = {"class_weight": params.class_weight, "random_state": params.random_state}
    if params.kind == "linear_svc":
        estimator = LinearSVC(
            C=params.C, dual=False, **options
        )  # the dual solver's random numbers know no threads
    elif params.kind == "ridge":
        estimator = RidgeClassifier(alpha=1 / params.C, **options)
    else:
        estimator = LogisticRegression(C=params.C, max_iter=1000, **options)
    estimator.fit(X, y)
    return LinearTopic(np.ravel(estimator.coef_).astype(np.float64), float(np.ravel(estimator.intercept_)[0]))


def _matrix(counts: Counts, tfidf: TfidfWeights, pivot: float) -> sparse.csr_array:
    shape = (len(counts.oov), len(tfidf.idf))
    return sparse.csr_array((tfidf.weigh(counts, pivot=pivot), counts.indices, counts.indptr), shape=shape)
