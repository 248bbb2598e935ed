"""Drift: how two samples of articles differ, and which differences chance does not explain.

Every statistic is a function of sums over articles, so that intervals and tests draw whole articles, whose
paragraphs are not independent, at the cost of a product of matrices. The test permutes articles between samples,
and adjusts for the number of statistics by the least p-value of each permutation (minP; Westfall and Young 1993,
"Resampling-based multiple testing"): however the statistics are distributed and depend on each other, any false
alarm has at most the chance of the level where the articles of both samples are drawn from one source.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import f1_score, ratio
from pipeline.evaluation.performance import Expected

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BINS = 10
N_RESAMPLES = 1000
_BLOCK = 5000  # paragraphs laid out at a time
_BATCH = 50  # permutations or resamples at a time, to bound memory
_EXPECTED = ("assigned", "hits", "misses", "hits_variance", "misses_variance")
_COUNTED = ("words", "letters", "capitals", "damaged", "terms", "oov")
_SINGLE = ("articles", "foreign", "paragraphs", *_COUNTED)
_SHARES = (("oov", "terms"), ("foreign", "articles"), ("capitals", "letters"), ("damaged", "paragraphs"))
N_PERMUTATIONS = 1999


@dataclass(frozen=True)
class Edges:
    """Where the bins of scores and of lengths part: the deciles of a reference sample.

    Parameters
    ----------
    scores : float64 array of shape (k, BINS - 1)
    words : float64 array of shape (BINS - 1,)

    """

    scores: Floats
    words: Floats


@dataclass(frozen=True)
class Paragraphs:
    """What is known of n paragraphs, without their text.

    Parameters
    ----------
    scores : float64 array of shape (n, k)
    assigned : bool array of shape (n, k)
    words : float64 array of shape (n,)
        Words of each.
    letters, capitals : float64 arrays of shape (n,)
        Letters of each, and how many of them are capitals.
    damaged : float64 array of shape (n,)
        1 where characters were lost or misread, else 0.
    terms, oov : float64 arrays of shape (n,)
        Term occurrences of each, and how many of them are out of the vocabulary.

    """

    scores: Floats
    assigned: Bools
    words: Floats
    letters: Floats
    capitals: Floats
    damaged: Floats
    terms: Floats
    oov: Floats

    def edges(self) -> Edges:
        """Return the deciles."""
        at = np.arange(1, BINS) / BINS
        return Edges(np.quantile(self.scores, at, axis=0).T, np.quantile(self.words, at))


@dataclass(frozen=True)
class Sums:
    """Sums over the paragraphs of articles, or over articles: a row for each article, or weighting of them.

    Parameters
    ----------
    topics : int
        k.
    values : float64 array of shape (m, columns)

    """

    topics: int
    values: Floats

    def __getitem__(self, name: str) -> Floats:
        """Return a column [m], expected counts [m, 1 + k] with none last, or a histogram `bins/i` or `lengths`."""
        if name in _SINGLE:
            return self.values[:, _SINGLE.index(name)]
        width, start = self.topics + 1, len(_SINGLE)
        if name in _EXPECTED:
            start += _EXPECTED.index(name) * width
            return self.values[:, start : start + width]
        start += len(_EXPECTED) * width
        start += BINS * (self.topics if name == "lengths" else int(name.removeprefix("bins/")))
        return self.values[:, start : start + BINS]

    @property
    def expected(self) -> Expected:
        """Expected counts."""
        return Expected(*(self[name] for name in _EXPECTED))

    def total(self, weights: Floats) -> "Sums":
        """Sum articles, each so many times; float64 [B, m]."""
        return Sums(self.topics, weights @ self.values)


def columns(topics: int) -> int:
    """Return how many columns the sums of k topics have."""
    return len(_SINGLE) + len(_EXPECTED) * (topics + 1) + BINS * (topics + 1)


def article_sums(found: Paragraphs, articles: NDArray[np.intp], foreign: Bools, edges: Edges) -> Sums:
    """Sum what is known of paragraphs by article.

    Parameters
    ----------
    found : Paragraphs
    articles : int array of shape (n,)
        The article of each paragraph, from 0; every one of m has a paragraph.
    foreign : bool array of shape (m,)
        Whether an article is in a language that the model was not trained on.
    edges : Edges

    Returns
    -------
    Sums
        Of m rows.

    """
    order = np.argsort(articles, kind="stable")
    starts = np.flatnonzero(np.diff(articles[order], prepend=-1))
    summed = np.zeros((len(foreign), columns(found.scores.shape[1])))
    for first, last in _blocks(starts):
        rows = order[starts[first] : starts[last] if last < len(starts) else None]
        cells = _cells(found, rows, edges)
        summed[first:last] = np.add.reduceat(cells, starts[first:last] - starts[first], axis=0)
    summed[:, 0], summed[:, 1] = 1.0, foreign
    return Sums(found.scores.shape[1], summed)


def binned(values: Floats, edges: Floats) -> NDArray[np.intp]:
    """Return the bin of each value: those that equal an edge are above it."""
    return np.searchsorted(edges, values, side="right")


def stability_index(reference: Floats, new: Floats) -> Floats:
    """Return the population stability index of counts by bin, each count taken for half more than it is.

    The symmetrized Kullback-Leibler divergence of the shares (Siddiqi 2006, "Credit risk scorecards").

    Parameters
    ----------
    reference, new : float64 arrays of shape (B, bins)

    Returns
    -------
    float64 array of shape (B,)

    """
    before, after = ((counts + 0.5) / (counts + 0.5).sum(1, keepdims=True) for counts in (reference, new))
    index: Floats = ((after - before) * np.log(after / before)).sum(1)
    return index


def check_names(topics: Sequence[str]) -> list[str]:
    """List what is tested, in the order of `statistics`."""
    rates = [f"rate/{topic}" for topic in (*topics, "none")]
    return [*rates, *(f"psi/{topic}" for topic in topics), "length", "oov", "language", "casing", "damage", "f1"]


def statistics(reference: Sums, new: Sums) -> Floats:
    """Return how far sums are apart, float64 [B, checks]: the higher, the farther.

    Shares are compared by their score statistic, and indices in units of their expectation, so that samples of
    other sizes can be held against each other. Expected F1 counts only where it fell.
    """
    n_new, n_reference = new["paragraphs"], reference["paragraphs"]
    assigned = zip(new["assigned"].T, reference["assigned"].T, strict=True)
    rates = [_share_statistic(first, n_new, second, n_reference) for first, second in assigned]
    shares = [_share_statistic(new[part], new[of], reference[part], reference[of]) for part, of in _SHARES]
    size = 1 / (1 / n_new + 1 / n_reference)
    names = [*(f"bins/{i}" for i in range(new.topics)), "lengths"]
    indices = [size * stability_index(reference[name], new[name]) for name in names]
    fall = np.sqrt(size) * (micro_f1(reference) - micro_f1(new))
    return np.column_stack([*rates, *indices, *shares, fall])


def micro_f1(sums: Sums) -> Floats:
    """Return the expected micro-F1 of each row of sums, float64 [B]; 0 where no topic is assigned or expected."""
    counts = sums.expected
    true = counts.hits + counts.misses
    return f1_score(*(each[:, :-1].sum(1) for each in (counts.hits, true, counts.assigned)))


def permutation_test(
    reference: Sums,
    new: Sums,
    *,
    random_state: int,
    n_permutations: int = N_PERMUTATIONS,
    compute: Callable[[Sums, Sums], Floats] = statistics,
) -> Floats:
    """Test all statistics at once.

    Parameters
    ----------
    reference, new : Sums
        Of articles.
    random_state : int
    n_permutations : int, default 1999
    compute : callable
        Sums of both samples to statistics, float64 [B, checks].

    Returns
    -------
    float64 array of shape (checks,)
        p-values, adjusted for their number; not below 1 / (1 + n_permutations).

    """
    pooled, total = Sums(new.topics, np.vstack([new.values, reference.values])), len(new.values)
    everything = pooled.values.sum(0)
    rng = np.random.default_rng(random_state)
    found = []
    for first in range(0, 1 + n_permutations, _BATCH):
        drawn = np.zeros((min(_BATCH, 1 + n_permutations - first), len(pooled.values)))
        drawn[:, :total] = 1.0
        rng.permuted(drawn[first == 0 :], axis=1, out=drawn[first == 0 :])  # the first stays as it is
        sums = pooled.total(drawn)
        found.append(compute(Sums(new.topics, everything - sums.values), sums))
    return _adjusted(np.vstack(found))


def resampled(sums: Sums, *, random_state: int, n_resamples: int = N_RESAMPLES) -> Sums:
    """Sum over bootstrap resamples of articles.

    Parameters
    ----------
    sums : Sums
        Of m articles.
    random_state : int
    n_resamples : int, default 1000

    Returns
    -------
    Sums
        Of 1 + n_resamples rows, the first over the articles as they are.

    """
    rng, m = np.random.default_rng(random_state), len(sums.values)
    parts = [sums.values.sum(0, keepdims=True)]
    for first in range(0, n_resamples, _BATCH):
        weights = rng.multinomial(m, np.full(m, 1 / m), size=min(_BATCH, n_resamples - first))
        parts.append(weights @ sums.values)
    return Sums(sums.topics, np.vstack(parts))


def _blocks(starts: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Part articles so that blocks have some thousand paragraphs, unless one article has more; bounds memory."""
    first = 0
    while first < len(starts):
        last = max(int(np.searchsorted(starts, starts[first] + _BLOCK)), first + 1)
        yield first, last
        first = last


