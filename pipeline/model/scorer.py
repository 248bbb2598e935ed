"""The trained model as arrays: texts to calibrated scores to labels, with nothing but numpy and the kernel.

Every answer of the project, in `evaluate`, in `predict` and over HTTP, comes from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.model.calibration import sigmoid
from pipeline.text.tfidf import Weighting
from pipeline.text.tokenizer import Analyzer, CountedTexts, Counts
from pipeline.text.vocabulary import COMPILED, Terms, pooled_sums

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scorer:
    """A linear topic model over TF-IDF terms, for k topics and m terms.

    `table` is float64 or float32 [m, 1 + k], each term's idf and its weight a topic; `unknown_idf`, `sublinear`
    and `unknown` are those of `Weighting`. `intercept`, `slope`, `offset` and `thresholds` are float64 [k]. The
    margin of a text is `weights . features + intercept`, taken of the whole text and of its best sentence and
    averaged, the sentence counting `sentence_share`. The score is the sigmoid of `slope * margin + offset`: a
    calibrated probability. A text without a known term scores 0 for every topic.
    """

    topics: tuple[str, ...]
    terms: Terms
    table: Floats | NDArray[np.float32]
    unknown_idf: float
    sublinear: bool
    unknown: float
    sentence_share: float
    intercept: Floats
    slope: Floats
    offset: Floats
    thresholds: Floats

    @property
    def analyzer(self) -> Analyzer:
        """What a term is."""
        return self.terms.analyzer

    @property
    def weights(self) -> Floats | NDArray[np.float32]:
        """The weights, [m, k]."""
        return self.table[:, 1:]

    @cached_property
    def weighting(self) -> Weighting:
        """The TF-IDF weighting."""
        return Weighting(self.table[:, 0].astype(np.float64), self.unknown_idf, self.sublinear, self.unknown)

    @cached_property
    def _columns(self) -> list[Floats | NDArray[np.float32]]:
        """The weights by topic, k times [m], each in one piece of memory."""
        return [np.ascontiguousarray(column) for column in self.weights.T]

    @cached_property
    def bias(self) -> Floats:
        """The logit of a text whose features are all zero, float64 [k]."""
        return self.slope * self.intercept + self.offset

    def count(self, texts: Sequence[str]) -> CountedTexts:
        """Count the model's terms in n texts."""
        return self.terms.count(texts)

    def sums(self, counts: Counts) -> Floats:
        """Give `weights . features` of every row, float64 [r, k]."""
        values, norms = self.weighting.with_norms(counts)
        found = np.stack([counts.sums(values * weights.take(counts.indices)) for weights in self._columns], axis=1)
        return found / norms[:, None]

    def scores(self, texts: Sequence[str]) -> Floats:
        """Score n texts: calibrated probabilities, float64 [n, k]."""
        if not COMPILED:
            return self.reference_scores(texts)
        pooled, known = pooled_sums(
            self.terms,
            texts,
            self.table,
            sublinear=self.sublinear,
            unknown=self.weighting.unknown_mass,
            share=self.sentence_share,
        )
        return self._calibrated(pooled, known)

    def reference_scores(self, texts: Sequence[str]) -> Floats:
        """Score n texts as `scores` does, without the kernel."""
        if not len(texts):
            return np.zeros((0, len(self.topics)))
        counted = self.terms.reference.count(texts)
        best = np.maximum.reduceat(self.sums(counted.sentences), counted.starts[:-1])
        pooled = (1 - self.sentence_share) * self.sums(counted.wholes) + self.sentence_share * best
        return self._calibrated(pooled, np.diff(counted.wholes.indptr) > 0)

    def labels(self, scores: Floats) -> NDArray[np.bool_]:
        """Decide: a topic is given when its score is at or above its threshold, bool [n, k]."""
        return scores >= self.thresholds

    def _calibrated(self, pooled: Floats, known: NDArray[np.bool_]) -> Floats:
        return np.where(known[:, None], sigmoid(self.slope * pooled + self.bias), 0.0)
