import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
import pytest
import support
from conftest import TrainedExperiment

from pipeline.__main__ import main

Maker = Callable[..., support.Experiment]
ALONE = {"LOKY_MAX_CPU_COUNT": "1"}  # starting workers takes longer than these folds
ARTICLE = "The bridge has a new pier and arch.\n\nApple and pear: the orchard harvest.\n\nRead more.\n"


def one_line(done: "subprocess.CompletedProcess[str]", *words: str, status: int = 1) -> None:
    """Check that a command failed with one line on standard error, and with these words in it."""
    assert done.returncode == status, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


def state(folder: Path) -> dict[str, bytes]:
    """Give what a user has of models: bundles, the joblib file and reports."""
    names = ("candidate.safetensors", "champion.safetensors", "classifier.joblib", "report.md")
    return {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}


def copy_of(trained: TrainedExperiment, experiment: Maker) -> support.Experiment:
    """Make an experiment of the test's own, with the trained model's files in place and an empty registry."""
    made = experiment()
    made.output.mkdir()
    for name, content in state(trained.experiment.output).items():
        (made.output / name).write_bytes(content)
    return made


def copy_store(trained: TrainedExperiment, made: support.Experiment) -> None:
    """Give an experiment of the test's own a store with the runs so far: to make an empty one takes seconds."""
    store, original = made.output / "mlflow.db", trained.experiment.output
    store.write_bytes((original / "mlflow.db").read_bytes())
    with closing(sqlite3.connect(store)) as connection, connection:
        change = "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)"
        connection.execute(change, (str(original), str(made.output)))


def nothing_half_written(folder: Path) -> None:
    assert not [path.name for path in folder.glob(".*") if path.name != ".training.lock"]


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def test_train_prints_sides_and_cross_validated_figures(trained: TrainedExperiment) -> None:
    assert re.search(r"^Bridge +36 +12$", trained.train_out, re.MULTILINE)
    assert re.search(r"^none +60 +20$", trained.train_out, re.MULTILINE)
    for words in ("left out: 0 not labelled", "cross-validated", "macro f1", "none recall", "Orchard"):
        assert words in trained.train_out


def test_train_and_evaluate_leave_the_files_that_are_promised(trained: TrainedExperiment) -> None:
    output = trained.experiment.output
    assert set(state(output)) == {
        "candidate.safetensors",
        "champion.safetensors",
        "classifier.joblib",
        "report.md",
    }
    assert (output / "candidate.safetensors").read_bytes() == (output / "champion.safetensors").read_bytes()
    nothing_half_written(output)


def test_evaluate_prints_the_model_beside_two_baselines(trained: TrainedExperiment) -> None:
    header = trained.evaluate_out.splitlines()[2]
    assert header.split("  ")[-1]
    for words in ("model", "most frequent", "keywords"):
        assert words in header
    assert "test set day: 40 paragraphs" in trained.evaluate_out


def test_evaluate_a_labelled_file_and_tell_what_was_trained_on(trained: TrainedExperiment, tmp_path: Path) -> None:
    data = support.write_rows(tmp_path / "mine.jsonl", support.rows()[110:130])
    before = state(trained.experiment.output)
    done = support.run("evaluate", "--config", trained.experiment.config_file, "--data", data, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert state(trained.experiment.output) == before
    found = json.loads(done.stdout)
    assert found["trained_on"] == 10
    assert set(found["models"]) >= {"model", "most frequent", "keywords"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("C: 1.0", "C: 0", "classifier.C"),
        ("cv: 3", "cv: 3\n  cw: 3", "split.cw"),
        ("split:", "split: [", "not valid"),
    ],
)
def test_a_broken_config(experiment: Maker, before: str, after: str, words: str) -> None:
    made = experiment()
    text = made.config_file.read_text(encoding="utf-8")
    made.config_file.write_text(text.replace(before, after), encoding="utf-8")
    one_line(support.run("train", "--config", made.config_file), str(made.config_file), words)
    assert not made.output.exists()


