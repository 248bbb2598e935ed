import math

import numpy as np
import pytest

from pipeline.evaluation.trends import DayTally, rise, wilson

QUIET = [DayTally(2, 40)] * 14


@pytest.mark.parametrize(
    ("count", "of", "expected"),
    [
        (0, 10, (0.0, 0.0, 0.2775)),
        (1, 10, (0.1, 0.0179, 0.4042)),
        (50, 100, (0.5, 0.4038, 0.5962)),
        (10, 10, (1.0, 0.7225, 1.0)),
    ],
)
def test_a_share_has_wilsons_interval(count: int, of: int, expected: tuple[float, ...]) -> None:
    assert wilson(count, of) == pytest.approx(expected, abs=5e-5)


def test_a_share_of_nothing_is_not_known() -> None:
    assert all(map(math.isnan, wilson(0, 0)))


def test_the_test_is_the_exact_one_of_two_rates() -> None:
    found = rise([DayTally(4, 40), DayTally(5, 40)], QUIET)
    assert (found.count, found.of, found.before, found.of_before) == (9, 80, 28, 560)
    assert found.p_value == pytest.approx(0.035252, abs=1e-6)  # scipy.stats.binomtest(9, 37, 1 / 8, "greater")


@pytest.mark.parametrize(
    ("recent", "base", "rises"),
    [
        ([10, 12], [2] * 14, True),
        ([3, 3], [2] * 14, False),
        ([2, 0], [0] * 14, False),  # two stories are no rise
        ([1, 2], [0] * 14, True),  # three of a new topic, at the least that is told
        ([10, 12], [0, 0, 0, 0, 14, 0, 0, 0, 0, 14, 0, 0, 0, 0], False),  # it came in such bursts before
        ([0, 0], [2] * 14, False),
    ],
)
def test_a_topic_rises(recent: list[int], base: list[int], rises: object) -> None:
    found = rise([DayTally(count, 40) for count in recent], [DayTally(count, 40) for count in base])
    assert found.rises is rises


def test_nothing_rises_in_an_archive_of_two_days() -> None:
    assert not rise([DayTally(30, 40)] * 2, []).rises
    assert not rise([DayTally(30, 40)] * 2, [DayTally(0, 0)] * 14).rises
    assert not rise([], QUIET).rises


def test_more_topics_ask_for_more() -> None:
    recent = [DayTally(6, 40), DayTally(7, 40)]
    assert rise(recent, QUIET).rises
    assert not rise(recent, QUIET, topics=50).rises


@pytest.mark.parametrize("spread", [0.0, 0.5], ids=["by chance", "more than by chance"])
def test_quiet_topics_are_seldom_said_to_rise(spread: float) -> None:
    rng = np.random.default_rng(1)
    alarms, days = 0, 2000
    for _ in range(days):
        for rate in (0.2, 1.0, 3.0, 10.0, 20.0):
            rates = rate * (rng.gamma(1 / spread, spread, 16) if spread else np.ones(16))
            counts = np.minimum(rng.poisson(rates), 60)
            tallies = [DayTally(int(count), 60) for count in counts]
            alarms += rise(tallies[:2], tallies[2:], topics=5).rises
    assert alarms / days < 0.02


def test_a_topic_with_four_times_the_stories_is_mostly_found() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(200):
        base = [DayTally(int(count), 60) for count in rng.poisson(3, 14)]
        found += rise([DayTally(int(count), 60) for count in rng.poisson(12, 2)], base, topics=5).rises
    assert found > 170
