"""The report on a model: in this process, and the files that the command line makes on a part of the corpus."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import support
import yaml
from click.testing import CliRunner
from handmade_model import BUNDLE, MEASURED, ROWS

from pipeline.__main__ import main
from pipeline.errors import DataError
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.report.evaluation_report import Background, EvaluationReport, evaluate_files
from pipeline.report.measure import measure
from pipeline.report.origin import Origin

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
    for name, count in (("n01", 350), ("t1", 150), ("t2", 60)):
        lines = (ROOT / f"data/articles/{name}.jsonl").read_text(encoding="utf-8").splitlines()[:count]
        (made / "data" / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    config = yaml.safe_load((ROOT / "configs/default.yaml").read_text(encoding="utf-8"))
    config["data"] |= {"train": ["data"], "topics": str(ROOT / "configs/topics.yaml")}
    config["data"] |= {"test": {"day": {"writers": ["t1"]}, "mixed": {"writers": ["t2"]}}}
    config["data"] |= {"behaviour": str(ROOT / "data/behaviour")}
    config["gate"] = {"day": {}}
    (made / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    for command in (("train",), ("learning-curve", "--data", "data/t1.jsonl"), ("evaluate", "--format", "json")):
        done = run(made, *command)
        assert done.returncode == 0, done.stderr
        (made / f"{command[0]}.txt").write_text(done.stdout, encoding="utf-8")
    return made


def test_evaluate_writes_page_markdown_json_and_card(folder: Path) -> None:
    page = (folder / "models/report.html").read_text(encoding="utf-8")
    text = (folder / "models/report.md").read_text(encoding="utf-8")
    for title in ("Metrics", "By topic", "Calibration", "Test set mixed", "Confusion between topics", "Behaviour"):
        assert f"<h2>{title}</h2>" in page
        assert f"## {title}\n" in text
    for title in ("Without the topics&#39; names", "Slices", "Learning curve", "Strongest terms", "Worst errors"):
        assert f"<h2>{title}</h2>" in page
    card = (folder / "models/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "## Intended use" in card
    assert "## Limits" in card
    assert "data_sha256" in card.replace(" ", "_")


def test_a_report_opens_with_the_verdict_and_says_which_model_it_is_about(folder: Path) -> None:
    found = json.loads((folder / "models/report.json").read_text(encoding="utf-8"))
    about = load_bundle(folder / "models/champion.safetensors").about
    assert found["origin"]["gate"] == {"passed": True, "failures": []}
    assert found["origin"]["about"] == dict(about)
    assert found["origin"]["version"] == "1"
    assert "near_duplicate" in found["origin"]["config"]
    text = (folder / "models/report.md").read_text(encoding="utf-8")
    assert (
        text.index("It passed its gate: day no worse than before.")
        < text.index(about["run_id"])
        < text.index("## Metrics")
    )


def test_the_report_of_a_refused_model_is_named_so_and_says_why() -> None:
    failed = Origin({"run_id": "r2"}, failures=("day: macro_f1 is 0.1, the gate requires 0.5",))
    files = EvaluationReport({"day": MEASURED}, Background(1), failed).files()
    assert sorted(files) == ["report-refused.html", "report-refused.json", "report-refused.md"]
    told = "It did NOT pass its gate: day: macro_f1 is 0.1, the gate requires 0.5."
    assert told in files["report-refused.html"]
    assert told in files["report-refused.md"]
    gate = json.loads(files["report-refused.json"])["origin"]["gate"]
    assert gate == {"passed": False, "failures": list(failed.failures or ())}


def test_the_json_file_is_what_is_printed_and_every_metric_has_an_interval(folder: Path) -> None:
    printed = (folder / "evaluate.txt").read_text(encoding="utf-8")
    assert json.loads(printed) == json.loads((folder / "models/report.json").read_text(encoding="utf-8"))
    found = json.loads(printed)
    for told in (found, found["sets"]["mixed"]):
        for figure in told["models"]["model"]["figures"].values():
            assert figure["value"] is None or figure["low"] <= figure["high"]
    calibration = found["sections"]["calibration"][0]
    assert len(calibration) == len(TOPICS)
    assert {"topic", "out of fold", "day", "mixed"} == set(calibration[0])
    kinds = {row["kind"] for row in found["sections"]["behaviour"][0]}
    assert kinds == {"minimum functionality", "direction", "invariance"}


def test_the_curve_goes_up_to_the_candidate_itself(folder: Path) -> None:
    found = json.loads((folder / "models/report.json").read_text(encoding="utf-8"))
    curve = found["sections"]["learning-curve"][0]
    assert curve[-1]["share"] == "100%"
    assert [row["articles"] for row in curve] == sorted({row["articles"] for row in curve})
    assert curve[-1]["day"] == found["models"]["model"]["figures"]["macro_f1"]
    assert curve[-1]["t1.jsonl"] == curve[-1]["day"]


def test_everything_is_logged_to_the_run(folder: Path) -> None:
    (reports,) = (folder / "models/artifacts").glob("*/artifacts/report")
    assert {path.name for path in reports.iterdir()} == {
        "training.md",
        "training.json",
        "label_issues.jsonl",
        "learning_curve.json",
        "report.md",
        "report.json",
        "MODEL_CARD.md",
    }
    assert (reports.parent / "report.html").exists()
    plots = {path.name for path in (reports.parent / "figures").iterdir()}
    assert {"threshold_curves_test.png", "learning_curve_test.png", "reliability_mixed_test.png"} <= plots


def test_suspect_labels_are_ranked_in_a_file(folder: Path) -> None:
    lines = (folder / "models/label_issues.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    distances = [row["contradiction"] for row in rows]
    assert distances == sorted(distances, reverse=True)
    assert all(row["topics"] != row["suggested"] for row in rows)


def test_a_curve_with_other_settings_than_the_candidate_is_refused(folder: Path) -> None:
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config["classifier"]["C"] = 0.1
    (folder / "other.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    done = run(folder, "learning-curve", config="other.yaml")
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


def write(folder: Path, rows: list[dict[str, Any]]) -> str:
    return str(support.write_rows(folder / "some.jsonl", rows))


def test_unlabelled_rows_are_left_out_and_none_rows_are_not(bundle: Bundle, tmp_path: Path) -> None:
    rows = support.rows()[:10]
    rows[0]["topics"] = None
    del rows[1]["topics"]
    assert evaluate_files([write(tmp_path, rows)], bundle).headline.model.rows == 8
    with pytest.raises(DataError, match="no row is labelled"):
        evaluate_files([write(tmp_path, rows[:2])], bundle)


def test_training_rows_are_reported_in_every_format(bundle: Bundle, tmp_path: Path) -> None:
    rows = support.rows()[115:125]
    rows[0]["text"] = f"  {rows[0]['text'].upper()}"  # the same text to a reader
    report = evaluate_files([write(tmp_path, rows)], bundle)
    for told in (report.as_text(), report.as_markdown(), report.as_html()):
        assert "10 paragraphs, 5 of them TRAINED ON" in told
    assert json.loads(report.as_json())["trained_on"] == 5


def test_the_report_is_a_frame_of_metrics_by_set_and_model(bundle: Bundle, tmp_path: Path) -> None:
    report = evaluate_files([path := write(tmp_path, support.rows()[100:])], bundle)
    frame = report.to_frame()
    assert frame.index.names == ["set", "model", "metric"]
    assert list(frame.columns) == ["value", "low", "high"]
    found = report.headline.evaluations["keywords"].metrics["macro_f1"]
    assert frame.loc[(path, "keywords", "macro_f1")].tolist() == [found.value, found.low, found.high]


def test_an_unknown_label_is_an_error(bundle: Bundle, tmp_path: Path) -> None:
    rows = [{"article": "a", "paragraph": 0, "text": "x", "topics": ["football"]}]
    with pytest.raises(DataError, match="unknown topic 'football'"):
        evaluate_files([write(tmp_path, rows)], bundle)


def test_the_same_rows_give_the_same_intervals(bundle: Bundle, tmp_path: Path) -> None:
    path = write(tmp_path, support.rows()[100:])
    assert evaluate_files([path], bundle).as_json() == evaluate_files([path], bundle).as_json()


def test_other_sets_come_after_the_headline_with_metrics_of_their_own() -> None:
    mixed = measure("test set mixed", BUNDLE, ROWS[:4], random_state=1)
    report = EvaluationReport({"day": MEASURED, "mixed": mixed}, Background(1), Origin({"run_id": "r1"}))
    assert report.headline is MEASURED
    text = report.as_text()
    assert text.index("made-up rows: 6 paragraphs") < text.index("test set mixed: 4 paragraphs")
    (section,) = [part for part in report.sections if part.id == "set-mixed"]
    assert section.tables[0]["model"].tolist()[2] == mixed.model.metrics["micro_f1"]
    assert [name for name, _ in section.plots] == ["reliability_mixed"]
    assert report.tables("calibration")[0].columns.tolist() == ["topic", "day", "mixed"]
