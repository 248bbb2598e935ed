from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import support
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import make_scorer, matthews_corrcoef
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import check_estimator

from pipeline.model.calibration import sigmoid
from pipeline.model.classifier import BALANCED, TopicClassifier
from pipeline.model.linear import Features
from pipeline.model.thresholds import Objective, fit_thresholds
from pipeline.steps.experiment import Trained
from pipeline.text.tokenizer import words
from pipeline.text.vectorizer import TopicVectorizer

Labelled = tuple[list[str], NDArray[np.bool_], list[str]]
PLAIN: dict[str, Any] = {
    "prefix_length": 0,
    "oov_weight": 0.0,
    "pivot_slope": 1.0,
    "nb_exponent": 0.0,
    "sentence_weight": 0.0,
}
TEXTS = [
    "A pawn took the knight and the grandmaster resigned.",
    "Pruning helps apple and pear trees before harvest.",
    "The council opened the window and read a letter.",
]


def fitted_to(labelled: Labelled, **params: Any) -> TopicClassifier:
    texts, y, articles = labelled
    return TopicClassifier(**{"cv": 3, **params}).fit(texts, y, articles)


def tfidf() -> TfidfVectorizer:
    return TfidfVectorizer(
        tokenizer=words, token_pattern=None, lowercase=False, ngram_range=(1, 2), min_df=2, sublinear_tf=True
    )


def one_sentence_each(labelled: Labelled) -> Labelled:
    """Let n-grams run on as in scikit-learn's vectorizer, which knows no sentences."""
    texts, y, articles = labelled
    return [text.replace(". ", " ") for text in texts], y, articles


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [
        ("linear_svc", LinearSVC(C=2.0, random_state=0)),
        ("logistic_regression", LogisticRegression(C=2.0, max_iter=1000, random_state=0)),
        ("ridge", RidgeClassifier(alpha=0.5, random_state=0)),
    ],
)
def test_decision_values_equal_a_scikit_learn_pipelines(labelled: Labelled, kind: str, estimator: Any) -> None:
    texts, y, articles = one_sentence_each(labelled)
    model = fitted_to((texts, y, articles), kind=kind, C=2.0, **PLAIN)
    vectorizer = tfidf()
    X = vectorizer.fit_transform(texts)
    expected = np.column_stack([clone(estimator).fit(X, column).decision_function(X) for column in y.T])
    features = Features.of(model.vocabulary_.count(texts), model.tfidf_)
    found = np.column_stack([topic.decide(features)[:, 0] for topic in model.topic_models_])
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)
    np.testing.assert_allclose(
        model.decision_function(texts), model.evidence_coef_[0] * found + model.intercept_, atol=1e-9
    )
    assert sorted(model.vocabulary_) == sorted(vectorizer.get_feature_names_out())
    assert (np.diff(model.tfidf_.idf) >= 0).all()  # what is read most lies together


def test_log_count_ratios_scale_the_features(labelled: Labelled) -> None:
    texts, y, articles = one_sentence_each(labelled)
    params = {**PLAIN, "nb_exponent": 0.5, "kind": "logistic_regression"}
    model = fitted_to((texts, y, articles), **params)
    vectorizer = tfidf()
    X = vectorizer.fit_transform(texts).toarray()
    with_topic, without = (X[y[:, 0]] > 0).sum(0) + 1, (X[~y[:, 0]] > 0).sum(0) + 1
    ratio = np.abs(np.log(with_topic / with_topic.sum()) - np.log(without / without.sum())) ** 0.5
    scaled = X * (ratio / np.sqrt((ratio**2).mean()))
    expected = LogisticRegression(max_iter=1000, random_state=0).fit(scaled, y[:, 0]).decision_function(scaled)
    features = Features.of(model.vocabulary_.count(texts), model.tfidf_)
    np.testing.assert_allclose(model.topic_models_[0].decide(features)[:, 0], expected, atol=2e-3)


