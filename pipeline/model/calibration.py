"""Turn evidence for a topic into a probability: one small logistic regression a topic, fitted out of fold."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_STEPS, _SMALLEST_STEP, _TOLERANCE = 100, 1e-10, 1e-12


def sigmoid(logits: Floats) -> Floats:
    """Map logits to probabilities without overflow."""
    probabilities: Floats = np.exp(-np.logaddexp(0.0, -logits))
    return probabilities


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


def fit_logistic(
    evidence: Floats, y_true: Bools, weights: Floats, *, penalty: float = 0.0
) -> tuple[Floats, float]:
    """Fit the probability `sigmoid(evidence @ coef + intercept)` of a label.

    With one column of evidence this is Platt scaling; with several it stacks them (Wolpert 1992). Targets are
    smoothed as in Platt 1999; Newton's method with backtracking follows Lin, Lin and Weng 2007, "A note on
    Platt's probabilistic outputs for support vector machines".

    Parameters
    ----------
    evidence : float64 array of shape (n, d)
        Out-of-fold decision values and counts.
    y_true : bool array of shape (n,)
    weights : float64 array of shape (n,)
    penalty : float, default 0
        Of the squared coefficients, per unit of variance of their column.

    Returns
    -------
    coef : float64 array of shape (d,)
    intercept : float

    """
    positives, negatives = float(weights @ y_true), float(weights @ ~y_true)
    targets = np.where(y_true, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.column_stack([evidence, np.ones(len(evidence))])
    ridge = penalty * np.append(evidence.var(0), 0.0) + _TOLERANCE

    def loss_at(beta: Floats) -> float:
        logits = design @ beta
        return float(weights @ (np.logaddexp(0.0, logits) - targets * logits) + ridge @ beta**2 / 2)

    beta = np.append(np.zeros(evidence.shape[1]), np.log((positives + 1) / (negatives + 1)))
    loss = loss_at(beta)
    for _ in range(_STEPS):
        probabilities = sigmoid(design @ beta)
        gradient = design.T @ (weights * (probabilities - targets)) + ridge * beta
        spread = weights * probabilities * (1 - probabilities)
        curvature = (design * spread[:, None]).T @ design + np.diag(ridge)
        step, size = np.linalg.lstsq(curvature, gradient, rcond=None)[0], 1.0
        while (new := loss_at(beta - size * step)) > loss and size > _SMALLEST_STEP:
            size /= 2
        beta = beta - size * step
        if loss - new < _TOLERANCE * max(1.0, abs(loss)):
            break
        loss = new
    return beta[:-1], float(beta[-1])
