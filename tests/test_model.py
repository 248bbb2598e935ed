from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import support
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

from pipeline.experiment import Trained
from pipeline.model.calibration import sigmoid
from pipeline.model.classifier import TopicClassifier
from pipeline.model.thresholds import Objective, fit_thresholds
from pipeline.text.tokenizer import Analyzer, words

Labelled = tuple[list[str], NDArray[np.bool_], list[str]]
PLAIN = {"analyzer": Analyzer(2, 0), "oov_weight": 0.0, "sentence_share": 0.0, "folds": 3, "jobs": 1}


def fitted_to(labelled: Labelled, **settings: Any) -> TopicClassifier:
    texts, labels, articles = labelled
    return TopicClassifier(**{"folds": 3, "jobs": 1, **settings}).fit(texts, labels, articles)


def tfidf() -> TfidfVectorizer:
    return TfidfVectorizer(
        tokenizer=words, token_pattern=None, lowercase=False, ngram_range=(1, 2), min_df=2, sublinear_tf=True
    )


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [
        ("linear_svc", LinearSVC(C=2.0, random_state=0)),
        ("logistic_regression", LogisticRegression(C=2.0, max_iter=1000, random_state=0)),
        ("ridge", RidgeClassifier(alpha=0.5, random_state=0)),
    ],
)
def test_margins_equal_a_scikit_learn_pipelines(labelled: Labelled, kind: str, estimator: Any) -> None:
    texts, labels, _ = labelled
    texts = [text.replace(". ", " ") for text in texts]  # one sentence each, so that n-grams run on in both
    model = fitted_to((texts, labels, labelled[2]), kind=kind, C=2.0, **PLAIN)
    vectorizer = tfidf()
    X = vectorizer.fit_transform(texts)
    expected = np.column_stack([clone(estimator).fit(X, y).decision_function(X) for y in labels.T])
    np.testing.assert_allclose(model.decision_function(texts), expected, rtol=0, atol=2e-3)
    assert sorted(model.vocabulary_) == sorted(vectorizer.get_feature_names_out())
    assert (np.diff(model.tfidf_.idf) >= 0).all()  # what is read most lies together


def test_predict_honours_the_fitted_thresholds(fitted: Trained) -> None:
    texts = [row.text for row in fitted.rows]
    scores = fitted.model.predict_proba(texts)
    model = clone(fitted.model).set_params(objective=Objective("recall", floor=1.0))
    model.__dict__.update({name: value for name, value in vars(fitted.model).items() if name.endswith("_")})
    np.testing.assert_array_equal(model.predict(texts), scores >= fitted.model.thresholds_)
    model.thresholds_ = np.array([0.0, 0.999999, 2.0])
    given = model.predict(texts)
    assert given[:, 0].all()
    assert not given[:, 2].any()


def test_thresholds_are_those_of_the_out_of_fold_scores(fitted: Trained) -> None:
    model = fitted.model
    expected = fit_thresholds(model.oof_scores_, fitted.labels, model.objective)
    np.testing.assert_array_equal(model.thresholds_, expected)
    assert not np.allclose(model.thresholds_, 0.5)


def test_out_of_fold_scores_are_of_models_fitted_on_the_other_folds_alone(labelled: Labelled) -> None:
    texts, labels, articles = labelled
    texts = [text.replace(". ", " ") for text in texts]
    model = fitted_to((texts, labels, articles), kind="logistic_regression", **PLAIN)
    for fold in range(3):
        taught = [text for text, other in zip(texts, model.fold_ != fold, strict=True) if other]
        held_out = [text for text, other in zip(texts, model.fold_ == fold, strict=True) if other]
        vectorizer = tfidf().fit(taught)
        for column, y in enumerate(labels[model.fold_ != fold].T):
            learned = LogisticRegression(C=1.0, max_iter=1000).fit(vectorizer.transform(taught), y)
            margins = learned.decision_function(vectorizer.transform(held_out))
            expected = sigmoid(model.slope_[column] * margins + model.offset_[column])
            np.testing.assert_allclose(model.oof_scores_[model.fold_ == fold, column], expected, atol=2e-3)


def test_rows_of_one_group_share_a_fold(fitted: Trained) -> None:
    folds: dict[str, set[int]] = {}
    for row, fold in zip(fitted.rows, fitted.model.fold_, strict=True):
        folds.setdefault(row.article, set()).add(int(fold))
    assert all(len(found) == 1 for found in folds.values())
    assert set(fitted.model.fold_.tolist()) == {0, 1, 2}


def test_a_topic_absent_from_a_fold_is_masked(labelled: Labelled) -> None:
    texts, labels, articles = labelled
    everywhere = fitted_to(labelled)
    labels = labels.copy()
    labels[:, 2] &= np.array(articles) == "a001"  # one article: its own fold cannot learn it
    assert labels[:, 2].any()
    model = fitted_to((texts, labels, articles))
    (fold,) = {int(model.fold_[index]) for index, article in enumerate(articles) if article == "a001"}
    held_out = model.fold_ == fold
    assert np.isnan(model.oof_scores_[held_out, 2]).all()
    assert np.isfinite(model.oof_scores_[~held_out]).all()
    assert not model.oof_labels_[held_out, 2].any()
    assert np.isfinite(model.thresholds_).all()
    np.testing.assert_array_equal(model.oof_scores_[:, :2], everywhere.oof_scores_[:, :2])
    assert np.isfinite(model.predict_proba(texts)).all()


