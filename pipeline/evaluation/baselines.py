"""What any model has to beat: the most frequent label set, and the topics' own keywords."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import Topic
from pipeline.text.tokenizer import words


def most_frequent(y_true: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the most frequent label set, bool [k], among n rows, bool [n, k]."""
    sets, counts = np.unique(y_true, axis=0, return_counts=True)
    common: NDArray[np.bool_] = sets[np.argmax(counts)]
    return common


def keyword_labels(texts: Sequence[str], topics: Sequence[Topic]) -> NDArray[np.bool_]:
    """Label each text with the topics of which it has a keyword.

    Parameters
    ----------
    texts : sequence of str
        Of length n.
    topics : sequence of Topic
        Of length k. Keywords are matched as whole words or phrases, whatever their case and hyphens.

    Returns
    -------
    bool array of shape (n, k)

    """
    phrases = [[f" {' '.join(words(keyword))} " for keyword in topic.keywords] for topic in topics]
    folded = [f" {' '.join(words(text))} " for text in texts]
    found = [[any(phrase in text for phrase in owned) for owned in phrases] for text in folded]
    return np.array(found, bool).reshape(len(texts), len(topics))
