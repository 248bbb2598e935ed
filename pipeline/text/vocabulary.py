"""The terms a model knows, and their counts in texts: by the compiled kernel, or else by the fallback."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.text.fallback import FallbackVocabulary
from pipeline.text.fallback import learn_vocabulary as learn_by_fallback
from pipeline.text.folding import page
from pipeline.text.tfidf import TfidfWeights
from pipeline.text.tokenizer import Analyzer, CountedTexts, Counts
from pipeline.text.validation import check_texts

try:
    from pipeline.text import _kernel
except ImportError:  # no compiler was there when the package was installed
    COMPILED = False
else:
    COMPILED = True


class Vocabulary:
    """The m terms of a model, in the order of their indices.

    The strings are made when they are asked for, which counting and scoring do not.

    Parameters
    ----------
    joined : str
        The terms with a line end between two.
    analyzer : Analyzer

    """

    def __init__(self, joined: str, analyzer: Analyzer) -> None:
        self.joined = joined
        self.analyzer = analyzer

    def __reduce__(self) -> tuple[type["Vocabulary"], tuple[str, Analyzer]]:
        return Vocabulary, (self.joined, self.analyzer)

    def __len__(self) -> int:
        return self.joined.count("\n") + 1 if self.joined else 0

    def __getitem__(self, index: int) -> str:
        return self.strings[index]

    @cached_property
    def strings(self) -> tuple[str, ...]:
        """The terms one by one."""
        return tuple(self.joined.split("\n")) if self.joined else ()

    @cached_property
    def kernel(self) -> "_kernel.Vocabulary":
        """The compiled counter; ValueError where two terms have one 64-bit hash, which it could not tell apart."""
        return _kernel.Vocabulary(self.joined, page, self.analyzer.max_ngram, self.analyzer.prefix_length)

    @cached_property
    def fallback(self) -> FallbackVocabulary:
        """The counter in Python and numpy."""
        return FallbackVocabulary(self.strings, self.analyzer)

    def check(self) -> None:
        """Raise ValueError unless the kernel can tell all terms apart; without it, unless all are distinct."""
        if COMPILED:
            _ = self.kernel
        elif len(set(self.strings)) < len(self.strings):
            raise ValueError("a term is there twice")

    def count(self, texts: Sequence[str]) -> CountedTexts:
        """Count the terms of each of n texts and of each of its sentences; ValueError for a single string."""
        check_texts(texts)
        if not COMPILED:
            return self.fallback.count(texts)
        sentences, wholes, starts = self.kernel.count(texts)
        return CountedTexts(_counts(*sentences), _counts(*wholes), np.frombuffer(starts, np.int64))


def learn_vocabulary(texts: Sequence[str], analyzer: Analyzer, *, min_df: int) -> Vocabulary:
    """Return the terms that are in at least `min_df` of the texts, in alphabetical order.

    Raises ValueError for a single string, and for a `min_df` below 1.
    """
    check_texts(texts)
    if min_df < 1:
        raise ValueError(f"min_df is {min_df}, expected 1 or more")
    if COMPILED:
        found = sorted(_kernel.learn(texts, page, analyzer.max_ngram, analyzer.prefix_length, min_df))
    else:
        found = learn_by_fallback(texts, analyzer, min_df)
    return Vocabulary("\n".join(found), analyzer)


def weighted_sums(
    vocabulary: Vocabulary,
    texts: Sequence[str],
    table: NDArray[np.float64] | NDArray[np.float32],
    tfidf: TfidfWeights,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Weigh n texts in the kernel, which releases the GIL meanwhile.

    Parameters
    ----------
    vocabulary : Vocabulary
        Of m terms.
    texts : sequence of str
    table : float64 or float32 array of shape (m, 1 + k)
        An idf and k weights a term.
    tfidf : TfidfWeights

    Returns
    -------
    whole, best : float64 arrays of shape (n, k)
        Weighted sums of the whole text, and the highest of its sentences'.
    known : bool array of shape (n,)
        Whether a text has a known term.

    """
    check_texts(texts)
    whole, best = np.empty((2, len(texts), table.shape[1] - 1))
    known = np.empty(len(texts), np.bool_)
    vocabulary.kernel.score(
        texts,
        table,
        tfidf.sublinear,
        tfidf.oov_mass,
        tfidf.slope,
        tfidf.constant,
        whole,
        best,
        known,
    )
    return whole, best, known


def _counts(data: bytes, indices: bytes, indptr: bytes, oov: bytes) -> Counts:
    return Counts(
        np.frombuffer(data, np.float64),
        np.frombuffer(indices, np.int32),
        np.frombuffer(indptr, np.int32),
        np.frombuffer(oov, np.float64),
    )
