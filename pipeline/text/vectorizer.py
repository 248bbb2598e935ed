"""The TF-IDF features on their own, as a scikit-learn transformer for any pipeline."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from pipeline.text.tfidf import TfidfWeights, fit_tfidf
from pipeline.text.tokenizer import Analyzer
from pipeline.text.validation import check_number, check_texts, max_ngram
from pipeline.text.vocabulary import Vocabulary, learn_vocabulary


class TopicVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Turn texts into TF-IDF features of words, word n-grams and word prefixes.

    These are the features of whole texts that `TopicClassifier` is trained on, counted and weighted by the same
    code.

    Parameters
    ----------
    ngram_range : (int, int), default (1, 2)
        Lengths of the word n-grams, as in scikit-learn; the shortest is always 1.
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

    Attributes
    ----------
    vocabulary_ : Vocabulary
        The m terms.
    tfidf_ : TfidfWeights

    Examples
    --------
    >>> TopicVectorizer(min_df=1).fit_transform(["Mines were cleared.", "Gas flows."]).shape
    (2, 13)

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
    ) -> None:
        self.ngram_range = ngram_range
        self.prefix_length = prefix_length
        self.min_df = min_df
        self.sublinear_tf = sublinear_tf
        self.oov_weight = oov_weight
        self.pivot_slope = pivot_slope

    def fit(self, X: Sequence[str], y: object = None) -> Self:
        """Learn the vocabulary and its idf.

        Parameters
        ----------
        X : sequence of str
        y : ignored

        Returns
        -------
        TopicVectorizer
            Itself.

        Raises
        ------
        ValueError
            Where `X` is a single string, has no text or no frequent term, or a parameter is out of its range.

        """
        check_texts(X)
        analyzer = Analyzer(max_ngram(self.ngram_range), self.prefix_length)
        check_number("min_df", self.min_df, low=1, whole=True)
        check_number("oov_weight", self.oov_weight, low=0)
        check_number("pivot_slope", self.pivot_slope, low=0, high=1, closed="right")
        texts = list(X)
        vocabulary = learn_vocabulary(texts, analyzer, min_df=self.min_df)
        if not len(vocabulary):
            raise ValueError(f"empty vocabulary: no term occurs in {self.min_df} of {len(texts)} texts")
        self.vocabulary_: Vocabulary = vocabulary
        self.tfidf_: TfidfWeights = fit_tfidf(
            vocabulary.count(texts).wholes,
            np.ones(len(texts), np.bool_),
            len(vocabulary),
            min_df=self.min_df,
            sublinear=self.sublinear_tf,
            oov_weight=self.oov_weight,
            slope=self.pivot_slope,
        )
        return self

    def transform(self, X: Sequence[str]) -> csr_array:
        """Return the features of n texts, sparse float64 of shape (n, m).

        Raises NotFittedError before `fit`, ValueError for a single string.
        """
        check_is_fitted(self)
        counts = self.vocabulary_.count(X).wholes
        values = self.tfidf_.weigh(counts)
        return csr_array((values, counts.indices, counts.indptr), shape=(len(X), len(self.vocabulary_)))

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the m column names: the terms."""
        check_is_fitted(self)
        return np.array(self.vocabulary_.strings, object)

    def __sklearn_tags__(self) -> Tags:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False, True
        return tags
