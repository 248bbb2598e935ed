"""The terms a model knows, and their counts in texts: by the compiled kernel, or else by the reference."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.text.fallback import ReferenceTerms
from pipeline.text.fallback import learn_terms as learn_by_reference
from pipeline.text.folding import page
from pipeline.text.tokenizer import Analyzer, CountedTexts, Counts

try:
    from pipeline.text import _kernel
except ImportError:  # no compiler was there when the package was installed
    COMPILED = False
else:
    COMPILED = True


class Terms:
    """m terms in the order of their indices; `joined` holds them with a line end between two.

    The strings are made when they are asked for, which counting and scoring do not. `kernel` raises ValueError
    where two terms have one 64-bit hash, so that a model which the kernel would read wrongly is never made.
    """

    def __init__(self, joined: str, analyzer: Analyzer) -> None:
        self.joined = joined
        self.analyzer = analyzer

    def __reduce__(self) -> tuple[type["Terms"], tuple[str, Analyzer]]:
        return Terms, (self.joined, self.analyzer)

    def __len__(self) -> int:
        return self.joined.count("\n") + 1 if self.joined else 0

    def __getitem__(self, index: int) -> str:
        return self.strings[index]

    @cached_property
    def strings(self) -> tuple[str, ...]:
        """The terms one by one."""
        return tuple(self.joined.split("\n")) if self.joined else ()

    @cached_property
    def kernel(self) -> "_kernel.Terms":
        """The compiled counter."""
        return _kernel.Terms(self.joined, page, self.analyzer.ngrams, self.analyzer.prefix)

    @cached_property
    def reference(self) -> ReferenceTerms:
        """The counter in Python and numpy."""
        return ReferenceTerms(self.strings, self.analyzer)

    def count(self, texts: Sequence[str]) -> CountedTexts:
        """Count the terms of each of n texts and of each of its sentences."""
        if not COMPILED:
            return self.reference.count(texts)
        sentences, wholes, starts = self.kernel.count(texts)
        return CountedTexts(_counts(*sentences), _counts(*wholes), np.frombuffer(starts, np.int64))


def learn_terms(texts: Sequence[str], analyzer: Analyzer, *, min_df: int) -> Terms:
    """Find the terms that are in at least `min_df` of the texts, in alphabetical order."""
    if COMPILED:
        found = sorted(_kernel.learn(texts, page, analyzer.ngrams, analyzer.prefix, min_df))
    else:
        found = learn_by_reference(texts, analyzer, min_df)
    return Terms("\n".join(found), analyzer)


def pooled_sums(
    terms: Terms,
    texts: Sequence[str],
    table: NDArray[np.float64] | NDArray[np.float32],
    *,
    sublinear: bool,
    unknown: float,
    share: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score n texts in the kernel, which releases the GIL meanwhile.

    The answer is the weighted sums of whole text and best sentence, float64 [n, k], and whether a text has a known
    term, bool [n]. `table` is [m, 1 + k], an idf and k weights a term; `unknown` is what an unknown
    term adds to a squared norm.
    """
    pooled = np.empty((len(texts), table.shape[1] - 1))
    known = np.empty(len(texts), np.bool_)
    terms.kernel.score(texts, table, sublinear, unknown, share, pooled, known)
    return pooled, known


def _counts(data: bytes, indices: bytes, indptr: bytes, unknown: bytes) -> Counts:
    return Counts(
        np.frombuffer(data, np.float64),
        np.frombuffer(indices, np.int32),
        np.frombuffer(indptr, np.int32),
        np.frombuffer(unknown, np.float64),
    )
