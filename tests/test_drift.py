import numpy as np
import pytest

from pipeline.evaluation.drift import (
    BINS,
    Edges,
    Paragraphs,
    Sums,
    article_sums,
    binned,
    check_names,
    columns,
    micro_f1,
    permutation_test,
    resampled,
    stability_index,
    statistics,
)

NAMES = check_names(["one", "two"])


def made(rng: np.random.Generator, articles: int, *, high: float = 0.1, length: float = 30.0) -> tuple:
    """Make articles of five paragraphs that are alike, a share of them with a high score for the first topic."""
    of = np.repeat(np.arange(articles), 5)
    about = rng.random(articles) < high
    scores = np.column_stack([np.where(about[of], 0.9, 0.1), rng.random(len(of)) / 4])
    words = rng.poisson(length, len(of)).astype(float)
    terms, capitals = 3 * words, rng.binomial((5 * words).astype(int), 0.05).astype(float)
    facts = Paragraphs(
        scores,
        scores >= 0.5,
        words,
        5 * words,
        capitals,
        0 * words,
        terms,
        terms // 10,
    )
    return facts, of


def sums(rng: np.random.Generator, articles: int, edges: Edges, **how: float) -> Sums:
    facts, of = made(rng, articles, **how)
    return article_sums(facts, of, np.zeros(articles, bool), edges)


@pytest.fixture(scope="module")
def edges() -> Edges:
    return made(np.random.default_rng(0), 400)[0].edges()


def test_an_article_has_the_sums_of_its_paragraphs() -> None:
    scores = np.array([[0.9, 0.2], [0.1, 0.6], [0.4, 0.0]])
    one = np.ones(3)
    facts = Paragraphs(scores, scores >= 0.5, 10 * one, 40 * one, 2 * one, one * [0, 1, 0], 20 * one, 3 * one)
    found = article_sums(facts, np.array([1, 0, 1]), np.array([True, False]), facts.edges())
    assert found.values.shape == (2, columns(2))
    assert found["articles"].tolist() == [1, 1]
    assert found["foreign"].tolist() == [1, 0]
    assert found["paragraphs"].tolist() == [1, 2]
    assert (found["words"].tolist(), found["terms"].tolist()) == ([10, 20], [20, 40])
    assert (found["damaged"].tolist(), found["oov"].tolist()) == ([1, 0], [3, 6])
    assert found["assigned"].tolist() == [[0, 1, 0], [1, 0, 1]]
    assert found["hits"][1] == pytest.approx([0.9, 0.0, 0.6])  # the last is of none: 0.6 * 1.0
    assert found["misses"][1] == pytest.approx([0.4, 0.2, 0.1 * 0.8])
    assert found["bins/0"].sum(1).tolist() == found["lengths"].sum(1).tolist() == [1, 2]


def test_deciles_part_a_sample_in_ten() -> None:
    facts, _ = made(np.random.default_rng(1), 400)
    counts = np.bincount(binned(facts.scores[:, 1], facts.edges().scores[1]), minlength=BINS)
    assert counts.tolist() == [200] * 10


def test_the_stability_index_is_nought_for_equal_shares_and_known_for_others() -> None:
    same = np.array([[20.0, 40.0, 60.0]])
    assert stability_index(same, same) == pytest.approx([0.0])
    found = stability_index(np.array([[99.5, 99.5]]), np.array([[149.5, 49.5]]))
    assert found == pytest.approx([0.25 * np.log(1.5) - 0.25 * np.log(0.5)])


def test_there_is_a_statistic_for_every_name(edges: Edges) -> None:
    rng = np.random.default_rng(2)
    found = statistics(*(sums(rng, 20, edges).total(np.ones((3, 20))) for _ in range(2)))
    assert found.shape == (3, len(NAMES))
    assert np.isfinite(found).all()


def test_a_change_is_found_where_it_is(edges: Edges) -> None:
    rng = np.random.default_rng(3)
    before = sums(rng, 150, edges)
    for name, how in (("rate/one", {"high": 0.4}), ("length", {"length": 60.0})):
        p_values = dict(
            zip(NAMES, permutation_test(before, sums(rng, 100, edges, **how), random_state=1), strict=True)
        )
        assert p_values[name] <= 0.02
        assert p_values["damage"] == 1.0
        assert p_values["casing"] > 0.05


def test_false_alarms_are_at_most_as_many_as_the_level_says(edges: Edges) -> None:
    rng, alarms = np.random.default_rng(4), 0
    for draw in range(200):
        first, second = (sums(rng, size, edges) for size in (60, 40))
        alarms += int((permutation_test(first, second, random_state=draw, n_permutations=99) <= 0.05).any())
    assert alarms <= 18  # of 200 at 5 % in truth, 18 or fewer in 99 % of cases


def test_of_equal_samples_nothing_is_sure(edges: Edges) -> None:
    same = sums(np.random.default_rng(5), 50, edges)
    assert (permutation_test(same, same, random_state=1, n_permutations=199) > 0.5).all()


def test_resamples_draw_whole_articles_and_begin_with_the_sample(edges: Edges) -> None:
    found = sums(np.random.default_rng(6), 30, edges)
    drawn = resampled(found, random_state=1, n_resamples=70)
    assert drawn.values.shape == (71, columns(2))
    assert drawn["paragraphs"].tolist() == [150.0] * 71
    np.testing.assert_allclose(drawn.values[0], found.values.sum(0))
    assert set((drawn["assigned"][:, 0] % 5).tolist()) == {0.0}
    np.testing.assert_array_equal(drawn.values, resampled(found, random_state=1, n_resamples=70).values)


def test_many_paragraphs_are_summed_in_blocks_as_few_are() -> None:
    facts, of = made(np.random.default_rng(7), 2500)
    edges = facts.edges()
    found = article_sums(facts, of, np.zeros(2500, bool), edges)
    few = facts.__class__(*(getattr(facts, name)[-50:] for name in Paragraphs.__dataclass_fields__))
    last = article_sums(few, of[-50:] - of[-50], np.zeros(10, bool), edges)
    np.testing.assert_allclose(found.values[-10:], last.values)


def test_expected_f1_of_nothing_is_nought() -> None:
    assert micro_f1(Sums(1, np.zeros((1, columns(1))))).tolist() == [0.0]
