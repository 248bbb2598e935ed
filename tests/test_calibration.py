import numpy as np
import pytest
from scipy.optimize import minimize

from pipeline.model.calibration import fit_sigmoid, prevalence_weights, sigmoid


def test_sigmoid_neither_overflows_nor_loses_its_ends() -> None:
    np.testing.assert_allclose(
        sigmoid(np.array([-1e4, -2.0, 0.0, 2.0, 1e4])), [0, 1 / (1 + np.e**2), 0.5, 1 / (1 + np.e**-2), 1]
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_fit_is_the_minimum_of_the_weighted_loss(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=300)
    y = generator.random(300) < sigmoid(3 * values - 1)
    weights = generator.random(300) + 0.5
    p, n = weights @ y, weights @ ~y
    targets = np.where(y, (p + 1) / (p + 2), 1 / (n + 2))

    def loss(beta: np.ndarray) -> float:
        logits = beta[0] * values + beta[1]
        return float(weights @ (np.logaddexp(0, logits) - targets * logits))

    found = np.array(fit_sigmoid(values, y, weights))
    best = minimize(loss, np.zeros(2), method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(found, best, atol=1e-4)
    assert loss(found) <= loss(best) + 1e-8


def test_a_step_that_overshoots_is_halved() -> None:
    values, y = np.array([1.0, 4.0, 20.0]), np.array([False, True, True])
    found = fit_sigmoid(values, y, np.array([0.1, 300.0, 0.1]))
    assert found == pytest.approx((1.909983, -1.934606), abs=1e-6)  # Newton's whole steps end at 8.36, -27.8


def test_separable_and_one_sided_evidence_stays_finite() -> None:
    coef, intercept = fit_sigmoid(
        np.array([-2.0, -1.0, 1.0, 2.0]), np.array([False, False, True, True]), np.ones(4)
    )
    assert coef > 0
    assert np.isfinite([coef, intercept]).all()
    _, negative = fit_sigmoid(np.array([-2.0, -1.0, 1.0]), np.zeros(3, bool), np.ones(3))
    assert np.isfinite(negative)
    assert (sigmoid(np.array([negative])) < 0.5).all()


@pytest.mark.parametrize("value", [0.7, 1.0])
def test_equal_evidence_gives_the_base_rate(value: float) -> None:
    y = np.arange(100) < 20
    coef, intercept = fit_sigmoid(np.full(100, value), y, np.ones(100))
    assert sigmoid(np.array([coef * value + intercept]))[0] == pytest.approx(
        (20 * 21 / 22 + 80 / 82) / 100, abs=1e-6
    )


def test_weights_make_the_rows_without_a_topic_the_prevalence() -> None:
    y = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], bool)
    weights = prevalence_weights(y, 0.85)
    np.testing.assert_allclose(weights, [0.15 / 0.75, 0.15 / 0.75, 0.85 / 0.25, 0.15 / 0.75])
    assert weights[2] / weights.sum() == pytest.approx(0.85)
    np.testing.assert_array_equal(prevalence_weights(y, None), 1.0)
    for all_alike in (y[:2], y[2:3]):
        np.testing.assert_array_equal(prevalence_weights(all_alike, 0.85), 1.0)


def test_probabilities_are_those_of_the_prevalence() -> None:
    generator = np.random.default_rng(0)
    none = generator.random(20_000) < 0.5
    evidence = np.where(none, -1, 1) + generator.normal(size=20_000)
    y = ~none[:, None]
    slope, offset = fit_sigmoid(evidence, y[:, 0], prevalence_weights(y, 0.9))
    rare = np.concatenate([evidence[none], evidence[~none][: int(none.sum() / 9)]])
    topical = np.arange(len(rare)) >= none.sum()
    scores = sigmoid(slope * rare + offset)
    assert scores.mean() == pytest.approx(topical.mean(), abs=0.01)
    assert topical[scores > 0.5].mean() == pytest.approx(scores[scores > 0.5].mean(), abs=0.05)
