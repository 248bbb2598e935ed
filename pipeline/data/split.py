"""Deal rows to sides and folds: whole articles, near-duplicates together, by nothing but ids, text and seed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pipeline.text.tokenizer import words

_SHINGLE = 4


def near_duplicates(texts: Sequence[str], *, similarity: float) -> NDArray[np.int64]:
    """Find pairs of texts whose sets of 4-word shingles have a Jaccard similarity of at least `similarity`.

    Broder 1997, computed exactly. Gives int64 [pairs, 2] with the smaller row first, in order. Texts of fewer
    than four words are compared as a whole.
    """
    shingles = _shingle_matrix(texts)
    shared = sparse.triu(shingles @ shingles.T, k=1).tocoo()
    sizes = np.asarray(shingles.sum(axis=1)).ravel()
    union = sizes[shared.row] + sizes[shared.col] - shared.data
    close = shared.data >= similarity * union
    pairs = np.column_stack([shared.row[close], shared.col[close]]).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def join_near_duplicates(articles: Sequence[str], pairs: NDArray[np.int64]) -> list[str]:
    """Name a group for every row: its article, or the first of the articles that near-duplicates tie it to."""
    names, row_article = np.unique(np.array(articles), return_inverse=True)
    edges = (np.ones(len(pairs)), (row_article[pairs[:, 0]], row_article[pairs[:, 1]]))
    _, component = connected_components(sparse.csr_array(edges, shape=(len(names), len(names))), directed=False)
    first = np.full(component.max() + 1, len(names))
    np.minimum.at(first, component, np.arange(len(names)))
    return [str(names[first[component[article]]]) for article in row_article]


def _shingle_matrix(texts: Sequence[str]) -> sparse.csr_array:
    known: dict[tuple[str, ...], int] = {}
    indices: list[int] = []
    indptr = [0]
    for text in texts:
        tokens = words(text)
        runs = {tuple(tokens[i : i + _SHINGLE]) for i in range(max(1, len(tokens) - _SHINGLE + 1))}
        indices += [known.setdefault(run, len(known)) for run in sorted(runs)]
        indptr.append(len(indices))
    return sparse.csr_array(
        (np.ones(len(indices)), np.array(indices), np.array(indptr)), shape=(len(texts), len(known))
    )
