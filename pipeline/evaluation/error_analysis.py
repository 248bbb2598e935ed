"""What went wrong: which topic is taken for which, the surest errors, and labels that look wrong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model.calibration import logit
from pipeline.schema import LabelledParagraph

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Contradiction:
    """A row and column in which the label and the score disagree; `distance` is |score - label|, from 0 to 1."""

    row: int
    column: int
    distance: float


def confusion_matrix(y_true: Bools, y_pred: Bools) -> NDArray[np.int64]:
    """Count which topic is predicted where which is true.

    Parameters
    ----------
    y_true, y_pred : bool arrays of shape (n, k)

    Returns
    -------
    int64 array of shape (k + 1, k + 2)
        Row i is a true topic, the last row none. Column j is a predicted topic: on the diagonal rightly, elsewhere
        for rows that do not have it. Column k counts rows for which none is predicted, column k + 1 those where
        topic i was missed.

    """
    true = np.column_stack([y_true, ~y_true.any(1)]).astype(int)
    pred = np.column_stack([y_pred, ~y_pred.any(1)]).astype(int)
    counts = true.T @ (pred * (1 - true))
    np.fill_diagonal(counts, (true * pred).sum(0))
    missed = (true * (1 - pred)).sum(0)
    return np.column_stack([counts, missed]).astype(np.int64)


def contradictions(y_true: Bools, y_pred: Bools, y_score: Floats) -> list[Contradiction]:
    """Rank the cells in which label and prediction differ, surest score first.

    Parameters
    ----------
    y_true, y_pred : bool arrays of shape (n, k)
    y_score : float64 array of shape (n, k)
        Cells that are NaN are left out.

    Returns
    -------
    list of Contradiction

    """
    rows, columns = np.nonzero((y_true != y_pred) & np.isfinite(y_score))
    distance = np.abs(y_score - y_true)[rows, columns]
    order = np.argsort(-distance, kind="stable")
    return [Contradiction(int(rows[i]), int(columns[i]), float(distance[i])) for i in order]


def label_contradictions(y_true: Bools, y_pred: Bools, y_score: Floats, thresholds: Floats) -> Floats:
    """Measure by how much out-of-fold scores contradict each label.

    The sum over a row ranks suspect labels. The score of the label that is given is the self-confidence of
    Northcutt, Jiang and Chuang 2021, "Confident learning". It is taken in logits from the threshold, so that
    topics of different thresholds compare, and the contradictions of a row add up, so that one topic in place of
    another counts twice. `python -m bench.label_issues` measures it beside cleanlab's methods.

    Parameters
    ----------
    y_true, y_pred : bool arrays of shape (n, k)
    y_score : float64 array of shape (n, k)
        Out-of-fold, as `y_pred` is. Cells that are NaN contradict nothing.
    thresholds : float64 array of shape (k,)

    Returns
    -------
    float64 array of shape (n, k)
        The distance of score and threshold in logits where label and prediction differ, else 0.

    """
    distance = np.abs(logit(y_score) - logit(thresholds))
    return np.where((y_true != y_pred) & np.isfinite(y_score), distance, 0.0)


def label_issues(
    rows: Sequence[LabelledParagraph],
    topics: Sequence[str],
    *,
    y_true: Bools,
    y_pred: Bools,
    y_score: Floats,
    thresholds: Floats,
) -> str:
    """Rank the rows whose labels the out-of-fold predictions contradict most, for a person to review.

    Parameters
    ----------
    rows : sequence of LabelledParagraph
        Of length n.
    topics : sequence of str
        The k topic ids, in column order.
    y_true, y_pred : bool arrays of shape (n, k)
    y_score : float64 array of shape (n, k)
        Out-of-fold, as `y_pred` is.
    thresholds : float64 array of shape (k,)

    Returns
    -------
    str
        JSON lines, most suspect first, each row once: its rank, id and labels, the labels suggested, the topic
        most in dispute, its score, and the contradiction, which is the sum of the row's `label_contradictions`.

    """
    cells = label_contradictions(y_true, y_pred, y_score, thresholds)
    total, worst = cells.sum(1), cells.argmax(1).tolist()
    suspect = np.flatnonzero(((y_true != y_pred) & np.isfinite(y_score)).any(1))
    ranked = suspect[np.argsort(-total[suspect], kind="stable")].tolist()
    issues = (
        {
            "rank": rank,
            "article": rows[row].article,
            "paragraph": rows[row].paragraph,
            "contradiction": round(float(total[row]), 4),
            "topic": topics[worst[row]],
            "score": round(float(y_score[row, worst[row]]), 4),
            "topics": _names(topics, y_true[row]),
            "suggested": _names(topics, y_pred[row]),
            "text": rows[row].text,
        }
        for rank, row in enumerate(ranked, 1)
    )
    return "".join(json.dumps(issue, ensure_ascii=False) + "\n" for issue in issues)


def _names(topics: Sequence[str], row: Bools) -> list[str]:
    return [topic for topic, yes in zip(topics, row, strict=True) if yes]
