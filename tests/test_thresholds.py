import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from pipeline.model.thresholds import Objective, fit_thresholds


def noisy(seed: int = 0, n: int = 200) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    generator = np.random.default_rng(seed)
    scores = generator.random((n, 3)).round(3)
    return scores, generator.random((n, 3)) < scores * [0.3, 0.6, 0.9]


def test_a_literal_case_lies_between_two_scores() -> None:
    scores = np.array([[0.9], [0.8], [0.3], [0.1]])
    (threshold,) = fit_thresholds(scores, np.array([[True], [True], [False], [False]]), Objective("f1"))
    assert 0.3 < threshold < 0.8
    logits = np.log([0.8 / 0.2, 0.3 / 0.7])
    assert threshold == pytest.approx(1 / (1 + np.exp(-logits.mean())), abs=1e-12)


def test_f1_is_the_best_there_is() -> None:
    scores, labels = noisy()
    thresholds = fit_thresholds(scores, labels, Objective("f1"))
    for column in range(3):
        ranked, meant = scores[:, column], labels[:, column]
        best = max(f1_score(meant, ranked >= cut) for cut in np.unique(ranked))
        assert f1_score(meant, ranked >= thresholds[column]) == pytest.approx(best, abs=1e-12)


def test_cost_is_the_least_there_is() -> None:
    scores, labels = noisy()
    thresholds = fit_thresholds(scores, labels, Objective("cost", cost_ratio=3.0))

    def cost(given: NDArray[np.bool_], meant: NDArray[np.bool_]) -> float:
        return float((given & ~meant).sum() + 3 * (~given & meant).sum())

    for column in range(3):
        ranked, meant = scores[:, column], labels[:, column]
        least = min(cost(ranked >= cut, meant) for cut in [*np.unique(ranked), 2.0])
        assert cost(ranked >= thresholds[column], meant) == least


def test_cost_may_be_least_where_no_row_is_given() -> None:
    scores = np.array([[0.9], [0.8], [0.7], [0.6], [0.5]])
    labels = np.array([[False], [False], [False], [True], [False]])
    (threshold,) = fit_thresholds(scores, labels, Objective("cost", cost_ratio=0.1))
    assert not (scores >= threshold).any()


def column(*values: float) -> NDArray[np.float64]:
    return np.array([values]).T


@pytest.mark.parametrize(
    ("scores", "labels", "objective", "expected"),
    [
        ([0.9, 0.2], [1, 0], Objective("f1"), 0.6),  # logits of 9 and 1/4
        ([0.9, 0.2], [1, 0], Objective("f1", shrinkage=20.0), 0.6),  # drawn to a global one that is the same
        ([0.9, 0.8, 0.2], [1, 0, 1], Objective("f1"), 1 / 7),  # half of the lowest score is below it
        ([0.5, 0.5], [1, 1], Objective("f1"), 1 / (1 + 3**0.5)),
        ([0.8, 0.5, 0.2], [1, 0, 1], Objective("cost", cost_ratio=1.0), 2 / 3),
        ([0.8, 0.5, 0.2], [1, 0, 1], Objective("cost"), 2 / 3),  # a miss costs 1 where nothing is stated
        ([0.8, 0.5, 0.2], [1, 0, 1], Objective("cost", cost_ratio=2.0), 1 / 7),
        ([0.8, 0.5], [0, 1], Objective("cost"), 1 / (1 + 3**0.5)),  # assigning none costs as much
    ],
)
def test_literal_thresholds(scores: list[float], labels: list[int], objective: Objective, expected: float) -> None:
    found = fit_thresholds(column(*scores), column(*labels) > 0, objective)
    np.testing.assert_allclose(found, [expected], rtol=1e-9)


def test_where_nothing_is_to_be_assigned_the_threshold_is_half_way_to_certainty() -> None:
    found = fit_thresholds(column(0.9, 0.8, 0.7), column(0, 0, 1) > 0, Objective("cost", cost_ratio=0.1))
    logit = (np.log(9) + np.log(1e12)) / 2
    np.testing.assert_allclose(1 - found, [1 / (1 + np.exp(logit))], rtol=1e-3)


def test_equal_scores_are_not_split() -> None:
    scores = np.array([[0.5], [0.5], [0.5], [0.2]])
    (threshold,) = fit_thresholds(scores, np.array([[True], [False], [False], [False]]), Objective("f1"))
    assert 0.2 < threshold < 0.5


def test_a_nan_score_is_left_out() -> None:
    scores, labels = noisy()
    masked = np.vstack([scores, np.full((50, 3), np.nan)])
    more = np.vstack([labels, np.ones((50, 3), bool)])
    np.testing.assert_array_equal(
        fit_thresholds(masked, more, Objective("f1")), fit_thresholds(scores, labels, Objective("f1"))
    )


def test_a_topic_without_positives_gets_the_global_threshold() -> None:
    scores, labels = noisy()
    labels[:, 2] = False
    thresholds = fit_thresholds(scores, labels, Objective("f1"))
    overall = fit_thresholds(scores.reshape(-1, 1), labels.reshape(-1, 1), Objective("f1"))
    assert thresholds[2] == pytest.approx(overall[0], abs=1e-12)


def test_shrinkage_draws_rare_topics_to_the_global_threshold() -> None:
    scores, labels = noisy()

    def logits(shrinkage: float) -> NDArray[np.float64]:
        found = fit_thresholds(scores, labels, Objective("f1", shrinkage=shrinkage))
        return np.log(found / (1 - found))

    own, shrunk, drawn = logits(0), logits(20), logits(1e12)
    assert np.ptp(drawn) < 1e-6
    keep = labels.sum(0) / (labels.sum(0) + 20)
    np.testing.assert_allclose(shrunk, keep * own + (1 - keep) * drawn, atol=1e-6)


def test_perfect_and_extreme_scores_stay_finite() -> None:
    scores = np.array([[1.0], [1.0], [0.0], [0.0]])
    (threshold,) = fit_thresholds(scores, scores > 0.5, Objective("f1"))
    assert 0 < threshold < 1
    (everything,) = fit_thresholds(np.array([[0.4], [0.4]]), np.ones((2, 1), bool), Objective("f1"))
    assert 0 < everything <= 0.4


def test_rows_without_a_topic_weigh_what_the_prevalence_says() -> None:
    scores, labels = noisy()
    none = ~labels.any(1)
    doubled = np.where(none, 2, 1)
    share = 2 * none.sum() / (2 * none.sum() + (~none).sum())
    for kind in ("f1", "cost"):
        objective = Objective(kind, prevalence=float(share), cost_ratio=2.0)
        weighted = fit_thresholds(scores, labels, objective)
        repeated = fit_thresholds(
            scores.repeat(doubled, 0), labels.repeat(doubled, 0), Objective(kind, cost_ratio=2.0)
        )
        np.testing.assert_allclose(weighted, repeated, atol=1e-12)


def test_a_higher_prevalence_gives_higher_thresholds() -> None:
    scores, labels = noisy()
    low, own, high = (fit_thresholds(scores, labels, Objective(prevalence=p)) for p in (0.05, None, 0.95))
    assert (low <= own).all()
    assert (own <= high).all()
    assert (low < high).all()
