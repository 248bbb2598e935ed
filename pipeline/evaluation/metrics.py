"""Metrics of multi-label predictions, on the rows as they are or over bootstrap resamples of them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Metric = Callable[[Floats, Bools, Floats], Floats]
_BATCH = 50  # resamples at a time, to bound memory


def compute_metrics(
    topics: Sequence[str], y_true: Bools, y_pred: Bools, y_score: Floats, weights: Floats | None = None
) -> dict[str, Floats]:
    """Compute every metric of the project for B weightings of n rows and k topics.

    Where a topic has no positive row its metrics are NaN, and macro averages are taken over the topics that have
    one. Where no row has any topic, micro and macro metrics are NaN, and where every row has one those of `none`.
    Precision is 0 where nothing was predicted. Every metric but `calibration_error` is better when higher.

    Parameters
    ----------
    topics : sequence of str
        The k topic ids, in column order.
    y_true, y_pred : bool arrays of shape (n, k)
    y_score : float64 array of shape (n, k)
    weights : float64 array of shape (B, n), optional
        How often each row counts; default: one weighting, all ones.

    Returns
    -------
    dict of str to float64 array of shape (B,)
        By name: `micro_f1`, `none_recall`, `exact_match`, `<topic>/f1` and so on.

    """
    if weights is None:
        weights = np.ones((1, len(y_true)))
    batches = [weights[i : i + _BATCH] for i in range(0, len(weights), _BATCH)]
    parts = [_batch_metrics(topics, y_true, y_pred, y_score, batch) for batch in batches]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def metric_names(topics: Sequence[str]) -> list[str]:
    """List the metrics of topics that are better when higher, those that `compute_metrics` names."""
    nothing = np.zeros((1, len(topics)))
    found = compute_metrics(topics, nothing.astype(bool), nothing.astype(bool), nothing)
    return [name for name in found if not name.endswith("/calibration_error")]


def point_values(metrics: Mapping[str, Floats]) -> dict[str, float]:
    """Return the value of every metric for the first weighting, the data as they are."""
    return {name: float(values[0]) for name, values in metrics.items()}


def f1_score(true_positives: Floats, n_true: Floats, n_pred: Floats) -> Floats:
    """Return F1 from counts of any shape: true positives, true labels, predicted labels; 0 where all are 0."""
    return ratio(2 * true_positives, np.asarray(n_true + n_pred, float))


def macro_average(values: Floats) -> Floats:
    """Average [B, k] over the topics whose value is defined, float64 [B]; NaN where none is."""
    defined = np.isfinite(values)
    mean = ratio(np.where(defined, values, 0.0).sum(1), defined.sum(1).astype(float))
    return np.where(defined.any(1), mean, np.nan)


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide elementwise, with 0 where the denominator is 0."""
    quotient: Floats = np.divide(
        numerator, denominator, out=np.zeros_like(numerator, float), where=denominator > 0
    )
    return quotient


def _batch_metrics(
    topics: Sequence[str], y_true: Bools, y_pred: Bools, y_score: Floats, weights: Floats
) -> dict[str, Floats]:
    hits, n_true, n_pred = (weights @ cells for cells in (y_true & y_pred, y_true, y_pred))
    by_topic = {
        "precision": ratio(hits, n_pred),
        "recall": ratio(hits, n_true),
        "f1": f1_score(hits, n_true, n_pred),
        "average_precision": _by_column(_average_precision, y_score, y_true, weights),
    }
    by_topic = {name: np.where(n_true > 0, values, np.nan) for name, values in by_topic.items()}
    micro = {
        "micro_precision": ratio(hits.sum(1), n_pred.sum(1)),
        "micro_recall": ratio(hits.sum(1), n_true.sum(1)),
        "micro_f1": f1_score(hits.sum(1), n_true.sum(1), n_pred.sum(1)),
    }
    found = {
        **{name: np.where(n_true.sum(1) > 0, values, np.nan) for name, values in micro.items()},
        **{f"macro_{name}": macro_average(values) for name, values in by_topic.items()},
        **_none_metrics(y_true, y_pred, weights),
        "exact_match": ratio(weights @ (y_true == y_pred).all(1), weights.sum(1)),
    }
    by_topic["calibration_error"] = _by_column(expected_calibration_error, y_score, y_true, weights)
    return found | {
        f"{topic}/{name}": values[:, column]
        for column, topic in enumerate(topics)
        for name, values in by_topic.items()
    }


def _none_metrics(y_true: Bools, y_pred: Bools, weights: Floats) -> dict[str, Floats]:
    none_true, none_pred = ~y_true.any(1), ~y_pred.any(1)
    hits, n_true, n_pred = (weights @ rows for rows in (none_true & none_pred, none_true, none_pred))
    found = {
        "none_precision": ratio(hits, n_pred),
        "none_recall": ratio(hits, n_true),
        "none_f1": f1_score(hits, n_true, n_pred),
    }
    return {name: np.where(n_true > 0, values, np.nan) for name, values in found.items()}


def _by_column(metric: Metric, y_score: Floats, y_true: Bools, weights: Floats) -> Floats:
    columns = range(y_true.shape[1])
    return np.column_stack([metric(y_score[:, column], y_true[:, column], weights) for column in columns])


def _average_precision(y_score: Floats, y_true: Bools, weights: Floats) -> Floats:
    """Sum precision over recall steps, with equal scores taken as one step (scikit-learn's definition)."""
    order = np.argsort(-y_score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(y_score[order]) != 0, True))
    weighted = weights[:, order]
    n_pred = np.cumsum(weighted, axis=1)[:, last]
    hits = np.cumsum(weighted * y_true[order], axis=1)[:, last]
    steps = np.diff(hits, axis=1, prepend=0.0)
    return ratio((steps * ratio(hits, n_pred)).sum(1), hits[:, -1])


def expected_calibration_error(y_score: Floats, y_true: Bools, weights: Floats, *, bins: int = 10) -> Floats:
    """Average the gap between score and frequency over equal-width bins, weighted by their size.

    The expected calibration error of Naeini, Cooper and Hauskrecht 2015, for one topic.

    Parameters
    ----------
    y_score : float64 array of shape (n,)
    y_true : bool array of shape (n,)
    weights : float64 array of shape (B, n)
    bins : int, default 10

    Returns
    -------
    float64 array of shape (B,)

    """
    index = np.minimum((y_score * bins).astype(int), bins - 1)
    gaps = weights @ ((y_score - y_true)[:, None] * np.eye(bins)[index])
    error: Floats = np.abs(gaps).sum(1) / weights.sum(1)
    return error