def _cells(found: Paragraphs, rows: NDArray[np.intp], edges: Edges) -> Floats:
    """Lay out what is summed, a row for each of some paragraphs; the first two columns are those of articles."""
    scores, words = found.scores[rows], found.words[rows]
    counts = Expected.of(scores, found.assigned[rows])
    bins = [binned(column, limits) for column, limits in zip(scores.T, edges.scores, strict=True)]
    places = np.stack([*bins, binned(words, edges.words)], axis=1)
    return np.hstack(
        [
            np.zeros((len(rows), 2)),
            np.ones((len(rows), 1)),
            np.stack([getattr(found, name)[rows] for name in _COUNTED], axis=1),
            *(getattr(counts, name) for name in _EXPECTED),
            (places[:, :, None] == np.arange(BINS)).reshape(len(rows), -1),
        ]
    )


def _share_statistic(new: Floats, n_new: Floats, reference: Floats, n_reference: Floats) -> Floats:
    share = ratio(new + reference, n_new + n_reference)
    pieces = ratio(np.ones_like(n_new), n_new) + ratio(np.ones_like(n_new), n_reference)
    spread = np.sqrt(share * (1 - share) * pieces)
    return ratio(np.abs(ratio(new, n_new) - ratio(reference, n_reference)), spread)


def _adjusted(found: Floats) -> Floats:
    """Adjust the p-values of the first row by the least of each row, each row having p-values among all rows."""
    order = np.sort(found, axis=0)
    rows = len(found)
    p_values = np.column_stack(
        [
            (rows - np.searchsorted(column, np.nextafter(values - 1e-9, -np.inf))) / rows
            for column, values in zip(order.T, found.T, strict=True)
        ]
    )
    least = np.sort(p_values.min(1))
    return np.asarray(np.searchsorted(least, p_values[0] + 1e-12, side="right") / rows)
