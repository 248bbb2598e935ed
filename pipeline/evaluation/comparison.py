"""Say whether one model is better than another on the same rows, and by how much: paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.bootstrap import interval
from pipeline.evaluation.metrics import figures

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Answers = tuple[Bools, Floats]


@dataclass(frozen=True)
class Difference:
    """One figure of two models on the same rows: second minus first, its 95 % interval, and a p-value."""

    first: float
    second: float
    value: float
    low: float
    high: float
    p_value: float


def differences(
    topics: Sequence[str], labels: Bools, first: Answers, second: Answers, weights: Floats
) -> dict[str, Difference]:
    """Compare two models' labels and scores by the paired bootstrap (Efron and Tibshirani 1993, chapter 16).

    `labels` bool [n, k]; answers are (labels given bool [n, k], scores float64 [n, k]); `weights` float64
    [1 + B, n] as `resampling.article_weights` gives them, the same for both, so that what is hard for both cancels
    out. The p-value is two-sided: twice the share of resamples beyond zero, with one added to both counts.
    """
    one, two = (figures(topics, labels, given, scores, weights) for given, scores in (first, second))
    found = {}
    for name in one:
        difference = two[name] - one[name]
        low, high = interval(difference)
        found[name] = Difference(
            float(one[name][0]), float(two[name][0]), float(difference[0]), low, high, _p_value(difference[1:])
        )
    return found


def fixed_and_broken(labels: Bools, first: Bools, second: Bools) -> tuple[list[int], list[int]]:
    """List the rows that only the second model labels exactly right, and those that only the first does."""
    right_first, right_second = (first == labels).all(1), (second == labels).all(1)
    fixed, broken = right_second & ~right_first, right_first & ~right_second
    return np.flatnonzero(fixed).tolist(), np.flatnonzero(broken).tolist()


def _p_value(drawn: Floats) -> float:
    drawn = drawn[np.isfinite(drawn)]
    side = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (side + 1) / (len(drawn) + 1))
