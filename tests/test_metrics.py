import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

from pipeline.evaluation.metrics import (
    compute_metrics,
    expected_calibration_error,
    metric_names,
    point_values,
)

TOPICS = ("one", "two", "three")


def made(seed: int = 0, n: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y_score = generator.random((n, 3)).round(2)  # rounded: ties occur
    y_true = generator.random((n, 3)) < y_score * 0.7
    return y_true, y_score >= 0.55, y_score


@pytest.mark.parametrize("seed", range(4))
def test_equals_scikit_learn(seed: int) -> None:
    y_true, y_pred, y_score = made(seed)
    found = point_values(compute_metrics(TOPICS, y_true, y_pred, y_score))
    for average in ("micro", "macro"):
        precision, recall, f1, _ = precision_recall_fscore_support(
            y_true, y_pred, average=average, zero_division=0
        )
        assert found[f"{average}_precision"] == pytest.approx(precision, abs=1e-12)
        assert found[f"{average}_recall"] == pytest.approx(recall, abs=1e-12)
        assert found[f"{average}_f1"] == pytest.approx(f1, abs=1e-12)
    assert found["macro_average_precision"] == pytest.approx(average_precision_score(y_true, y_score), abs=1e-12)
    by_topic = precision_recall_fscore_support(y_true, y_pred, average=None, zero_division=0)
    for column, topic in enumerate(TOPICS):
        for name, values in zip(("precision", "recall", "f1"), by_topic, strict=False):
            assert found[f"{topic}/{name}"] == pytest.approx(values[column], abs=1e-12)
        expected = average_precision_score(y_true[:, column], y_score[:, column])
        assert found[f"{topic}/average_precision"] == pytest.approx(expected, abs=1e-12)
    none = precision_recall_fscore_support(~y_true.any(1), ~y_pred.any(1), average="binary")
    for name, value in zip(("precision", "recall", "f1"), none, strict=False):
        assert found[f"none_{name}"] == pytest.approx(value, abs=1e-12)
    assert found["exact_match"] == pytest.approx((y_true == y_pred).all(1).mean(), abs=1e-12)


def test_weights_are_repetitions_of_rows() -> None:
    y_true, y_pred, y_score = made()
    weights = np.random.default_rng(1).integers(0, 3, size=(120, len(y_true)))  # more than one batch
    found = compute_metrics(TOPICS, y_true, y_pred, y_score, weights.astype(float))
    for index in (0, 57, 119):
        repeat = np.repeat(np.arange(len(y_true)), weights[index])
        alone = point_values(compute_metrics(TOPICS, y_true[repeat], y_pred[repeat], y_score[repeat]))
        for name, values in found.items():
            assert values.shape == (120,)
            assert values[index] == pytest.approx(alone[name], abs=1e-12, nan_ok=True)


def test_without_weights_there_is_one_weighting_and_the_first_is_the_point_value() -> None:
    y_true, y_pred, y_score = made()
    assert {values.shape for values in compute_metrics(TOPICS, y_true, y_pred, y_score).values()} == {(1,)}
    assert point_values({"micro_f1": np.array([0.5, 0.25])}) == {"micro_f1": 0.5}


def test_a_topic_without_positive_rows_is_undefined_and_left_out_of_the_macro_average() -> None:
    y_true, y_pred, y_score = made()
    y_true[:, 1] = False
    found = point_values(compute_metrics(TOPICS, y_true, y_pred, y_score))
    for name in ("precision", "recall", "f1", "average_precision"):
        assert np.isnan(found[f"two/{name}"])
    kept = [0, 2]
    assert found["macro_f1"] == pytest.approx(f1_score(y_true[:, kept], y_pred[:, kept], average="macro"))
    assert found["micro_f1"] == pytest.approx(f1_score(y_true, y_pred, average="micro"))


def test_rows_without_topic_are_scored() -> None:
    y_true = np.array([[True], [False], [False], [False]])
    silent, noisy = np.array([[True], [False], [False], [False]]), np.array([[True]] * 4)
    y_score = silent.astype(float)
    found = point_values(compute_metrics(["one"], y_true, silent, y_score))
    assert (found["none_recall"], found["one/recall"]) == (1.0, 1.0)
    found = point_values(compute_metrics(["one"], y_true, noisy, y_score))
    assert (found["none_recall"], found["micro_precision"], found["exact_match"]) == (0.0, 0.25, 0.25)


def test_nothing_predicted_is_zero_not_an_error() -> None:
    y_true = np.array([[True], [False]])
    found = point_values(compute_metrics(["one"], y_true, np.zeros((2, 1), bool), np.zeros((2, 1))))
    assert (found["micro_precision"], found["micro_f1"], found["none_precision"]) == (0.0, 0.0, 0.5)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([[1.0, 1, 1, 1]], [0.25]), ([[1.0, 1, 1, 1], [0, 0, 1, 1]], [0.25, 0.1])],
)
def test_calibration_error_is_the_mean_gap_over_bins(weights: list[list[float]], expected: list[float]) -> None:
    y_score, y_true = np.array([0.4, 0.4, 0.95, 0.85]), np.array([False, False, True, True])
    error = expected_calibration_error(y_score, y_true, np.array(weights))
    assert error.tolist() == pytest.approx(expected)


def test_there_are_ten_bins_of_equal_width_unless_told_otherwise() -> None:
    y_score, y_true = np.array([0.41, 0.49, 0.85, 0.95]), np.array([False, True, False, True])
    error = expected_calibration_error(y_score, y_true, np.ones((1, 4)))  # one bin has the first two
    assert error.tolist() == pytest.approx([(0.1 + 0.85 + 0.05) / 4])


def test_where_no_row_or_every_row_has_a_topic_what_cannot_be_measured_is_undefined() -> None:
    pred = np.array([[True, False], [False, False]])
    for y_true, undefined, defined in (
        (
            np.zeros((2, 2), bool),
            ("micro_", "macro_"),
            {"none_recall": 0.5, "none_precision": 1.0, "exact_match": 0.5},
        ),
        (np.ones((2, 2), bool), ("none_",), {"micro_precision": 1.0, "micro_recall": 0.25, "exact_match": 0.0}),
    ):
        found = point_values(compute_metrics(["one", "two"], y_true, pred, pred.astype(float)))
        assert all(np.isnan(value) for name, value in found.items() if name.startswith(undefined))
        assert {name: found[name] for name in defined} == defined


def test_the_names_of_metrics_are_those_that_are_better_when_higher() -> None:
    names = metric_names(["one"])
    assert names[:3] == ["micro_precision", "micro_recall", "micro_f1"]
    assert {"one/f1", "none_recall", "exact_match"} < set(names)
    assert "one/calibration_error" not in names
