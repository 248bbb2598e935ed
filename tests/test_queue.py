import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg
from small_model import fitted

from pipeline.labelling.queue import Choice, Quotas, candidates, choose, uncertainty, unit_features

NONE = np.zeros((0, 2), np.int64)


def chances(*values: int) -> NDArray[np.uint64]:
    return np.array(values, np.uint64)


def chosen(
    uncertain: list[list[float]],
    *,
    size: int,
    random: int = 0,
    features: list[list[float]] | None = None,
    near: list[list[int]] | None = None,
    chance: NDArray[np.uint64] | None = None,
) -> list[Choice]:
    """Choose from rows that are all unlike each other, where no features are given."""
    matrix = np.array(uncertain)
    n, k = matrix.shape
    return choose(
        matrix,
        sparse.csr_array(np.eye(n) if features is None else np.array(features)),
        np.array(near, np.int64) if near else NONE,
        chance=np.arange(n, dtype=np.uint64) if chance is None else chance,
        quotas=Quotas(size, random, k),
    )


def rows(found: list[Choice]) -> list[tuple[int, int | None]]:
    return [(choice.row, choice.topic) for choice in found]


def test_a_score_at_its_threshold_is_the_most_uncertain_and_both_sides_count_alike() -> None:
    found = uncertainty(np.array([[0.2, 0.5], [0.5, 0.9], [0.0588235294, 0.1]]), np.array([0.2, 0.5]))
    np.testing.assert_allclose(found, [[1.0, 1.0], [0.4, 0.2], [0.4, 0.2]], atol=1e-9)


def test_the_surest_scores_are_hardly_uncertain() -> None:
    assert (uncertainty(np.array([[0.0, 1.0]]), np.array([0.5, 0.5])) < 1e-11).all()


def test_each_topic_in_turn_takes_the_row_that_it_is_most_uncertain_of() -> None:
    found = chosen([[0.9, 0.1], [0.1, 0.8], [0.5, 0.2], [0.2, 0.6], [0.0, 0.0]], size=4)
    assert rows(found) == [(0, 0), (1, 1), (2, 0), (3, 1)]
    assert found[2] == Choice(2, 0, 0.5, 0.0)


def test_a_rare_topic_has_its_share_beside_one_that_is_uncertain_everywhere() -> None:
    uncertain = [[0.9, 0.0]] * 20 + [[0.0, 0.2]] * 3
    found = chosen(uncertain, size=6)
    assert [row for row, topic in rows(found) if topic == 1] == [20, 21, 22]


def test_a_row_that_is_like_a_chosen_one_waits_for_one_that_is_not() -> None:
    features = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]
    found = chosen([[0.9], [0.85], [0.4]], size=3, features=features)
    assert rows(found) == [(0, 0), (2, 0), (1, 0)]
    assert [choice.similarity for choice in found] == pytest.approx([0.0, 0.0, 0.8])


def test_likeness_costs_in_proportion() -> None:
    """At similarity 0.5 half of 0.85 is still more than 0.4."""
    features = [[1.0, 0.0], [0.5, 0.75**0.5], [0.0, 1.0]]
    assert rows(chosen([[0.9], [0.85], [0.4]], size=2, features=features)) == [(0, 0), (1, 0)]


def test_of_near_duplicates_one_alone_is_chosen() -> None:
    found = chosen([[0.9], [0.85], [0.8], [0.1]], size=4, near=[[0, 1], [1, 2]])
    assert rows(found) == [(0, 0), (2, 0), (3, 0)]


def test_the_random_share_is_drawn_by_chance_alone_and_spread_evenly() -> None:
    uncertain = [[0.9], [0.8], [0.7], [0.6], [0.0], [0.0], [0.0], [0.0]]
    chance = chances(9, 8, 7, 6, 5, 1, 2, 3)
    found = chosen(uncertain, size=6, random=2, chance=chance)
    assert rows(found) == [(0, 0), (5, None), (1, 0), (2, 0), (6, None), (3, 0)]


def test_a_random_row_may_be_an_uncertain_one_which_is_then_not_chosen_again() -> None:
    found = chosen([[0.9], [0.8], [0.1]], size=2, random=1, chance=chances(1, 2, 3))
    assert sorted(rows(found), key=str) == [(0, None), (1, 0)]


def test_near_duplicates_of_a_random_row_are_not_chosen() -> None:
    found = chosen([[0.0], [0.9], [0.1]], size=3, random=2, near=[[0, 1]], chance=chances(1, 2, 3))
    assert sorted(rows(found)) == [(0, None), (2, None)]


def test_all_can_be_random_or_none() -> None:
    uncertain = [[0.9], [0.8], [0.1]]
    assert [topic for _, topic in rows(chosen(uncertain, size=3, random=3))] == [None] * 3
    assert [topic for _, topic in rows(chosen(uncertain, size=3))] == [0] * 3


def test_fewer_rows_than_asked_for_are_all_chosen() -> None:
    assert sorted(row for row, _ in rows(chosen([[0.5], [0.4], [0.3]], size=9, random=2))) == [0, 1, 2]


@pytest.mark.parametrize(("share", "random"), [(0.0, 0), (0.2, 2), (0.25, 2), (1.0, 10)])
def test_the_random_share_is_rounded_to_whole_texts(share: float, random: int) -> None:
    assert Quotas.of(10, random_share=share, topics=2).random == random


def test_candidates_are_the_most_uncertain_of_each_topic_and_the_least_by_chance() -> None:
    quotas = Quotas(2, 0, 2)  # 20 a topic, and 20 by chance
    uncertain = np.zeros((100, 2))
    uncertain[:50, 0] = np.linspace(0.1, 0.9, 50)
    uncertain[60:80, 1] = 0.1
    kept = candidates(uncertain, np.arange(100, dtype=np.uint64)[::-1].copy(), quotas)
    assert np.flatnonzero(kept).tolist() == [*range(30, 50), *range(60, 100)]


def test_narrowing_part_by_part_leaves_the_same_candidates() -> None:
    generator = np.random.default_rng(3)
    quotas = Quotas(6, 2, 3)
    uncertain, chance = generator.random((3000, 3)).round(2), generator.permutation(3000).astype(np.uint64)
    at_once = set(np.flatnonzero(candidates(uncertain, chance, quotas)).tolist())
    held = np.zeros(0, int)
    for part in np.array_split(generator.permutation(3000), 13):
        held = np.concatenate([held, part])
        held = held[candidates(uncertain[held], chance[held], quotas)]
    assert set(held.tolist()) == at_once
    assert len(at_once) <= quotas.candidates


def test_of_equal_texts_the_first_is_a_candidate() -> None:
    kept = candidates(np.array([[0.5], [0.5], [0.5]]), chances(7, 7, 2), Quotas(1, 1, 1))
    assert kept.tolist() == [True, False, True]


def test_features_have_length_one_and_an_unknown_text_none() -> None:
    scorer = fitted().scorer(["a", "b"])
    found = unit_features(scorer, ["Sappers cleared landmines near the village.", "Qwxyz."])
    assert linalg.norm(found, axis=1) == pytest.approx([1.0, 0.0])