def test_decision_values_of_text_and_best_sentence_are_averaged_by_the_sentence_weight(labelled: Labelled) -> None:
    texts = labelled[0]
    model = fitted_to(labelled, sentence_weight=0.25)
    features = Features.of(model.vocabulary_.count(texts), model.tfidf_)
    found = model.topic_models_[1]
    by_sentence = features.sentences @ found.weights + found.intercept
    best = [by_sentence[start:stop].max() for start, stop in pairwise(features.starts)]
    values = 0.75 * (features.wholes @ found.weights + found.intercept) + 0.25 * np.array(best)
    slope = model.evidence_coef_[:, 1].sum()
    np.testing.assert_allclose(model.evidence_coef_[:, 1], [0.75 * slope, 0.25 * slope])
    np.testing.assert_allclose(
        model.decision_function(texts)[:, 1], slope * values + model.intercept_[1], atol=1e-9
    )
    assert (np.array(best) > features.wholes @ found.weights + found.intercept).any()


def test_rows_are_divided_by_the_pivoted_norm(labelled: Labelled) -> None:
    texts = labelled[0]
    plain, pivoted = (fitted_to(labelled, **{**PLAIN, "pivot_slope": slope}) for slope in (1.0, 0.25))
    norms = TopicVectorizer(prefix_length=0, oov_weight=0.0, pivot_slope=0.25).fit(texts).tfidf_
    assert pivoted.tfidf_.pivot == pytest.approx(norms.pivot)
    one_word, sentence = "bridge", "bridge viaduct girder pier arch"
    ratio = [m.decision_function([one_word])[0, 0] - m.intercept_[0] for m in (pivoted, plain)]
    longer = [m.decision_function([sentence])[0, 0] - m.intercept_[0] for m in (pivoted, plain)]
    assert ratio[0] / longer[0] < ratio[1] / longer[1]  # one word says less than with plain norms


def test_predict_is_an_indicator_matrix_at_the_balanced_thresholds(fitted: Trained) -> None:
    texts = [row.text for row in fitted.rows]
    model = clone(fitted.model)
    model.__dict__.update({name: value for name, value in vars(fitted.model).items() if name.endswith("_")})
    scores = model.predict_proba(texts)
    given = model.predict(texts)
    assert given.dtype == np.int64
    np.testing.assert_array_equal(given, scores >= model.thresholds_[BALANCED])
    model.thresholds_ = {**model.thresholds_, BALANCED: scores[0]}
    assert model.predict(texts[:1]).tolist() == [[1, 1, 1]]  # at the threshold is enough
    model.thresholds_ = {**model.thresholds_, BALANCED: np.array([0.0, 0.999999, 2.0])}
    assert model.predict(texts)[:, 0].all()
    assert not model.predict(texts)[:, 2].any()


def test_thresholds_are_those_of_the_out_of_fold_scores_by_operating_point(labelled: Labelled) -> None:
    model = fitted_to(labelled, prevalence=0.9)
    assert list(model.thresholds_) == ["precision", "balanced", "recall"]
    for name, prevalence in {"precision": 0.9, "balanced": 0.75, "recall": 0.5}.items():
        objective = Objective("f1", prevalence=prevalence, shrinkage=20.0)
        expected = fit_thresholds(model.oof_scores_, labelled[1], objective)
        np.testing.assert_array_equal(model.thresholds_[name], expected)
    assert not np.allclose(model.thresholds_[BALANCED], 0.5)


def test_out_of_fold_labels_are_decided_by_thresholds_from_the_other_folds(labelled: Labelled) -> None:
    y = labelled[1]
    objective = Objective("cost", cost_ratio=1.0)  # lies close to single scores, so that each fold moves it
    model = fitted_to(labelled, operating_points={BALANCED: objective}, C=0.01, kind="logistic_regression")
    leaking = model.oof_scores_ >= fit_thresholds(model.oof_scores_, y, objective)
    expected = np.zeros_like(y)
    for fold in range(3):
        held_out = model.fold_ == fold
        thresholds = fit_thresholds(model.oof_scores_[~held_out], y[~held_out], objective)
        expected[held_out] = model.oof_scores_[held_out] >= thresholds
    np.testing.assert_array_equal(model.oof_labels_, expected)
    assert (expected != leaking).any()


