import json
import math
import time
from dataclasses import replace

import numpy as np
import pytest

from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.quantification import (
    METHODS,
    Moments,
    Tally,
    TopicReference,
    corrected_rate,
    quantify,
    revised_scores,
    topic_reference,
)

# Of paragraphs with the topic 8 in 10 are assigned it, of the others 1 in 10.
REFERENCE = TopicReference(
    assigned_with=Moments(0.8, 0.16, 0.0),
    assigned_without=Moments(0.1, 0.09, 0.0),
    score_with=Moments(0.7, 0.02, 0.0),
    score_without=Moments(0.2, 0.02, 0.0),
    prior=0.25,
    design_effect=1.0,
)


def test_an_adjusted_count_undoes_what_is_missed_and_what_is_assigned_by_mistake() -> None:
    found = corrected_rate(Tally(1000, 310), REFERENCE)  # 0.3 * 0.8 + 0.7 * 0.1 = 0.31
    assert found.value == pytest.approx(0.3)
    assert found.low == pytest.approx(0.2600, abs=5e-4)
    assert found.high == pytest.approx(0.3420, abs=5e-4)


def test_the_probabilistic_form_adjusts_the_sum_of_scores() -> None:
    found = corrected_rate(Tally(100, 0, 35.0), REFERENCE, method="PACC")  # 0.3 * 0.7 + 0.7 * 0.2 = 0.35
    assert found.value == pytest.approx(0.3)
    assert found.low < 0.3 < found.high


def test_a_count_that_mistakes_alone_explain_is_a_rate_of_nought_with_an_upper_end() -> None:
    found = corrected_rate(Tally(100, 5), REFERENCE)
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0.05 < found.high < 0.15
    assert corrected_rate(Tally(100, 99), REFERENCE).value == 1.0


def test_an_interval_is_wider_with_fewer_paragraphs_dependent_ones_and_an_uncertain_reference() -> None:
    def width(tally: Tally, reference: TopicReference) -> float:
        found = corrected_rate(tally, reference)
        return found.high - found.low

    plain = width(Tally(1000, 310), REFERENCE)
    assert width(Tally(100, 31), REFERENCE) > 2 * plain
    assert width(Tally(1000, 310), replace(REFERENCE, design_effect=4.0)) == pytest.approx(2 * plain, rel=0.02)
    uncertain = replace(REFERENCE, assigned_with=Moments(0.8, 0.16, 0.01))
    assert width(Tally(1000, 310), uncertain) > 1.5 * plain


def test_a_reference_that_does_not_tell_the_classes_apart_gives_no_rate_or_no_interval() -> None:
    assert math.isnan(corrected_rate(Tally(0, 0), REFERENCE).value)
    upside_down = replace(REFERENCE, assigned_with=Moments(0.1, 0.09, 0.0))
    assert math.isnan(corrected_rate(Tally(10, 3), upside_down).value)
    vague = replace(REFERENCE, assigned_with=Moments(0.8, 0.16, 0.2))
    found = corrected_rate(Tally(10, 3), vague)
    assert (found.low, found.high) == (0.0, 1.0)


def test_95_percent_of_the_intervals_hold_the_rate() -> None:
    rng = np.random.default_rng(5)
    for rate in (0.01, 0.05, 0.3):
        assigned = rng.binomial(200, rate * 0.8 + (1 - rate) * 0.1, size=2000)
        found = [corrected_rate(Tally(200, int(count)), REFERENCE) for count in assigned]
        covered = np.mean([each.low <= rate <= each.high for each in found])
        assert 0.93 <= covered <= 0.985


