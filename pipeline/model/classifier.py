"""The topic classifier: one linear model a topic over TF-IDF, with calibration and thresholds fitted out of fold.

The grammar is scikit-learn's: `fit(texts, labels, groups)`, `decision_function`, `predict_proba`, `predict`.
What it learned leaves through `scorer()`, which needs scikit-learn no more.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from pipeline.model.calibration import fit_sigmoid, sigmoid
from pipeline.model.folds import by_article
from pipeline.model.linear import Features, Kind, fit_rows, pooled
from pipeline.model.scorer import Scorer
from pipeline.model.thresholds import Objective, fit_thresholds
from pipeline.text.tokenizer import Analyzer, CountedTexts
from pipeline.text.vocabulary import Terms, learn_terms

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ANALYZER, OBJECTIVE = Analyzer(), Objective()
_FEW = 50_000  # texts whose folds are all fitted before processes for them have begun


class TopicClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Give each text the topics, out of k, that it addresses.

    Fitted attributes: `terms_` (m terms), `weighting_`, `estimators_` (k linear classifiers), `slope_`, `offset_`
    and `thresholds_` (float64 [k]), `fold_` (int64 [n]), `oof_scores_` (float64 [n, k], calibrated, NaN where a
    topic was absent from the fold's training rows) and `oof_labels_` (bool [n, k], each fold decided by thresholds
    from the other folds, so that cross-validated figures do not profit from their own threshold search).
    """

    def __init__(
        self,
        *,
        analyzer: Analyzer = ANALYZER,
        min_df: int = 2,
        sublinear: bool = True,
        unknown: float = 0.5,
        sentence_share: float = 0.5,
        kind: Kind = "linear_svc",
        C: float = 1.0,
        class_weight: Literal["balanced"] | None = None,
        objective: Objective = OBJECTIVE,
        folds: int = 5,
        fold_seed: int = 0,
        seed: int = 0,
        jobs: int = -1,
    ) -> None:
        self.analyzer = analyzer
        self.min_df = min_df
        self.sublinear = sublinear
        self.unknown = unknown
        self.sentence_share = sentence_share
        self.kind = kind
        self.C = C
        self.class_weight = class_weight
        self.objective = objective
        self.folds = folds
        self.fold_seed = fold_seed
        self.seed = seed
        self.jobs = jobs

    def fit(
        self,
        texts: Sequence[str],
        labels: Bools,
        groups: Sequence[str] | None = None,
        *,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Self:
        """Fit on n texts and `labels` bool [n, k]; rows of one group (an article) share a fold.

        `progress(done, total)` is called after each fold and after the final fit. Raises ValueError where a topic
        has no positive or no negative row.
        """
        labels = np.asarray(labels, bool)
        if not (labels.any(0) & ~labels.all(0)).all():
            raise ValueError("every topic needs at least one row with it and one without")
        groups = groups if groups is not None else [str(index) for index in range(len(texts))]
        terms = learn_terms(texts, self.analyzer, min_df=max(self.min_df, 1))
        counted = terms.count(texts)
        self.fold_ = by_article(groups, folds=self.folds, seed=self.fold_seed)
        self._calibrate(self._out_of_fold(counted, len(terms), labels, progress), labels)
        every = np.ones(len(texts), bool)
        weighting, _, self.estimators_ = fit_rows(self, counted, len(terms), labels, every)
        kept = np.flatnonzero(weighting.idf)
        order = np.argsort(weighting.idf[kept], kind="stable")  # what is read most lies together in memory
        kept = kept[order]
        self.weighting_ = replace(weighting, idf=_single(weighting.idf[kept]))
        for estimator in self.estimators_:
            estimator.coef_ = _single(estimator.coef_[..., order])
        self.terms_ = Terms("\n".join(terms[index] for index in kept.tolist()), self.analyzer)
        progress(self.folds + 1, self.folds + 1)
        return self

    def decision_function(self, texts: Sequence[str]) -> Floats:
        """Give the margins of n texts, float64 [n, k], pooled over whole text and best sentence."""
        return self._margins(self._features(texts))

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Give calibrated probabilities, float64 [n, k]; 0 for a text without a known term."""
        features = self._features(texts)
        known = np.diff(features.wholes.indptr) > 0
        return np.where(known[:, None], sigmoid(self.slope_ * self._margins(features) + self.offset_), 0.0)

    def predict(self, texts: Sequence[str]) -> Bools:
        """Give the labels, bool [n, k]."""
        return self.predict_proba(texts) >= self.thresholds_

    def scorer(self, topics: Sequence[str]) -> Scorer:
        """Give the fitted model as arrays, for the topics named in column order."""
        check_is_fitted(self, "terms_")
        return Scorer(
            topics=tuple(topics),
            terms=self.terms_,
            table=np.column_stack([self.weighting_.idf, *(e.coef_.ravel() for e in self.estimators_)]),
            unknown_idf=self.weighting_.unknown_idf,
            sublinear=self.weighting_.sublinear,
            unknown=self.weighting_.unknown,
            sentence_share=self.sentence_share,
            intercept=np.array([float(np.ravel(e.intercept_)[0]) for e in self.estimators_]),
            slope=self.slope_,
            offset=self.offset_,
            thresholds=self.thresholds_,
        )

    def _features(self, texts: Sequence[str]) -> Features:
        check_is_fitted(self, "terms_")
        return Features.of(self.terms_.count(texts), self.weighting_)

    def _margins(self, features: Features) -> Floats:
        columns = [pooled(estimator, features, self.sentence_share) for estimator in self.estimators_]
        return np.column_stack(columns)

    def _out_of_fold(
        self, counted: CountedTexts, n_terms: int, labels: Bools, progress: Callable[[int, int], None]
    ) -> Floats:
        margins = np.full(labels.shape, np.nan)
        work = (
            delayed(_fold_margins)(self, counted, n_terms, labels, self.fold_ == fold)
            for fold in range(self.folds)
        )
        jobs = self.jobs if len(labels) > _FEW else 1
        parallel = Parallel(n_jobs=jobs, return_as="generator", mmap_mode="r")
        with _deaf_to_interrupts():
            results = parallel(work)
        for fold, held_out in enumerate(results):
            margins[self.fold_ == fold] = held_out
            progress(fold + 1, self.folds + 1)
        return margins

    def _calibrate(self, margins: Floats, labels: Bools) -> None:
        usable = np.isfinite(margins)
        pairs = [fit_sigmoid(margins[use, c], labels[use, c]) for c, use in enumerate(usable.T)]
        self.slope_, self.offset_ = np.array(pairs).T.copy()
        self.oof_scores_: Floats = np.full(margins.shape, np.nan)
        self.oof_scores_[usable] = sigmoid((self.slope_ * margins + self.offset_)[usable])
        self.thresholds_ = fit_thresholds(self.oof_scores_, labels, self.objective)
        self.oof_labels_ = np.zeros_like(labels)
        for fold in range(self.folds):
            held_out = self.fold_ == fold
            thresholds = fit_thresholds(self.oof_scores_[~held_out], labels[~held_out], self.objective)
            self.oof_labels_[held_out] = self.oof_scores_[held_out] >= thresholds


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let workers started here inherit that Ctrl-C is not for them: this process gets it, and ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fold_margins(
    model: TopicClassifier, counted: CountedTexts, n_terms: int, labels: Bools, held_out: Bools
) -> Floats:
    _, features, estimators = fit_rows(model, counted, n_terms, labels, ~held_out)
    columns = [pooled(estimator, features, model.sentence_share)[held_out] for estimator in estimators]
    return np.column_stack(columns)


def _single(values: Floats) -> Floats:
    """Round to what single precision holds: the bundle keeps that, and both are to give the same scores."""
    return values.astype(np.float32).astype(np.float64)
