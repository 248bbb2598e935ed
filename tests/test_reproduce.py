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
from pipeline.steps.reproduce import reproduce
from pipeline.tracking import Tracker

Maker = Callable[..., support.Experiment]
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commit the package, without its compiled kernel, and make it the current folder and the one imported."""
    tree = tmp_path / "repository"
    shutil.copytree(ROOT / "pipeline", tree / "pipeline", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (tree / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], cwd=tree, check=True)
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


def test_a_commit_that_is_not_there_is_one_line(repository: Path, tracked: Maker) -> None:
    made = tracked()
    tracker = Tracker(made.config.tracking, made.output)
    with tracker.run() as run_id:
        text = made.config_file.read_text(encoding="utf-8")
        tracker.log(tags={"git_commit": "0" * 40}, texts={"config.yaml": text})
    with pytest.raises(ReproductionError, match="commit cannot be checked out"):
        reproduce(made.config, run_id)


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