def test_rows_without_topic_are_trained_on(labelled: Labelled) -> None:
    texts, labels, articles = labelled
    none = ~labels.any(1)
    kept = [index for index in range(len(texts)) if not none[index]]
    without = fitted_to(([texts[i] for i in kept], labels[kept], [articles[i] for i in kept]))
    model = fitted_to(labelled)
    assert (model.decision_function(texts) != without.decision_function(texts)).any()
    assert model.oof_scores_.shape == labels.shape
    assert model.predict_proba([texts[i] for i in np.flatnonzero(none)]).mean() < 0.3


@pytest.mark.parametrize("text", ["", "!!!", "qqq www xxx", "\u5e73\u548c"])
def test_a_text_without_a_known_term_gets_no_topic(fitted: Trained, text: str) -> None:
    assert (
        sigmoid(fitted.model.slope_ * 0 + fitted.model.offset_) > 0
    ).all()  # what the intercept alone would say
    np.testing.assert_array_equal(fitted.model.predict_proba([text]), 0.0)
    assert not fitted.model.predict([text]).any()


@pytest.mark.parametrize("kind", ["linear_svc", "logistic_regression", "ridge"])
def test_same_seed_and_data_are_bit_equal_on_any_number_of_jobs(labelled: Labelled, kind: str) -> None:
    first, second = fitted_to(labelled, kind=kind, seed=3, jobs=1), fitted_to(labelled, kind=kind, seed=3, jobs=2)
    assert first.vocabulary_.strings == second.vocabulary_.strings
    for name in ("slope_", "offset_", "thresholds_", "oof_scores_", "oof_labels_", "fold_"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)
    one, other = (model.scorer(["a", "b", "c"]) for model in (first, second))
    for name in ("weights", "intercept", "slope", "offset", "thresholds"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_counts_large_enough_to_be_shared_by_memory_map_are_fitted_in_parallel() -> None:
    rows = support.made_rows(750, prefix="m", writer="m", seed=4)
    texts, articles = [row["text"] for row in rows], [row["article"] for row in rows]
    labels = np.array([["bridge" in row["topics"]] for row in rows])
    kinds: dict[str, Any] = {"kind": "logistic_regression", "folds": 2, "sentence_share": 0.0}
    shared = TopicClassifier(**kinds, jobs=2).fit(texts, labels, articles)
    alone = TopicClassifier(**kinds, jobs=1).fit(texts, labels, articles)
    np.testing.assert_array_equal(shared.oof_scores_, alone.oof_scores_)


def test_the_settings_reach_the_classifier(labelled: Labelled) -> None:
    texts = labelled[0]
    base = fitted_to(labelled).decision_function(texts)
    changes: list[dict[str, Any]] = [
        {"C": 30.0},
        {"class_weight": "balanced"},
        {"min_df": 5},
        {"sublinear": False},
        {"oov_weight": 0.0},
        {"sentence_share": 0.0},
        {"kind": "ridge"},
        {"analyzer": Analyzer(1, 0)},
    ]
    for change in changes:
        assert not np.allclose(fitted_to(labelled, **change).decision_function(texts), base), change


def test_it_follows_scikit_learns_grammar(labelled: Labelled) -> None:
    model = TopicClassifier(C=3.0, seed=4)
    assert clone(model).get_params()["C"] == 3.0
    with pytest.raises(NotFittedError):
        model.predict(["text"])
    with pytest.raises(NotFittedError):
        model.scorer(["a"])
    assert model.set_params(folds=3, jobs=1).fit(*labelled) is model
    assert model.predict_proba(["an old bridge"]).shape == (1, 3)


def test_progress_is_told_to_its_end(labelled: Labelled) -> None:
    told: list[tuple[int, int]] = []
    keep: Callable[[int, int], None] = lambda done, total: told.append((done, total))  # noqa: E731
    TopicClassifier(folds=3, jobs=1).fit(*labelled, progress=keep)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("value", [True, False])
def test_a_constant_topic_is_refused(labelled: Labelled, *, value: bool) -> None:
    texts, labels, articles = labelled
    labels = labels.copy()
    labels[:, 1] = value
    with pytest.raises(ValueError, match="every topic needs"):
        fitted_to((texts, labels, articles))


def test_topics_are_found_in_articles_not_trained_on(fitted: Trained) -> None:
    texts = [
        "A pawn took the knight and the grandmaster resigned.",
        "Pruning helps apple and pear trees before harvest.",
    ]
    given = fitted.model.predict([*texts, "The council opened the window and read a letter."])
    np.testing.assert_array_equal(given, [[False, False, True], [False, True, False], [False] * 3])
