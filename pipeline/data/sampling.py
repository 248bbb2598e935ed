"""Draw whole articles for a test set, so that its topics are in proportion to those of all rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_LEFT = 2  # articles that cross-validation needs at the least


def draw_articles(
    articles: Sequence[str], y_true: NDArray[np.bool_], *, share: float, random_state: int
) -> set[str]:
    """Draw articles whose rows are about a share of all, with about this share of each topic and of `none`.

    One article after the other is drawn, always the one that brings the counts closest to the share: iterative
    stratification (Sechidis, Tsoumakas and Vlahavas 2011) over groups. Of equals the seed decides. A topic's only
    article, and the last two, are never drawn.

    Parameters
    ----------
    articles : sequence of str
        The article of each of n rows.
    y_true : bool array of shape (n, k)
    share : float
        Above 0, below 1.
    random_state : int

    Returns
    -------
    set of str
        Empty where no article can be spared.

    """
    names, row_article = np.unique(np.array(articles), return_inverse=True)
    counts = np.zeros((len(names), y_true.shape[1] + 2))
    np.add.at(counts, row_article, np.column_stack([y_true, ~y_true.any(1), np.ones(len(y_true), bool)]))
    goal = share * counts.sum(0)
    order = np.random.default_rng(random_state).permutation(len(names))
    drawn = np.zeros(len(names), bool)
    while (best := _closest(counts, drawn, goal, order)) is not None:
        drawn[best] = True
    return set(names[drawn].tolist())


def _closest(counts: Floats, drawn: NDArray[np.bool_], goal: Floats, order: NDArray[np.int64]) -> int | None:
    """Return the article to draw next; None where none can be spared, or each takes the counts off the goal."""
    has = counts[:, :-2] > 0
    only = (has & (has[~drawn].sum(0) == 1)).any(1)
    spare = order[~drawn[order] & ~only[order]]
    if not len(spare) or (~drawn).sum() <= _LEFT:
        return None
    before = counts[drawn].sum(0)
    after = _distance(before + counts[spare], goal)
    best = int(np.argmin(after))
    return int(spare[best]) if not drawn.any() or after[best] < _distance(before, goal) else None


def _distance(counts: Floats, goal: Floats) -> Floats:
    distance: Floats = (((counts - goal) / np.maximum(goal, 1.0)) ** 2).sum(-1)
    return distance
