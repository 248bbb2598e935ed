import json

import numpy as np

from pipeline.evaluation.error_analysis import confusion_matrix, contradictions, label_issues
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


def test_suspect_rows_are_ranked_each_once() -> None:
    rows = [LabelledParagraph("a", i, f"caf\u00e9 {i}") for i in range(3)]
    y_true = np.array([[True, False], [True, False], [False, False]])
    y_pred = np.array([[True, False], [False, True], [True, False]])
    y_score = np.array([[0.9, 0.1], [0.2, 0.7], [0.954321, 0.0]])
    issues = label_issues(rows, ["x", "y"], y_true, y_pred, y_score)
    first, second = map(json.loads, issues.splitlines())
    assert "caf\u00e9 2" in issues  # to be read as it is
    assert first == {
        "rank": 1,
        "article": "a",
        "paragraph": 2,
        "contradiction": 0.9543,
        "topic": "x",
        "score": 0.9543,
        "topics": [],
        "suggested": ["x"],
        "text": "caf\u00e9 2",
    }
    assert (second["paragraph"], second["topic"], second["suggested"]) == (1, "x", ["y"])
