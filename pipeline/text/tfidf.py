"""Term counts to TF-IDF features: how much each term of a row says, between 0 and 1."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.text.tokenizer import Counts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Weighting:
    """TF-IDF weights as fitted on some texts.

    `idf` is float64 [m], 0 for a term that is not kept. A term weighs `1 + ln(tf)` where `sublinear`, else tf,
    times its idf; rows are divided by their Euclidean norm (Salton and Buckley 1988, in the variant of
    scikit-learn's TfidfVectorizer). Unlike there, every occurrence of an unknown term adds
    `unknown * unknown_idf ** 2` to the squared norm: a row of mostly unknown words says little about any topic.
    """

    idf: Floats
    unknown_idf: float
    sublinear: bool
    unknown: float

    @property
    def unknown_mass(self) -> float:
        """What each occurrence of an unknown term adds to the squared norm."""
        return self.unknown * self.unknown_idf**2

    def weigh(self, counts: Counts) -> Floats:
        """Give the feature value of every counted term, aligned with `counts.data`."""
        values, norms = self.with_norms(counts)
        return values / norms[counts.rows]

    def with_norms(self, counts: Counts) -> tuple[Floats, Floats]:
        """Give the value of every counted term before rows are divided by their norms, and the norms, [r]."""
        idf = self.idf[counts.indices]
        values = (1 + np.log(counts.data) if self.sublinear else counts.data) * idf
        unknown = counts.unknown
        if not idf.all():
            unknown = unknown + counts.sums(counts.data * (idf == 0))
        squared = counts.sums(values * values) + self.unknown_mass * unknown
        return values, np.sqrt(np.where(squared > 0, squared, 1.0))


def fit_weighting(
    counts: Counts, rows: NDArray[np.bool_], n_terms: int, *, min_df: int, sublinear: bool, unknown: float
) -> Weighting:
    """Learn idf = ln((1 + n) / (1 + df)) + 1 from the n marked rows, for terms in at least `min_df` of them."""
    n = int(rows.sum())
    df = np.bincount(counts.indices[rows[counts.rows]], minlength=n_terms)
    idf = np.where(df >= max(min_df, 1), np.log((1 + n) / (1 + df)) + 1, 0.0)
    return Weighting(idf, math.log((1 + n) / 2) + 1, sublinear, unknown)
