"""Say which terms made a score: contributions in logits that sum, with the bias, to the score's logit."""

import numpy as np
from numpy.typing import NDArray

from pipeline.features import Counts
from pipeline.schema import Explanation
from pipeline.scorer import Scorer


def explain(scorer: Scorer, text: str, topic: str, *, most: int = 10) -> Explanation:
    """List the terms of a text that moved a topic's score most, largest first, and sum up the others.

    The model is additive in logits once the best sentence is known, so a term's contribution is exact: slope x
    weight x feature value, in the whole text and in that sentence by their shares. `bias + contributions + rest`
    is `ln(score / (1 - score))`; a text without a known term has no terms.
    """
    column = scorer.topics.index(topic)
    counted = scorer.count([text])
    best = int(np.argmax(scorer.sums(counted.sentences)[:, column]))
    parts = (1 - scorer.sentence_share) * _parts(scorer, counted.wholes, 0, column)
    parts += scorer.sentence_share * _parts(scorer, counted.sentences, best, column)
    parts *= scorer.slope[column]
    order = np.argsort(-np.abs(parts), kind="stable")
    order = order[parts[order] != 0]
    terms = tuple((scorer.terms[index], float(parts[index])) for index in order[:most])
    return Explanation(float(scorer.bias[column]), terms, float(parts[order[most:]].sum()))


def _parts(scorer: Scorer, counts: Counts, row: int, column: int) -> NDArray[np.float64]:
    """Give weight x feature value of every term in one row, float64 [m]."""
    parts = np.zeros(len(scorer.terms))
    entries = slice(counts.indptr[row], counts.indptr[row + 1])
    indices = counts.indices[entries]
    parts[indices] = scorer.weighting.weigh(counts)[entries] * scorer.weights[indices, column]
    return parts
