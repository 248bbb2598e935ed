"""Paired differences of two models on the same rows."""

import numpy as np
import pytest

from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.comparison import fixed_and_broken, paired_differences

Y_TRUE = np.array([[1, 0], [0, 1], [0, 0], [1, 1]] * 25, bool)
WEIGHTS = article_weights([f"a{index}" for index in range(100)], n_resamples=400, random_state=3)


def predicted(y_pred):
    return y_pred, y_pred.astype(float)


def test_a_model_does_not_differ_from_itself():
    found = paired_differences(["one", "two"], Y_TRUE, predicted(Y_TRUE), predicted(Y_TRUE), WEIGHTS)
    assert {change.value for change in found.values()} == {0.0}
    assert {change.p_value for change in found.values()} == {1.0}


def test_a_clearly_better_model_has_an_interval_above_zero_and_a_small_p_value():
    worse = Y_TRUE.copy()
    worse[::3, 0] = False
    found = paired_differences(["one", "two"], Y_TRUE, predicted(worse), predicted(Y_TRUE), WEIGHTS)["one/f1"]
    assert found.second == 1.0
    assert found.value == pytest.approx(found.second - found.first)
    assert 0 < found.low <= found.value <= found.high
    assert found.p_value == pytest.approx(2 / 401)


def test_swapping_the_models_turns_the_sign():
    worse = Y_TRUE.copy()
    worse[:10] = False
    there = paired_differences(["one", "two"], Y_TRUE, predicted(worse), predicted(Y_TRUE), WEIGHTS)["micro_f1"]
    back = paired_differences(["one", "two"], Y_TRUE, predicted(Y_TRUE), predicted(worse), WEIGHTS)["micro_f1"]
    assert (there.first, there.second, there.value) == (back.second, back.first, -back.value)
    assert there.p_value == back.p_value == pytest.approx(2 / 401)
    assert there.low == pytest.approx(-back.high)


def test_rows_fixed_and_broken_are_those_that_one_model_alone_labels_exactly():
    y_true = np.array([[1, 0], [0, 1], [0, 0]], bool)
    first = np.array([[1, 0], [1, 1], [0, 1]], bool)
    second = np.array([[0, 0], [0, 1], [0, 1]], bool)
    assert fixed_and_broken(y_true, first, second) == ([1], [0])
