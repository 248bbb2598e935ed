"""Expected metrics without labels, from calibrated scores: confidence-based performance estimation.

A score is the probability that a paragraph has the topic, so sums of scores are expected counts: among the
assigned paragraphs those of true positives, among all paragraphs those that have the topic. NannyML calls this
method CBPE; here it is for many labels at once. It holds where scores are calibrated, that is where paragraphs
that look alike have the topic as often as they had in training. What a model is sure of by mistake stays unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import f1_score, macro_average, ratio

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_FEWEST = 1.0  # expected paragraphs with a topic, below which its metrics say nothing
OVERALL = (
    "micro_precision",
    "micro_recall",
    "micro_f1",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "none_recall",
)
PER_TOPIC = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Expected:
    """Expected counts of B weightings, for k topics and, in the last column, for none.

    Parameters
    ----------
    assigned : float64 array of shape (B, 1 + k)
        How many paragraphs are assigned.
    hits, misses : float64 arrays of shape (B, 1 + k)
        How many of them, and of the others, are expected to be positive.
    hits_variance, misses_variance : float64 arrays of shape (B, 1 + k)
        Variances of these counts, as each paragraph's label is drawn by its score.

    """

    assigned: Floats
    hits: Floats
    misses: Floats
    hits_variance: Floats
    misses_variance: Floats

    @classmethod
    def of(cls, y_score: Floats, y_pred: Bools) -> Self:
        """Return the counts of n single paragraphs, each array [n, 1 + k].

        The probability of none is the product of those that each topic is absent, as if they were independent.
        """
        scores = np.column_stack([y_score, np.prod(1 - y_score, axis=1)])
        assigned = np.column_stack([y_pred, ~y_pred.any(1)])
        doubt = scores * (1 - scores)
        return cls(
            assigned.astype(float),
            np.where(assigned, scores, 0.0),
            np.where(assigned, 0.0, scores),
            np.where(assigned, doubt, 0.0),
            np.where(assigned, 0.0, doubt),
        )

    def drawn(self, random_state: int) -> "Expected":
        """Draw counts instead of expecting them, in all weightings but the first: labels are not certain."""
        noise = np.random.default_rng(random_state).standard_normal((2, *self.hits.shape))
        noise[:, 0] = 0.0
        hits = np.clip(self.hits + noise[0] * np.sqrt(self.hits_variance), 0.0, self.assigned)
        misses = np.maximum(self.misses + noise[1] * np.sqrt(self.misses_variance), 0.0)
        return Expected(self.assigned, hits, misses, self.hits_variance, self.misses_variance)


def expected_metrics(topics: Sequence[str], counts: Expected) -> dict[str, Floats]:
    """Compute the metrics that `metrics.compute_metrics` names so, from expected counts.

    A topic of which less than one paragraph is expected has none (NaN), and no part in macro averages.

    Parameters
    ----------
    topics : sequence of str
        The k topic ids, in column order.
    counts : Expected

    Returns
    -------
    dict of str to float64 array of shape (B,)

    """
    assigned, hits, true = counts.assigned, counts.hits, counts.hits + counts.misses
    found = {
        "precision": ratio(hits, assigned),
        "recall": ratio(hits, true),
        "f1": f1_score(hits, true, assigned),
    }
    found = {name: np.where(true >= _FEWEST, values, np.nan) for name, values in found.items()}
    by_topic = {name: values[:, :-1] for name, values in found.items()}
    total = [each[:, :-1].sum(1) for each in (hits, true, assigned)]
    micro = {
        "micro_precision": ratio(total[0], total[2]),
        "micro_recall": ratio(total[0], total[1]),
        "micro_f1": f1_score(*total),
    }
    return {
        **{name: np.where(total[1] >= _FEWEST, values, np.nan) for name, values in micro.items()},
        **{f"macro_{name}": macro_average(values) for name, values in by_topic.items()},
        **{f"none_{name}": values[:, -1] for name, values in found.items()},
        **{
            f"{topic}/{name}": values[:, column]
            for column, topic in enumerate(topics)
            for name, values in by_topic.items()
        },
    }
