"""The topic classifier as a scikit-learn estimator: linear models, calibrated and thresholded out of fold.

What it learns leaves through `scorer()`, which no longer needs scikit-learn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GroupKFold, KFold
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from pipeline.model.calibration import fit_sigmoid, prevalence_weights, sigmoid
from pipeline.model.linear import KINDS, Features, Kind, LinearTopic, fit_rows
from pipeline.model.scorer import Scorer
from pipeline.model.thresholds import Objective, fit_thresholds
from pipeline.text.tokenizer import Analyzer, CountedTexts
from pipeline.text.validation import check_choice, check_number, check_texts, max_ngram
from pipeline.text.vocabulary import Vocabulary, learn_vocabulary

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BALANCED = "balanced"
OPERATING_POINTS: Mapping[str, Objective] = {
    "precision": Objective(prevalence=0.9, shrinkage=20.0),
    BALANCED: Objective(prevalence=0.75, shrinkage=20.0),
    "recall": Objective(prevalence=0.5, shrinkage=20.0),
}


class TopicClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Assign each text the topics, out of k, that it addresses: none, one or several.

    A linear model a topic scores the whole text and its best sentence; a sigmoid fitted on out-of-fold decision
    values turns their mean into a calibrated probability; a threshold a topic, fitted on out-of-fold
    probabilities, decides.

    Parameters
    ----------
    ngram_range : (int, int), default (1, 2)
        Lengths of the word n-grams; the shortest is always 1.
    prefix_length : int, default 5
        Letters of the word prefixes; 0 for none.
    min_df : int, default 2
        A term must occur in so many texts.
    sublinear_tf : bool, default True
        Weigh a term by `1 + ln(tf)` rather than by tf.
    oov_weight : float, default 0.0
        How much out-of-vocabulary terms lengthen a row; see `TfidfWeights`.
    pivot_slope : float, default 0.75
        Above 0, to 1: how much a row's own norm counts beside the mean norm; see `TfidfWeights`.
    nb_exponent : float, default 0.5
        Exponent of the Naive-Bayes log-count ratio that scales features before the fit; 0: no scaling.
    sentence_weight : float, default 0.5
        Share of the best sentence in a topic's decision value, from 0 to 1; the rest is the whole text's.
    kind : {"linear_svc", "logistic_regression", "ridge"}, default "linear_svc"
    C : float, default 1.0
        Inverse strength of regularization.
    class_weight : "balanced" or None, default None
    prevalence : float or None, default None
        Share of texts without a topic for which probabilities are calibrated; None: as in the training texts. See
        `prevalence_weights`.
    operating_points : mapping of str to Objective, optional
        Named thresholds; the default are `precision`, `balanced` and `recall`. `predict` uses `balanced`.
    cv : int, default 5
        Folds for the out-of-fold decision values.
    random_state : int, default 0
        Seed of folds and linear models.
    n_jobs : int or None, default None
        Folds to fit at once, in threads: the linear models and the kernel compute without the GIL. None for 1,
        -1 for one a core.

    Attributes
    ----------
    classes_ : array of shape (k,)
        Topic ids: the columns of a DataFrame `y`, else 0 to k - 1.
    vocabulary_ : Vocabulary
        The m terms.
    tfidf_ : TfidfWeights
    topic_models_ : list of k LinearTopic
    evidence_coef_ : float64 array of shape (2, k)
        Weights of whole text and best sentence in a topic's logit.
    intercept_ : float64 array of shape (k,)
    thresholds_ : dict of str to float64 array of shape (k,)
        By operating point.
    fold_ : int64 array of shape (n,)
        The fold of every training text.
    oof_scores_ : float64 array of shape (n, k)
        Out-of-fold probabilities, NaN where a topic was absent from the fold's training texts.
    oof_labels_ : bool array of shape (n, k)
        Each fold decided by thresholds from the other folds, so that cross-validated metrics do not profit from
        their own threshold search.

    Examples
    --------
    >>> texts = ["Mines were cleared near the village."] * 6 + ["Gas flows to Europe again."] * 6
    >>> model = TopicClassifier(cv=3).fit(texts, [[1, 0]] * 6 + [[0, 1]] * 6)
    >>> model.predict(["Mines near the village were cleared."])
    array([[1, 0]])

    """

    def __init__(
        self,
        *,
        ngram_range: tuple[int, int] = (1, 2),
        prefix_length: int = 5,
        min_df: int = 2,
        sublinear_tf: bool = True,
        oov_weight: float = 0.0,
        pivot_slope: float = 0.75,
        nb_exponent: float = 0.5,
        sentence_weight: float = 0.5,
        kind: Kind = "linear_svc",
        C: float = 1.0,
        class_weight: Literal["balanced"] | None = None,
        prevalence: float | None = None,
        operating_points: Mapping[str, Objective] | None = None,
        cv: int = 5,
        random_state: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.ngram_range = ngram_range
        self.prefix_length = prefix_length
        self.min_df = min_df
        self.sublinear_tf = sublinear_tf
        self.oov_weight = oov_weight
        self.pivot_slope = pivot_slope
        self.nb_exponent = nb_exponent
        self.sentence_weight = sentence_weight
        self.kind = kind
        self.C = C
        self.class_weight = class_weight
        self.prevalence = prevalence
        self.operating_points = operating_points
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Sequence[str],
        y: Any,
        groups: Sequence[str] | None = None,
        *,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Self:
        """Fit on n texts.

        Parameters
        ----------
        X : sequence of str
            n texts.
        y : array, DataFrame or sparse matrix of shape (n, k)
            1 where a text has a topic, else 0.
        groups : sequence of str, optional
            Texts of one group (an article, a writer) share a fold.
        progress : callable, optional
            Called with (done, total) after each fold and after the final fit.

        Returns
        -------
        TopicClassifier
            Itself.

        Raises
        ------
        ValueError
            Where a parameter is out of its range, `X` is a single string, `y` is no 0/1 matrix of n rows, a topic
            has no text or every text, or there are fewer groups than folds.

        """
        analyzer = self._check_params()
        texts, y_true = _check_texts(X), _check_labels(X, y)
        vocabulary = learn_vocabulary(texts, analyzer, min_df=self.min_df)
        counted = vocabulary.count(texts)
        self.classes_: NDArray[Any] = np.asarray(getattr(y, "columns", np.arange(y_true.shape[1])))
        self.fold_ = self._deal(len(texts), groups)
        self._calibrate(self._out_of_fold(counted, len(vocabulary), y_true, progress), y_true)
        every = np.ones(len(texts), bool)
        tfidf, _, models = fit_rows(self, counted, len(vocabulary), y_true, every)
        kept = np.flatnonzero(tfidf.idf)
        order = np.argsort(tfidf.idf[kept], kind="stable")  # what is read most lies together in memory
        kept = kept[order]
        self.tfidf_ = replace(tfidf, idf=_single(tfidf.idf[kept]))
        self.topic_models_ = [LinearTopic(_single(m.weights[order]), m.intercept) for m in models if m]
        self.vocabulary_ = Vocabulary("\n".join(vocabulary[index] for index in kept.tolist()), analyzer)
        progress(self.cv + 1, self.cv + 1)
        return self

    def decision_function(self, X: Sequence[str]) -> Floats:
        """Return the logits of n texts, float64 of shape (n, k); see `predict_proba`."""
        check_is_fitted(self)
        features = Features.of(self.vocabulary_.count(X), self.tfidf_)
        evidence = [model.decide(features) for model in self.topic_models_]
        return self._logits(np.stack(evidence, axis=2))

    def predict_proba(self, X: Sequence[str]) -> Floats:
        """Return calibrated probabilities, float64 of shape (n, k); 0 for a text without a known term.

        Raises NotFittedError before `fit`, ValueError for a single string.
        """
        logits = self.decision_function(X)
        known = np.diff(self.vocabulary_.count(X).wholes.indptr) > 0
        return np.where(known[:, None], sigmoid(logits), 0.0)

    def predict(self, X: Sequence[str]) -> NDArray[np.int64]:
        """Return 1 where a text has a topic, else 0, of shape (n, k), at the operating point `balanced`."""
        return (self.predict_proba(X) >= self.thresholds_[BALANCED]).astype(np.int64)

    def scorer(self, topics: Sequence[str] | None = None) -> Scorer:
        """Return the fitted model as arrays that need no scikit-learn.

        Parameters
        ----------
        topics : sequence of str, optional
            Names in column order; default: `classes_`.

        Returns
        -------
        Scorer

        """
        check_is_fitted(self)
        models = self.topic_models_
        return Scorer(
            topics=tuple(map(str, self.classes_ if topics is None else topics)),
            vocabulary=self.vocabulary_,
            table=np.column_stack([self.tfidf_.idf, *(model.weights for model in models)]),
            oov_idf=self.tfidf_.oov_idf,
            sublinear=self.tfidf_.sublinear,
            oov_weight=self.tfidf_.oov_weight,
            slope=self.tfidf_.slope,
            pivot=self.tfidf_.pivot,
            text_coef=self.evidence_coef_[0],
            sentence_coef=self.evidence_coef_[1],
            intercept=self.intercept_ + self.evidence_coef_.sum(0) * [model.intercept for model in models],
            points=self.thresholds_,
        )

    def __sklearn_tags__(self) -> Tags:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False, True
        tags.classifier_tags.multi_label, tags.classifier_tags.multi_class = True, False
        tags.target_tags.two_d_labels, tags.target_tags.multi_output = True, True
        return tags

    def _check_params(self) -> Analyzer:
        analyzer = Analyzer(max_ngram(self.ngram_range), self.prefix_length)
        check_number("min_df", self.min_df, low=1, whole=True)
        check_number("oov_weight", self.oov_weight, low=0)
        check_number("pivot_slope", self.pivot_slope, low=0, high=1, closed="right")
        check_number("nb_exponent", self.nb_exponent, low=0)
        check_number("sentence_weight", self.sentence_weight, low=0, high=1)
        check_choice("kind", self.kind, KINDS)
        check_number("C", self.C, low=0, closed="neither")
        check_choice("class_weight", self.class_weight, ("balanced", None))
        if self.prevalence is not None:
            check_number("prevalence", self.prevalence, low=0, high=1, closed="neither")
        check_number("cv", self.cv, low=2, whole=True)
        check_number("random_state", self.random_state, low=0, high=2**32 - 1, whole=True)
        if BALANCED not in self._points:
            raise ValueError(f"operating_points are {', '.join(self._points)}, expected {BALANCED!r} among them")
        return analyzer

    @property
    def _points(self) -> Mapping[str, Objective]:
        return OPERATING_POINTS if self.operating_points is None else self.operating_points

    def _deal(self, n: int, groups: Sequence[str] | None) -> NDArray[np.int64]:
        """Deal n texts to folds of about the same size."""
        units = n if groups is None else len(set(groups))
        if groups is not None and len(groups) != n:
            raise ValueError(f"{n} texts but {len(groups)} groups")
        if units < self.cv:
            raise ValueError(
                f"cv is {self.cv}, but there are only {units} {'texts' if groups is None else 'groups'}"
            )
        options: dict[str, Any] = {"shuffle": True, "random_state": self.random_state}
        splitter = KFold(self.cv, **options) if groups is None else GroupKFold(self.cv, **options)
        fold = np.empty(n, np.int64)
        for number, (_, held_out) in enumerate(splitter.split(np.zeros(n), None, groups)):
            fold[held_out] = number
        return fold

    def _out_of_fold(
        self, counted: CountedTexts, n_terms: int, y_true: Bools, progress: Callable[[int, int], None]
    ) -> Floats:
        """Return the decision values of whole text and best sentence, float64 [n, 2, k]."""
        evidence = np.full((len(y_true), 2, y_true.shape[1]), np.nan)
        work = (
            delayed(_fold_evidence)(self, counted, n_terms, y_true, self.fold_ == fold) for fold in range(self.cv)
        )
        results = Parallel(n_jobs=self.n_jobs, prefer="threads", return_as="generator")(work)
        for fold, held_out in enumerate(results):
            evidence[self.fold_ == fold] = held_out
            progress(fold + 1, self.cv + 1)
        return evidence

    def _calibrate(self, evidence: Floats, y_true: Bools) -> None:
        usable: Bools = np.asarray(np.isfinite(evidence).all(axis=1))
        self._fit_sigmoids(evidence, y_true, usable)
        self.oof_scores_: Floats = np.full(y_true.shape, np.nan)
        self.oof_scores_[usable] = sigmoid(self._logits(evidence)[usable])
        self.thresholds_ = {
            name: fit_thresholds(self.oof_scores_, y_true, objective) for name, objective in self._points.items()
        }
        self.oof_labels_ = np.zeros_like(y_true)
        for fold in range(self.cv):
            held_out = self.fold_ == fold
            others = (self.oof_scores_[~held_out], y_true[~held_out])
            thresholds = fit_thresholds(*others, self._points[BALANCED])
            self.oof_labels_[held_out] = self.oof_scores_[held_out] >= thresholds

    def _fit_sigmoids(self, evidence: Floats, y_true: Bools, usable: Bools) -> None:
        """Fit each topic's sigmoid over the mean of whole text and best sentence, by their weights."""
        shares = np.array([1 - self.sentence_weight, self.sentence_weight])
        weights = prevalence_weights(y_true, self.prevalence)
        self.evidence_coef_ = np.zeros((2, y_true.shape[1]))
        self.intercept_ = np.zeros(y_true.shape[1])
        for c, rows in enumerate(usable.T):
            values = evidence[rows, :, c] @ shares
            slope, self.intercept_[c] = fit_sigmoid(values, y_true[rows, c], weights[rows])
            self.evidence_coef_[:, c] = slope * shares

    def _logits(self, evidence: Floats) -> Floats:
        logits: Floats = np.einsum("njk,jk->nk", evidence, self.evidence_coef_) + self.intercept_
        return logits


def _check_texts(X: Sequence[str]) -> list[str]:
    check_texts(X)
    texts = list(X)
    strange = next((text for text in texts if not isinstance(text, str)), None)
    if strange is not None:
        raise ValueError(f"X holds {type(strange).__name__} {strange!r:.40}, expected texts (str)")
    if not texts:
        raise ValueError("X is empty, expected texts")
    return texts


def _check_labels(X: Sequence[str], y: Any) -> Bools:
    dense: Any = y.toarray() if sparse.issparse(y) else y  # type: ignore[attr-defined]  # every sparse kind has it
    try:
        matrix = np.asarray(dense, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("y holds no numbers, expected a 0/1 matrix; see MultiLabelBinarizer") from None
    if matrix.ndim != 2:  # noqa: PLR2004  # rows and columns
        raise ValueError(f"y is {matrix.ndim}-d, expected a 0/1 matrix of shape (n, k); see MultiLabelBinarizer")
    if len(matrix) != len(X):
        raise ValueError(f"X has {len(X)} texts, but y {len(matrix)} rows")
    if not np.isin(matrix, (0, 1)).all():
        raise ValueError("y holds other values than 0 and 1")
    y_true = matrix.astype(bool)
    if not (y_true.any(0) & ~y_true.all(0)).all():
        raise ValueError("every topic needs at least one text with it and one without")
    return y_true


def _fold_evidence(
    model: TopicClassifier, counted: CountedTexts, n_terms: int, y_true: Bools, held_out: Bools
) -> Floats:
    _, features, models = fit_rows(model, counted, n_terms, y_true, ~held_out)
    missing = np.full((int(held_out.sum()), 2), np.nan)
    columns = [topic.decide(features)[held_out] if topic else missing for topic in models]
    return np.stack(columns, axis=2)


def _single(values: Floats) -> Floats:
    """Round to what single precision holds: the bundle keeps that, and both are to give the same scores."""
    return values.astype(np.float32).astype(np.float64)
