"""The trained model as arrays: texts to calibrated scores to labels, with nothing but numpy and the kernel.

Every prediction of the project, in `evaluate`, in `predict` and over HTTP, comes from here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model.calibration import sigmoid
from pipeline.text.tfidf import TfidfWeights
from pipeline.text.tokenizer import Analyzer, CountedTexts, Counts
from pipeline.text.vocabulary import COMPILED, Vocabulary, weighted_sums

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scorer:
    """A linear topic model over TF-IDF terms, for k topics and m terms.

    The score of a text is the sigmoid of `text_coef * whole + sentence_coef * best + intercept`, where `whole` is
    the weighted sum of the text's features and `best` the highest of its sentences': a calibrated probability. A
    text without a known term scores 0 for every topic.

    Parameters
    ----------
    topics : tuple of str
        The k topic ids, in column order.
    vocabulary : Vocabulary
    table : float64 or float32 array of shape (m, 1 + k)
        Each term's idf and its weight a topic.
    oov_idf, sublinear, oov_weight, slope, pivot
        Those of `TfidfWeights`.
    text_coef, sentence_coef, intercept : float64 arrays of shape (k,)
    points : mapping of str to float64 array of shape (k,)
        Thresholds by operating point.
    point : str, default "balanced"
        The operating point that decides.

    """

    topics: tuple[str, ...]
    vocabulary: Vocabulary
    table: Floats | NDArray[np.float32]
    oov_idf: float
    sublinear: bool
    oov_weight: float
    slope: float
    pivot: float
    text_coef: Floats
    sentence_coef: Floats
    intercept: Floats
    points: Mapping[str, Floats]
    point: str = "balanced"

    @property
    def analyzer(self) -> Analyzer:
        """What a term is."""
        return self.vocabulary.analyzer

    @property
    def thresholds(self) -> Floats:
        """The thresholds in use, float64 [k]."""
        return self.points[self.point]

    @property
    def weights(self) -> Floats | NDArray[np.float32]:
        """The weights, [m, k]."""
        return self.table[:, 1:]

    @cached_property
    def tfidf(self) -> TfidfWeights:
        """The TF-IDF weights."""
        idf = self.table[:, 0].astype(np.float64)
        return TfidfWeights(idf, self.oov_idf, self.sublinear, self.oov_weight, self.slope, self.pivot)

    def at(self, point: str) -> Self:
        """Return the same model at another operating point; ValueError for one that it does not have."""
        if point not in self.points:
            raise ValueError(f"no operating point {point!r}, expected one of {', '.join(self.points)}")
        return replace(self, point=point)

    def count(self, texts: Sequence[str]) -> CountedTexts:
        """Count the model's terms in n texts."""
        return self.vocabulary.count(texts)

    def sums(self, counts: Counts) -> Floats:
        """Return `weights . features` of every row, float64 [r, k]."""
        values, divisors = self.tfidf.with_divisors(counts)
        found = np.stack([counts.sums(values * weights.take(counts.indices)) for weights in self._columns], axis=1)
        return found / divisors[:, None]

    def scores(self, texts: Sequence[str]) -> Floats:
        """Score n texts.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        float64 array of shape (n, k)
            Calibrated probabilities.

        Raises
        ------
        ValueError
            For a single string.

        """
        if not COMPILED:
            return self.fallback_scores(texts)
        return self._calibrated(*weighted_sums(self.vocabulary, texts, self.table, self.tfidf))

    def fallback_scores(self, texts: Sequence[str]) -> Floats:
        """Score n texts as `scores` does, without the kernel."""
        if not len(texts):
            return np.zeros((0, len(self.topics)))
        counted = self.vocabulary.fallback.count(texts)
        best = np.maximum.reduceat(self.sums(counted.sentences), counted.starts[:-1])
        return self._calibrated(self.sums(counted.wholes), best, np.diff(counted.wholes.indptr) > 0)

    def labels(self, scores: Floats) -> NDArray[np.bool_]:
        """Return where scores are at or above their topic's threshold, bool [n, k]."""
        return scores >= self.thresholds

    @cached_property
    def _columns(self) -> list[Floats | NDArray[np.float32]]:
        """The weights by topic, k times [m], each in one piece of memory."""
        return [np.ascontiguousarray(column) for column in self.weights.T]

    def _calibrated(self, whole: Floats, best: Floats, known: NDArray[np.bool_]) -> Floats:
        logits = self.text_coef * whole + self.sentence_coef * best + self.intercept
        return np.where(known[:, None], sigmoid(logits), 0.0)
