import numpy as np
import pytest

from pipeline.evaluation.metrics import compute_metrics
from pipeline.evaluation.performance import OVERALL, PER_TOPIC, Expected, expected_metrics

TOPICS = ["one", "two"]


def total(y_score: np.ndarray, y_pred: np.ndarray) -> Expected:
    counts = Expected.of(y_score, y_pred)
    return Expected(*(getattr(counts, name).sum(0, keepdims=True) for name in Expected.__dataclass_fields__))


def test_scores_that_are_certain_expect_what_labels_measure() -> None:
    rng = np.random.default_rng(2)
    y_true, y_pred = rng.random((2, 300, 2)) < 0.3
    found = expected_metrics(TOPICS, total(y_true.astype(float), y_pred))
    measured = compute_metrics(TOPICS, y_true, y_pred, y_true.astype(float))
    for name in (*OVERALL, *(f"{topic}/{metric}" for topic in TOPICS for metric in PER_TOPIC)):
        assert found[name] == pytest.approx(measured[name]), name


def test_scores_are_the_expected_counts_of_labels() -> None:
    y_score = np.array([[0.9, 0.0], [0.6, 0.0], [0.3, 0.0], [0.2, 0.0]])
    found = expected_metrics(TOPICS, total(y_score, y_score >= 0.5))
    assert found["one/precision"] == pytest.approx([0.75])  # 1.5 of 2
    assert found["one/recall"] == pytest.approx([0.75])  # 1.5 of 2
    assert found["none_recall"] == pytest.approx([(0.7 + 0.8) / (0.1 + 0.4 + 0.7 + 0.8)])
    assert np.isnan(found["two/f1"]).all()  # less than one paragraph is expected
    assert found["macro_f1"] == found["one/f1"] == found["micro_f1"]


def test_expected_metrics_are_those_of_labels_that_are_drawn_by_calibrated_scores() -> None:
    rng = np.random.default_rng(4)
    y_score = rng.beta(0.3, 1.5, size=(40_000, 2))
    y_true, y_pred = rng.random(y_score.shape) < y_score, y_score >= 0.4
    found = expected_metrics(TOPICS, total(y_score, y_pred))
    measured = compute_metrics(TOPICS, y_true, y_pred, y_score)
    for name in OVERALL:
        assert found[name] == pytest.approx(measured[name], abs=0.01), name


def test_drawn_counts_vary_as_labels_do_and_the_first_stays() -> None:
    y_score = np.full((100, 1), 0.3)
    counts = total(y_score, np.zeros((100, 1), bool))
    many = Expected(*(getattr(counts, name).repeat(2000, 0) for name in Expected.__dataclass_fields__))
    drawn = many.drawn(1)
    assert drawn.misses[0, 0] == pytest.approx(30)
    assert drawn.misses[1:, 0].std() == pytest.approx(np.sqrt(100 * 0.3 * 0.7), rel=0.1)
    assert (drawn.hits <= drawn.assigned).all()
