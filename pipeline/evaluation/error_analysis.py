"""Find what went wrong: which topic is taken for which, the worst errors, and labels that look wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Contradiction:
    """A row and column where label and score disagree; `distance` is |score - label|, between 0 and 1."""

    row: int
    column: int
    distance: float


def confusion(labels: Bools, given: Bools) -> NDArray[np.int64]:
    """Count which topic is given where which is meant, int64 [k + 1, k + 2].

    Row i is a topic meant, the last row none. Column j is a topic given: on the diagonal rightly, elsewhere to
    rows that do not mean it. Column k counts rows without any topic given, column k + 1 those where i was missed.
    """
    meant = np.column_stack([labels, ~labels.any(1)]).astype(int)
    said = np.column_stack([given, ~given.any(1)]).astype(int)
    wrong = said * (1 - np.column_stack([labels, ~labels.any(1)]))
    counts = meant.T @ wrong
    np.fill_diagonal(counts, (meant * said).sum(0))
    missed = (meant * (1 - said)).sum(0)
    return np.column_stack([counts, missed]).astype(np.int64)


def contradictions(labels: Bools, given: Bools, scores: Floats) -> list[Contradiction]:
    """Rank the cells in which label and answer differ by how sure the score is, surest first.

    Over out-of-fold scores this ranks suspect labels, by self-confidence as in Northcutt, Jiang and Chuang 2021,
    "Confident learning"; over a test side it ranks errors. Cells without a score are left out.
    """
    rows, columns = np.nonzero((labels != given) & np.isfinite(scores))
    distance = np.abs(scores - labels)[rows, columns]
    order = np.argsort(-distance, kind="stable")
    return [Contradiction(int(rows[i]), int(columns[i]), float(distance[i])) for i in order]