def test_out_of_fold_scores_are_of_models_fitted_on_the_other_folds_alone(labelled: Labelled) -> None:
    texts, y, articles = one_sentence_each(labelled)
    model = fitted_to((texts, y, articles), kind="logistic_regression", **PLAIN)
    for fold in range(3):
        taught = [text for text, other in zip(texts, model.fold_ != fold, strict=True) if other]
        held_out = [text for text, other in zip(texts, model.fold_ == fold, strict=True) if other]
        vectorizer = tfidf().fit(taught)
        for column, labels in enumerate(y[model.fold_ != fold].T):
            learned = LogisticRegression(C=1.0, max_iter=1000).fit(vectorizer.transform(taught), labels)
            values = learned.decision_function(vectorizer.transform(held_out))
            expected = sigmoid(model.evidence_coef_[0, column] * values + model.intercept_[column])
            np.testing.assert_allclose(model.oof_scores_[model.fold_ == fold, column], expected, atol=2e-3)


def test_texts_of_one_group_share_a_fold(fitted: Trained) -> None:
    folds: dict[str, set[int]] = {}
    for row, fold in zip(fitted.rows, fitted.model.fold_, strict=True):
        folds.setdefault(row.article, set()).add(int(fold))
    assert all(len(found) == 1 for found in folds.values())
    assert set(fitted.model.fold_.tolist()) == {0, 1, 2}


def test_a_topic_absent_from_a_fold_is_masked(labelled: Labelled) -> None:
    texts, y, articles = labelled
    everywhere = fitted_to(labelled)
    y = y.copy()
    y[:, 2] &= np.array(articles) == "a001"  # one article: its own fold cannot learn it
    assert y[:, 2].any()
    model = fitted_to((texts, y, articles))
    (fold,) = {int(model.fold_[index]) for index, article in enumerate(articles) if article == "a001"}
    held_out = model.fold_ == fold
    assert np.isnan(model.oof_scores_[held_out, 2]).all()
    assert np.isfinite(model.oof_scores_[~held_out]).all()
    assert not model.oof_labels_[held_out, 2].any()
    assert np.isfinite(model.thresholds_[BALANCED]).all()
    np.testing.assert_array_equal(model.oof_scores_[:, :2], everywhere.oof_scores_[:, :2])
    assert np.isfinite(model.predict_proba(texts)).all()


def test_texts_without_topic_are_trained_on(labelled: Labelled) -> None:
    texts, y, articles = labelled
    none = ~y.any(1)
    kept = [index for index in range(len(texts)) if not none[index]]
    without = fitted_to(([texts[i] for i in kept], y[kept], [articles[i] for i in kept]))
    model = fitted_to(labelled)
    assert (model.decision_function(texts) != without.decision_function(texts)).any()
    assert model.oof_scores_.shape == y.shape
    assert model.predict_proba([texts[i] for i in np.flatnonzero(none)]).mean() < 0.3


def test_a_higher_prevalence_lowers_the_scores(labelled: Labelled) -> None:
    texts = ["The council met near the old bridge on Monday evening."]
    usual, rare = (fitted_to(labelled, prevalence=share, C=0.02).predict_proba(texts) for share in (0.5, 0.98))
    assert rare[0, 0] < usual[0, 0]


@pytest.mark.parametrize("text", ["", "!!!", "qqq www xxx", "\u5e73\u548c"])
def test_a_text_without_a_known_term_gets_no_topic(fitted: Trained, text: str) -> None:
    np.testing.assert_array_equal(fitted.model.predict_proba([text]), 0.0)
    assert not fitted.model.predict([text]).any()


