"""A metric with its interval, and all metrics of one model on one set of rows."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.bootstrap import LEVEL, interval
from pipeline.evaluation.metrics import compute_metrics, ratio

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_ENDS = ("value", "low", "high")


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; NaN where it is undefined.

    Parameters
    ----------
    value, low, high : float

    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Take the value and its interval from a bootstrapped statistic, float64 [1 + B]."""
        return cls(float(values[0]), *interval(values))

    @classmethod
    def from_dict(cls, ends: Mapping[str, float | None]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(*(math.nan if (end := ends[name]) is None else float(end) for name in _ENDS))

    def to_dict(self) -> dict[str, float | None]:
        """Return value, low and high as JSON knows them: None where they are not finite."""
        ends = ((name, float(getattr(self, name))) for name in _ENDS)
        return {name: value if math.isfinite(value) else None for name, value in ends}

    def __str__(self) -> str:
        """Show three decimals and, where there is one, the interval."""
        if not math.isfinite(self.value):
            return "-"
        spread = f" [{self.low:.3f}, {self.high:.3f}]" if math.isfinite(self.low) else ""
        return f"{self.value:.3f}{spread}"


@dataclass(frozen=True)
class Evaluation:
    """All metrics of one model on one set of rows.

    Parameters
    ----------
    rows : int
        How many paragraphs were measured.
    support : dict of str to int
        How many of them have each topic, and `none`.
    metrics : dict of str to Estimate
        By the names of `pipeline.evaluation.metrics.compute_metrics`.

    """

    rows: int
    support: dict[str, int]
    metrics: dict[str, Estimate]

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a metric, indexed by its name, with columns value, low and high."""
        import pandas as pd  # a service shows estimates, and does without

        ends = [[getattr(found, end) for end in _ENDS] for found in self.metrics.values()]
        return pd.DataFrame(ends, index=pd.Index(list(self.metrics), name="metric"), columns=list(_ENDS))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        figures = {name: found.to_dict() for name, found in self.metrics.items()}
        return {"rows": self.rows, "support": self.support, "figures": figures}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        metrics = {name: Estimate.from_dict(ends) for name, ends in content["figures"].items()}
        return cls(content["rows"], content["support"], metrics)


def evaluate_labels(
    topics: Sequence[str], y_true: Bools, y_pred: Bools, y_score: Floats, weights: Floats
) -> Evaluation:
    """Measure predictions against true labels, with bootstrap intervals.

    Parameters
    ----------
    topics : sequence of str
        The k topic ids, in column order.
    y_true, y_pred : bool arrays of shape (n, k)
    y_score : float64 array of shape (n, k)
    weights : float64 array of shape (1 + B, n)
        As `pipeline.evaluation.bootstrap.article_weights` draws them.

    Returns
    -------
    Evaluation

    """
    support = {topic: int(y_true[:, column].sum()) for column, topic in enumerate(topics)}
    support["none"] = int((~y_true.any(1)).sum())
    found = compute_metrics(topics, y_true, y_pred, y_score, weights)
    return Evaluation(len(y_true), support, {name: Estimate.of(values) for name, values in found.items()})


def estimate_share(passed: Bools, weights: Floats, *, units: int) -> Estimate:
    """Estimate the share of rows that passed.

    Where all rows passed, or none, resampling cannot vary: the other end is then the exact binomial one over the
    independent units (Clopper and Pearson 1934).

    Parameters
    ----------
    passed : bool array of shape (n,)
    weights : float64 array of shape (1 + B, n)
        Resamples without any of the rows are left out.
    units : int
        How many independent units, such as articles, the rows come from.

    Returns
    -------
    Estimate

    """
    total = weights.sum(1)
    shares = np.where(total > 0, ratio(weights @ passed, total), np.nan)
    if len(passed) and passed.all():
        return Estimate(1.0, ((1 - LEVEL) / 2) ** (1 / units), 1.0)
    if len(passed) and not passed.any():
        return Estimate(0.0, 0.0, 1 - ((1 - LEVEL) / 2) ** (1 / units))
    return Estimate.of(shares)


@dataclass(frozen=True)
class ReliabilityBin:
    """The rows whose score of a topic lies in one of ten equal bins.

    Parameters
    ----------
    low, high : float
        The ends of the bin.
    rows : int
    mean_score : float
    share_true : Estimate
        The share of them that has the topic.

    """

    low: float
    high: float
    rows: int
    mean_score: float
    share_true: Estimate


def reliability_bins(
    y_score: Floats, y_true: Bools, weights: Floats, articles: Sequence[str], *, bins: int = 10
) -> list[ReliabilityBin]:
    """Hold the scores of one topic against how often it is true.

    Parameters
    ----------
    y_score : float64 array of shape (n,)
        Scores that are NaN are left out.
    y_true : bool array of shape (n,)
    weights : float64 array of shape (1 + B, n)
    articles : sequence of n str
    bins : int, default 10

    Returns
    -------
    list of ReliabilityBin
        Those with rows, by score.

    """
    known = np.isfinite(y_score)
    index = np.where(known, np.minimum((np.where(known, y_score, 0.0) * bins).astype(int), bins - 1), -1)
    found = []
    for number in range(bins):
        rows = np.flatnonzero(index == number)
        if len(rows):
            units = len({articles[row] for row in rows.tolist()})
            share = estimate_share(y_true[rows], weights[:, rows], units=units)
            ends = number / bins, (number + 1) / bins
            found.append(ReliabilityBin(*ends, len(rows), float(y_score[rows].mean()), share))
    return found


def as_json(evaluations: Mapping[str, Evaluation], **more: object) -> str:
    """Write the evaluations of several models, and whatever else is passed, as JSON."""
    models = {name: found.to_dict() for name, found in evaluations.items()}
    return json.dumps({**more, "models": models}, indent=2, ensure_ascii=False)


def from_json(text: str) -> dict[str, Evaluation]:
    """Read the evaluations that `as_json` wrote."""
    return {name: Evaluation.from_dict(found) for name, found in json.loads(text)["models"].items()}
