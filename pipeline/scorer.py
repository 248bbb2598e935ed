"""The trained model as arrays: texts to calibrated scores to labels, with nothing but numpy.

Every answer of the project, in `evaluate`, in `predict` and over HTTP, comes from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.calibration import sigmoid
from pipeline.features import Analyzer, CountedTexts, Counts, count
from pipeline.weighting import Weighting

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scorer:
    """A linear topic model over TF-IDF terms, for k topics and m terms.

    `weights` is float64 [m, k]; `intercept`, `slope`, `offset` and `thresholds` are float64 [k]. The margin of a
    text is `weights . features + intercept`, taken of the whole text and of its best sentence and averaged, the
    sentence counting `sentence_share`. The score is the sigmoid of `slope * margin + offset`: a calibrated
    probability. A text without a known term scores 0 for every topic.
    """

    topics: tuple[str, ...]
    analyzer: Analyzer
    terms: tuple[str, ...]
    weighting: Weighting
    sentence_share: float
    weights: Floats
    intercept: Floats
    slope: Floats
    offset: Floats
    thresholds: Floats

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """The index of every term."""
        return {term: index for index, term in enumerate(self.terms)}

    @cached_property
    def bias(self) -> Floats:
        """The logit of a text whose features are all zero, float64 [k]."""
        return self.slope * self.intercept + self.offset

    def count(self, texts: Sequence[str]) -> CountedTexts:
        """Count the model's terms in n texts."""
        return count(texts, self.analyzer, self.vocabulary)

    def sums(self, counts: Counts) -> Floats:
        """Give `weights . features` of every row, float64 [r, k]."""
        values, rows = self.weighting.weigh(counts), counts.rows
        columns = [
            np.bincount(rows, values * self.weights[counts.indices, column], minlength=len(counts.unknown))
            for column in range(len(self.topics))
        ]
        return np.column_stack(columns)

    def scores(self, texts: Sequence[str]) -> Floats:
        """Score n texts: calibrated probabilities, float64 [n, k]."""
        if not len(texts):
            return np.zeros((0, len(self.topics)))
        counted = self.count(texts)
        best = np.maximum.reduceat(self.sums(counted.sentences), counted.starts[:-1])
        pooled = (1 - self.sentence_share) * self.sums(counted.wholes) + self.sentence_share * best
        known = np.diff(counted.wholes.indptr) > 0
        return np.where(known[:, None], sigmoid(self.slope * pooled + self.bias), 0.0)

    def labels(self, scores: Floats) -> NDArray[np.bool_]:
        """Decide: a topic is given when its score is at or above its threshold, bool [n, k]."""
        return scores >= self.thresholds
