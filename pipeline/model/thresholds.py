"""Choose the score from which a topic is assigned, from out-of-fold scores and a stated objective."""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.model.calibration import logit, prevalence_weights, sigmoid

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Cost = TypeVar("Cost", float, NDArray[np.float64])


@dataclass(frozen=True)
class Objective:
    """What a threshold is chosen for.

    Parameters
    ----------
    kind : {"f1", "cost"}
        `f1`: the best F1. `cost`: the least cost, where a false alarm costs 1 and a miss `cost_ratio`, even if
        nothing is assigned.
    prevalence : float, optional
        Share of rows without a topic that the choice is made for: the higher, the more precise. None: the rows'
        own.
    cost_ratio : float, optional
    shrinkage : float, default 0
        Thresholds of topics with few positives are drawn to the global one: with p positives,
        p / (p + shrinkage) is their own.
    """

    kind: Literal["f1", "cost"] = "f1"
    prevalence: float | None = None
    cost_ratio: float | None = None
    shrinkage: float = 0.0


def fit_thresholds(y_score: Floats, y_true: Bools, objective: Objective) -> Floats:
    """Choose one threshold a topic.

    Thresholds lie half-way between two neighbouring scores, in logits, so that equal scores are never split and
    rounding cannot move a row.

    Parameters
    ----------
    y_score : float64 array of shape (n, k)
        Out-of-fold scores. A NaN (a topic absent from its fold's training rows) is left out.
    y_true : bool array of shape (n, k)
    objective : Objective

    Returns
    -------
    float64 array of shape (k,)
        For `score >= threshold`.

    """
    weights = prevalence_weights(y_true, objective.prevalence)
    usable = np.isfinite(y_score)
    cells = np.broadcast_to(weights[:, None], y_score.shape)
    overall = _best(y_score[usable], y_true[usable], cells[usable], objective)
    own = np.full(y_score.shape[1], overall)
    for column, rows in enumerate(usable.T):
        positives = y_true[rows, column].sum()
        if positives:
            best = _best(y_score[rows, column], y_true[rows, column], weights[rows], objective)
            keep = positives / (positives + objective.shrinkage)
            own[column] = _probability(keep * _logit(best) + (1 - keep) * _logit(overall))
    return own


def _best(y_score: Floats, y_true: Bools, weights: Floats, objective: Objective) -> float:
    order = np.argsort(-y_score, kind="stable")
    ranked, weights = y_score[order], weights[order]
    hits, assigned = np.cumsum(weights * y_true[order]), np.cumsum(weights)
    positives = float(hits[-1])
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    value = _value(hits[last], assigned[last], positives, objective)
    best = last[int(np.argmax(value))]
    if objective.kind == "cost" and -value.max() > _cost(0.0, 0.0, positives, objective):
        return _probability((_logit(1.0) + _logit(ranked[0])) / 2)
    above = ranked[best]
    below = ranked[best + 1] if best + 1 < len(ranked) else above / 2
    return _probability((_logit(above) + _logit(below)) / 2)


def _value(hits: Floats, assigned: Floats, positives: float, objective: Objective) -> Floats:
    if objective.kind == "cost":
        return -_cost(hits, assigned, positives, objective)
    return hits / (assigned + positives)  # half of F1, which is best in the same place


def _cost(hits: Cost, assigned: Cost, positives: float, objective: Objective) -> Cost:
    return (assigned - hits) + (objective.cost_ratio or 1.0) * (positives - hits)


def _logit(probability: float | np.float64) -> float:
    return float(logit(np.asarray(probability)))


def _probability(value: float) -> float:
    return float(sigmoid(np.float64(value)))  # type: ignore[arg-type]  # an array of no dimension
