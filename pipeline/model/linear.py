"""Fit one linear model a topic on the features of whole texts, and apply it to texts and their sentences."""

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
        wholes, sentences = (_matrix(counts, tfidf)[:, kept] for counts in (counted.wholes, counted.sentences))
        return cls(wholes, sentences, counted.starts)


@dataclass(frozen=True)
class LinearTopic:
    """A topic's weights, float64 [m]; a decision value is their sum over a row's features, plus the intercept."""

    weights: Floats
    intercept: float

    def decide(self, features: Features) -> Floats:
        """Return the decision values of n texts and of their best sentences, float64 [n, 2]."""
        best = np.maximum.reduceat(features.sentences @ self.weights, features.starts[:-1])
        return np.column_stack([features.wholes @ self.weights, best]) + self.intercept


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
        counted.wholes,
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
    X = features.wholes[rows]
    return tfidf, features, [_fit_topic(params, X, column) for column in y_true[rows].T]


def _fit_topic(params: Params, X: sparse.csr_array, y: Bools) -> LinearTopic | None:
    if y.all() or not y.any():
        return None
    if not params.nb_exponent:
        return _linear(params, X, y)
    factors = _log_count_ratio(X, y) ** params.nb_exponent
    size = np.sqrt(np.mean(factors**2))
    if not size:  # a single term says the same of every text
        return _linear(params, X, y)
    factors /= size
    model = _linear(params, sparse.csr_array(X @ sparse.diags_array(factors)), y)
    return LinearTopic(model.weights * factors, model.intercept)


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
    return LinearTopic(np.ravel(estimator.coef_).astype(np.float64), np.ravel(estimator.intercept_).item())


def _matrix(counts: Counts, tfidf: TfidfWeights) -> sparse.csr_array:
    shape = (len(counts.oov), len(tfidf.idf))
    return sparse.csr_array((tfidf.weigh(counts), counts.indices, counts.indptr), shape=shape)
