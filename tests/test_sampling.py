"""Drawing whole articles for a test set."""

import numpy as np
import pytest

from pipeline.data.sampling import draw_articles

LABELS = np.array([[True, False], [False, True], [False, False], [True, False]])


def counted(articles, labels, drawn):
    rows = np.isin(articles, list(drawn))
    return (*labels[rows].sum(0).tolist(), int((~labels[rows].any(1)).sum()), int(rows.sum()))


@pytest.mark.parametrize("random_state", range(5))
def test_a_share_of_even_articles_has_its_share_of_every_label(random_state):
    articles = [f"a{index // 4}" for index in range(80)]
    labels = np.tile(LABELS, (20, 1))
    drawn = draw_articles(articles, labels, share=0.25, random_state=random_state)
    assert counted(articles, labels, drawn) == (10, 5, 5, 20)


def test_topics_that_stand_in_few_articles_are_in_both_parts():
    articles = [f"a{index // 4}" for index in range(80)]
    labels = np.zeros((80, 2), bool)
    labels[::4, 0] = True
    labels[[1, 41], 1] = True  # in two articles of twenty
    drawn = draw_articles(articles, labels, share=0.3, random_state=2)
    assert counted(articles, labels, drawn) == (6, 1, 17, 24)


def test_the_seed_decides_between_equals_and_the_order_of_rows_does_not():
    articles = [f"a{index // 4}" for index in range(80)]
    labels = np.tile(LABELS, (20, 1))
    drawn = [draw_articles(articles, labels, share=0.2, random_state=seed) for seed in range(4)]
    assert len(set(map(frozenset, drawn))) > 1
    assert draw_articles(articles[::-1], labels[::-1], share=0.2, random_state=0) == drawn[0]


@pytest.mark.parametrize(
    ("articles", "has", "expected"),
    [
        (["a", "b", "c"], [1, 1, 0], {"a", "b", "c"}),  # one of the three, whichever it is
        (["a", "b", "c"], [1, 0, 0], {"b", "c"}),  # the topic's only article stays
        (["a", "b"], [1, 1], set()),  # cross-validation needs two
        (["a", "a", "a"], [1, 0, 1], set()),
        ([], [], set()),
    ],
)
def test_training_keeps_two_articles_and_one_with_each_topic(articles, has, expected):
    labels = np.array(has, bool).reshape(-1, 1)
    for seed in range(20):
        drawn = draw_articles(articles, labels, share=0.01, random_state=seed)
        assert drawn <= expected
        assert len(drawn) == min(1, len(expected))


def test_no_share_leaves_less_than_two_articles():
    labels = np.tile([[True], [False]], (5, 1))
    assert len(draw_articles([str(n) for n in range(10)], labels, share=0.99, random_state=1)) == 8


def test_a_topics_only_article_stays_however_large_the_share():
    articles = [*"aaaaaaaa", *"bbccdd"]
    labels = np.array([[True]] * 8 + [[False]] * 6)
    drawn = draw_articles(articles, labels, share=0.9, random_state=1)
    assert len(drawn) == 2
    assert drawn < {"b", "c", "d"}