@pytest.mark.parametrize("kind", ["linear_svc", "logistic_regression", "ridge"])
def test_same_seed_and_data_are_bit_equal_on_any_number_of_jobs(labelled: Labelled, kind: str) -> None:
    first, second = (fitted_to(labelled, kind=kind, random_state=3, n_jobs=jobs) for jobs in (1, 2))
    assert first.vocabulary_.strings == second.vocabulary_.strings
    for name in ("evidence_coef_", "intercept_", "oof_scores_", "oof_labels_", "fold_"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)
    one, other = (model.scorer(["a", "b", "c"]) for model in (first, second))
    for name in ("weights", "intercept", "text_coef", "sentence_coef", "thresholds"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_the_seed_deals_the_folds(labelled: Labelled) -> None:
    first, again, second = (fitted_to(labelled, random_state=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.fold_, again.fold_)
    assert (first.fold_ != second.fold_).any()
    assert (first.oof_scores_ != second.oof_scores_).any()


@pytest.mark.parametrize(
    "change",
    [
        {"C": 30.0},
        {"class_weight": "balanced"},
        {"min_df": 5},
        {"sublinear_tf": False},
        {"oov_weight": 1.0},
        {"pivot_slope": 1.0},
        {"nb_exponent": 0.0},
        {"sentence_weight": 0.0},
        {"kind": "ridge"},
        {"ngram_range": (1, 1)},
        {"prefix_length": 0},
        {"prevalence": 0.95},
    ],
)
def test_every_parameter_reaches_the_model(labelled: Labelled, change: dict[str, Any]) -> None:
    texts = labelled[0]
    base = fitted_to(labelled).decision_function(texts)
    assert not np.allclose(fitted_to(labelled, **change).decision_function(texts), base)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kind": "forest"}, "kind is 'forest', expected one of 'logistic_regression', 'linear_svc', 'ridge'"),
        ({"C": 0.0}, "C is 0.0, expected a number above 0"),
        ({"min_df": 0}, "min_df is 0, expected an integer of 1 or more"),
        ({"min_df": 1.5}, "min_df is 1.5, expected an integer of 1 or more"),
        ({"oov_weight": -0.5}, "oov_weight is -0.5, expected a number of 0 or more"),
        ({"class_weight": "heavy"}, "class_weight is 'heavy', expected one of 'balanced', None"),
        ({"sentence_weight": 1.5}, "sentence_weight is 1.5, expected a number from 0 to 1"),
        ({"pivot_slope": 0.0}, "pivot_slope is 0.0, expected a number above 0, to 1"),
        ({"nb_exponent": -1}, "nb_exponent is -1, expected a number of 0 or more"),
        ({"prevalence": 1.0}, "prevalence is 1.0, expected a number above 0 and below 1"),
        ({"cv": 1}, "cv is 1, expected an integer of 2 or more"),
        ({"cv": 2.5}, "cv is 2.5"),
        ({"random_state": -1}, "random_state is -1"),
        ({"random_state": 2**32}, "random_state is 4294967296"),
        ({"random_state": 0.5}, "random_state is 0.5"),
        ({"ngram_range": (1, -1)}, "the end of ngram_range is -1, expected an integer from 1 to 4"),
        ({"prefix_length": -1}, "prefix_length is -1"),
        ({"operating_points": {"strict": Objective()}}, "operating_points are strict, expected 'balanced'"),
    ],
)
def test_a_parameter_out_of_range_is_a_value_error(
    labelled: Labelled, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fitted_to(labelled, **params)


@pytest.mark.parametrize("params", [{"min_df": 1}, {"random_state": 2**32 - 1}, {"cv": 30}])
def test_a_parameter_at_the_end_of_its_range_is_taken(labelled: Labelled, params: dict[str, Any]) -> None:
    assert fitted_to(labelled, **params).get_params().items() >= params.items()  # there are 30 articles


def test_defaults_are_those_documented() -> None:
    assert TopicClassifier().get_params() == {
        "ngram_range": (1, 2),
        "prefix_length": 5,
        "min_df": 2,
        "sublinear_tf": True,
        "oov_weight": 0.0,
        "pivot_slope": 0.75,
        "nb_exponent": 0.5,
        "sentence_weight": 0.5,
        "kind": "linear_svc",
        "C": 1.0,
        "class_weight": None,
        "prevalence": None,
        "operating_points": None,
        "cv": 5,
        "random_state": 0,
        "n_jobs": None,
    }


def test_scikit_learn_is_told_of_texts_and_several_labels_a_text() -> None:
    tags = get_tags(TopicClassifier())
    taken = tags.input_tags
    assert (taken.string, taken.one_d_array, taken.two_d_array) == (True, True, False)
    assert (tags.classifier_tags.multi_label, tags.classifier_tags.multi_class) == (True, False)
    assert (tags.target_tags.two_d_labels, tags.target_tags.multi_output) == (True, True)


def test_labels_that_are_no_indicator_matrix_are_refused(labelled: Labelled) -> None:
    texts, y, articles = labelled
    for wrong, message in [
        (y[:, 0], r"y is 1-d, expected a 0/1 matrix of shape \(n, k\)"),
        (y[:-1], "X has 120 texts, but y 119 rows"),
        (y * 2, "y holds other values than 0 and 1"),
        ([["bridge"]] * len(texts), "y holds no numbers, expected a 0/1 matrix; see MultiLabelBinarizer"),
        (np.where(y, np.nan, 0.0), "other values"),
    ]:
        with pytest.raises(ValueError, match=message):
            TopicClassifier(cv=3).fit(texts, wrong, articles)


def test_labels_may_be_a_frame_a_sparse_matrix_or_lists(labelled: Labelled) -> None:
    texts, y, articles = labelled
    frame = pd.DataFrame(y.astype(int), columns=list(support.TOPICS))
    kinds: list[Any] = [frame, sparse.csr_array(y.astype(int)), y.astype(int).tolist()]
    models = [fitted_to((texts, kind, articles)) for kind in kinds]
    assert [model.classes_.tolist() for model in models] == [list(support.TOPICS), [0, 1, 2], [0, 1, 2]]
    for model in models[1:]:
        np.testing.assert_array_equal(model.predict_proba(TEXTS), models[0].predict_proba(TEXTS))
    assert models[0].scorer().topics == support.TOPICS


@pytest.mark.parametrize("value", [True, False])
def test_a_constant_topic_is_refused(labelled: Labelled, *, value: bool) -> None:
    texts, y, articles = labelled
    y = y.copy()
    y[:, 1] = value
    with pytest.raises(ValueError, match="every topic needs at least one text with it and one without"):
        fitted_to((texts, y, articles))


def test_texts_that_are_none_are_refused(labelled: Labelled, fitted: Trained) -> None:
    _, y, articles = labelled
    with pytest.raises(ValueError, match=r"expected a list of texts, got a single str; pass \[text\]"):
        TopicClassifier().fit("a text", y, articles)
    with pytest.raises(ValueError, match="X holds int 3, expected texts"):
        TopicClassifier().fit([3] * len(y), y, articles)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="X is empty"):
        TopicClassifier().fit([], y[:0])
    for method in (fitted.model.predict, fitted.model.predict_proba, fitted.model.decision_function):
        with pytest.raises(ValueError, match="got a single str"):
            method("a bridge")


