"""`topics drift` through the real command line."""

import json
import subprocess
from pathlib import Path

import pytest
import support
from conftest import TrainedExperiment
from drifting import articles, save_model

from pipeline.model.bundle import reference_path
from pipeline.monitoring.sample import Group


def write(path: Path, groups: list[Group]) -> Path:
    rows = [{"article": name, "text": text} for name, texts in groups for text in texts]
    return support.write_rows(path, rows)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save_model(folder)
    return folder


@pytest.fixture(scope="module")
def same(model: Path) -> Path:
    return write(model / "same.jsonl", articles(60, seed=2))


@pytest.fixture(scope="module")
def wetter(model: Path) -> Path:
    return write(model / "wetter.jsonl", articles(80, seed=3, shares=(0.6, 0.1)))


def drift(model: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return support.run("drift", *arguments, "--model", model, cwd=model)


def test_without_drift_the_exit_status_is_0(model: Path, same: Path) -> None:
    done = drift(model, same)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nno drift\n")


def test_drift_exits_with_3_and_says_what(model: Path, wetter: Path) -> None:
    done = drift(model, wetter, "--format", "json")
    assert done.returncode == 3
    assert done.stderr.startswith("drift: rate of Wet, ")
    assert json.loads(done.stdout)["drift"] is True


def test_a_report_is_written_to_a_file(model: Path, same: Path, tmp_path: Path) -> None:
    done = drift(model, same, "--format", "html", "--output", tmp_path / "drift.html")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "drift.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_text_can_be_the_reference(model: Path, same: Path, wetter: Path) -> None:
    assert drift(model, wetter, "--reference", wetter).returncode == 0
    assert drift(model, same, "--reference", wetter).returncode == 3


def test_the_limits_are_those_of_the_config(trained: TrainedExperiment, model: Path, wetter: Path) -> None:
    made = support.write_experiment(
        model / "experiment",
        {"drift": {"rate": 9.0, "none": 1.0, "psi": 9.0, "length": 9.0, "oov": 1.0, "f1": 1.0, "casing": 1.0}},
    )
    assert drift(model, wetter, "--config", made.config_file).returncode == 0
    made = support.write_experiment(model / "experiment", {"drift": {"rates": 9.0}})
    done = drift(model, wetter, "--config", made.config_file)
    assert done.returncode == 1
    assert "drift.rates: Extra inputs are not permitted" in done.stderr


def test_training_and_evaluation_leave_a_reference_that_a_run_has_too(trained: TrainedExperiment) -> None:
    made = trained.experiment
    champion = reference_path(made.output / "champion.safetensors").read_text(encoding="utf-8")
    assert champion == reference_path(made.candidate).read_text(encoding="utf-8")
    found = json.loads(champion)
    assert found["sample"]["source"] == "test set day"
    assert set(found["errors"]) == {"precision", "balanced", "recall"}
    rows = made.folder / "articles" / "made.jsonl"
    arguments = [rows, "--config", made.config_file, "--format", "json"]
    beside = support.run("drift", *arguments, "--model", made.output)
    of_run = support.run("drift", *arguments, "--reference", "champion")
    assert beside.returncode in (0, 3), beside.stderr
    assert of_run.stdout == beside.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["missing.txt"], 1, "missing.txt: no such file"),
        ([], 2, "Missing argument"),
        (["same.jsonl", "--reference", "missing.jsonl"], 1, "missing.jsonl: no such file"),
        (["same.jsonl", "--reference", "abc"], 2, "a run as --reference needs the --config of its experiment"),
        (["same.jsonl", "--text-column", "body"], 1, "line 1: no text in column 'body'"),
        (["same.jsonl", "--config", "missing.yaml"], 1, "missing.yaml: no such file"),
        (["same.jsonl", "--output", "same.jsonl"], 1, "is the same file as the source"),
    ],
)
def test_what_is_wrong_is_one_line(model: Path, same: Path, arguments: list[str], status: int, said: str) -> None:
    done = drift(model, *arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if status == 1:
        assert done.stderr.splitlines()[-1].startswith("error: ")
        assert [line for line in done.stderr.splitlines() if not line.startswith("note: ")] == [
            done.stderr.splitlines()[-1]
        ]


def test_a_model_without_a_reference_of_its_own_says_so(same: Path, tmp_path: Path) -> None:
    path = save_model(tmp_path)
    beside = reference_path(path)
    content = beside.read_text(encoding="utf-8")
    beside.write_text(content.replace('"run_id": "none"', '"run_id": "other"'), encoding="utf-8")
    assert "reference of run other, the model is of run none" in drift(tmp_path, same).stderr
    beside.write_text(json.dumps({**json.loads(content), "sample": None}), encoding="utf-8")
    assert "no sample of text yet; run `topics evaluate`" in drift(tmp_path, same).stderr
    beside.unlink()
    done = drift(tmp_path, same)
    assert done.returncode == 1
    assert done.stderr == f"error: {beside}: no reference of the model; run `topics evaluate`, or name one\n"


def test_a_source_that_cannot_be_read_costs_only_itself(model: Path, tmp_path: Path) -> None:
    for name, texts in articles(12, seed=2):
        (tmp_path / f"{name}.txt").write_text("\n\n".join(texts), encoding="utf-8")
    (tmp_path / "bad.txt").write_bytes(b"caf\xe9")
    done = drift(model, tmp_path)
    assert done.returncode == 1
    assert "bad.txt" in done.stderr
    assert "48 paragraphs of 12 articles" in done.stdout
