import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import support
from conftest import TrainedExperiment
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from pipeline.config import TrackingSettings, flat
from pipeline.data import corpus
from pipeline.errors import TrackingError
from pipeline.imports import import_closure
from pipeline.model.bundle import load_bundle, reference_path
from pipeline.store import embedded_store
from pipeline.tracking import CANDIDATE, CHAMPION, Tracker, fetch_registered

ROOT = Path(__file__).parents[1]
SETTINGS = TrackingSettings(experiment="tests", model_name="tests")


pytestmark = pytest.mark.usefixtures("embedded")


@pytest.fixture(autouse=True)
def modules_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what MLflow does when it loads a model: it puts the model's own modules before all others."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def run(trained: TrainedExperiment) -> Iterator[Run]:
    tracker = Tracker(SETTINGS, trained.experiment.output)
    found = tracker.find(CANDIDATE)
    assert found is not None
    yield tracker.client.get_run(found.run_id)


def test_the_embedded_store_is_below_the_output_folder_wherever_it_is_started(
    trained: TrainedExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = Tracker(SETTINGS, trained.experiment.output)
    assert tracker.uri == f"sqlite:///{trained.experiment.output / 'mlflow.db'}"
    experiment = tracker.client.get_experiment_by_name("tests")
    assert experiment is not None
    assert experiment.artifact_location.startswith((trained.experiment.output / "artifacts").as_uri())
    assert list(tmp_path.iterdir()) == []


def test_a_second_tracker_of_a_process_uses_the_store_of_its_own_folder(
    tracked: Callable[..., support.Experiment], trained: TrainedExperiment
) -> None:
    made = tracked()
    assert Tracker(SETTINGS, trained.experiment.output).find(CANDIDATE) is not None
    assert Tracker(SETTINGS, made.output).find(CANDIDATE) is None


def test_a_run_has_the_whole_config_and_where_it_comes_from(run: Run, trained: TrainedExperiment) -> None:
    made = trained.experiment
    assert run.data.params == flat(made.config.model_dump(mode="json"))
    split = corpus.read_split(made.config, support.TOPICS)
    assert run.data.tags["data_sha256"] == corpus.fingerprint(split.train)
    assert run.data.tags["test_sha256"] == corpus.fingerprint_sets(split.test)
    assert {"git_commit", "git_dirty", "python", "version.scikit-learn", "version.mlflow"} <= set(run.data.tags)
    assert run.info.status == "FINISHED"


def test_a_run_has_metrics_overall_by_topic_and_by_fold(run: Run) -> None:
    names = set(run.data.metrics)
    for kind in ("cv", "test"):
        assert {f"{kind}/{name}" for name in ("micro_f1", "macro_f1", "none_precision", "none_recall")} <= names
        for topic in support.TOPICS:
            by_topic = ("precision", "recall", "f1", "average_precision")
            assert {f"{kind}/{topic}/{name}" for name in by_topic} <= names
    assert {f"threshold/balanced/{topic}" for topic in support.TOPICS} <= names
    assert (run.data.metrics["rows/train"], run.data.metrics["rows/day"]) == (120, 40)
    assert run.data.metrics["duration_seconds"] > 0
    assert not [name for name in names if name.startswith("fold/") and name.count("/") > 1]
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "fold/micro_f1")
    assert sorted(metric.step for metric in history) == [0, 1, 2]


def test_a_run_has_its_artifacts(run: Run) -> None:
    client = mlflow.MlflowClient()
    found = {
        item.path
        for folder in (None, "report", "figures", "bundle")
        for item in client.list_artifacts(run.info.run_id, folder)
    }
    for name in (
        "precision_recall_cv",
        "reliability_cv",
        "label_counts",
        "precision_recall_test",
        "reliability_test",
    ):
        assert f"figures/{name}.png" in found
    assert {
        "config.yaml",
        "report/training.md",
        "report/report.md",
        "report.html",
        "report/MODEL_CARD.md",
    } <= found


def test_a_run_tells_what_it_changed_and_what_came_of_it(run: Run) -> None:
    tags = run.data.tags
    assert run.info.run_name == tags["changed"] == "first run, 120 rows"
    told = tags["mlflow.note.content"]
    page = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts/report.html"
    assert told.startswith("**It passed its gate: day macro_f1 >= 0.5, none_recall >= 0.2.**")
    assert f"[Report]({page}), version 1 of tests." in told
    assert f"| macro f1 | {run.data.metrics['test/macro_f1']:.3f} [" in told
    assert told.endswith("**Changed**: first run, 120 rows.")
    assert (tags["config"], tags["label_set"], tags["gate_result"]) == ("config", "topics", "passed")


