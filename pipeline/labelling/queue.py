"""Choose the texts that people label next: those the model doubts most, unlike each other, and some at random.

Active learning in batches. A text is worth a label where its score is close to a topic's threshold (uncertainty
sampling: Lewis and Gale 1994, "A sequential algorithm for training text classifiers"), and where it is unlike
those already chosen, since a batch of one kind teaches little more than one text of it. Diversity is measured as
in Brinker 2003, "Incorporating diversity in active learning with support vector machines": by the highest cosine
similarity to a text that is chosen; but it is a factor, not a summand, so that there is nothing to weigh. Topics
take turns, so that each has its share, a rare one too; Brinker 2006, "On active learning in multi-label
classification", takes the least margin over all topics, which leaves the choice to the frequent ones. Candidates
are first narrowed to the most uncertain of each topic, as in Zhdanov 2019, "Diverse mini-batch active learning".

Uncertain texts are no sample of anything, so a share is drawn at random: what is measured on it alone is
unbiased.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.model.calibration import logit, sigmoid
from pipeline.model.scorer import Scorer

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Keys = NDArray[np.uint64]
NARROWED_TO = 20  # candidates of a topic for each one that is chosen


@dataclass(frozen=True, slots=True)
class Choice:
    """A text that is chosen, and why.

    Parameters
    ----------
    row : int
    topic : int or None
        The column of the topic whose turn it was; None where it was drawn at random.
    uncertainty : float
        Of that topic, or the highest of any.
    similarity : float
        The highest to a text chosen before.

    """

    row: int
    topic: int | None
    uncertainty: float
    similarity: float


@dataclass(frozen=True)
class Quotas:
    """How many texts are chosen in all, how many of them at random, and from how many candidates.

    Parameters
    ----------
    size : int
    random : int
    topics : int

    """

    size: int
    random: int
    topics: int

    @classmethod
    def of(cls, size: int, *, random_share: float, topics: int) -> "Quotas":
        """Round the random share of a size to whole texts."""
        return cls(size, round(random_share * size), topics)

    @property
    def candidates_of_topic(self) -> int:
        """How many of the most uncertain texts of a topic are candidates."""
        return NARROWED_TO * -(-self.size // self.topics)

    @property
    def candidates_at_random(self) -> int:
        """How many texts are kept for the random share, some of which may turn out to be near-duplicates."""
        return 2 * self.random + NARROWED_TO

    @property
    def candidates(self) -> int:
        """The most candidates that there can be."""
        return self.candidates_of_topic * self.topics + self.candidates_at_random


def uncertainty(y_score: Floats, thresholds: Floats) -> Floats:
    """Measure how close scores are to their thresholds.

    Parameters
    ----------
    y_score : float64 array of shape (n, k)
        Calibrated.
    thresholds : float64 array of shape (k,)

    Returns
    -------
    float64 array of shape (n, k)
        1 at the threshold, towards 0 away from it on either side: twice the probability of the less likely answer
        after a shift, in logits, that makes the threshold a probability of one half.

    """
    return 2 * sigmoid(-np.abs(logit(y_score) - logit(thresholds)))


def candidates(uncertain: Floats, chance: Keys, quotas: Quotas) -> Bools:
    """Narrow n texts to the candidates, so that a pool of them stays small however many there are.

    Parameters
    ----------
    uncertain : float64 array of shape (n, k)
    chance : uint64 array of shape (n,)
        What decides at random: a hash of the text. The least are a sample without replacement, of texts, not of
        their repetitions, whatever the order of rows (bottom-k sampling; Cohen and Kaplan 2007).
    quotas : Quotas

    Returns
    -------
    bool array of shape (n,)
        Narrowing a part first, and what is left of it with the other rows, marks the same rows. Of equal texts the
        first is kept.

    """
    kept = np.zeros(len(chance), bool)
    first = np.unique(chance, return_index=True)[1]  # in the order of chance
    kept[first[: quotas.candidates_at_random]] = True
    for column in uncertain.T:
        order = first[np.argsort(-column[first], kind="stable")]
        kept[order[: quotas.candidates_of_topic]] = True
    return kept


def choose(
    uncertain: Floats,
    features: sparse.csr_array,
    near_duplicates: NDArray[np.int64],
    *,
    chance: Keys,
    quotas: Quotas,
) -> list[Choice]:
    """Choose from n candidates.

    Parameters
    ----------
    uncertain : float64 array of shape (n, k)
    features : sparse float64 array of shape (n, m)
        Rows of length 1, or 0.
    near_duplicates : int64 array of shape (pairs, 2)
        Rows of which one alone may be chosen.
    chance : uint64 array of shape (n,)
        As in `candidates`.
    quotas : Quotas

    Returns
    -------
    list of Choice
        Fewer than `quotas.size` where candidates run out. The random ones are spread evenly, so that the beginning
        of the list is a smaller choice with the same share of them.

    """
    batch = _Batch(uncertain, features, near_duplicates)
    at_random = list(_drawn(batch, chance, quotas.random))
    in_turn = list(_in_turn(batch, quotas.size - len(at_random)))
    return _interleaved(in_turn, at_random)


def unit_features(scorer: Scorer, texts: list[str]) -> sparse.csr_array:
    """Return the model's TF-IDF features of n texts, each row of Euclidean length 1, or 0 without a known term."""
    counts = scorer.count(texts).wholes
    values, norms = scorer.tfidf.with_norms(counts)
    shape = (len(texts), len(scorer.vocabulary))
    return sparse.csr_array((values / norms[counts.rows], counts.indices, counts.indptr), shape=shape)


class _Batch:
    """What is chosen so far: which rows are free, and how similar each is to the closest that is chosen."""

    def __init__(self, uncertain: Floats, features: sparse.csr_array, near: NDArray[np.int64]) -> None:
        self.uncertain, self.features = uncertain, features
        ends = np.concatenate([near, near[:, ::-1]])
        shape = (len(uncertain), len(uncertain))
        self.near = sparse.csr_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=shape)
        self.free = np.ones(len(uncertain), bool)
        self.similarity = np.zeros(len(uncertain))

    def take(self, row: int, topic: int | None) -> Choice:
        """Choose a row; neither it nor its near-duplicates are free any more."""
        found = float(self.uncertain[row].max() if topic is None else self.uncertain[row, topic])
        choice = Choice(row, topic, found, float(self.similarity[row]))
        self.free[row] = False
        self.free[self.near.indices[self.near.indptr[row] : self.near.indptr[row + 1]]] = False
        self.similarity = np.maximum(self.similarity, self.features @ self.features[[row]].toarray().ravel())
        return choice


def _drawn(batch: _Batch, chance: Keys, size: int) -> Iterator[Choice]:
    for row in np.argsort(chance, kind="stable").tolist():
        if size and batch.free[row]:
            size -= 1
            yield batch.take(row, None)


def _in_turn(batch: _Batch, size: int) -> Iterator[Choice]:
    """Let one topic after the other choose a text that it is uncertain of and that is unlike those chosen."""
    for turn in range(size):
        if not batch.free.any():
            return
        topic = turn % batch.uncertain.shape[1]
        worth = np.where(batch.free, batch.uncertain[:, topic] * (1 - batch.similarity), -1.0)
        yield batch.take(int(worth.argmax()), topic)


def _interleaved(in_turn: list[Choice], at_random: list[Choice]) -> list[Choice]:
    """Spread the random choices evenly among the others, both in their order."""
    places = [
        ((number + 0.5) / len(part), choice) for part in (in_turn, at_random) for number, choice in enumerate(part)
    ]
    return [choice for _, choice in sorted(places, key=lambda found: found[0])]
