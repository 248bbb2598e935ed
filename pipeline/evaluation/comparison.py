"""Whether one model is better than another on the same rows, and by how much: paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.bootstrap import interval
from pipeline.evaluation.metrics import compute_metrics

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Predicted = tuple[Bools, Floats]


@dataclass(frozen=True)
class Difference:
    """One metric of two models on the same rows.

    Parameters
    ----------
    first, second : float
        The metric of each model.
    value, low, high : float
        Second minus first, and its 95 % interval.
    p_value : float
        Two-sided.

    """

    first: float
    second: float
    value: float
    low: float
    high: float
    p_value: float


def paired_differences(
    topics: Sequence[str], y_true: Bools, first: Predicted, second: Predicted, weights: Floats
) -> dict[str, Difference]:
    """Compare two models by the paired bootstrap (Efron and Tibshirani 1993, chapter 16).

    Both models are measured on the same resamples, so that what is hard for both cancels out. The p-value is
    twice the share of resamples beyond zero, with one added to both counts.

    Parameters
    ----------
    topics : sequence of str
        The k topic ids, in column order.
    y_true : bool array of shape (n, k)
    first, second : tuple of (y_pred bool [n, k], y_score float64 [n, k])
    weights : float64 array of shape (1 + B, n)
        As `pipeline.evaluation.bootstrap.article_weights` draws them.

    Returns
    -------
    dict of str to Difference
        By metric.

    """
    before, after = (compute_metrics(topics, y_true, *predicted, weights) for predicted in (first, second))
    return {name: _difference(before[name], after[name]) for name in before}


def _difference(first: Floats, second: Floats) -> Difference:
    change = second - first
    low, high = interval(change)
    return Difference(float(first[0]), float(second[0]), float(change[0]), low, high, p_value=_p_value(change[1:]))


def fixed_and_broken(y_true: Bools, first: Bools, second: Bools) -> tuple[list[int], list[int]]:
    """List the rows that only the second model labels exactly right, and those that only the first does.

    Parameters
    ----------
    y_true, first, second : bool arrays of shape (n, k)
        True labels, and those that each model predicts.

    Returns
    -------
    fixed, broken : lists of int

    """
    right_first, right_second = (first == y_true).all(1), (second == y_true).all(1)
    fixed, broken = right_second & ~right_first, right_first & ~right_second
    return np.flatnonzero(fixed).tolist(), np.flatnonzero(broken).tolist()


def _p_value(drawn: Floats) -> float:
    drawn = drawn[np.isfinite(drawn)]
    beyond = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (beyond + 1) / (len(drawn) + 1))