def test_a_run_has_its_data_as_inputs_by_our_own_hashes(run: Run, trained: TrainedExperiment) -> None:
    train, day = sorted(run.inputs.dataset_inputs, key=lambda found: found.dataset.name, reverse=True)
    assert (train.dataset.name, train.tags[0].value) == ("train", "training")
    assert (day.dataset.name, day.tags[0].value) == ("day", "evaluation")
    assert train.dataset.digest == run.data.tags["data_sha256"][:36]
    assert json.loads(train.dataset.source) == {
        "uri": str(trained.experiment.folder / "articles"),
        "sha256": run.data.tags["data_sha256"],
    }
    assert json.loads(train.dataset.profile) == {
        "num_rows": 120,
        "none": 60,
        "bridge": 36,
        "chess": 24,
        "orchard": 24,
    }


def test_version_and_model_are_described_by_the_card(trained: TrainedExperiment) -> None:
    tracker = Tracker(SETTINGS, trained.experiment.output)
    card = (trained.experiment.output / "MODEL_CARD.md").read_text(encoding="utf-8")
    version = tracker.client.get_model_version_by_alias("tests", CANDIDATE)
    assert tracker.client.get_registered_model("tests").description == version.description
    shown, _, ending = version.description.partition("\nThe whole card is in run ")
    assert card.startswith(shown)
    assert ending in ("", f"{version.run_id}.")
    assert len(version.description) <= 5000


def test_a_long_card_is_shortened_by_whole_sections(trained: TrainedExperiment) -> None:
    tracker = Tracker(SETTINGS, trained.experiment.output)
    found = tracker.find(CANDIDATE)
    assert found is not None
    before = tracker.client.get_model_version("tests", found.number).description
    sections = [f"## {number}\n\n{'word ' * 300}\n\n" for number in range(4)]
    try:
        tracker.describe_version(found, f"# Card\n\n{''.join(sections)}")
        told = tracker.client.get_model_version("tests", found.number).description
    finally:
        tracker.describe_version(found, before)
    ending = f"The whole card is in run {found.run_id}."
    assert told == f"# Card\n\n{''.join(sections[:3])}\n{ending}"


def test_the_logged_bundle_is_the_one_in_the_output_folder(
    trained: TrainedExperiment, run: Run, tmp_path: Path
) -> None:
    tracker = Tracker(SETTINGS, trained.experiment.output)
    assert (
        tracker.fetch_bundle(run.info.run_id, tmp_path).read_bytes() == trained.experiment.candidate.read_bytes()
    )


def test_a_registered_model_is_fetched_with_its_reference_which_evaluation_adds_to(
    trained: TrainedExperiment, tmp_path: Path
) -> None:
    made = trained.experiment
    beside = reference_path(made.output / "champion.safetensors").read_bytes()
    found = fetch_registered("models:/tests@champion", tmp_path, uri=embedded_store(made.output))
    assert found.read_bytes() == made.candidate.read_bytes()
    assert reference_path(found).read_bytes() == beside
    reference_path(found).write_bytes(b"as training left it")
    assert fetch_registered("models:/tests@champion", tmp_path, uri=embedded_store(made.output)) == found
    assert reference_path(found).read_bytes() == beside


def test_the_model_is_registered_with_aliases_signature_and_example(trained: TrainedExperiment, run: Run) -> None:
    tracker = Tracker(SETTINGS, trained.experiment.output)
    candidate, champion = tracker.find(CANDIDATE), tracker.find(CHAMPION)
    assert candidate == champion
    info = mlflow.models.get_model_info(f"models:/tests@{CANDIDATE}")
    assert info.signature is not None
    assert info.signature.inputs.input_names() == ["text"]
    assert info.signature.outputs.input_names() == ["topics", *support.TOPICS, "error"]
    assert str(info.signature.inputs) == "['text': string (required)]"
    assert "'error': string (optional)" in str(info.signature.outputs)
    assert info.saved_input_example_info is not None
    assert candidate is not None
    assert candidate.run_id == run.info.run_id


def test_a_loaded_model_keeps_the_index_and_says_where_there_is_no_text(trained: TrainedExperiment) -> None:
    Tracker(SETTINGS, trained.experiment.output)
    model = mlflow.pyfunc.load_model(f"models:/tests@{CANDIDATE}")
    frame = pd.DataFrame(
        {"text": ["qqq", "The bridge has a new pier and arch.", None, "The bridge."]}, [9, 4, 2, 4]
    )
    found = model.predict(frame[frame.index != 9])
    assert found.index.tolist() == [4, 2, 4]
    assert found["topics"].tolist()[:2] == [["bridge"], None]
    assert found["error"].tolist() == [None, "no text in column 'text'", None]
    nothing = model.predict(pd.DataFrame({"text": [None, None]}))
    assert nothing["error"].tolist() == ["no text in column 'text'"] * 2
    for columns in ({"text": ["The bridge.", None]}, [{"text": "The bridge."}, {}]):
        assert model.predict(columns)["error"].tolist() == [None, "no text in column 'text'"]
    assert model.predict({"text": "The bridge has a new pier and arch."})["topics"].tolist() == [["bridge"]]