def test_an_unreachable_tracking_server(trained: TrainedExperiment, experiment: Maker) -> None:
    made = copy_of(trained, experiment)
    before = state(made.output)
    server = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    one_line(
        support.run("train", "--config", made.config_file, env=server), "http://127.0.0.1:9", "does not answer"
    )
    assert state(made.output) == before


def test_an_output_folder_that_cannot_be_written(experiment: Maker, article: Path) -> None:
    made = experiment({"output": str(article / "models")})  # below a plain file: no right of root's helps
    one_line(support.run("train", "--config", made.config_file), "cannot be written")
    assert [path.name for path in article.parent.glob(".*")] == []


def test_a_full_disk(trained: TrainedExperiment, experiment: Maker) -> None:
    made = copy_of(trained, experiment)
    before = state(made.output)
    done = support.run(
        "train",
        "--config",
        made.config_file,
        env=ALONE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )
    one_line(done)
    assert state(made.output) == before
    nothing_half_written(made.output)


def run_states(database: Path) -> list[str]:
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return [status for (status,) in connection.execute("SELECT status FROM runs ORDER BY start_time")]
    except sqlite3.OperationalError:  # its tables are being made
        return []


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    for _ in range(1200):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("what was waited for did not happen")


def test_ctrl_c_in_training_and_a_second_training_leave_the_model_usable(
    trained: TrainedExperiment, experiment: Maker, article: Path
) -> None:
    made = copy_of(trained, experiment)
    support.write_rows(
        made.folder / "articles" / "more.jsonl", support.made_rows(800, prefix="m", writer="m", seed=3)
    )
    settings = made.config_file.read_text(encoding="utf-8")
    made.config_file.write_text(re.sub(r"cv: \d+", "cv: 250", settings), encoding="utf-8")  # a long fit
    copy_store(trained, made)
    before, runs = state(made.output), run_states(made.output / "mlflow.db")
    first = subprocess.Popen(
        support.command("train", "--config", made.config_file),
        env={**support.ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert first.stdout is not None
        assert "rows with" in first.stdout.readline()  # the data are read, the lock is held, the fit comes next
        os.killpg(first.pid, signal.SIGSTOP)
        one_line(support.run("train", "--config", made.config_file), "another training")
        os.killpg(first.pid, signal.SIGCONT)
        wait_for(lambda: run_states(made.output / "mlflow.db") == [*runs, "RUNNING"], first)
        os.killpg(first.pid, signal.SIGINT)  # as a terminal does: every process of the group is told
        _, told = first.communicate(timeout=60)
    finally:
        if first.poll() is None:
            os.killpg(first.pid, signal.SIGKILL)
    assert first.returncode == 130, told
    assert "interrupted" in told
    assert "Traceback" not in told
    assert run_states(made.output / "mlflow.db") == [*runs, "KILLED"]
    assert state(made.output) == before
    nothing_half_written(made.output)
    assert len(support.json_lines(support.run("predict", article, "--model", made.output).stdout)) == 3


def test_a_candidate_below_the_gate_is_told_in_one_line_after_the_report(experiment: Maker) -> None:
    made = experiment({"gate": {"day": {"macro_f1": 1.0}}})
    assert support.run("train", "--config", made.config_file, env=ALONE).returncode == 0
    done = support.run("evaluate", "--config", made.config_file)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: gate failed, not promoted: ")
    assert done.stderr.splitlines()[-1].endswith("the gate requires 1.000")
    assert "test set day: 40 paragraphs" in done.stdout
    assert not (made.output / "champion.safetensors").exists()


def test_the_help_lists_each_command_once() -> None:
    names = re.findall(r"^  ([a-z][a-z-]*)  ", support.run("--help").stdout, re.MULTILINE)
    assert names == main.list_commands(click.Context(main))
    assert len(set(names)) == len(names)


def test_a_command_imports_no_other() -> None:
    loaded = (
        "import sys, pipeline.__main__ as m; m.main(['predict', '-h'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert {name for name in done.stdout.split() if name.startswith("pipeline.cli.")} == {
        "pipeline.cli.options",
        "pipeline.cli.predict",
    }
