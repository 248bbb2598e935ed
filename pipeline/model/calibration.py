"""Turn decision values into probabilities: one sigmoid a topic, fitted on out-of-fold decision values."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_TOLERANCE = 1e-12
_LEAST = 1e-12  # of a probability whose logit is taken, and of what it lacks to 1


def sigmoid(logits: Floats) -> Floats:
    """Map logits to probabilities without overflow."""
    probabilities: Floats = np.exp(-np.logaddexp(0.0, -logits))
    return probabilities


def logit(probabilities: Floats) -> Floats:
    """Map probabilities to logits, finite also for 0 and 1."""
    clipped = np.clip(probabilities, _LEAST, 1 - _LEAST)
    logits: Floats = np.log(clipped / (1 - clipped))
    return logits


def prevalence_weights(y_true: Bools, prevalence: float | None) -> Floats:
    """Weight rows so that those without any topic make up the share that the model will meet.

    Importance weights for a shift of the label distribution (Elkan 2001, "The foundations of cost-sensitive
    learning"; Saerens, Latinne and Decaestecker 2002): probabilities fitted with them are those of a population
    in which `prevalence` of the rows have no topic.

    Parameters
    ----------
    y_true : bool array of shape (n, k)
    prevalence : float or None
        Share of rows without a topic, above 0 and below 1; None for the rows' own.

    Returns
    -------
    float64 array of shape (n,)
        Of mean 1; all ones where every row, or none, has a topic.

    """
    none = ~y_true.any(1)
    share = float(none.mean())
    if prevalence is None or share in (0.0, 1.0):
        return np.ones(len(y_true))
    return np.where(none, prevalence / share, (1 - prevalence) / (1 - share))


def fit_sigmoid(values: Floats, y_true: Bools, weights: Floats) -> tuple[float, float]:
    """Fit slope and offset so that `sigmoid(slope * value + offset)` is the probability of the label.

    Platt's method with his smoothed targets, solved by Newton's method with backtracking (Platt 1999; Lin, Lin
    and Weng 2007, "A note on Platt's probabilistic outputs for support vector machines").

    Parameters
    ----------
    values : float64 array of shape (n,)
        Out-of-fold decision values.
    y_true : bool array of shape (n,)
    weights : float64 array of shape (n,)
        How much each row counts.

    Returns
    -------
    slope, offset : float
    """
    positives, negatives = float(weights @ y_true), float(weights @ ~y_true)
    targets = np.where(y_true, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.column_stack([values, np.ones_like(values)])
    beta = np.zeros(2)
    loss = gain = _loss(design @ beta, targets, weights)
    while gain > _TOLERANCE * loss:
        probabilities = sigmoid(design @ beta)
        gradient = design.T @ (weights * (probabilities - targets))
        spread = weights * probabilities * (1 - probabilities)
        curvature = (design * spread[:, None]).T @ design + _TOLERANCE * np.eye(2)
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while (new := _loss(design @ (beta - size * step), targets, weights)) > loss:
            size /= 2
        beta, gain, loss = beta - size * step, loss - new, new
    return float(beta[0]), float(beta[1])


def _loss(logits: Floats, targets: Floats, weights: Floats) -> float:
    return float(weights @ (np.logaddexp(0.0, logits) - targets * logits))
