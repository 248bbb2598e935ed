"""Near-duplicate texts, and the groups of articles that they tie together, which share a fold."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pipeline.text.paragraphs import is_fragment
from pipeline.text.tokenizer import words

_SHINGLE = 4


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
    shared = sparse.triu(shingles @ shingles.T, k=1).tocoo()
    sizes = np.asarray(shingles.sum(axis=1)).ravel()
    union = sizes[shared.row] + sizes[shared.col] - shared.data
    close = shared.data >= similarity * union
    pairs = np.column_stack([shared.row[close], shared.col[close]]).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


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


def _shingle_matrix(texts: Sequence[str]) -> sparse.csr_array:
    known: dict[tuple[str, ...], int] = {}
    indices: list[int] = []
    indptr = [0]
    for text in texts:
        tokens = words(text)
        starts = range(len(tokens) - _SHINGLE + 1) if not is_fragment(text) else ()
        runs = {tuple(tokens[i : i + _SHINGLE]) for i in starts}
        indices += [known.setdefault(run, len(known)) for run in sorted(runs)]
        indptr.append(len(indices))
    return sparse.csr_array(
        (np.ones(len(indices)), np.array(indices), np.array(indptr)), shape=(len(texts), len(known))
    )
