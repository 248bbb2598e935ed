import json
from pathlib import Path

import numpy as np
import pytest
import support
from conftest import TrainedExperiment
from sklearn.metrics import average_precision_score, f1_score

from pipeline.config import Config
from pipeline.errors import BundleError, DataError, TrackingError
from pipeline.evaluate import evaluate_candidate
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.report.findings import evaluate_file
from pipeline.tracking import CHAMPION, Tracker


@pytest.fixture(autouse=True)
def _embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


def config_of(trained: TrainedExperiment, folder: Path, before: str, after: str) -> Config:
    text = trained.experiment.config_file.read_text(encoding="utf-8")
    assert before in text
    (folder / "config.yaml").write_text(text.replace(before, after), encoding="utf-8")
    return support.Experiment(folder, folder / "config.yaml").config


def test_figures_equal_scikit_learns_on_the_predictions(bundle: Bundle, tmp_path: Path) -> None:
    rows = [row for row in support.rows() if row["writer"] == "t"]
    found = evaluate_file([str(support.write_rows(tmp_path / "t.jsonl", rows))], bundle)
    labels = np.array([[topic in row["topics"] for topic in support.TOPICS] for row in rows])
    scores = bundle.scorer.scores([row["text"] for row in rows])
    given = scores >= bundle.scorer.thresholds
    figures = found.evaluations["model"].figures
    assert figures["macro_f1"].value == pytest.approx(f1_score(labels, given, average="macro"), abs=1e-12)
    assert figures["micro_f1"].value == pytest.approx(f1_score(labels, given, average="micro"), abs=1e-12)
    expected = average_precision_score(labels, scores)
    assert figures["macro_average_precision"].value == pytest.approx(expected, abs=1e-12)
    assert figures["none_recall"].value == pytest.approx((~given.any(1))[~labels.any(1)].mean())


def test_unlabelled_rows_are_left_out_and_none_rows_are_not(bundle: Bundle, tmp_path: Path) -> None:
    rows = support.rows()[:10]
    rows[0]["topics"] = None
    del rows[1]["topics"]
    path = str(support.write_rows(tmp_path / "some.jsonl", rows))
    assert evaluate_file([path], bundle).evaluations["model"].rows == 8
    support.write_rows(tmp_path / "some.jsonl", rows[:2])
    with pytest.raises(DataError, match="no row is labelled"):
        evaluate_file([path], bundle)


def test_training_rows_are_reported_in_every_format(bundle: Bundle, tmp_path: Path) -> None:
    rows = support.rows()[115:125]
    rows[0]["text"] = f"  {rows[0]['text'].upper()}"  # the same text to a reader
    found = evaluate_file([str(support.write_rows(tmp_path / "some.jsonl", rows))], bundle)
    assert found.trained_on == 5
    assert "10 paragraphs, 5 of them TRAINED ON" in found.as_text()
    assert "5 of them TRAINED ON" in found.as_markdown()
    assert json.loads(found.as_json())["trained_on"] == 5


def test_two_baselines_stand_beside_the_model(bundle: Bundle, tmp_path: Path) -> None:
    found = evaluate_file([str(support.write_rows(tmp_path / "some.jsonl", support.rows()))], bundle)
    assert {"model", "most frequent", "keywords"} <= set(found.evaluations)
    frequent = found.evaluations["most frequent"].figures
    assert (frequent["micro_recall"].value, frequent["none_recall"].value) == (0.0, 1.0)
    assert found.evaluations["keywords"].figures["macro_recall"].value > 0


def test_an_unknown_label_is_an_error(bundle: Bundle, tmp_path: Path) -> None:
    rows = [{"article": "a", "paragraph": 0, "text": "x", "topics": ["football"]}]
    with pytest.raises(DataError, match="unknown topic 'football'"):
        evaluate_file([str(support.write_rows(tmp_path / "bad.jsonl", rows))], bundle)


def test_the_same_rows_give_the_same_intervals(bundle: Bundle, tmp_path: Path) -> None:
    path = str(support.write_rows(tmp_path / "some.jsonl", support.rows()))
    assert evaluate_file([path], bundle).as_json() == evaluate_file([path], bundle).as_json()


def test_below_the_gate_the_champion_stays(trained: TrainedExperiment, tmp_path: Path) -> None:
    config = config_of(trained, tmp_path, "macro_f1: 0.5", "no_such_figure: 0.5")
    tracker = Tracker(config.tracking, trained.experiment.output)
    champion, file = tracker.find(CHAMPION), trained.experiment.output / "champion.safetensors"
    before = file.stat().st_ino
    _, failures = evaluate_candidate(config)
    assert failures == ["no_such_figure is no figure of this evaluation"]
    assert tracker.find(CHAMPION) == champion
    assert file.stat().st_ino == before


def test_the_champion_is_the_candidate_that_passed(trained: TrainedExperiment) -> None:
    bundle = load_bundle(trained.experiment.output / "champion.safetensors")
    champion = Tracker(trained.experiment.config.tracking, trained.experiment.output).find(CHAMPION)
    assert champion is not None
    assert champion.run_id == bundle.about["run_id"]


def test_other_topics_than_the_candidates_are_refused(trained: TrainedExperiment, tmp_path: Path) -> None:
    topics = tmp_path / "topics.yaml"
    original = trained.experiment.folder / "topics.yaml"
    topics.write_text(original.read_text(encoding="utf-8").replace("id: chess", "id: checkers"), encoding="utf-8")
    config = config_of(trained, tmp_path, str(original), str(topics))
    with pytest.raises(BundleError, match="other topics"):
        evaluate_candidate(config)


def test_without_a_candidate_or_a_server_it_is_one_line(
    trained: TrainedExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(trained, tmp_path, "model_name: tests", "model_name: another")
    with pytest.raises(BundleError, match="make train"):
        evaluate_candidate(config)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingError, match="does not answer"):
        evaluate_candidate(config)
