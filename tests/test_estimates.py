import json
import math

import numpy as np
import pytest

from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.estimates import (
    Estimate,
    as_json,
    estimate_share,
    evaluate_labels,
    from_json,
    reliability_bins,
)
from pipeline.evaluation.metrics import compute_metrics

TOPICS = ["one", "two"]
Y_TRUE = np.array([[1, 0], [0, 0], [1, 0], [0, 0], [1, 0]], bool)
Y_PRED = np.array([[1, 0], [0, 0], [0, 0], [1, 1], [1, 0]], bool)
WEIGHTS = article_weights(["a", "a", "b", "c", "c"], n_resamples=200, random_state=0)
FOUND = evaluate_labels(TOPICS, Y_TRUE, Y_PRED, Y_PRED.astype(float), WEIGHTS)


def test_values_are_of_the_data_with_the_95_percent_interval_of_the_resamples() -> None:
    assert (FOUND.rows, FOUND.support) == (5, {"one": 3, "two": 0, "none": 2})
    for name, values in compute_metrics(TOPICS, Y_TRUE, Y_PRED, Y_PRED.astype(float), WEIGHTS).items():
        estimate, drawn = FOUND.metrics[name], values[1:][np.isfinite(values[1:])]
        assert estimate.value == pytest.approx(values[0], nan_ok=True)
        if len(drawn):
            assert (estimate.low, estimate.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]))
        else:
            assert math.isnan(estimate.low)


def test_an_evaluation_is_a_frame_of_metrics_with_value_low_and_high() -> None:
    frame = FOUND.to_frame()
    assert list(frame.columns) == ["value", "low", "high"]
    assert frame.index.name == "metric"
    assert list(frame.index) == list(FOUND.metrics)
    found = FOUND.metrics["micro_f1"]
    assert frame.loc["micro_f1"].tolist() == [found.value, found.low, found.high]


def test_an_estimate_shows_three_decimals_its_interval_or_a_dash() -> None:
    nan = float("nan")
    assert str(Estimate(0.12345, 0.1, 0.2)) == "0.123 [0.100, 0.200]"
    assert str(Estimate(0.5, nan, nan)) == "0.500"
    assert str(Estimate(nan, nan, nan)) == "-"


def test_json_has_null_for_what_is_undefined() -> None:
    read = json.loads(as_json({"model": FOUND}, data="x"), parse_constant=pytest.fail)
    assert read["data"] == "x"
    assert read["models"]["model"]["rows"] == 5
    assert read["models"]["model"]["figures"]["two/f1"]["value"] is None
    assert read["models"]["model"]["figures"]["one/recall"]["value"] == pytest.approx(2 / 3)


def test_json_is_indented_and_keeps_letters() -> None:
    assert as_json({}, data="caf\u00e9") == '{\n  "data": "caf\u00e9",\n  "models": {}\n}'


def test_evaluations_come_back_from_json() -> None:
    back = from_json(as_json({"model": FOUND}))["model"]
    assert (back.rows, back.support) == (FOUND.rows, FOUND.support)
    assert back.metrics["micro_f1"] == FOUND.metrics["micro_f1"]
    assert math.isnan(back.metrics["two/f1"].value)


def test_a_share_leaves_out_resamples_without_rows() -> None:
    weights = np.array([[1.0, 1], [0, 0], [2, 0], [0, 1]])
    found = estimate_share(np.array([True, False]), weights, units=2)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.025, 0.975))
    assert str(estimate_share(np.array([], bool), np.zeros((3, 0)), units=0)) == "-"


def test_a_share_of_all_or_none_still_has_an_interval() -> None:
    weights = np.ones((3, 4))
    assert estimate_share(np.ones(4, bool), weights, units=2) == Estimate(1.0, pytest.approx(0.025**0.5), 1.0)
    none = estimate_share(np.zeros(4, bool), weights, units=2)
    assert none == Estimate(0.0, 0.0, pytest.approx(1 - 0.025**0.5))


def test_reliability_has_counts_and_intervals_for_each_bin_with_rows() -> None:
    y_score = np.array([0.41, 0.49, 0.85, 0.95, 1.0, np.nan])
    y_true = np.array([False, True, False, True, True, True])
    articles = ["a", "b", "c", "d", "e", "f"]
    weights = article_weights(articles, n_resamples=200, random_state=0)
    found = reliability_bins(y_score, y_true, weights, articles)
    assert [(part.low, part.high, part.rows) for part in found] == [(0.4, 0.5, 2), (0.8, 0.9, 1), (0.9, 1.0, 2)]
    assert [part.mean_score for part in found] == pytest.approx([0.45, 0.85, 0.975])
    half, never, always = (part.share_true for part in found)
    assert (half.value, half.low, half.high) == (0.5, 0.0, 1.0)
    assert (never.value, never.low) == (0.0, 0.0)
    assert never.high == pytest.approx(0.975)
    assert (always.value, always.high) == (1.0, 1.0)
    assert always.low == pytest.approx(0.025**0.5)