def test_too_few_groups_or_too_many_are_refused(labelled: Labelled) -> None:
    texts, y, articles = labelled
    with pytest.raises(ValueError, match="cv is 5, but there are only 2 groups"):
        TopicClassifier().fit(texts, y, ["one", "two"] * 60)
    with pytest.raises(ValueError, match="120 texts but 119 groups"):
        TopicClassifier().fit(texts, y, articles[1:])


def test_it_asks_to_be_fitted_first() -> None:
    for method in (TopicClassifier().predict, TopicClassifier().predict_proba, TopicClassifier().scorer):
        with pytest.raises(NotFittedError):
            method(["text"])


def test_clone_keeps_parameters_and_nothing_fitted(fitted: Trained) -> None:
    copy = clone(fitted.model.set_params(C=3.0))
    assert copy.get_params()["C"] == 3.0
    assert not hasattr(copy, "vocabulary_")
    fitted.model.set_params(C=1.0)


def test_it_works_in_cross_val_score_and_cross_validate(labelled: Labelled) -> None:
    texts, y, articles = labelled
    model = TopicClassifier(cv=3)
    scores = cross_val_score(model, texts, y, groups=articles, cv=GroupKFold(2), scoring="f1_macro")
    assert (scores > 0.5).all()
    found = cross_validate(
        model,
        texts,
        y,
        cv=2,
        scoring={
            "f1": "f1_micro",
            "precision": "average_precision",
            "mcc": make_scorer(lambda true, given: matthews_corrcoef(true[:, 0], given[:, 0])),
        },
    )
    assert all((found[f"test_{name}"] > 0.5).all() for name in ("f1", "precision", "mcc"))