def test_ten_thousand_rates_take_less_than_a_second() -> None:
    started = time.process_time()
    for n in range(10_000):
        corrected_rate(Tally(n + 1, n // 3), REFERENCE)
    assert time.process_time() - started < 1


def test_a_tally_counts_scores_and_assignments() -> None:
    assert Tally.of(np.array([0.5, 0.25, 0.0]), np.array([True, False, False])) == (3, 1, 0.75)


@pytest.mark.parametrize(("method", "rate"), [("CC", 0.5), ("PCC", 0.45), ("ACC", 4 / 7), ("PACC", 0.5)])
def test_each_method_has_its_rate(method: str, rate: float) -> None:
    scores, assigned = np.array([0.8, 0.6, 0.3, 0.1]), np.array([True, True, False, False])
    assert quantify(scores, assigned, REFERENCE, method=method) == pytest.approx([rate])  # type: ignore[arg-type]


def test_expectation_maximization_finds_the_rate_at_which_the_revised_scores_agree_with_it() -> None:
    scores = np.array([0.9, 0.9, 0.6, 0.1, 0.1])
    (rate,) = quantify(scores, scores >= 0.5, REFERENCE, method="EMQ")
    assert revised_scores(scores, 0.25, rate).mean() == pytest.approx(rate, abs=1e-5)
    assert rate > scores.mean()  # the scores are those of a rate of 0.25


def test_expectation_maximization_leaves_the_rate_of_the_calibration_where_it_is() -> None:
    rng = np.random.default_rng(3)
    has = rng.random(20_000) < 0.25
    evidence = rng.normal(np.where(has, 1.0, -1.0))
    scores = 1 / (1 + 3 * np.exp(-2 * evidence))  # Bayes' rule, at a rate of 0.25
    (same,) = quantify(scores, has, REFERENCE, method="EMQ")
    assert same == pytest.approx(has.mean(), abs=0.01)
    kept = np.flatnonzero(has | (rng.random(20_000) < 1 / 9))  # 3 in 4 have the topic now
    (other,) = quantify(scores[kept], has[kept], REFERENCE, method="EMQ")
    assert other == pytest.approx(has[kept].mean(), abs=0.02)


def test_revised_scores_follow_bayes() -> None:
    assert revised_scores(np.array([0.5]), 0.5, 0.8) == pytest.approx([0.8])
    assert revised_scores(np.array([0.2, 0.0, 1.0]), 0.2, 0.5) == pytest.approx([0.5, 0.0, 1.0])
    assert revised_scores(np.array([0.2]), 0.2, 0.0) == pytest.approx([0.0], abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_resamples_give_an_interval_and_an_empty_one_counts_for_nothing(method: str) -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(60)
    weights = article_weights([str(i // 3) for i in range(60)], random_state=2, n_resamples=100)
    weights[-1] = 0
    rates = quantify(scores, scores > 0.5, REFERENCE, weights, method=method)  # type: ignore[arg-type]
    assert rates.shape == (101,)
    assert np.isnan(rates[-1])
    found = Estimate.of(rates)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


def test_an_uncertain_reference_widens_the_resampled_rates() -> None:
    scores = np.linspace(0, 1, 50)
    weights = np.ones((400, 50))
    uncertain = replace(REFERENCE, assigned_with=Moments(0.8, 0.16, 0.003))
    assert quantify(scores, scores > 0.5, REFERENCE, weights, method="ACC").std() < 1e-12
    assert quantify(scores, scores > 0.5, uncertain, weights, method="ACC").std() > 0.02


def test_a_reference_is_learnt_from_labelled_paragraphs() -> None:
    y_true = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    assigned = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0], bool)
    y_score = np.where(assigned, 0.75, 0.25)
    found = topic_reference(y_true, y_score, assigned, [str(i) for i in range(10)])
    assert found is not None
    assert found.assigned_with.mean == pytest.approx(3.5 / 5)
    assert found.assigned_without.mean == pytest.approx(1.5 / 7)
    assert (found.score_with.mean, found.score_without.mean) == pytest.approx((0.625, 1 / 3))
    assert found.score_with.variance == pytest.approx(0.046875)
    assert found.score_with.error == pytest.approx(0.046875 / 4)
    assert (found.prior, found.design_effect) == pytest.approx((0.4, 1.0))


def test_weights_count_as_so_many_paragraphs() -> None:
    y_true = np.array([1, 0, 0], bool)
    assigned = np.array([1, 0, 1], bool)
    found = topic_reference(y_true, assigned.astype(float), assigned, ["a", "b", "c"], np.array([1.0, 3.0, 1.0]))
    assert found is not None
    assert found.prior == pytest.approx(0.2)
    assert found.score_without.mean == pytest.approx(0.25)


def test_paragraphs_of_one_article_count_for_less_than_of_many() -> None:
    y_true = np.repeat([True, False], 20)
    assigned = np.tile(np.repeat([True, False], 5), 4)
    alone = topic_reference(y_true, assigned.astype(float), assigned, [str(i) for i in range(40)])
    together = topic_reference(y_true, assigned.astype(float), assigned, [str(i // 5) for i in range(40)])
    assert alone is not None
    assert together is not None
    assert together.score_with.error == pytest.approx(5 * alone.score_with.error)
    assert (alone.design_effect, together.design_effect) == pytest.approx((1.0, 5.0))


def test_there_is_no_reference_without_both_classes() -> None:
    scores, nothing = np.array([0.5, 0.5]), np.zeros(2, bool)
    assert topic_reference(nothing, scores, nothing, ["a", "b"]) is None
    assert topic_reference(~nothing, scores, nothing, ["a", "b"]) is None


def test_a_reference_is_written_and_read() -> None:
    assert TopicReference.from_dict(json.loads(json.dumps(REFERENCE.to_dict()))) == REFERENCE
