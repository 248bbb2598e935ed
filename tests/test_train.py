import dataclasses
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pytest
import support
from conftest import TrainedExperiment

from pipeline.data import corpus
from pipeline.errors import DataError
from pipeline.model.bundle import load_bundle
from pipeline.model.classifier import TopicClassifier
from pipeline.model.thresholds import Objective
from pipeline.steps.experiment import Trained, classifier, fit

Maker = Callable[..., support.Experiment]


def fitted_anew(made: support.Experiment) -> Trained:
    split = corpus.read_split(made.config, support.TOPICS)
    return fit(made.config, split.train, made.topics, lambda done, total: None)


def test_same_seed_and_data_give_bit_equal_arrays_and_metrics(fitted: Trained, experiment: Maker) -> None:
    again = fitted_anew(experiment())
    one, other = fitted.model.scorer(fitted.ids), again.model.scorer(again.ids)
    assert one.vocabulary.strings == other.vocabulary.strings
    for name in ("weights", "intercept", "text_coef", "sentence_coef", "thresholds"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert dataclasses.asdict(fitted.found) == dataclasses.asdict(again.found)


def test_the_order_of_files_does_not_change_the_folds(fitted: Trained, experiment: Maker) -> None:
    again = fitted_anew(experiment(data=support.rows()[::-1]))
    assert dict(zip((row.article for row in fitted.rows), fitted.model.fold_.tolist(), strict=True)) == dict(
        zip((row.article for row in again.rows), again.model.fold_.tolist(), strict=True)
    )


def test_the_classifier_is_what_the_config_says(experiment: Maker) -> None:
    changes: dict[str, Any] = {
        "random_state": 5,
        "classifier.kind": "ridge",
        "classifier.C": 3.5,
        "classifier.class_weight": "balanced",
        "classifier.nb_exponent": 1.0,
        "features.ngram_range": [1, 1],
        "features.prefix_length": 0,
        "features.min_df": 3,
        "features.pivot_slope": 0.75,
        "split.cv": 4,
        "thresholds.prevalence": 0.8,
        "thresholds.objective": "cost",
        "thresholds.cost_ratio": 2.0,
        "thresholds.points": {"precision": 0.95, "balanced": 0.7, "recall": None},
    }
    params = classifier(experiment(changes).config).get_params(deep=False)
    expected = {name.partition(".")[2]: value for name, value in changes.items() if name.startswith("classifier")}
    assert {name: params[name] for name in expected} == expected
    assert (params["ngram_range"], params["prefix_length"], params["min_df"]) == ((1, 1), 0, 3)
    assert (params["pivot_slope"], params["cv"], params["prevalence"], params["random_state"]) == (0.75, 4, 0.8, 5)
    points = params["operating_points"]
    shares = {"precision": 0.95, "balanced": 0.7, "recall": None}
    assert points == {name: Objective("cost", share, 2.0, 5.0) for name, share in shares.items()}


def test_the_seed_of_the_config_is_used(experiment: Maker, fitted: Trained) -> None:
    again = fitted_anew(experiment({"random_state": 12345}))
    assert (again.model.fold_ != fitted.model.fold_).any()


def test_rows_of_one_writer_share_a_fold_where_the_config_says_so(experiment: Maker) -> None:
    data = support.rows()
    for index, row in enumerate(data):
        row["writer"] = "t" if row["writer"] == "t" else f"w{index % 6}"
    again = fitted_anew(experiment({"split.group_by": "writer"}, data=data))
    folds = {row.writer: set() for row in again.rows}
    for row, fold in zip(again.rows, again.model.fold_, strict=True):
        folds[row.writer].add(int(fold))
    assert len(folds) == 6
    assert all(len(found) == 1 for found in folds.values())


def test_near_duplicate_articles_share_a_fold(experiment: Maker) -> None:
    data = support.rows()
    for index in range(0, 100, 20):  # each copies a paragraph of an article far away, with one word more
        data[index + 10]["text"] += " The council and the people of the village read it again in the evening."
        data[index]["text"] = f"{data[index + 10]['text']} Indeed."
    again = fitted_anew(experiment(data=data))
    for index in range(0, 100, 20):
        assert again.model.fold_[index] == again.model.fold_[index + 10]


def test_metrics_count_every_training_row_and_none(fitted: Trained) -> None:
    assert fitted.found.rows == 120
    assert fitted.found.support == {"bridge": 36, "orchard": 24, "chess": 24, "none": 60}
    assert fitted.found.metrics["micro_f1"].value > 0.7
    given, meant = fitted.model.oof_labels_, fitted.labels
    assert fitted.found.metrics["exact_match"].value == pytest.approx((given == meant).all(1).mean())


def test_settings_that_keep_no_term_are_told(experiment: Maker) -> None:
    with pytest.raises(DataError, match="no term occurs in 1000 of 80 texts: lower min_df, or label more"):
        fitted_anew(experiment({"features.min_df": 1000}))


def test_too_few_groups_for_the_folds_are_told(experiment: Maker) -> None:
    with pytest.raises(
        DataError, match=r"split\.cv is 31, but there are only 30 groups to part; set split.cv to 30"
    ):
        fitted_anew(experiment({"split.cv": 31}))


def test_the_written_bundle_answers_as_the_joblib_object_and_as_a_fit_in_this_process(
    trained: TrainedExperiment, fitted: Trained
) -> None:
    texts = [row["text"] for row in support.rows()] + ["", "qqq"]
    scorer = load_bundle(trained.experiment.candidate).scorer
    pickled: TopicClassifier = joblib.load(trained.experiment.output / "classifier.joblib")
    np.testing.assert_allclose(scorer.scores(texts), pickled.predict_proba(texts), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(pickled.predict_proba(texts), fitted.model.predict_proba(texts))
    np.testing.assert_array_equal(scorer.labels(scorer.scores(texts)), pickled.predict(texts))


def test_the_bundle_knows_its_training_texts_and_topics(trained: TrainedExperiment) -> None:
    bundle = load_bundle(trained.experiment.candidate)
    assert bundle.topics == trained.experiment.topics
    rows = [row for row in support.rows() if row["writer"] == "a"]
    np.testing.assert_array_equal(bundle.trained_on, np.unique(corpus.text_digests(row["text"] for row in rows)))
    assert set(bundle.about) >= {"run_id", "data_sha256", "git_commit", "git_dirty", "most_frequent"}
