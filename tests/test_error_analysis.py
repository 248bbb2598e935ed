import numpy as np

from pipeline.evaluation.error_analysis import confusion, contradictions

LABELS = np.array([[True, False], [True, False], [False, True], [False, False]])
GIVEN = np.array([[True, False], [False, True], [False, False], [True, False]])
SCORES = np.array([[0.9, 0.1], [0.2, 0.7], [0.1, 0.3], [0.95, 0.0]])


def test_confusion_counts_what_is_given_where_what_is_meant() -> None:
    assert confusion(LABELS, GIVEN).tolist() == [
        [1, 1, 0, 1],  # the first topic: found once, once the second given instead, missed once
        [0, 0, 1, 1],  # the second: nothing given, missed once
        [1, 0, 0, 1],  # none: the first topic given
    ]


def test_contradictions_come_surest_first() -> None:
    found = [(c.row, c.column, round(c.distance, 2)) for c in contradictions(LABELS, GIVEN, SCORES)]
    assert found == [(3, 0, 0.95), (1, 0, 0.8), (1, 1, 0.7), (2, 1, 0.7)]


def test_a_cell_without_a_score_is_left_out() -> None:
    scores = SCORES.copy()
    scores[3, 0] = np.nan
    assert (3, 0) not in [(c.row, c.column) for c in contradictions(LABELS, GIVEN, scores)]
