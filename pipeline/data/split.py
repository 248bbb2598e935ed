"""Near-duplicate texts, and the groups of articles that they tie together, which share a fold."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pipeline.text.paragraphs import is_fragment
from pipeline.text.tokenizer import words

_SHINGLE = 4
_BLOCK = 4096  # rows, or pairs, that are worked on at once
_ROUNDING = 1e-9


def near_duplicates(texts: Sequence[str], *, similarity: float) -> NDArray[np.int64]:
    """Find pairs of texts whose sets of 4-word shingles are similar (Broder 1997, computed exactly).

    Parameters
    ----------
    texts : sequence of str
        Fragments, such as headings and bylines, have no near-duplicates.
    similarity : float
        The least Jaccard similarity of a pair.

    Returns
    -------
    int64 array of shape (pairs, 2)
        Row numbers, the smaller first, in order.

    """
    shingles = _shingle_matrix(texts)
    pairs = _candidates(shingles, similarity)
    shared = np.concatenate(
        [
            np.asarray(shingles[part[:, 0]].multiply(shingles[part[:, 1]]).sum(axis=1)).ravel()
            for part in np.array_split(pairs, len(pairs) // _BLOCK + 1)
        ]
    )
    sizes = np.diff(shingles.indptr)
    union = sizes[pairs[:, 0]] + sizes[pairs[:, 1]] - shared
    found: NDArray[np.int64] = pairs[shared >= similarity * union]
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def join_near_duplicates(articles: Sequence[str], pairs: NDArray[np.int64]) -> list[str]:
    """Name a group for every row: its article, or the first of the articles that near-duplicates tie it to.

    Parameters
    ----------
    articles : sequence of str
        The article, or other group, of each row.
    pairs : int64 array of shape (pairs, 2)
        As `near_duplicates` returns them.

    Returns
    -------
    list of str

    """
    names, row_article = np.unique(np.array(articles), return_inverse=True)
    edges = (np.ones(len(pairs)), (row_article[pairs[:, 0]], row_article[pairs[:, 1]]))
    graph = sparse.csr_array(edges, shape=(len(names), len(names)))
    count, component = connected_components(graph, connection="weak")
    first = np.full(count, len(names))
    np.minimum.at(first, component, np.arange(len(names)))
    return [str(names[first[component[article]]]) for article in row_article]


def _candidates(shingles: sparse.csr_array, similarity: float) -> NDArray[np.int64]:
    """Return the pairs of rows that share one of their rarest shingles, the fewer the more alike they must be.

    Of n shingles, a text shares at least `similarity` * n with each text that is as similar, so it shares one of
    the n - `similarity` * n + 1 rarest (prefix filtering; Bayardo, Ma and Srikant 2007): what all texts have joins
    none. Those that are in no other text come first, and need no sorting.
    """
    sizes = np.diff(shingles.indptr)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    frequency = np.bincount(shingles.indices, minlength=shingles.shape[1])[shingles.indices]
    shared = frequency > 1
    alone = np.bincount(rows[~shared], minlength=len(sizes))
    rows, columns = rows[shared], shingles.indices[shared]
    order = np.lexsort((columns, frequency[shared], rows))
    place = np.arange(len(rows)) - np.searchsorted(rows, rows) + alone[rows]
    kept = place < (sizes - np.ceil(similarity * sizes - _ROUNDING) + 1)[rows]
    rare = sparse.csr_array((np.ones(kept.sum()), (rows[kept], columns[order][kept])), shape=shingles.shape)
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(sizes), _BLOCK):
        both = (rare[start : start + _BLOCK] @ rare.T).tocoo()
        pairs = np.column_stack([both.row + start, both.col]).astype(np.int64)
        found.append(pairs[pairs[:, 0] < pairs[:, 1]])
    return np.concatenate(found)


def _shingle_matrix(texts: Sequence[str]) -> sparse.csr_array:
    """Return which of all shingles each text has: ones and zeros, without a hash that two could share."""
    known: dict[str, int] = {}
    tokens = [[] if is_fragment(text) else words(text) for text in texts]
    flat = np.array([known.setdefault(word, len(known)) for found in tokens for word in found], np.int64)
    ends = np.cumsum([len(found) for found in tokens], dtype=np.int64)
    row_of = np.repeat(np.arange(len(texts)), [len(found) for found in tokens])
    codes = flat
    for width in (1, 2):  # a shingle of four words is a pair of pairs
        pairs = codes[: max(len(codes) - width, 0)] * (codes.max(initial=0) + 1) + codes[width:]
        codes = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
    starts = np.arange(len(codes))
    whole = starts + _SHINGLE <= ends[row_of[: len(codes)]]
    found = sparse.csr_array(
        (np.ones(whole.sum()), (row_of[: len(codes)][whole], codes[whole])),
        shape=(len(texts), codes.max(initial=-1) + 1),
    )
    found.sum_duplicates()
    found.data[:] = 1
    return found
