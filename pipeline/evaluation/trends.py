"""Shares over time: their intervals, and whether a topic rises more than chance would have it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

RECENT_DAYS, BASE_DAYS = 2, 14
LEAST_STORIES = 3
ALPHA = 0.01  # that any topic is said to rise where none does
_Z = 1.959964  # of a normal distribution, for an interval of 95 %


class Share(NamedTuple):
    """A share with its 95 % interval; all 0 to 1, NaN where there is nothing to have a share of."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DayTally:
    """How many stories of a day have a topic, of how many."""

    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Rise:
    """A topic's stories in the recent days and in those before.

    Parameters
    ----------
    count, of : int
        In the recent days.
    before, of_before : int
        In the days before.
    p_value : float
        How probable as many recent stories would be at the rate of the days before.
    rises : bool

    """

    count: int
    of: int
    before: int
    of_before: int
    p_value: float
    rises: bool


def wilson(count: int, of: int) -> Share:
    """Estimate a share with the score interval of Wilson (1927).

    Parameters
    ----------
    count, of : int

    Returns
    -------
    Share

    """
    if not of:
        return Share(math.nan, math.nan, math.nan)
    share, z2 = count / of, _Z**2 / of
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2) * math.sqrt(share * (1 - share) + z2 / 4) / (1 + z2)
    return Share(share, max(0.0, middle - half) if count else 0.0, min(1.0, middle + half) if count < of else 1.0)


def rise(recent: Sequence[DayTally], base: Sequence[DayTally], *, topics: int = 1) -> Rise:
    """Tell whether a topic has more stories in recent days than the days before let one expect.

    Given all its stories of both periods, the recent ones are binomial where the rate has not changed: the exact
    one-sided test of two Poisson rates (Przyborowski and Wilenski 1940). Counts that vary from day to day more
    than by chance are divided by how many times more, their dispersion over the days before. A topic rises where
    that is less probable than ALPHA, shared among all topics that are looked at, and there are at least
    LEAST_STORIES.

    Parameters
    ----------
    recent, base : sequence of DayTally
        By day.
    topics : int, default 1
        How many topics are looked at.

    Returns
    -------
    Rise

    """
    count, of = sum(day.count for day in recent), sum(day.of for day in recent)
    before, of_before = sum(day.count for day in base), sum(day.of for day in base)
    if not of or not of_before:
        return Rise(count, of, before, of_before, 1.0, rises=False)
    times = _dispersion(base)
    fewer, more = math.floor(count / times), math.ceil(before / times)  # both against a rise
    p_value = _binomial_tail(fewer, fewer + more, of / (of + of_before))
    return Rise(
        count, of, before, of_before, p_value, rises=count >= LEAST_STORIES and p_value < ALPHA / max(topics, 1)
    )


def _dispersion(days: Sequence[DayTally]) -> float:
    """Return Pearson's chi-squared over its degrees of freedom, at least 1."""
    rate = sum(day.count for day in days) / sum(day.of for day in days)
    used = [day for day in days if day.of]
    if rate in (0.0, 1.0) or len(used) <= 1:
        return 1.0
    squared = sum((day.count - rate * day.of) ** 2 / (rate * (1 - rate) * day.of) for day in used)
    return max(1.0, squared / (len(used) - 1))


def _binomial_tail(least: int, n: int, p: float) -> float:
    """Return the probability of `least` successes or more in n trials."""
    logs = (
        math.lgamma(n + 1)
        - math.lgamma(k + 1)
        - math.lgamma(n - k + 1)
        + k * math.log(p)
        + (n - k) * math.log1p(-p)
        for k in range(least, n + 1)
    )
    return min(1.0, math.fsum(map(math.exp, logs)))
