"""The bootstrap over articles: how far a metric can be trusted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
N_RESAMPLES = 1000
LEVEL = 0.95  # coverage of every interval in tables, reports and the gate


def article_weights(articles: Sequence[str], *, random_state: int, n_resamples: int = N_RESAMPLES) -> Floats:
    """Draw whole articles with replacement.

    Rows of one article are drawn together because they are not independent (the cluster bootstrap; Davison and
    Hinkley 1997, section 3.8).

    Parameters
    ----------
    articles : sequence of str
        The article of each of n rows.
    random_state : int
    n_resamples : int, default 1000

    Returns
    -------
    float64 array of shape (1 + n_resamples, n)
        How often each row counts. The first row is all ones: the data as they are.

    """
    names, row_article = np.unique(np.array(articles), return_inverse=True)
    drawn = np.random.default_rng(random_state).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=n_resamples
    )
    return np.vstack([np.ones(len(names)), drawn]).astype(float)[:, row_article]


def interval(values: Floats, *, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of a bootstrapped statistic.

    Parameters
    ----------
    values : float64 array of shape (1 + B,)
        The statistic on the data, which is left out, then on B resamples; those that are NaN are left out too.
    level : float, default 0.95

    Returns
    -------
    low, high : float
        NaN without a finite resample.

    """
    drawn = values[1:][np.isfinite(values[1:])]
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
