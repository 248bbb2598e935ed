import numpy as np
import pytest

from pipeline.evaluation.bootstrap import article_weights, interval

ARTICLES = ["a", "a", "b", "c", "c", "c"]


def test_the_first_row_is_the_data_as_they_are() -> None:
    weights = article_weights(ARTICLES, n_resamples=20, random_state=3)
    assert weights.shape == (21, 6)
    np.testing.assert_array_equal(weights[0], 1)


def test_a_thousand_resamples_are_drawn_unless_told_otherwise() -> None:
    assert article_weights(ARTICLES, random_state=3).shape == (1001, 6)


def test_rows_of_an_article_are_drawn_together() -> None:
    weights = article_weights(ARTICLES, n_resamples=200, random_state=3)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 1])
    np.testing.assert_array_equal(weights[:, 3], weights[:, 5])
    np.testing.assert_array_equal(weights[1:, [0, 2, 3]].sum(1), 3)
    assert weights[1:].mean(0) == pytest.approx(np.ones(6), abs=0.2)


def test_the_random_state_decides() -> None:
    first = article_weights(ARTICLES, n_resamples=20, random_state=3)
    np.testing.assert_array_equal(first, article_weights(ARTICLES, n_resamples=20, random_state=3))
    assert (first != article_weights(ARTICLES, n_resamples=20, random_state=4)).any()


def test_an_interval_holds_95_percent_of_the_resamples_and_leaves_out_the_value_on_the_data() -> None:
    values = np.concatenate([[1e6], np.arange(1001.0), [np.nan]])
    assert interval(values) == pytest.approx((25.0, 975.0))


def test_an_interval_of_another_level() -> None:
    values = np.concatenate([[1e6], np.arange(101.0), [np.nan]])
    assert interval(values, level=0.9) == pytest.approx((5.0, 95.0))


def test_without_resamples_there_is_no_interval() -> None:
    assert np.isnan(interval(np.array([0.5]))).all()
    assert np.isnan(interval(np.array([np.nan, np.nan]))).all()
