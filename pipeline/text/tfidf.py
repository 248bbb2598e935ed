"""Term counts to TF-IDF features: how much each term of a row says."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.text.tokenizer import CountedTexts, Counts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TfidfWeights:
    """TF-IDF weights as fitted on some texts.

    A term weighs `1 + ln(tf)` where `sublinear`, else tf, times its idf (Salton and Buckley 1988, in the variant
    of scikit-learn's TfidfVectorizer). Every occurrence of an out-of-vocabulary term adds
    `oov_weight * oov_idf ** 2` to a row's squared Euclidean norm: a row of mostly unseen words says little about
    any topic.

    Rows are divided by `(1 - slope) * pivot + slope * norm`, the pivot being the median norm of the training rows
    (Singhal, Buckley and Mitra 1996, "Pivoted document length normalization"). With a slope below 1 a row of a few
    words keeps small features: one word is not taken for a whole paragraph on its topic.

    Parameters
    ----------
    idf : float64 array of shape (m,)
        0 for a term that is not kept.
    oov_idf : float
        The idf of a term seen in one training text.
    sublinear : bool
    oov_weight : float
        0 or more.
    slope : float
        Above 0, to 1; 1 divides by the norm alone.
    text_pivot, sentence_pivot : float
        Median norms of whole texts and of sentences.

    """

    idf: Floats
    oov_idf: float
    sublinear: bool
    oov_weight: float
    slope: float = 1.0
    text_pivot: float = 1.0
    sentence_pivot: float = 1.0

    @property
    def oov_mass(self) -> float:
        """What each out-of-vocabulary occurrence adds to the squared norm."""
        return self.oov_weight * self.oov_idf**2

    def weigh(self, counts: Counts, *, pivot: float) -> Floats:
        """Return the feature value of every counted term, aligned with `counts.data`."""
        values, divisors = self.with_divisors(counts, pivot=pivot)
        return values / divisors[counts.rows]

    def with_divisors(self, counts: Counts, *, pivot: float) -> tuple[Floats, Floats]:
        """Return the value of every counted term before its row is divided, and the r divisors."""
        values, norms = self._with_norms(counts)
        return values, (1 - self.slope) * pivot + self.slope * norms

    def with_pivots(self, counted: CountedTexts, rows: NDArray[np.bool_]) -> Self:
        """Fit the pivots: the median norms of the marked texts and of their sentences."""
        in_rows = np.repeat(rows, np.diff(counted.starts))
        texts, sentences = (self._with_norms(counts)[1] for counts in (counted.wholes, counted.sentences))
        return replace(
            self, text_pivot=float(np.median(texts[rows])), sentence_pivot=float(np.median(sentences[in_rows]))
        )

    def _with_norms(self, counts: Counts) -> tuple[Floats, Floats]:
        idf = self.idf[counts.indices]
        values = (1 + np.log(counts.data) if self.sublinear else counts.data) * idf
        oov = counts.oov
        if not idf.all():
            oov = oov + counts.sums(counts.data * (idf == 0))
        squared = counts.sums(values * values) + self.oov_mass * oov
        return values, np.sqrt(np.where(squared > 0, squared, 1.0))


def fit_tfidf(
    counted: CountedTexts,
    rows: NDArray[np.bool_],
    n_terms: int,
    *,
    min_df: int,
    sublinear: bool,
    oov_weight: float,
    slope: float,
) -> TfidfWeights:
    """Fit idf = ln((1 + n) / (1 + df)) + 1 and the pivots on the n marked texts.

    Parameters
    ----------
    counted : CountedTexts
    rows : bool array, one entry a text
        The texts to fit on.
    n_terms : int
        Size of the vocabulary, m.
    min_df : int
        Terms in fewer of the marked texts get an idf of 0: they are not kept.
    sublinear, oov_weight, slope
        See `TfidfWeights`.

    Returns
    -------
    TfidfWeights

    """
    n, counts = int(rows.sum()), counted.wholes
    df = np.bincount(counts.indices[rows[counts.rows]], minlength=n_terms)
    idf = np.where(df >= max(min_df, 1), np.log((1 + n) / (1 + df)) + 1, 0.0)
    weights = TfidfWeights(idf, math.log((1 + n) / 2) + 1, sublinear, oov_weight, slope)
    return weights.with_pivots(counted, rows)
