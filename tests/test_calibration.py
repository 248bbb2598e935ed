import numpy as np
import pytest
from scipy.optimize import minimize

from pipeline.evaluation.metrics import expected_calibration_error, reliability
from pipeline.model.calibration import fit_sigmoid, sigmoid


def test_sigmoid_neither_overflows_nor_loses_its_ends() -> None:
    np.testing.assert_allclose(
        sigmoid(np.array([-1e4, -2.0, 0.0, 2.0, 1e4])), [0, 1 / (1 + np.e**2), 0.5, 1 / (1 + np.e**-2), 1]
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_fit_is_the_minimum_of_platts_loss(seed: int) -> None:
    generator = np.random.default_rng(seed)
    margins = generator.normal(size=300)
    labels = generator.random(300) < sigmoid(3 * margins - 1)
    p, n = labels.sum(), (~labels).sum()
    targets = np.where(labels, (p + 1) / (p + 2), 1 / (n + 2))

    def loss(beta: np.ndarray) -> float:
        logits = beta[0] * margins + beta[1]
        return float((np.logaddexp(0, logits) - targets * logits).sum())

    found = np.array(fit_sigmoid(margins, labels))
    best = minimize(loss, np.zeros(2), method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(found, best, atol=1e-4)
    assert loss(found) <= loss(best) + 1e-9


def test_separable_and_one_sided_margins_stay_finite() -> None:
    slope, offset = fit_sigmoid(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([False, False, True, True]))
    assert slope > 0
    assert np.isfinite([slope, offset]).all()
    _, negative = fit_sigmoid(np.array([-2.0, -1.0, 1.0]), np.zeros(3, bool))
    assert np.isfinite(negative)
    assert (sigmoid(np.array([negative])) < 0.5).all()


def test_equal_margins_give_the_base_rate() -> None:
    labels = np.arange(100) < 20
    slope, offset = fit_sigmoid(np.full(100, 0.7), labels)
    assert sigmoid(np.array([slope * 0.7 + offset]))[0] == pytest.approx((20 * 21 / 22 + 80 / 82) / 100, abs=1e-4)


def test_expected_calibration_error_of_a_literal_case() -> None:
    scores = np.array([0.05, 0.05, 0.95, 1.0])
    labels = np.array([False, True, True, True])
    every = np.ones((1, 4))
    assert expected_calibration_error(scores, labels, every)[0] == pytest.approx((0.9 + 0.05) / 4)
    assert expected_calibration_error(labels.astype(float), labels, every)[0] == 0.0


def test_reliability_leaves_empty_bins_out() -> None:
    mean, frequency = reliability(np.array([0.0, 0.08, 0.95, 1.0]), np.array([False, True, True, True]))
    np.testing.assert_allclose(mean, [0.04, 0.975])
    np.testing.assert_allclose(frequency, [0.5, 1.0])
