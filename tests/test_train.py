import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import support
from conftest import TrainedExperiment
from filelock import FileLock
from sklearn.metrics import average_precision_score

from pipeline.data import corpus
from pipeline.errors import DataError, OutputError
from pipeline.evaluation.metrics import expected_calibration_error
from pipeline.model.bundle import load_bundle
from pipeline.model.classifier import TopicClassifier
from pipeline.model.thresholds import Objective
from pipeline.steps.experiment import Trained, classifier, fit
from pipeline.steps.train import train
from pipeline.tracking import Tracker

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


@pytest.mark.parametrize(("writers", "by"), [(6, "writer"), (3, "writer"), (2, "article")])
def test_rows_of_one_writer_share_a_fold_where_the_config_says_so_and_there_are_enough(
    experiment: Maker, writers: int, by: str
) -> None:
    data = support.rows()
    for index, row in enumerate(data):
        row["writer"] = "t" if row["writer"] == "t" else f"w{index % writers}"
    again = fitted_anew(experiment({"split.group_by": "writer"}, data=data))
    folds: dict[str, set[int]] = {}
    for row, fold in zip(again.rows, again.model.fold_, strict=True):
        folds.setdefault(getattr(row, by), set()).add(int(fold))
    assert len(folds) == (writers if by == "writer" else 30)
    assert all(len(found) == 1 for found in folds.values())


def test_rows_without_a_writer_are_grouped_by_article(experiment: Maker) -> None:
    data = support.rows()
    for row in data[:40]:
        row["writer"] = f"w{row['paragraph']}"
    for row in data[40:120]:
        del row["writer"]
    again = fitted_anew(experiment({"split.group_by": "writer", "split.near_duplicate": None}, data=data))
    folds: dict[str, set[int]] = {}
    for row, fold in zip(again.rows, again.model.fold_, strict=True):
        folds.setdefault(row.writer or row.article, set()).add(int(fold))
    assert len(folds) == 4 + 20
    assert all(len(found) == 1 for found in folds.values())


def test_a_topic_that_a_fold_could_not_learn_has_score_zero_there(experiment: Maker) -> None:
    data = support.rows()
    for row in data:
        if row["writer"] == "a" and row["article"] != "a001":
            row["topics"] = [topic for topic in row["topics"] if topic != "chess"]
    again = fitted_anew(experiment(data=data))
    unknown = np.isnan(again.model.oof_scores_)
    assert unknown[:, 2].any()
    assert (again.scores[unknown] == 0).all()
    y_score, y_true, found = again.scores[:, 2], again.labels[:, 2], again.found.metrics
    assert found["chess/average_precision"].value == pytest.approx(average_precision_score(y_true, y_score))
    (error,) = expected_calibration_error(y_score, y_true, np.ones((1, len(y_true))))
    assert found["chess/calibration_error"].value == pytest.approx(error)


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


def train_here(made: support.Experiment) -> tuple[list[str], list[tuple[int, int]]]:
    """Train in this process; return what was said, and the progress."""
    said: list[str] = []
    steps: list[tuple[int, int]] = []
    train(made.config, say=said.append, progress=lambda done, total: steps.append((done, total)))
    return said, steps


def test_training_tells_the_split_its_metrics_and_where_the_labels_to_review_are(tracked: Maker) -> None:
    data = support.rows()
    data[0]["topics"] = None
    data[4] = {**data[4], "text": f"{data[-6]['text'][:-1]} indeed."}  # of a test row
    made = tracked(data=data)
    (counts, metrics, last), steps = train_here(made)
    assert counts.splitlines()[-2:] == [
        "all        118    40",
        "left out: 1 not labelled, 1 nearly repeating a test paragraph",
    ]
    assert metrics.splitlines()[0].split() == ["metric", "cross-validated"]
    assert [line.split()[0] for line in metrics.splitlines()[-4:]] == ["Bridge", "Orchard", "Chess", "none"]
    assert last == f"labels to review, most suspect first: {made.output / 'label_issues.jsonl'}"
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_run_has_metrics_of_every_fold_thresholds_and_counts(tracked: Maker) -> None:
    made, began = tracked(), time.perf_counter()
    train_here(made)
    took = time.perf_counter() - began
    bundle = load_bundle(made.candidate)
    model: TopicClassifier = joblib.load(made.output / "classifier.joblib")
    tracker, run_id = Tracker(made.config.tracking, made.output), bundle.about["run_id"]
    _, metrics, _ = tracker.facts(run_id)
    assert 0 < metrics["duration_seconds"] < took
    assert (metrics["rows/train"], metrics["rows/day"]) == (120, 40)
    assert metrics["threshold/recall/chess"] == model.thresholds_["recall"][2]
    rows = [row for row in support.rows() if row["writer"] == "a"]
    labels = np.array([[topic in row["topics"] for topic in support.TOPICS] for row in rows])
    right = (labels == model.oof_labels_).all(1)
    assert metrics["cv/exact_match"] == pytest.approx(right.mean())
    history = tracker.client.get_metric_history(run_id, "fold/exact_match")
    assert {point.step: point.value for point in history} == pytest.approx(
        {fold: right[model.fold_ == fold].mean() for fold in range(3)}
    )
    suspects = (made.output / "label_issues.jsonl").read_text(encoding="utf-8")
    assert tracker.read_text(run_id, "report/label_issues.jsonl") == suspects
    assert json.loads(suspects.splitlines()[0])["rank"] == 1


def test_the_bundle_knows_the_most_frequent_labels(tracked: Maker) -> None:
    data = support.rows()
    for row in data:
        row["topics"] = row["topics"] or ["orchard", "chess"]
    made = tracked(data=data)
    train_here(made)
    assert load_bundle(made.candidate).about["most_frequent"] == "orchard chess"


def test_one_training_at_a_time_writes_to_a_folder_and_the_next_may_follow(tracked: Maker) -> None:
    made = tracked()
    with FileLock(made.output / ".training.lock"), pytest.raises(OutputError, match="another training is writing"):
        train_here(made)
    failing = support.write_experiment(made.folder, {"features.min_df": 1000})
    with pytest.raises(DataError, match="no term"):
        train_here(failing)
    assert not made.candidate.exists()
    train_here(support.write_experiment(made.folder))
    assert made.candidate.exists()


def test_an_output_folder_is_made_with_those_above_it(experiment: Maker, tmp_path: Path) -> None:
    output = tmp_path / "runs" / "first"
    made = experiment({"output": str(output), "data.train": [str(tmp_path / "nowhere.jsonl")]})
    with pytest.raises(DataError, match="no such file"):
        train_here(made)
    assert output.is_dir()


def test_an_output_folder_that_cannot_be_made_is_told(experiment: Maker, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    made = experiment({"output": str(tmp_path / "file" / "models")})
    with pytest.raises(OutputError, match=r"models: cannot be written: Not a directory$"):
        train_here(made)


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
