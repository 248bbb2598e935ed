import json
import math

import numpy as np
import pytest

from pipeline import report
from pipeline.calibration import expected_calibration_error
from pipeline.report import Figure

TABLE: report.Table = [
    ["", "rows", "f1"],
    ["a|b", 3, Figure(0.5, 0.25, 0.75)],
    ["none", 0, Figure(math.nan, 0, 0)],
]


def test_a_table_is_the_same_in_every_form() -> None:
    header, rule, first, second = report.as_text(TABLE).splitlines()
    assert header == "      rows  f1"
    assert set(rule) == {"-"}
    assert [first, second] == ["a|b   3     0.500 [0.250, 0.750]", "none  0     -"]
    assert report.as_markdown(TABLE).splitlines()[2] == "| a\\|b | 3 | 0.500 [0.250, 0.750] |"
    assert report.records(TABLE)[0] == {"name": "a|b", "rows": 3, "f1": {"value": 0.5, "low": 0.25, "high": 0.75}}
    assert report.records(TABLE)[1]["f1"] == {"value": None, "low": 0.0, "high": 0.0}


def test_a_table_comes_back_from_its_records() -> None:
    back = report.from_records(json.loads(json.dumps(report.records(TABLE))))
    assert report.as_text(back[1:]) == report.as_text(TABLE[1:])


def test_evaluations_come_back_from_json() -> None:
    labels = np.array([[True, False], [False, False], [True, False]])
    given = np.array([[True, False], [True, False], [False, False]])
    weights = np.array([[1.0, 1, 1], [2, 1, 0], [0, 1, 2]])
    found = report.evaluation(["x", "y"], labels, given, given.astype(float), weights)
    back = report.from_json(report.as_json({"model": found}))["model"]
    assert (back.rows, back.support) == (3, {"x": 2, "y": 0, "none": 1})
    assert back.figures["micro_f1"] == found.figures["micro_f1"]
    assert math.isnan(back.figures["y/f1"].value)


def test_a_rate_leaves_out_resamples_without_rows() -> None:
    weights = np.array([[1.0, 1], [0, 0], [2, 0], [1, 0]])
    assert report.rate(np.array([True, False]), weights, units=2) == Figure(0.5, 1.0, 1.0)
    assert str(report.rate(np.array([], bool), np.zeros((3, 0)), units=0)) == "-"


def test_a_rate_of_all_or_none_still_has_an_interval() -> None:
    weights = np.ones((3, 4))
    assert report.rate(np.ones(4, bool), weights, units=2) == Figure(1.0, 0.025**0.5, 1.0)
    assert report.rate(np.zeros(4, bool), weights, units=2) == Figure(0.0, 0.0, 1 - 0.025**0.5)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([[1.0, 1, 1, 1]], [0.25]), ([[1.0, 1, 1, 1], [0, 0, 1, 1]], [0.25, 0.1])],
)
def test_calibration_error_is_the_mean_gap_over_bins(weights: list[list[float]], expected: list[float]) -> None:
    scores, labels = np.array([0.4, 0.4, 0.95, 0.85]), np.array([False, False, True, True])
    error = expected_calibration_error(scores, labels, np.array(weights))
    assert error.tolist() == pytest.approx(expected)
