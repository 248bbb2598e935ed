import re

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from support import count, learn_vocabulary

from pipeline.text.tfidf import TfidfWeights, fit_tfidf
from pipeline.text.tokenizer import Analyzer, words

TEXTS = [
    "apple pear apple",
    "pear fig plum apple",
    "plum plum plum pear",
    "fig",
    "apple fig pear plum quince",
]


def dense(texts: list[str], analyzer: Analyzer, vocabulary: dict[str, int], tfidf: TfidfWeights) -> np.ndarray:
    wholes = count(texts, analyzer, vocabulary).wholes
    matrix = np.zeros((len(texts), len(vocabulary)))
    matrix[wholes.rows, wholes.indices] = tfidf.weigh(wholes)
    return matrix


@pytest.mark.parametrize("sublinear", [True, False])
@pytest.mark.parametrize("min_df", [1, 2])
@pytest.mark.parametrize("ngrams", [1, 2, 3])
def test_equals_scikit_learns_tfidf(*, sublinear: bool, min_df: int, ngrams: int) -> None:
    analyzer = Analyzer(ngrams, 0)
    vocabulary = learn_vocabulary(TEXTS, analyzer)
    counted = count(TEXTS, analyzer, vocabulary).wholes
    every = np.ones(len(TEXTS), bool)
    tfidf = fit_tfidf(
        counted, every, len(vocabulary), min_df=min_df, sublinear=sublinear, oov_weight=0.0, slope=1.0
    )
    oracle = TfidfVectorizer(
        tokenizer=words,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, ngrams),
        min_df=min_df,
        sublinear_tf=sublinear,
    )
    expected = oracle.fit_transform(TEXTS).toarray()
    kept = [vocabulary[term] for term in oracle.get_feature_names_out()]
    assert sorted(kept) == np.flatnonzero(tfidf.idf).tolist()
    np.testing.assert_allclose(dense(TEXTS, analyzer, vocabulary, tfidf)[:, kept], expected, rtol=0, atol=1e-12)
    new = ["pear pear quince fig", "apple unheard of plum", "nothing here"]
    transformed = oracle.transform(new).toarray()
    np.testing.assert_allclose(dense(new, analyzer, vocabulary, tfidf)[:, kept], transformed, rtol=0, atol=1e-12)


def test_out_of_vocabulary_words_shrink_a_row_by_their_weight() -> None:
    tfidf = TfidfWeights(np.array([2.0, 1.0]), oov_idf=3.0, sublinear=False, oov_weight=0.5)
    features = dense(["apple", "apple other", "apple other words"], Analyzer(1, 0), {"apple": 0, "pear": 1}, tfidf)
    expected = [1.0, 2 / np.sqrt(4 + 0.5 * 9), 2 / np.sqrt(4 + 2 * 0.5 * 9)]
    np.testing.assert_allclose(features[:, 0], expected, atol=1e-15)


def test_a_term_that_is_not_kept_counts_as_out_of_vocabulary() -> None:
    tfidf = TfidfWeights(np.array([2.0, 0.0]), oov_idf=3.0, sublinear=False, oov_weight=0.5)
    features = dense(["apple pear"], Analyzer(1, 0), {"apple": 0, "pear": 1}, tfidf)
    np.testing.assert_allclose(features, [[2 / np.sqrt(4 + 0.5 * 9), 0.0]])


def test_idf_is_learned_from_the_marked_rows_alone() -> None:
    analyzer = Analyzer(1, 0)
    vocabulary = learn_vocabulary(TEXTS, analyzer)
    some = np.array([True, True, False, True, False])
    counted = count(TEXTS, analyzer, vocabulary).wholes
    learned = fit_tfidf(counted, some, len(vocabulary), min_df=1, sublinear=True, oov_weight=0.5, slope=0.5)
    marked = [text for text, use in zip(TEXTS, some, strict=True) if use]
    n = len(marked)
    for term, index in vocabulary.items():
        df = sum(bool(re.search(rf"\b{term}\b", text)) for text in marked)
        assert learned.idf[index] == pytest.approx(np.log((1 + n) / (1 + df)) + 1 if df else 0.0)
    assert learned.oov_idf == pytest.approx(np.log((1 + n) / 2) + 1)


def test_a_row_without_known_terms_is_zero_not_an_error() -> None:
    tfidf = TfidfWeights(np.array([2.0]), oov_idf=3.0, sublinear=True, oov_weight=0.0)
    assert not dense(["", "other"], Analyzer(1, 0), {"apple": 0}, tfidf).any()


def test_rows_are_divided_by_the_mean_of_pivot_and_norm_by_the_slope() -> None:
    idf = np.array([3.0, 4.0])
    weights = TfidfWeights(idf, oov_idf=9.0, sublinear=False, oov_weight=0.0, slope=0.25, pivot=10.0)
    features = dense(["apple pear", "apple"], Analyzer(1, 0), {"apple": 0, "pear": 1}, weights)
    np.testing.assert_allclose(features, [[3 / 8.75, 4 / 8.75], [3 / 8.25, 0]])


def test_the_pivot_is_the_mean_norm_of_the_marked_texts() -> None:
    analyzer = Analyzer(1, 0)
    texts = ["apple", "apple pear", "apple apple apple apple apple apple. pear", "pear pear pear pear"]
    vocabulary = learn_vocabulary(texts, analyzer)
    some = np.array([True, True, True, False])
    counts = count(texts, analyzer, vocabulary).wholes
    found = fit_tfidf(counts, some, 2, min_df=1, sublinear=False, oov_weight=0.0, slope=0.5)
    apple, pear = (found.idf[vocabulary[term]] for term in ("apple", "pear"))
    assert found.pivot == pytest.approx(np.mean([apple, np.hypot(apple, pear), np.hypot(6 * apple, pear)]))
