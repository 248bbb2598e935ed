"""What any model has to beat: the most frequent answer, and the topics' own keywords."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import Topic
from pipeline.text.tokenizer import words


def most_frequent(labels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the most frequent label set among rows, bool [k], from `labels` bool [n, k]."""
    sets, counts = np.unique(labels, axis=0, return_counts=True)
    common: NDArray[np.bool_] = sets[np.argmax(counts)]
    return common


def keyword_labels(texts: Sequence[str], topics: Sequence[Topic]) -> NDArray[np.bool_]:
    """Give each text the topics of which it has a keyword as a whole word or phrase, bool [n, k]."""
    phrases = [[f" {' '.join(words(keyword))} " for keyword in topic.keywords] for topic in topics]
    folded = [f" {' '.join(words(text))} " for text in texts]
    found = [[any(phrase in text for phrase in owned) for owned in phrases] for text in folded]
    return np.array(found, bool).reshape(len(texts), len(topics))
