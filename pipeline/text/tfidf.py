"""Term counts to TF-IDF features: how much each term of a row says."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.text.tokenizer import Counts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TfidfWeights:
    """TF-IDF weights as fitted on some texts.

    A term weighs `1 + ln(tf)` where `sublinear`, else tf, times its idf (Salton and Buckley 1988, in the variant
    of scikit-learn's TfidfVectorizer). Every occurrence of an out-of-vocabulary term adds
    `oov_weight * oov_idf ** 2` to a row's squared Euclidean norm: a row of mostly unseen words says little about
    any topic.

    Rows are divided by `(1 - slope) * pivot + slope * norm`, the pivot being the mean norm of the training texts
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
    pivot : float

    """

    idf: Floats
    oov_idf: float
    sublinear: bool
    oov_weight: float
    slope: float = 1.0
    pivot: float = 1.0

    @property
    def oov_mass(self) -> float:
        """What each out-of-vocabulary occurrence adds to the squared norm."""
        return self.oov_weight * self.oov_idf**2

    @property
    def constant(self) -> float:
        """What a row is divided by apart from its norm."""
        return (1 - self.slope) * self.pivot

    def weigh(self, counts: Counts) -> Floats:
        """Return the feature value of every counted term, aligned with `counts.data`."""
        values, divisors = self.with_divisors(counts)
        return values / divisors[counts.rows]

    def with_divisors(self, counts: Counts) -> tuple[Floats, Floats]:
        """Return the value of every counted term before its row is divided, and the r divisors."""
        values, norms = self.with_norms(counts)
        return values, self.constant + self.slope * norms

    def with_norms(self, counts: Counts) -> tuple[Floats, Floats]:
        """Return the value of every counted term before its row is divided, and the r Euclidean norms."""
        idf = self.idf[counts.indices]
        values = (1 + np.log(counts.data) if self.sublinear else counts.data) * idf
        oov = counts.oov
        if not idf.all():
            oov = oov + counts.sums(counts.data * (idf == 0))
        squared = counts.sums(values * values) + self.oov_mass * oov
        return values, np.sqrt(np.where(squared > 0, squared, 1.0))


def fit_tfidf(
    counts: Counts,
    rows: NDArray[np.bool_],
    n_terms: int,
    *,
    min_df: int,
    sublinear: bool,
    oov_weight: float,
    slope: float,
) -> TfidfWeights:
    """Fit idf = ln((1 + n) / (1 + df)) + 1 and the pivot on the n marked texts.

    Parameters
    ----------
    counts : Counts
        Of r texts.
    rows : bool array of shape (r,)
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
    n = int(rows.sum())
    df = np.bincount(counts.indices[rows[counts.rows]], minlength=n_terms)
    idf = np.where(df >= max(min_df, 1), np.log((1 + n) / (1 + df)) + 1, 0.0)
    weights = TfidfWeights(idf, math.log((1 + n) / 2) + 1, sublinear, oov_weight, slope)
    return replace(weights, pivot=float(weights.with_norms(counts)[1][rows].mean()))