def test_it_works_in_a_grid_search_and_a_pipeline(labelled: Labelled) -> None:
    texts, y, _ = labelled
    pipeline = Pipeline(
        [("strip", FunctionTransformer(lambda X: [text.strip() for text in X])), ("topics", TopicClassifier(cv=2))]
    )
    grid = {"topics__ngram_range": [(1, 1), (1, 2)], "topics__prefix_length": [0, 5]}
    search = GridSearchCV(pipeline, grid, scoring="f1_macro", cv=2).fit(texts, y)
    assert set(search.best_params_) == set(grid)
    assert search.predict(texts).shape == y.shape
    assert search.best_score_ > 0.5


@pytest.mark.parametrize("estimator", [TopicClassifier(), TopicVectorizer()])
def test_scikit_learns_checks_pass(estimator: Any) -> None:
    """Of an estimator of texts `check_estimator` runs little, since its data are numbers; add what needs none."""
    with pytest.warns(SkipTestWarning, match="requires input"):
        results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert [result["check_name"] for result in results if result["status"] != "passed"] == []
    name = type(estimator).__name__
    estimator_checks.check_no_attributes_set_in_init(name, estimator)
    estimator_checks.check_get_params_invariance(name, estimator)
    estimator_checks.check_set_params(name, estimator)
    estimator_checks.check_parameters_default_constructible(name, estimator)
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params(name, estimator)
    estimator_checks.check_estimator_tags_renamed(name, estimator)
    estimator_checks.check_valid_tag_types(name, estimator)


def test_progress_is_told_to_its_end(labelled: Labelled) -> None:
    told: list[tuple[int, int]] = []
    keep: Callable[[int, int], None] = lambda done, total: told.append((done, total))  # noqa: E731
    texts, y, articles = labelled
    TopicClassifier(cv=3).fit(texts, y, articles, progress=keep)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_topics_are_found_in_articles_not_trained_on(fitted: Trained) -> None:
    np.testing.assert_array_equal(fitted.model.predict(TEXTS), [[0, 0, 1], [0, 1, 0], [0, 0, 0]])


def test_a_vocabulary_of_one_term_is_fitted_without_a_scale() -> None:
    texts = ["mine"] * 6 + ["!"] * 6
    model = TopicClassifier(ngram_range=(1, 1), prefix_length=0, cv=3).fit(texts, [[1]] * 6 + [[0]] * 6)
    assert model.vocabulary_.strings == ("mine",)
    assert model.predict(["mine", "!"]).ravel().tolist() == [1, 0]
