"""Say which terms made a score: contributions in logits that sum, with the bias, to the score's logit."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pipeline.model.scorer import Scorer
from pipeline.schema import Contribution, Explanation
from pipeline.text.offsets import WordSpans
from pipeline.text.tokenizer import Counts

NEAR = 0.5


def explain(scorer: Scorer, text: str, topic: str, *, most: int = 10) -> Explanation:
    """List the terms of a text that moved a topic's score most, largest first, and sum up the others.

    The model is additive in logits once the best sentence is known, so a term's contribution is exact: slope x
    weight x feature value, in the whole text and in that sentence by their shares. `bias + contributions + rest`
    is `ln(score / (1 - score))`; a text without a known term has no terms.
    """
    return explain_topics(scorer, text, [topic], most=most)[topic]


def explain_topics(scorer: Scorer, text: str, topics: Iterable[str], *, most: int = 10) -> dict[str, Explanation]:
    """Explain several topics of one text, which is counted once; see `explain`."""
    counted = scorer.count([text])
    sums, places = scorer.sums(counted.sentences), WordSpans(text)
    share = scorer.sentence_share
    whole = _row(counted.wholes, 0)
    indices, times = counted.wholes.indices[whole], counted.wholes.data[whole]
    values = (1 - share) * scorer.weighting.weigh(counted.wholes)[whole]
    in_sentences = scorer.weighting.weigh(counted.sentences)
    found = {}
    for topic in topics:
        column = scorer.topics.index(topic)
        sentence = _row(counted.sentences, int(np.argmax(sums[:, column])))
        features = values.copy()
        features[np.searchsorted(indices, counted.sentences.indices[sentence])] += share * in_sentences[sentence]
        parts = scorer.slope[column] * features * scorer.weights[indices, column]
        order = _by_size(parts)
        terms = [
            Contribution(term, float(parts[i]), places.find(term, times=int(times[i])))
            for i, term in ((i, scorer.terms[indices[i]]) for i in order[:most])
        ]
        found[topic] = Explanation(float(scorer.bias[column]), tuple(terms), float(parts[order[most:]].sum()))
    return found


def worth_explaining(scorer: Scorer, scores: NDArray[np.float64]) -> list[str]:
    """List the topics given to a text and its near misses, at least `NEAR` of the threshold; `scores` is [k]."""
    close = scores >= NEAR * scorer.thresholds
    return [topic for topic, yes in zip(scorer.topics, close, strict=True) if yes]


def strongest_terms(scorer: Scorer, topic: str, *, most: int = 12) -> list[tuple[str, float]]:
    """List the terms that speak most for a topic, with what each adds to the logit of a text of nothing else."""
    column = scorer.topics.index(topic)
    strength = scorer.slope[column] * scorer.weights[:, column]
    return [(scorer.terms[i], float(strength[i])) for i in np.argsort(-strength, kind="stable")[:most]]


def _row(counts: Counts, row: int) -> slice:
    return slice(int(counts.indptr[row]), int(counts.indptr[row + 1]))


def _by_size(parts: NDArray[np.float64]) -> NDArray[np.intp]:
    order = np.argsort(-np.abs(parts), kind="stable")
    moved: NDArray[np.intp] = order[parts[order] != 0]
    return moved
