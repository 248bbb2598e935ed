"""Say how far a figure can be trusted: the bootstrap over articles."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000


def article_weights(articles: Sequence[str], *, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Draw whole articles with replacement: how often each row counts, float64 [1 + resamples, n].

    The first row is all ones, the data as they are. Rows of one article are drawn together because they are not
    independent (the cluster bootstrap; Davison and Hinkley 1997, section 3.8).
    """
    names, row_article = np.unique(np.array(articles), return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamples
    )
    return np.vstack([np.ones(len(names)), drawn]).astype(float)[:, row_article]


def interval(values: Floats, *, level: float = 0.95) -> tuple[float, float]:
    """Give the percentile interval of resampled values (without the first, which is the figure itself)."""
    drawn = values[1:][np.isfinite(values[1:])]
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
