"""Quantification: the share of paragraphs that have a topic, corrected for the model's own errors.

Each topic is a problem of two classes: paragraphs with the topic, and without it. Methods have the names that the
library QuaPy gives them:

- CC, classify and count: the share of paragraphs that are assigned the topic (Forman 2005).
- PCC, its probabilistic form: the mean score (Bella et al. 2010).
- ACC, adjusted count: CC solved for the rate at which so many would be assigned, by the shares that are assigned
  among paragraphs with the topic and without it in a labelled sample (Rogan and Gladen 1978; Forman 2008).
- PACC: the same of mean scores (Bella et al. 2010).
- EMQ: the rate at which the scores, revised by Bayes' rule for another prior, agree with it; found by expectation
  maximization (Saerens, Latinne and Decaestecker 2002).

On this project's sets EMQ errs least where all scores are known, and ACC where only counts are: `bench.drift`.
The last three assume that paragraphs with a topic, and those without it, look as they did in the labelled sample,
and that only their share has changed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.estimates import Estimate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Method = Literal["CC", "PCC", "ACC", "PACC", "EMQ"]
METHODS: tuple[Method, ...] = ("CC", "PCC", "ACC", "PACC", "EMQ")
_Z = 1.959964  # of a normal distribution, for an interval of 95 %
_ROUNDS, _TOLERANCE = 1000, 1e-7  # of expectation maximization
_EDGE = 1e-9


class Tally(NamedTuple):
    """What a rate is made of: paragraphs, how many of them are assigned the topic, and the sum of their scores."""

    n: int
    assigned: int
    score_sum: float = math.nan

    @classmethod
    def of(cls, scores: Floats, assigned: Bools) -> Self:
        """Count paragraphs by one topic's scores, float64 [n], and assignments, bool [n]."""
        return cls(len(scores), int(assigned.sum()), float(scores.sum()))


@dataclass(frozen=True)
class Moments:
    """Mean and variance of a quantity over the paragraphs of a class, and the sampling variance of that mean."""

    mean: float
    variance: float
    error: float


@dataclass(frozen=True)
class TopicReference:
    """What a labelled sample says of one topic's predictions.

    Parameters
    ----------
    assigned_with, assigned_without : Moments
        Whether the topic is assigned: among paragraphs that have it (recall), and that do not (false alarms).
    score_with, score_without : Moments
        The same of scores.
    prior : float
        The rate at which the scores are calibrated.
    design_effect : float
        How many times the variance of a rate exceeds that of as many paragraphs of different articles
        (Kish 1965); at least 1.

    """

    assigned_with: Moments
    assigned_without: Moments
    score_with: Moments
    score_without: Moments
    prior: float
    design_effect: float

    def classes(self, method: Method) -> tuple[Moments, Moments]:
        """Return what ACC or PACC adjusts by, among paragraphs with the topic and without it."""
        if method == "ACC":
            return self.assigned_with, self.assigned_without
        return self.score_with, self.score_without

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        moments = {name: Moments(**value) for name, value in content.items() if isinstance(value, Mapping)}
        return cls(**moments, prior=content["prior"], design_effect=content["design_effect"])


def topic_reference(
    y_true: Bools, y_score: Floats, assigned: Bools, articles: Sequence[str], weights: Floats | None = None
) -> TopicReference | None:
    """Learn one topic's reference from a labelled sample that the model was not trained on.

    Parameters
    ----------
    y_true, assigned : bool arrays of shape (n,)
    y_score : float64 array of shape (n,)
    articles : sequence of n str
        Variances are those of whole articles, whose paragraphs are not independent.
    weights : float64 array of shape (n,), optional
        How much each paragraph counts, such as `calibration.prevalence_weights`; default: all the same.

    Returns
    -------
    TopicReference or None
        None where all paragraphs have the topic, or none has it.

    """
    if y_true.all() or not y_true.any():
        return None
    weights = np.ones(len(y_true)) if weights is None else weights
    names = np.unique(np.array(articles), return_inverse=True)[1]
    with_topic, without = weights * y_true, weights * ~y_true
    return TopicReference(
        assigned_with=_moments(assigned, with_topic, names, pseudo=1.0),
        assigned_without=_moments(assigned, without, names, pseudo=1.0),
        score_with=_moments(y_score, with_topic, names),
        score_without=_moments(y_score, without, names),
        prior=float(weights @ y_true / weights.sum()),
        design_effect=_design_effect(assigned, weights, names),
    )


def corrected_rate(
    tally: Tally,
    reference: TopicReference,
    *,
    method: Literal["ACC", "PACC"] = "ACC",
    design_effect: float | None = None,
) -> Estimate:
    """Estimate a topic's rate from counts alone, in a few microseconds.

    The interval holds the rates at which the counts would lie within 95 % of their distribution: a score interval
    (Wilson 1927) whose variance is that of drawing the paragraphs, of their articles, and of the reference.

    Parameters
    ----------
    tally : Tally
        The counts of a day, or of whatever else; PACC needs its sum of scores.
    reference : TopicReference
    method : {"ACC", "PACC"}, default "ACC"
    design_effect : float, optional
        That of these paragraphs, where their articles are known; default: the reference's.

    Returns
    -------
    Estimate
        All NaN without a paragraph, and where the model does not tell the classes of the reference apart.

    """
    found = tally.assigned if method == "ACC" else tally.score_sum
    high, low = reference.classes(method)
    apart = high.mean - low.mean
    if not tally.n or apart <= 0:
        return Estimate(math.nan, math.nan, math.nan)
    above = min(max(found / tally.n - low.mean, 0.0), apart)
    spread = (reference.design_effect if design_effect is None else design_effect) / tally.n
    return Estimate(above / apart, *_score_interval(above, apart, spread, high, low))