def model_folder(trained: TrainedExperiment, to: Path) -> Path:
    Tracker(SETTINGS, trained.experiment.output)
    return Path(mlflow.artifacts.download_artifacts(f"models:/tests@{CANDIDATE}", dst_path=str(to)))


def test_a_logged_model_is_source_and_arrays(trained: TrainedExperiment, tmp_path: Path) -> None:
    folder = model_folder(trained, tmp_path)
    code = {
        path.relative_to(folder / "code" / "pipeline") for path in (folder / "code").rglob("*") if path.is_file()
    }
    assert code == set(import_closure(ROOT / "pipeline" / "pyfunc.py"))
    others = {path.suffix for path in folder.rglob("*") if path.is_file() and folder / "code" not in path.parents}
    assert others == {"", ".json", ".py", ".safetensors", ".txt", ".yaml"}


def test_a_logged_model_scores_alike_where_the_project_is_not_installed(
    trained: TrainedExperiment, tmp_path: Path
) -> None:
    folder = model_folder(trained, tmp_path / "model")
    texts = [row["text"] for row in support.made_rows(50, prefix="n", writer="n", seed=3)]
    (tmp_path / "rows.json").write_text(json.dumps([*texts, None]), encoding="utf-8")
    alone = [sys.executable, "-P", str(ROOT / "tests" / "served_alone.py"), str(folder), "rows.json"]
    done = subprocess.run(alone, cwd=tmp_path, env=support.ENVIRONMENT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert "pipeline.model.scorer" in found["modules"]
    assert "pipeline.text._kernel" not in found["modules"]
    assert found["scores"].pop() == [None] * 3
    expected = load_bundle(trained.experiment.candidate).scorer.scores(texts)
    assert np.abs(np.array(found["scores"]) - expected).max() < 1e-9
    assert len(found["scores"]) == 200


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (pd.DataFrame({"text": [1, 2]}), "Incompatible input types"),
        (pd.DataFrame({"body": ["The bridge."]}), "missing inputs"),
        (pd.DataFrame(), "missing inputs"),
        (["The bridge."], "missing inputs"),
    ],
)
def test_mlflow_says_what_is_wrong_with_a_request(trained: TrainedExperiment, asked: Any, problem: str) -> None:
    Tracker(SETTINGS, trained.experiment.output)
    model = mlflow.pyfunc.load_model(f"models:/tests@{CANDIDATE}")
    with pytest.raises(MlflowException, match=problem):
        model.predict(asked)


def test_an_interruption_frees_the_store_and_is_recorded(tmp_path: Path) -> None:
    tracker = Tracker(SETTINGS, tmp_path / "output")

    def cut_short() -> None:
        writing = sqlite3.connect(tmp_path / "output/mlflow.db")
        writing.execute("BEGIN IMMEDIATE")
        raise KeyboardInterrupt  # its traceback keeps the connection, and so the lock

    with pytest.raises(KeyboardInterrupt), tracker.run() as run_id:
        cut_short()
    assert tracker.client.get_run(run_id).info.status == "KILLED"


def test_an_alias_that_nobody_has_is_none(tmp_path: Path, trained: TrainedExperiment) -> None:
    assert Tracker(SETTINGS, trained.experiment.output).find("nobody") is None
    other = TrackingSettings(experiment="tests", model_name="other")
    assert Tracker(other, trained.experiment.output).find(CANDIDATE) is None


def test_telemetry_is_off() -> None:
    script = (
        "import pipeline.__main__ as command_line;"
        "command_line.main.callback();"  # it runs before a subcommand imports MLflow
        "import mlflow;"
        "from mlflow.telemetry import get_telemetry_client;"
        "print(get_telemetry_client())"
    )
    environment = {key: value for key, value in support.ENVIRONMENT.items() if key not in ("CI", "DO_NOT_TRACK")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "nonsense://x"])
def test_a_server_or_store_that_cannot_be_used_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(TrackingError) as caught:
        Tracker(SETTINGS, tmp_path)
    assert str(caught.value).startswith(f"{uri}: ")
    assert "\n" not in str(caught.value)


def test_a_database_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(TrackingError) as caught:
        Tracker(SETTINGS, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_database_that_fails_on_the_way_is_one_line_and_no_traceback(
    tracked: Callable[..., support.Experiment], capsys: pytest.CaptureFixture[str]
) -> None:
    output = tracked().output
    tracker = Tracker(SETTINGS, output)
    with closing(sqlite3.connect(output / "mlflow.db")) as database, database:
        database.execute("ALTER TABLE runs RENAME TO lost")
    with pytest.raises(TrackingError) as caught, tracker.run():
        raise AssertionError("no run can be opened")
    assert "\n" not in str(caught.value)
    assert capsys.readouterr() == ("", "")
