import json
import math

import numpy as np
import pytest

from pipeline.evaluation import tables as report
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.metrics import expected_calibration_error, figures, point
from pipeline.evaluation.tables import Figure, as_json, as_markdown, as_text, evaluation, tables
from pipeline.schema import Topic

TOPICS = (Topic("one", "Topic one"), Topic("two", "Topic two"))
LABELS = np.array([[1, 0], [0, 0], [1, 0], [0, 0], [1, 0]], bool)
GIVEN = np.array([[1, 0], [0, 0], [0, 0], [1, 1], [1, 0]], bool)


def found() -> object:
    weights = article_weights(["a", "a", "b", "c", "c"], resamples=200, seed=0)
    return evaluation(["one", "two"], LABELS, GIVEN, GIVEN.astype(float), weights)


def test_values_are_of_the_data_and_inside_their_intervals() -> None:
    evaluated = found()
    expected = point(figures(["one", "two"], LABELS, GIVEN, GIVEN.astype(float)))
    assert evaluated.support == {"one": 3, "two": 0, "none": 2}
    for name, value in expected.items():
        figure = evaluated.figures[name]
        assert figure.value == pytest.approx(value, nan_ok=True)
        if np.isfinite(value):
            assert figure.low <= figure.value <= figure.high


def test_a_figure_shows_three_decimals_its_interval_or_a_dash() -> None:
    nan = float("nan")
    assert str(Figure(0.12345, 0.1, 0.2)) == "0.123 [0.100, 0.200]"
    assert str(Figure(0.5, nan, nan)) == "0.500"
    assert str(Figure(nan, nan, nan)) == "-"


def test_tables_have_a_column_a_model_and_a_row_a_topic_and_none() -> None:
    overall, by_topic = tables({"model": found(), "keywords": found()}, TOPICS)[:2]
    assert list(overall[0]) == ["", "model", "keywords"]
    assert {"micro f1", "macro f1", "none precision", "none recall", "exact match"} <= {row[0] for row in overall}
    assert [row[0] for row in by_topic] == ["topic", "Topic one", "Topic two", "none"]
    assert [str(cell) for cell in by_topic[2][1:3]] == ["0", "-"]


def test_text_is_aligned_and_markdown_is_a_table() -> None:
    rows = [["name", "value"], ["a longer one", "1"]]
    assert as_text(rows).splitlines()[0].index("value") == as_text(rows).splitlines()[-1].index("1")
    assert as_markdown(rows) == "| name | value |\n| --- | --- |\n| a longer one | 1 |\n"


def test_json_has_null_for_what_is_undefined() -> None:
    read = json.loads(as_json({"model": found()}, data="x"), parse_constant=pytest.fail)
    assert read["data"] == "x"
    assert read["models"]["model"]["rows"] == 5
    assert read["models"]["model"]["figures"]["two/f1"]["value"] is None
    assert read["models"]["model"]["figures"]["one/recall"]["value"] == pytest.approx(2 / 3)


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
