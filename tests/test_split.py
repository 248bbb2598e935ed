import itertools
import random

import numpy as np
import pytest

from pipeline.data.split import join_near_duplicates, near_duplicates
from pipeline.text.tokenizer import words


def jaccard(one: str, other: str) -> float:
    sets = []
    for text in (one, other):
        tokens = words(text)
        sets.append({tuple(tokens[i : i + 4]) for i in range(max(1, len(tokens) - 3))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def variations() -> list[str]:
    chance = random.Random(3)
    base = [[f"w{chance.randrange(500)}" for _ in range(25)] for _ in range(12)]
    texts = []
    for tokens, changes in itertools.product(base, (0, 1, 2, 4, 8)):
        copy = list(tokens)
        for _ in range(changes):
            copy[chance.randrange(25)] = f"n{chance.randrange(500)}"
        texts.append(" ".join(copy))
    return [*texts, texts[0].upper()]


@pytest.mark.parametrize("similarity", [0.2, 0.5, 1.0])
def test_near_duplicates_are_those_of_all_pairs(similarity: float) -> None:
    texts = variations()
    expected = [
        [i, j]
        for i, j in itertools.combinations(range(len(texts)), 2)
        if jaccard(texts[i], texts[j]) >= similarity
    ]
    assert expected
    assert near_duplicates(texts, similarity=similarity).tolist() == expected


def test_headings_and_bylines_are_no_duplicates_and_case_does_not_matter() -> None:
    text = "the council opened a new market near the river on monday morning in rain"
    heading = " ".join(text.split()[:11])
    pairs = near_duplicates([heading, text, text.upper(), heading], similarity=0.5)
    assert pairs.tolist() == [[1, 2]]


def test_no_pairs_have_their_shape() -> None:
    assert near_duplicates(["one", "two"], similarity=0.5).shape == (0, 2)


def test_articles_tied_by_near_duplicates_are_one_group() -> None:
    articles = ["d", "a", "a", "b", "c", "e"]
    pairs = np.array([[0, 1], [2, 3]])  # d-a and a-b: one group of three articles
    assert join_near_duplicates(articles, pairs) == ["a", "a", "a", "a", "c", "e"]
    assert join_near_duplicates(articles, np.zeros((0, 2), np.int64)) == articles
