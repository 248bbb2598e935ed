import numpy as np
import pytest
from handmade_model import BUNDLE, MEASURED, SCORER, TEXTS, TOPICS
from handmade_model import LABELS as TOPICS_OF

from pipeline.evaluation.behaviour import Outcome
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.slices import SliceRule
from pipeline.report import studies
from pipeline.report.measure import measure
from pipeline.schema import LabelledParagraph


def test_confusion_names_what_is_predicted_where_what_is_true() -> None:
    table = studies.confusion_table(MEASURED)
    assert list(table.columns) == ["true", "predicted Wet", "predicted Cold", "predicted none", "missed"]
    assert table.to_numpy().tolist() == [["Wet", 2, 0, 1, 1], ["Cold", 0, 2, 0, 0], ["none", 0, 1, 1, 1]]


def test_calibration_has_a_column_a_set_of_rows() -> None:
    table = studies.calibration_table(TOPICS, {"out of fold": MEASURED.model, "day": MEASURED.model})
    assert list(table.columns) == ["topic", "out of fold", "day"]
    assert table.loc[1, "day"] == MEASURED.model.metrics["cold/calibration_error"]


def test_the_leak_study_shows_what_the_name_was_worth() -> None:
    table = studies.leak_table(MEASURED).set_index("topic")
    wet, cold = table.loc["Wet"], table.loc["Cold"]
    assert (wet["rows"], wet["rows naming it"]) == (3, 3)
    changes = [wet[name].value for name in ("f1", "f1 masked", "difference")]
    assert changes == pytest.approx([0.8, 0.0, -0.8])
    assert str(wet["recall unnamed"]) == "-"
    assert (cold["rows"], cold["rows naming it"], cold["recall unnamed"].value) == (2, 0, 1.0)
    assert cold["difference"] == Estimate(0.0, 0.0, 0.0)
    assert table.loc["macro f1", "difference"].value == pytest.approx(-0.4)


def test_a_slice_has_its_rows_and_metrics() -> None:
    rows = [
        LabelledParagraph(f"b{i}", 0, TEXTS[i % 6], TOPICS_OF[i % 6], genre="wire" if i % 2 else "letter")
        for i in range(24)
    ]
    measured = measure("rows", BUNDLE, rows, random_state=1)
    table = studies.slice_table(measured, [SliceRule("genre", "letters", "letter")]).set_index(["slice", "group"])
    letters = table.loc[("genre", "letters")]
    assert (letters["rows"], letters["with a topic"]) == (12, 12)
    assert letters["micro f1"].value == pytest.approx(2 * 3 / (4 + 3))
    assert str(letters["none recall"]) == "-"
    assert letters["exact match"].value == pytest.approx(8 / 12)
    assert ("topics", "several") not in table.index  # four rows are too few


def test_worst_errors_come_with_their_terms() -> None:
    first = studies.error_table(MEASURED).iloc[0]
    assert (first["article"], first["topic"], first["error"]) == ("a2/1", "Cold", "false alarm")
    assert first["terms"].startswith("snow +")


def test_terms_are_listed_for_and_against() -> None:
    assert studies.terms_table(SCORER, TOPICS, most=1).iloc[0].tolist() == ["Wet", "rain", "peru"]


def test_a_perfect_pass_rate_still_has_an_interval() -> None:
    perfect = Outcome("invariance", "x", ("a", "a", "b"), np.ones(3, bool), ())
    failed = Outcome("invariance", "y", ("a", "b"), np.array([True, False]), (("t", "none", "x"),))
    empty = Outcome("invariance", "z", (), np.zeros(0, bool), ())
    table = studies.behaviour_table([perfect, failed, empty], random_state=0).set_index("suite")
    assert list(table.index) == ["x", "y"]
    assert (table.loc["x", "cases"], table.loc["x", "failed"]) == (3, 0)
    assert table.loc["x", "pass rate"] == Estimate(1.0, pytest.approx(0.025**0.5), 1.0)  # two articles
    assert (table.loc["y", "failed"], table.loc["y", "pass rate"].value) == (1, 0.5)
    failures = studies.failure_table([perfect, failed])
    assert failures.to_numpy().tolist() == [["invariance", "y", "t", "none", "x"]]
