"""Kappa and alpha as other implementations compute them, with weights as rows that are there several times."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from pipeline.evaluation.agreement import (
    cohen_kappa,
    krippendorff_alpha,
    masi_distance,
    nominal_distance,
    value_counts,
)
from pipeline.evaluation.bootstrap import article_weights

_ = np.nan
CODED = {  # alphas by the package krippendorff 0.9.0
    -0.2222222222222221: [[1, 1, 0, 1, 0, 1, 1, _, 1, _, 0, _], [1, 0, _, 0, 0, _, 0, _, 0, 1, _, 0]],
    0.019607843137255054: [
        [0, _, 0, 0, 0, 0, _, 1, _, 0],
        [0, 1, 1, _, 0, 0, 0, 1, 1, 1],
        [0, 1, 1, _, 1, 0, 0, 1, 1, 0],
        [1, 1, _, 0, 1, 1, 1, 0, 0, _],
    ],
    0.11111111111111116: [
        [1, 1, 0, _, _, _, _, _, _, _, 1, 1, 1, 0, 0, 1, 1, 0, 1, 0],
        [1, 1, _, 0, 1, 1, 1, 0, 0, _, _, 0, 1, 0, _, 0, 1, 0, 0, 1],
        [0, 1, 0, _, 0, 0, _, 1, 0, 1, _, 0, _, _, _, _, 1, _, 1, _],
    ],
    0.691358024691358: [
        [_, _, _, _, _, 3, 4, 1, 2, 1, 1, 3, 3, _, 3],
        [1, _, 2, 1, 3, 3, 4, 3, _, _, _, _, _, _, _],
        [_, _, 2, 1, 3, 4, 4, _, 2, 1, 1, 3, 3, _, 4],
    ],
}


def counts(coded):
    table = np.array(coded, float)
    return np.column_stack([(table == value).sum(0) for value in np.unique(table[~np.isnan(table)])]).astype(float)


def one(n):
    return np.ones((1, n))


def test_kappa_is_scikit_learns():
    chance = np.random.default_rng(3)
    first, second = chance.random((60, 3)) < 0.4, chance.random((60, 3)) < 0.3
    weights = article_weights([str(row // 3) for row in range(60)], random_state=1, n_resamples=20)
    expected = [
        [cohen_kappa_score(first[:, topic], second[:, topic], sample_weight=row) for topic in range(3)]
        for row in weights
    ]
    np.testing.assert_allclose(cohen_kappa(first, second, weights), expected, atol=1e-12)


def test_kappa_is_undefined_without_rows_and_where_both_say_one_thing():
    yes, no = np.ones((4, 1), bool), np.zeros((4, 1), bool)
    assert np.isnan(cohen_kappa(yes, yes, one(4))).all()
    assert np.isnan(cohen_kappa(no, no, one(4))).all()
    assert np.isnan(cohen_kappa(yes[:0], yes[:0], one(0))).all()
    assert cohen_kappa(yes, no, one(4)).tolist() == [[0.0]]


@pytest.mark.parametrize("alpha", CODED)
def test_alpha_is_that_of_another_implementation(alpha):
    found = counts(CODED[alpha])
    distance = nominal_distance(found.shape[1])
    assert krippendorff_alpha(found, distance, one(len(found))).tolist() == pytest.approx([alpha])


def test_a_weight_is_a_row_that_is_there_so_often():
    found = counts(CODED[0.691358024691358])
    weights = np.array([1, 2, 0, 1, 3, 1, 1, 0, 1, 1, 1, 2, 1, 1, 1.0])
    repeated = found[np.repeat(np.arange(15), weights.astype(int))]
    distance = nominal_distance(found.shape[1])
    expected = krippendorff_alpha(repeated, distance, one(len(repeated)))
    np.testing.assert_allclose(krippendorff_alpha(found, distance, weights[None]), expected)


def test_alpha_is_undefined_where_there_is_one_value_or_nobody_labelled_twice():
    distance = nominal_distance(2)
    assert np.isnan(krippendorff_alpha(np.array([[2.0, 0], [3, 0]]), distance, one(2))).all()
    assert np.isnan(krippendorff_alpha(np.array([[1.0, 0], [0, 1]]), distance, one(2))).all()
    assert krippendorff_alpha(np.array([[2.0, 0], [0, 2]]), distance, one(2)).tolist() == [1.0]


def test_the_distance_of_sets_gives_credit_for_what_they_share():
    sets = [frozenset(letters) for letters in ("", "a", "ab", "bc")]
    expected = [[0, 1, 1, 1], [1, 0, 2 / 3, 1], [1, 2 / 3, 0, 8 / 9], [1, 1, 8 / 9, 0]]
    np.testing.assert_allclose(masi_distance(sets), expected)


def test_alpha_of_sets_is_that_of_another_implementation():
    rows = [["a", "ab", "a"], ["b", "b"], ["abc", "bc", "bc"], ["c", "a"], ["ac", "bc"]]
    sets = sorted({frozenset(found) for row in rows for found in row}, key=sorted)
    table = np.array([[sum(frozenset(found) == each for found in row) for each in sets] for row in rows], float)
    alpha = krippendorff_alpha(table, masi_distance(sets), one(5))
    assert alpha.tolist() == pytest.approx([0.2968036529680368])  # by nltk 3.10.4


def test_values_are_counted_of_those_who_gave_one():
    labels = np.array([[True, False, True], [True, True, False], [False, False, True]])
    given = np.array([[True, True, True], [True, True, False], [True, False, False]])
    assert value_counts(labels, given).tolist() == [[1, 2], [1, 1], [0, 1]]
