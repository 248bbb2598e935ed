"""Which terms made a score: contributions in logits that sum, with the bias, to the score's logit."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pipeline.model.scorer import Scorer
from pipeline.schema import Contribution, Explanation
from pipeline.text.offsets import WordOffsets
from pipeline.text.tokenizer import Counts

NEAR = 0.5


def explain(scorer: Scorer, text: str, topic: str, *, most: int = 10) -> Explanation:
    """List the terms of a text that moved a topic's score most, largest first, and sum up the others.

    The model is additive in logits once the best sentence is known, so a term's contribution is exact: weight
    times feature value, in the whole text and in that sentence by their coefficients.

    Parameters
    ----------
    scorer : Scorer
    text : str
    topic : str
    most : int, default 10
        Terms to list.

    Returns
    -------
    Explanation
        With `bias + contributions + rest` equal to `ln(score / (1 - score))`; a text without a known term has no
        terms.

    """
    return explain_topics(scorer, text, [topic], most=most)[topic]


def explain_topics(scorer: Scorer, text: str, topics: Iterable[str], *, most: int = 10) -> dict[str, Explanation]:
    """Explain several topics of one text, which is counted once; see `explain`."""
    counted = scorer.count([text])
    sums, offsets = scorer.sums(counted.sentences), WordOffsets(text)
    whole = _row(counted.wholes, 0)
    indices, times = counted.wholes.indices[whole], counted.wholes.data[whole]
    in_whole = scorer.tfidf.weigh(counted.wholes)[whole]
    in_sentences = scorer.tfidf.weigh(counted.sentences)
    found = {}
    for topic in topics:
        column = scorer.topics.index(topic)
        sentence = _row(counted.sentences, int(np.argmax(sums[:, column])))
        features = scorer.text_coef[column] * in_whole
        places = np.searchsorted(indices, counted.sentences.indices[sentence])
        features[places] += scorer.sentence_coef[column] * in_sentences[sentence]
        parts = features * scorer.weights[indices, column]
        order = _by_size(parts)
        terms = [
            Contribution(term, float(parts[i]), offsets.find(term, times=int(times[i])))
            for i, term in ((i, scorer.vocabulary[indices[i]]) for i in order[:most])
        ]
        rest = float(parts[order[most:]].sum())
        found[topic] = Explanation(float(scorer.intercept[column]), tuple(terms), rest)
    return found


def worth_explaining(scorer: Scorer, scores: NDArray[np.float64]) -> list[str]:
    """List the topics assigned to a text and its near misses, from `NEAR` of the threshold; `scores` is [k]."""
    near = scores >= NEAR * scorer.thresholds
    return [topic for topic, yes in zip(scorer.topics, near, strict=True) if yes]


def strongest_terms(scorer: Scorer, topic: str, *, most: int = 20) -> list[tuple[str, float]]:
    """List the terms that speak most for a topic, with their weight in logits before TF-IDF and length."""
    column = scorer.topics.index(topic)
    strength = (scorer.text_coef[column] + scorer.sentence_coef[column]) * scorer.weights[:, column]
    return [(scorer.vocabulary[i], float(strength[i])) for i in np.argsort(-strength, kind="stable")[:most]]


def _row(counts: Counts, row: int) -> slice:
    return slice(int(counts.indptr[row]), int(counts.indptr[row + 1]))


def _by_size(parts: NDArray[np.float64]) -> NDArray[np.intp]:
    order = np.argsort(-np.abs(parts), kind="stable")
    moved: NDArray[np.intp] = order[parts[order] != 0]
    return moved
