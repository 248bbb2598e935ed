"""Choose the score from which a topic is given, from out-of-fold scores and a stated objective."""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cost = TypeVar("Cost", float, NDArray[np.float64])


@dataclass(frozen=True)
class Objective:
    """What a threshold is chosen for.

    `f1`: the best F1. `precision` / `recall`: the best of the other one that keeps this one at or above `floor`.
    `cost`: the least cost where a false alarm costs 1 and a miss `cost_ratio`, be it by giving nothing. Thresholds
    of topics with few positives are drawn to the global one: with p positives, p / (p + shrinkage) is their own.
    """

    kind: Literal["f1", "precision", "recall", "cost"] = "f1"
    floor: float | None = None
    cost_ratio: float | None = None
    shrinkage: float = 0.0


def fit_thresholds(scores: Floats, labels: NDArray[np.bool_], objective: Objective) -> Floats:
    """Choose one threshold a topic, float64 [k], from `scores` float64 [n, k] and `labels` bool [n, k].

    A NaN score (a topic absent from its fold's training rows) is left out. Thresholds lie half-way between two
    neighbouring scores, in logits, so that equal scores are never split and rounding cannot move a row.
    """
    usable = np.isfinite(scores)
    overall = _best(scores[usable], labels[usable], objective)
    own = np.empty(scores.shape[1])
    for column in range(scores.shape[1]):
        rows = usable[:, column]
        positives = labels[rows, column].sum()
        keep = positives / (positives + objective.shrinkage) if positives else 0.0
        best = _best(scores[rows, column], labels[rows, column], objective) if positives else overall
        own[column] = _expit(keep * _logit(best) + (1 - keep) * _logit(overall))
    return own


def _best(scores: Floats, labels: NDArray[np.bool_], objective: Objective) -> float:
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(labels[order].astype(float))
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    value = _value(hits[last], (last + 1).astype(float), float(labels.sum()), objective)
    best = last[int(np.argmax(value))]
    if objective.kind == "cost" and -value.max() > _cost(0.0, 0.0, float(labels.sum()), objective):
        return float(_expit((_logit(1.0) + _logit(ranked[0])) / 2))
    above = ranked[best]
    below = ranked[best + 1] if best + 1 < len(ranked) else above / 2
    return float(_expit((_logit(above) + _logit(below)) / 2))


def _value(hits: Floats, given: Floats, positives: float, objective: Objective) -> Floats:
    if objective.kind == "cost":
        return -_cost(hits, given, positives, objective)
    precision, recall = hits / given, hits / max(positives, 1.0)
    if objective.kind == "f1":
        return 2 * hits / (given + positives)
    held, wanted = (precision, recall) if objective.kind == "precision" else (recall, precision)
    reached = held >= (objective.floor or 0.0)
    return np.where(reached, 1 + wanted, held)


def _cost(hits: Cost, given: Cost, positives: float, objective: Objective) -> Cost:
    return (given - hits) + (objective.cost_ratio or 1.0) * (positives - hits)


def _logit(probability: float | np.float64) -> float:
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    return float(np.log(clipped / (1 - clipped)))


def _expit(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))
