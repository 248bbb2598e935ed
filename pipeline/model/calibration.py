"""Turn a classifier's margins into probabilities: one sigmoid a topic, fitted on out-of-fold margins."""

import numpy as np
from numpy.typing import NDArray

_STEPS, _SMALLEST = 100, 1e-10


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map logits to probabilities without overflow."""
    probabilities: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -logits))
    return probabilities


def fit_sigmoid(margins: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit slope and offset so that `sigmoid(slope * margin + offset)` is the probability of the label.

    Platt's method with his smoothed targets, solved by Newton's method with backtracking (Platt 1999; Lin, Lin
    and Weng 2007, "A note on Platt's probabilistic outputs for support vector machines").
    `margins` is float64 [n], `labels` bool [n].
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.column_stack([margins, np.ones_like(margins)])
    beta = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    loss = _loss(design @ beta, targets)
    for _ in range(_STEPS):
        probabilities = sigmoid(design @ beta)
        gradient = design.T @ (probabilities - targets)
        curvature = (design * (probabilities * (1 - probabilities))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        size = 1.0
        while (new := _loss(design @ (beta - size * step), targets)) > loss and size > _SMALLEST:
            size /= 2
        beta = beta - size * step
        if loss - new < 1e-12 * max(1.0, abs(loss)):
            break
        loss = new
    return float(beta[0]), float(beta[1])


def _loss(logits: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0.0, logits) - targets * logits).sum())
