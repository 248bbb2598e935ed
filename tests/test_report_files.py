"""Train, curve and evaluate through the real command line on a part of the corpus; the files that come of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from pipeline.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
TOPICS = ("mine_action", "cop29", "energy_security", "peace_process", "cybersecurity")


def run(folder: Path, *arguments: str, config: str = "config.yaml") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", *arguments, "--config", config]
    kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=kept, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("reported")
    (made / "data").mkdir()
    for name, count in (("w1", 350), ("t1", 150)):
        lines = (ROOT / f"data/articles/{name}.jsonl").read_text(encoding="utf-8").splitlines()[:count]
        (made / "data" / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    config = yaml.safe_load((ROOT / "configs/default.yaml").read_text(encoding="utf-8"))
    config["data"] |= {"train": ["data"], "topics": str(ROOT / "configs/topics.yaml"), "test_writers": ["t1"]}
    config["data"] |= {"probes": str(ROOT / "data/probes")}
    config["gate"] = {}
    (made / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for command in (("train",), ("curve", "--data", "data/t1.jsonl"), ("evaluate", "--format", "json")):
        done = run(made, *command)
        assert done.returncode == 0, done.stderr
        (made / f"{command[0]}.txt").write_text(done.stdout, encoding="utf-8")
    return made


def test_evaluate_writes_page_markdown_json_and_card(folder: Path) -> None:
    page = (folder / "models/report.html").read_text(encoding="utf-8")
    text = (folder / "models/report.md").read_text(encoding="utf-8")
    for title in ("Figures", "By topic", "Calibration", "Confusion between topics", "Behaviour", "Leak probe"):
        assert f"<h2>{title}</h2>" in page
        assert f"## {title}\n" in text
    for title in ("Slices", "Learning curve", "Strongest terms", "Worst errors"):
        assert f"<h2>{title}</h2>" in page
    card = (folder / "models/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "## Intended use" in card
    assert "## Limits" in card
    assert "data_sha256" in card.replace(" ", "_")


def test_the_json_file_is_what_is_printed_and_every_figure_has_an_interval(folder: Path) -> None:
    printed = (folder / "evaluate.txt").read_text(encoding="utf-8")
    assert json.loads(printed) == json.loads((folder / "models/report.json").read_text(encoding="utf-8"))
    found = json.loads(printed)
    for figure in found["models"]["model"]["figures"].values():
        assert figure["value"] is None or figure["low"] <= figure["high"]
    calibration = found["sections"]["calibration"][0]
    assert len(calibration) == len(TOPICS)
    assert {"topic", "out of fold", "these rows"} == set(calibration[0])
    kinds = {row["kind"] for row in found["sections"]["behaviour"][0]}
    assert kinds == {"minimum functionality", "direction", "invariance"}


def test_the_curve_goes_up_to_the_candidate_itself(folder: Path) -> None:
    found = json.loads((folder / "models/report.json").read_text(encoding="utf-8"))
    curve = found["sections"]["learning-curve"][0]
    assert curve[-1]["share"] == "100%"
    assert [row["articles"] for row in curve] == sorted({row["articles"] for row in curve})
    assert curve[-1]["test side"] == found["models"]["model"]["figures"]["macro_f1"]
    assert curve[-1]["t1.jsonl"] == curve[-1]["test side"]


def test_everything_is_logged_to_the_run(folder: Path) -> None:
    (reports,) = (folder / "models/artifacts").glob("*/artifacts/report")
    assert {path.name for path in reports.iterdir()} == {
        "training.md",
        "training.json",
        "label_noise.jsonl",
        "learning_curve.json",
        "report.html",
        "report.md",
        "report.json",
        "MODEL_CARD.md",
    }
    assert (reports.parent / "figures/threshold_curves_test.png").exists()
    assert (reports.parent / "figures/learning_curve_test.png").exists()


def test_suspect_labels_are_ranked_in_a_file(folder: Path) -> None:
    lines = (folder / "models/label_noise.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    distances = [row["contradiction"] for row in rows]
    assert distances == sorted(distances, reverse=True)
    assert all(row["topics"] != row["suggested"] for row in rows)


def test_a_curve_with_other_settings_than_the_candidate_is_refused(folder: Path) -> None:
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config["classifier"]["C"] = 0.1
    (folder / "other.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = run(folder, "curve", config="other.yaml")
    assert done.returncode == 1
    assert done.stderr == (
        "error: the candidate was trained with other settings than the config's; run `make train` first\n"
    )


def test_any_labelled_file_gets_the_same_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    arguments = ["evaluate", "--config", "config.yaml", "--output", "other"]
    done = CliRunner().invoke(main, [*arguments, "--data", "data/t1.jsonl"])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (folder / "other").iterdir()} == {"report.html", "report.md", "report.json"}
    assert CliRunner().invoke(main, arguments).exit_code == 2
