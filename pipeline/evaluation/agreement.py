"""How far people agree on labels: Cohen's kappa of two, Krippendorff's alpha of any number.

Every measure comes with a row of weights for each resample, as the metrics of models do.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import ratio

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_SUBSET, _OVERLAP = 2 / 3, 1 / 3


def cohen_kappa(first: Bools, second: Bools, weights: Floats) -> Floats:
    """Return Cohen's kappa of two people for each topic.

    kappa = (p_o - p_e) / (1 - p_e), where p_o is the share of rows on which they say the same, and p_e the share
    on which they would if each gave yes and no as often as they do, but by chance (Cohen 1960, "A coefficient of
    agreement for nominal scales", Educational and Psychological Measurement 20).

    Parameters
    ----------
    first, second : bool arrays of shape (n, k)
        The labels of two people on the same rows.
    weights : float64 array of shape (1 + B, n)
        How often each row counts, as `pipeline.evaluation.bootstrap.article_weights` draws it.

    Returns
    -------
    float64 array of shape (1 + B, k)
        NaN without rows, and where both always say the same one thing: agreement by chance is whole then.

    """
    total = weights.sum(1, keepdims=True)
    observed = _share(weights @ (first == second).astype(float), total)
    yes, also = _share(weights @ first.astype(float), total), _share(weights @ second.astype(float), total)
    expected = yes * also + (1 - yes) * (1 - also)
    return _share(observed - expected, 1 - expected)


def krippendorff_alpha(counts: Floats, distance: Floats, weights: Floats) -> Floats:
    """Return Krippendorff's alpha of values that any number of people give, each to rows of their own.

    alpha = 1 - D_o / D_e: the mean distance of two values of one row, over that of two values of any rows
    (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"). It needs no full table, and corrects for
    small samples.

    Parameters
    ----------
    counts : float64 array of shape (n, v)
        How many people give a row each of v values. Rows with fewer than two do not count.
    distance : float64 array of shape (v, v)
        Of two values, 0 for the same; `nominal_distance` or `masi_distance`.
    weights : float64 array of shape (1 + B, n)

    Returns
    -------
    float64 array of shape (1 + B,)
        NaN without rows, and where there is one value alone.

    """
    people = counts.sum(1)
    twice = people > 1
    counts, people, weights = counts[twice], people[twice], weights[:, twice]
    within = ((counts @ distance) * counts).sum(1) / (people - 1)
    values = weights @ counts
    among = ((values @ distance) * values).sum(1)
    return 1 - _share((values.sum(1) - 1) * (weights @ within), among)


def nominal_distance(values: int) -> Floats:
    """Return a matrix of distances that are 1 for different values: float64 [v, v]."""
    return 1 - np.eye(values)


def masi_distance(sets: Sequence[frozenset[str]]) -> Floats:
    """Return how far sets of labels are apart, with credit for what they share.

    1 - J * M, where J is the Jaccard index and M is 1 for equal sets, 2/3 where one contains the other, 1/3 where
    they overlap, and 0 else (Passonneau 2006, "Measuring agreement on set-valued items (MASI) for semantic and
    pragmatic annotation", LREC). Two empty sets are equal; an empty set is as far as can be from any other.

    Parameters
    ----------
    sets : sequence of frozenset of str
        The v different sets.

    Returns
    -------
    float64 array of shape (v, v)

    """
    found = [[1 - _masi(first, second) for second in sets] for first in sets]
    return np.array(found).reshape(len(sets), len(sets))


def value_counts(labels: Bools, given: Bools) -> Floats:
    """Count how many people say no and yes to each row.

    Parameters
    ----------
    labels : bool array of shape (people, n)
        Of one topic.
    given : bool array of shape (people, n)
        Whether the person labelled the row.

    Returns
    -------
    float64 array of shape (n, 2)

    """
    return np.column_stack([(given & ~labels).sum(0), (given & labels).sum(0)]).astype(float)


def _masi(first: frozenset[str], second: frozenset[str]) -> float:
    shared = len(first & second)
    if first == second:
        return 1.0
    monotonic = _SUBSET if first <= second or second <= first else _OVERLAP
    return monotonic * shared / len(first | second)


def _share(part: Floats, whole: Floats) -> Floats:
    """Divide, with NaN where there is nothing to divide by, but for what rounding leaves of it."""
    some = np.abs(whole) > 1e-12  # noqa: PLR2004  # far below what one row of any corpus weighs
    return np.where(some, ratio(part, np.where(some, whole, 1)), np.nan)
