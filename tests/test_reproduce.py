"""A run is rebuilt from a repository of its own, so that uncommitted changes here do not matter."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import support

from pipeline.errors import ReproductionError
from pipeline.model.bundle import load_bundle
from pipeline.steps.reproduce import compared, reproduce
from pipeline.tracking import Tracker, embedded_store

Maker = Callable[..., support.Experiment]
ROOT = Path(__file__).resolve().parent.parent


TAGS = {"git_dirty": "false", "data_sha256": "d", "test_sha256": "t", "python": "3.11", "version.numpy": "2.0"}
METRICS = {f"cv/{letter}": 0.5 for letter in "abcdef"}
NAN = float("nan")


def test_metrics_of_training_are_compared_and_others_are_not() -> None:
    then = {"cv/f1": 0.5, "threshold/x": 0.25, "rows/train": 10.0, "fold/f1": NAN, "test/f1": 0.5, "duration": 3.0}
    assert compared(then, {**then, "test/f1": 0.75, "duration": 4.0, "cv/new": 1.0}, TAGS, TAGS) == 4


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({**METRICS, "cv/a": 0.25}, "1 of 6 metrics differ (cv/a 0.500000 then, 0.250000 now); "),
        ({**METRICS, "cv/b": NAN}, "1 of 6 metrics differ (cv/b 0.500000 then, nan now); "),
        ({}, "6 of 6 metrics differ (cv/a 0.500000 then, nan now, "),
    ],
)
def test_metrics_that_differ_are_named(now: dict[str, float], told: str) -> None:
    with pytest.raises(ReproductionError) as caught:
        compared(METRICS, now, TAGS, TAGS)
    assert str(caught.value).startswith(told)
    assert str(caught.value).count(" then, ") == (1 if now else 5)


@pytest.mark.parametrize(
    ("then", "now", "reasons"),
    [
        ({}, {}, "commit, config, data and versions are the same: the training is not deterministic"),
        ({}, {"data_sha256": "e"}, "the training data differs"),
        ({}, {"test_sha256": "u"}, "the test split differs"),
        ({"git_dirty": "true"}, {}, "the run was made from a tree with uncommitted changes"),
        ({}, {"python": "3.12", "version.numpy": "2.1"}, "python was 3.11, is 3.12; numpy was 2.0, is 2.1"),
        ({"git_commit": "a"}, {"git_commit": "b", "git_dirty": "true"}, "commit, config, data and versions are"),
    ],
)
def test_a_difference_is_explained_by_what_else_differs(
    then: dict[str, str], now: dict[str, str], reasons: str
) -> None:
    with pytest.raises(ReproductionError) as caught:
        compared(METRICS, {}, {**TAGS, **then}, {**TAGS, **now})
    assert str(caught.value).partition("now); ")[2].startswith(reasons)


def commit(tree: Path) -> str:
    """Commit all that a folder has, in a repository of its own, and return the hash."""
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], cwd=tree, check=True)
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=tree, text=True).strip()


def run_of(made: support.Experiment, commit: str) -> str:
    """Track a run of a commit."""
    tracker = Tracker(made.config.tracking, made.output)
    with tracker.run() as run_id:
        text = made.config_file.read_text(encoding="utf-8")
        tracker.log(tags={"git_commit": commit}, texts={"config.yaml": text})
    return run_id


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("raise SystemExit('first line\\nlast line\\n')", "training at the run's commit failed: last line"),
        ("pass", "training at the run's commit registered no candidate"),
        (
            "import os; raise SystemExit(str(sorted({'MLFLOW_TRACKING_URI', 'PATH'} & set(os.environ))))",
            "training at the run's commit failed: ['PATH']",  # it is tracked in a store of its own
        ),
    ],
)
def test_a_commit_whose_training_fails_is_one_line(
    tracked: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, told: str
) -> None:
    made = tracked()
    (tmp_path / "old" / "pipeline").mkdir(parents=True)
    (tmp_path / "old" / "pipeline" / "__init__.py").touch()
    (tmp_path / "old" / "pipeline" / "__main__.py").write_text(program, encoding="utf-8")
    run_id = run_of(made, commit(tmp_path / "old"))
    monkeypatch.chdir(tmp_path / "old")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", embedded_store(made.output))
    with pytest.raises(ReproductionError) as caught:
        reproduce(made.config, run_id)
    assert str(caught.value) == told


def test_a_commit_that_is_not_there_is_one_line(
    tracked: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tracked()
    (tmp_path / "file").touch()
    commit(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReproductionError, match=r"the run's commit cannot be checked out: fatal: .*0000000"):
        reproduce(made.config, run_of(made, "0" * 40))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commit the package, without its compiled kernel, and make it the current folder and the one imported."""
    tree = tmp_path / "repository"
    shutil.copytree(ROOT / "pipeline", tree / "pipeline", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (tree / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    commit(tree)
    monkeypatch.chdir(tree)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    return tree


def test_equal_metrics_are_counted_and_different_ones_named(repository: Path, tracked: Maker) -> None:
    made = tracked()
    done = support.run("train", "--config", made.config_file, cwd=repository, env={"LOKY_MAX_CPU_COUNT": "1"})
    assert done.returncode == 0, done.stderr
    before = made.candidate.read_bytes()
    commit = subprocess.check_output(["git", "rev-parse", "--short=12", "HEAD"], text=True).strip()
    told = reproduce(made.config, "candidate")
    found = re.fullmatch(r"commit (\w+): all (\d+) metrics are equal", told)
    assert found, told
    assert found[1] == commit
    assert made.candidate.read_bytes() == before

    tracker = Tracker(made.config.tracking, made.output)
    run_id = load_bundle(made.candidate).about["run_id"]
    tracker.client.log_metric(run_id, "cv/macro_f1", 0.125)
    with pytest.raises(ReproductionError) as caught:
        reproduce(made.config, run_id)
    assert f"1 of {found[2]} metrics differ (cv/macro_f1 0.125000 then, " in str(caught.value)
    assert "the training is not deterministic" in str(caught.value)


@pytest.mark.parametrize(
    ("commit", "topics", "words"),
    [
        ("unknown", "topics.yaml", "made without a git commit: commit the project's files, then train again"),
        (
            "HEAD",
            "uncommitted.yaml",
            "uncommitted.yaml: no such file; what was not committed when the run was made",
        ),
    ],
)
def test_files_that_no_commit_has_are_told_as_the_cause(
    repository: Path, tracked: Maker, commit: str, topics: str, words: str
) -> None:
    made = tracked()
    tracker = Tracker(made.config.tracking, made.output)
    with tracker.run() as run_id:
        text = made.config_file.read_text(encoding="utf-8").replace(str(made.folder / "topics.yaml"), topics)
        tracker.log(tags={"git_commit": commit}, texts={"config.yaml": text})
    with pytest.raises(ReproductionError, match=words):
        reproduce(made.config, run_id)
