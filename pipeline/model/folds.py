"""Deal rows to the folds of cross-validation: whole groups, by nothing but their names and a seed."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def by_article(groups: Sequence[str], *, folds: int, seed: int) -> NDArray[np.int64]:
    """Deal each row to a fold, int64 [n]: a pure function of its group (an article id) and the seed."""
    dealt = {g: int(hashlib.sha256(f"{seed}:{g}".encode()).hexdigest(), 16) % folds for g in set(groups)}
    return np.array([dealt[group] for group in groups], np.int64)
