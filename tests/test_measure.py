import numpy as np
import pytest
from handmade_model import BUNDLE, MEASURED, ROWS, TEXTS
from sklearn.metrics import average_precision_score, f1_score

from pipeline.data.corpus import text_digests
from pipeline.model.bundle import Bundle
from pipeline.report.measure import measure


def test_predictions_are_the_models() -> None:
    assert MEASURED.y_true.astype(int).tolist() == [[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 0]]
    assert MEASURED.y_pred.astype(int).tolist() == [[1, 0], [0, 1], [1, 1], [0, 0], [0, 0], [0, 1]]


def test_metrics_equal_scikit_learns_on_the_predictions() -> None:
    y_true, y_pred, y_score = MEASURED.y_true, MEASURED.y_pred, MEASURED.y_score
    metrics = MEASURED.model.metrics
    assert metrics["macro_f1"].value == pytest.approx(f1_score(y_true, y_pred, average="macro"), abs=1e-12)
    assert metrics["micro_f1"].value == pytest.approx(f1_score(y_true, y_pred, average="micro"), abs=1e-12)
    expected = average_precision_score(y_true, y_score)
    assert metrics["macro_average_precision"].value == pytest.approx(expected, abs=1e-12)
    assert metrics["none_recall"].value == 0.5


def test_two_baselines_stand_beside_the_model() -> None:
    assert list(MEASURED.evaluations) == ["model", "most frequent", "keywords"]
    frequent = MEASURED.evaluations["most frequent"].metrics
    assert (frequent["micro_recall"].value, frequent["none_recall"].value) == (0.0, 1.0)
    assert MEASURED.evaluations["keywords"].metrics["wet/recall"].value == 1.0


def test_rows_that_were_trained_on_are_counted_and_told() -> None:
    seen = Bundle(BUNDLE.scorer, BUNDLE.topics, text_digests(["  THE rain ", "the"]), BUNDLE.about)
    measured = measure("some rows", seen, ROWS, random_state=1)
    assert measured.trained_on == 2
    assert measured.headline.startswith("some rows: 6 paragraphs, 2 of them TRAINED ON; 95 % intervals")
    assert MEASURED.headline.startswith("made-up rows: 6 paragraphs; 95 %")


def test_a_share_is_of_the_rows_asked_for_with_an_interval_over_their_articles() -> None:
    right = (MEASURED.y_true == MEASURED.y_pred).all(1)
    assert MEASURED.share(right, np.ones(len(TEXTS), bool)).value == pytest.approx(4 / 6)
    first_article = np.array([True, True, False, False, False, False])
    assert MEASURED.share(right, first_article).low == pytest.approx(0.025)  # all right, in one article
