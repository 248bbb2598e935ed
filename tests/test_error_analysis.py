import json

import numpy as np

from pipeline.evaluation.error_analysis import (
    confusion_matrix,
    contradictions,
    label_contradictions,
    label_issues,
)
from pipeline.model.calibration import sigmoid
from pipeline.schema import LabelledParagraph

Y_TRUE = np.array([[True, False], [True, False], [False, True], [False, False], [True, True]])
Y_PRED = np.array([[True, False], [False, True], [False, False], [True, False], [True, False]])
Y_SCORE = np.array([[0.9, 0.1], [0.2, 0.7], [0.1, 0.3], [0.95, 0.0], [0.8, 0.45]])


def test_confusion_counts_which_topic_is_predicted_where_which_is_true() -> None:
    assert confusion_matrix(Y_TRUE, Y_PRED).tolist() == [
        [2, 1, 0, 1],  # the first topic: found twice, once the second predicted instead, missed once
        [0, 0, 1, 2],  # the second: missed twice, once with nothing predicted and once beside the first
        [1, 0, 0, 1],  # none: the first topic predicted
    ]


def test_contradictions_come_surest_first() -> None:
    found = [(c.row, c.column, round(c.distance, 2)) for c in contradictions(Y_TRUE, Y_PRED, Y_SCORE)]
    assert found == [(3, 0, 0.95), (1, 0, 0.8), (1, 1, 0.7), (2, 1, 0.7), (4, 1, 0.55)]


def test_a_cell_without_a_score_is_left_out() -> None:
    y_score = Y_SCORE.copy()
    y_score[3, 0] = np.nan
    assert (3, 0) not in [(c.row, c.column) for c in contradictions(Y_TRUE, Y_PRED, y_score)]


def test_a_label_is_contradicted_by_the_distance_of_score_and_threshold_in_logits() -> None:
    y_true = np.array([[True, False], [False, True], [True, True]])
    y_pred = np.array([[False, True], [False, True], [False, True]])
    y_score = np.array([[0.1, 0.9], [0.2, 0.8], [np.nan, 0.7]])
    found = label_contradictions(y_true, y_pred, y_score, np.array([0.5, 0.2]))
    np.testing.assert_allclose(found, [[np.log(9), np.log(9) + np.log(4)], [0, 0], [0, 0]])


def test_a_score_of_one_contradicts_no_more_than_finitely() -> None:
    cell = np.array([[True]])
    found = label_contradictions(~cell, cell, np.array([[1.0]]), np.array([0.5]))
    assert 27 < found[0, 0] < 28


def test_suspect_rows_are_ranked_each_once() -> None:
    rows = [LabelledParagraph("a", i, f"caf\u00e9 {i}") for i in range(4)]
    y_true = np.array([[True, False], [True, False], [False, False], [False, True]])
    y_pred = np.array([[True, False], [False, True], [True, False], [False, False]])
    y_score = np.array([[0.9, 0.1], [0.2, 0.7], [0.87654321, 0.0], [0.0, np.nan]])
    issues = label_issues(
        rows, ["x", "y"], y_true=y_true, y_pred=y_pred, y_score=y_score, thresholds=np.array([0.5, 0.5])
    )
    first, second = map(json.loads, issues.splitlines())
    assert "caf\u00e9 1" in issues  # to be read as it is
    assert first == {  # two topics are contradicted less than the one of the next row, and more in sum
        "rank": 1,
        "article": "a",
        "paragraph": 1,
        "contradiction": 2.2336,
        "topic": "x",
        "score": 0.2,
        "topics": ["x"],
        "suggested": ["y"],
        "text": "caf\u00e9 1",
    }
    assert (second["paragraph"], second["topic"], second["score"], second["contradiction"]) == (
        2,
        "x",
        0.8765,
        1.9601,
    )


def test_planted_errors_are_found_where_topics_differ_in_their_thresholds() -> None:
    """As many labels as are wrong are looked at: of those 94 % are; by |score - label| it would be 92 %."""
    generator = np.random.default_rng(5)
    truth = generator.random((3000, 3)) < [0.3, 0.1, 0.02]
    thresholds = np.array([0.6, 0.3, 0.05])
    logits = (
        np.where(truth, 2.5, -2.5) + generator.normal(size=truth.shape) + np.log(thresholds / (1 - thresholds))
    )
    wrong = generator.choice(3000, 300, replace=False)
    y_true = truth.copy()
    y_true[wrong, generator.integers(3, size=300)] ^= True
    y_score = sigmoid(logits)
    found = label_contradictions(y_true, y_score >= thresholds, y_score, thresholds).sum(1)
    assert np.isin(np.argsort(-found)[:300], wrong).mean() >= 0.94
