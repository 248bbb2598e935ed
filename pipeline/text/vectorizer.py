"""The features by themselves, in scikit-learn's transformer grammar, for any pipeline of one's own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.text.tfidf import Weighting, fit_weighting
from pipeline.text.tokenizer import Analyzer
from pipeline.text.vocabulary import Terms, learn_terms

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Featuriser:
    """Turn texts into TF-IDF features: `fit`, `transform`, `get_feature_names_out`.

    These are the features of whole texts that the classifier is trained on, counted and weighted by the same code.
    Fitted attributes: `terms_` (m terms) and `weighting_`; both are arrays and strings alone.
    """

    def __init__(
        self, *, ngrams: int = 2, prefix: int = 5, min_df: int = 2, sublinear: bool = True, unknown: float = 0.5
    ) -> None:
        self.ngrams = ngrams
        self.prefix = prefix
        self.min_df = min_df
        self.sublinear = sublinear
        self.unknown = unknown

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002  # scikit-learn's signature
        """Give the settings, as scikit-learn asks for them to clone."""
        return {name: getattr(self, name) for name in ("ngrams", "prefix", "min_df", "sublinear", "unknown")}

    def set_params(self, **settings: Any) -> Self:
        """Change settings; ValueError for one that is not there."""
        for name, value in settings.items():
            if name not in self.get_params():
                raise ValueError(f"no setting {name!r}, expected one of {', '.join(self.get_params())}")
            setattr(self, name, value)
        return self

    def fit(self, texts: Sequence[str], y: object = None) -> Self:
        """Learn terms and their idf from n texts; `y` is not looked at."""
        min_df = max(self.min_df, 1)
        self.terms_: Terms = learn_terms(texts, Analyzer(self.ngrams, self.prefix), min_df=min_df)
        every = np.ones(len(texts), np.bool_)
        self.weighting_: Weighting = fit_weighting(
            self.terms_.count(texts).wholes,
            every,
            len(self.terms_),
            min_df=min_df,
            sublinear=self.sublinear,
            unknown=self.unknown,
        )
        return self

    def transform(self, texts: Sequence[str]) -> "csr_array":
        """Give the features of n texts, sparse float64 [n, m]."""
        from scipy.sparse import csr_array

        counts = self.terms_.count(texts).wholes
        shape = (len(texts), len(self.terms_))
        return csr_array((self.weighting_.weigh(counts), counts.indices, counts.indptr), shape=shape)

    def fit_transform(self, texts: Sequence[str], y: object = None) -> "csr_array":
        """Learn from n texts and give their features."""
        return self.fit(texts, y).transform(texts)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Name the m columns: the terms."""
        return np.array(self.terms_.strings, object)
