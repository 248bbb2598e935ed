"""Compare labels given with labels meant: every figure of the project, as point values or over resamples."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_BATCH = 50


def figures(
    topics: Sequence[str], labels: Bools, given: Bools, scores: Floats, weights: Floats | None = None
) -> dict[str, Floats]:
    """Compute all figures at once for B weightings of the rows, each figure float64 [B].

    `labels` (meant) and `given` are bool [n, k], `scores` float64 [n, k], `weights` float64 [B, n] (default: one
    tfidf, all ones; a bootstrap passes how often each row was drawn). Keys are `micro_f1`, `none_recall`,
    `mine_action/f1` and so on. Where a topic has no positive row its figures are NaN, and macro averages are taken
    over the topics that have one; precision is 0 where nothing was given. All figures but `calibration_error` are
    the better the higher.
    """
    if weights is None:
        weights = np.ones((1, len(labels)))
    batches = [weights[i : i + _BATCH] for i in range(0, len(weights), _BATCH)]
    parts = [_figures(topics, labels, given, scores, batch) for batch in batches]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def point(figures_: dict[str, Floats]) -> dict[str, float]:
    """Take the first tfidf's value of every figure."""
    return {name: float(values[0]) for name, values in figures_.items()}


def _figures(
    topics: Sequence[str], labels: Bools, given: Bools, scores: Floats, weights: Floats
) -> dict[str, Floats]:
    hits, misses = weights @ (labels & given), weights @ (labels & ~given)
    alarms = weights @ (~labels & given)
    positives = hits + misses
    absent = positives == 0
    precision = np.where(absent, np.nan, _ratio(hits, hits + alarms))
    recall = np.where(absent, np.nan, _ratio(hits, positives))
    f1 = np.where(absent, np.nan, _ratio(2 * hits, 2 * hits + misses + alarms))
    ranking = np.column_stack(
        [_average_precision(scores[:, c], labels[:, c], weights) for c in range(len(topics))]
    )
    found = {
        "micro_precision": _ratio(hits.sum(1), (hits + alarms).sum(1)),
        "micro_recall": _ratio(hits.sum(1), positives.sum(1)),
        "micro_f1": _ratio(2 * hits.sum(1), (2 * hits + misses + alarms).sum(1)),
        "macro_precision": _mean(precision),
        "macro_recall": _mean(recall),
        "macro_f1": _mean(f1),
        "macro_average_precision": _mean(ranking),
        **_none_figures(labels, given, weights),
        "exact_match": _ratio(weights @ (labels == given).all(1), weights.sum(1)),
    }
    for column, topic in enumerate(topics):
        found[f"{topic}/precision"] = precision[:, column]
        found[f"{topic}/recall"] = recall[:, column]
        found[f"{topic}/f1"] = f1[:, column]
        found[f"{topic}/average_precision"] = ranking[:, column]
        found[f"{topic}/calibration_error"] = expected_calibration_error(
            scores[:, column], labels[:, column], weights
        )
    return found


def _none_figures(labels: Bools, given: Bools, weights: Floats) -> dict[str, Floats]:
    meant, said = ~labels.any(1), ~given.any(1)
    hits = weights @ (meant & said)
    precision, recall = _ratio(hits, weights @ said), _ratio(hits, weights @ meant)
    return {
        "none_precision": precision,
        "none_recall": recall,
        "none_f1": _ratio(2 * precision * recall, precision + recall),
    }


def _average_precision(scores: Floats, labels: Bools, weights: Floats) -> Floats:
    """Sum precision over recall steps, with equal scores taken as one step (scikit-learn's definition)."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    weighted = weights[:, order]
    given = np.cumsum(weighted, axis=1)[:, last]
    hits = np.cumsum(weighted * labels[order], axis=1)[:, last]
    steps = np.diff(hits, axis=1, prepend=0.0)
    total = hits[:, -1]
    return np.where(total > 0, _ratio((steps * _ratio(hits, given)).sum(1), total), np.nan)


def _mean(values: Floats) -> Floats:
    present = np.isfinite(values)
    return _ratio(np.where(present, values, 0.0).sum(1), present.sum(1).astype(float))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    quotient: Floats = np.divide(
        numerator, denominator, out=np.zeros_like(numerator, float), where=denominator > 0
    )
    return quotient


def expected_calibration_error(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64], *, bins: int = 10
) -> NDArray[np.float64]:
    """Average the gap between score and frequency over equal-width bins, weighted by their size.

    Naeini, Cooper and Hauskrecht 2015, for one topic: `scores` float64 [n], `labels` bool [n], and B weightings of
    the rows, `weights` float64 [B, n]; gives float64 [B].
    """
    index = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = weights @ ((scores - labels)[:, None] * np.eye(bins)[index])
    error: NDArray[np.float64] = np.abs(gaps).sum(1) / weights.sum(1)
    return error


def reliability(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], *, bins: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give mean score and frequency of the label in each bin that is not empty, for a reliability curve."""
    index = np.minimum((scores * bins).astype(int), bins - 1)
    size = np.bincount(index, minlength=bins)
    filled = size > 0
    mean = np.bincount(index, scores, minlength=bins)[filled] / size[filled]
    frequency = np.bincount(index, labels, minlength=bins)[filled] / size[filled]
    return mean, frequency