def quantify(
    scores: Floats,
    assigned: Bools,
    reference: TopicReference,
    weights: Floats | None = None,
    *,
    method: Method = "EMQ",
    random_state: int = 0,
) -> Floats:
    """Estimate a topic's rate by any method, on the paragraphs as they are or over bootstrap resamples of them.

    Parameters
    ----------
    scores : float64 array of shape (n,)
    assigned : bool array of shape (n,)
    reference : TopicReference
    weights : float64 array of shape (1 + B, n), optional
        As `bootstrap.article_weights` draws them: the first row is the data as they are; default: that row alone.
    method : {"CC", "PCC", "ACC", "PACC", "EMQ"}, default "EMQ"
    random_state : int, default 0
        Seeds the draws of the reference's means beside the resamples.

    Returns
    -------
    float64 array of shape (1 + B,)
        As `Estimate.of` takes it; NaN where nothing was drawn.

    """
    weights = np.ones((1, len(scores))) if weights is None else weights
    if method == "EMQ":
        return _expectation_maximization(scores, weights, reference.prior)
    total = weights.sum(1)
    values = scores if method in ("PCC", "PACC") else assigned.astype(float)
    means = np.full(len(weights), np.nan)
    np.divide(weights @ values, total, out=means, where=total > 0)
    if method in ("CC", "PCC"):
        return means
    noise = np.random.default_rng(random_state).standard_normal((2, len(weights)))
    noise[:, 0] = 0.0
    high, low = (
        of.mean + math.sqrt(of.error) * drawn for of, drawn in zip(reference.classes(method), noise, strict=True)
    )
    apart = high - low
    rates = np.full(len(weights), np.nan)
    np.divide(means - low, apart, out=rates, where=apart > 0)
    return rates.clip(0.0, 1.0)


def revised_scores(scores: Floats, prior: float, rate: float) -> Floats:
    """Revise probabilities that hold at one rate of the topic for another, by Bayes' rule.

    Parameters
    ----------
    scores : float64 array of any shape
    prior, rate : float
        Above 0 and below 1; a rate of 0 or 1 is taken for one nearby.

    Returns
    -------
    float64 array of the same shape

    """
    prior, rate = (min(max(value, _EDGE), 1 - _EDGE) for value in (prior, rate))
    with_topic, without = scores * (rate / prior), (1 - scores) * ((1 - rate) / (1 - prior))
    revised: Floats = np.divide(with_topic, with_topic + without)
    return revised


def _expectation_maximization(scores: Floats, weights: Floats, prior: float) -> Floats:
    total = weights.sum(1)
    shares = np.divide(weights, total[:, None], out=np.full(weights.shape, np.nan), where=total[:, None] > 0)
    prior = min(max(prior, _EDGE), 1 - _EDGE)
    odds = scores.clip(_EDGE, 1 - _EDGE)
    odds = odds / (1 - odds) * ((1 - prior) / prior)  # likelihood ratios
    rates = np.full(len(weights), prior)
    for _ in range(_ROUNDS):
        posterior = odds * rates[:, None]
        before, rates = rates, (shares * (posterior / (posterior + 1 - rates[:, None]))).sum(1)
        if not (np.abs(rates - before) > _TOLERANCE).any():
            break
    return rates.clip(0.0, 1.0)


def _score_interval(above: float, apart: float, spread: float, high: Moments, low: Moments) -> tuple[float, float]:
    """Solve (above - rate * apart)^2 <= z^2 * variance(rate), a quadratic inequality, for the rate."""
    z2 = _Z * _Z
    drawn = high.variance - low.variance + apart * apart
    a = apart * apart * (1 + z2 * spread) - z2 * (high.error + low.error)
    b = -2 * above * apart - z2 * (spread * drawn - 2 * low.error)
    c = above * above - z2 * (spread * low.variance + low.error)
    if a <= 0:  # the reference is too small to tell the classes apart for sure
        return 0.0, 1.0
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    ends = (-b - root) / (2 * a), (-b + root) / (2 * a)
    return min(max(ends[0], 0.0), 1.0), min(max(ends[1], 0.0), 1.0)


def _moments(values: NDArray[Any], weights: Floats, articles: NDArray[np.intp], *, pseudo: float = 0.0) -> Moments:
    """Return weighted moments; half of a pseudo-paragraph is assigned, so that no share is known for sure."""
    total = float(weights.sum()) + pseudo
    mean = (float(weights @ values) + pseudo / 2) / total
    variance = mean * (1 - mean) if pseudo else float(weights @ np.square(values - mean)) / total
    independent = variance * float(weights @ weights) / total**2
    return Moments(mean, variance, max(_clustered(values, weights, articles, mean) / total**2, independent))


def _design_effect(values: NDArray[Any], weights: Floats, articles: NDArray[np.intp]) -> float:
    mean = float(weights @ values) / float(weights.sum())
    independent = float(np.square(weights * (values - mean)).sum())
    return max(1.0, _clustered(values, weights, articles, mean) / independent) if independent else 1.0


def _clustered(values: NDArray[Any], weights: Floats, articles: NDArray[np.intp], mean: float) -> float:
    """Return the variance of a weighted sum of deviations whose articles are independent, and their rows not."""
    return float(np.square(np.bincount(articles, weights * (values - mean))).sum())
