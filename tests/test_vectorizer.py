from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from small_model import TEXTS

from pipeline.text.vectorizer import TopicVectorizer

SETTINGS: dict[str, Any] = {"prefix_length": 4, "min_df": 1}


def test_rows_have_length_one_and_columns_have_names() -> None:
    vectorizer = TopicVectorizer(**SETTINGS)
    features = vectorizer.fit_transform(["mine mine action", "gas"])
    names = ["acti*", "action", "gas", "gas*", "mine", "mine action", "mine mine", "mine*"]
    assert vectorizer.get_feature_names_out().tolist() == names
    lengths = (features.toarray() ** 2).sum(1)
    assert lengths[0] > 1 > lengths[1]  # longer and shorter than the median


def test_with_a_slope_of_1_rows_have_length_one() -> None:
    features = TopicVectorizer(**SETTINGS, pivot_slope=1.0).fit_transform(["mine mine action", "gas"])
    np.testing.assert_allclose((features.toarray() ** 2).sum(1), 1)
    np.testing.assert_allclose(features.toarray()[1, [2, 3]], 2**-0.5)


def test_out_of_vocabulary_words_make_a_row_shorter() -> None:
    vectorizer = TopicVectorizer(**SETTINGS, oov_weight=0.5).fit(["mine action", "gas"])
    assert 0 < (vectorizer.transform(["gas in zzz"]).toarray() ** 2).sum() < 0.5


def test_it_works_inside_scikit_learn() -> None:
    y = [place % 3 == 0 for place in range(len(TEXTS))]
    model = clone(make_pipeline(TopicVectorizer(), LogisticRegression(C=100)))
    assert (model.fit(TEXTS, y).predict(TEXTS) == y).all()


def test_it_is_tagged_as_a_transformer_of_texts() -> None:
    tags = TopicVectorizer().__sklearn_tags__()
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"ngram_range": (2, 2)}, r"ngram_range is \(2, 2\), expected a pair that begins with 1"),
        ({"ngram_range": 2}, "ngram_range is 2, expected a pair such as"),
        ({"ngram_range": (1, -1)}, "the end of ngram_range is -1, expected an integer from 1 to 4"),
        ({"ngram_range": (1, 2.0)}, "the end of ngram_range is 2.0"),
        ({"prefix_length": 256}, "prefix_length is 256, expected an integer from 0 to 255"),
        ({"min_df": 0}, "min_df is 0, expected an integer of 1 or more"),
        ({"min_df": True}, "min_df is True"),
        ({"oov_weight": -0.5}, "oov_weight is -0.5, expected a number of 0 or more"),
        ({"oov_weight": float("nan")}, "oov_weight is nan"),
    ],
)
def test_a_parameter_out_of_range_is_a_value_error(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TopicVectorizer(**params).fit(TEXTS)


def test_a_single_text_is_refused_in_fit_and_transform() -> None:
    with pytest.raises(ValueError, match=r"expected a list of texts, got a single str; pass \[text\]"):
        TopicVectorizer().fit("Mines were cleared.")
    with pytest.raises(ValueError, match="single str"):
        TopicVectorizer().fit(TEXTS).transform("Mines were cleared.")


def test_nothing_frequent_enough_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="empty vocabulary: no term occurs in 3 of 2 texts"):
        TopicVectorizer(min_df=3).fit(["gas", "mines"])


def test_it_asks_to_be_fitted_first() -> None:
    with pytest.raises(NotFittedError):
        TopicVectorizer().transform(["gas"])
    with pytest.raises(NotFittedError):
        TopicVectorizer().get_feature_names_out()
