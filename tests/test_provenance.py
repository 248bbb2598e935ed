import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.provenance import surroundings


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    return subprocess.run(
        ["git", *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_commit_and_dirtiness_are_those_of_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    git("add", ".")
    git("commit", "--quiet", "--message", "Add a")
    clean = surroundings()
    assert (clean["git_commit"], clean["git_dirty"]) == (git("rev-parse", "HEAD"), "false")
    (tmp_path / "a.txt").write_text("b", encoding="utf-8")
    assert surroundings()["git_dirty"] == "true"


def test_without_a_repository_or_git_they_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert (surroundings()["git_commit"], surroundings()["git_dirty"]) == ("unknown", "unknown")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert surroundings()["git_commit"] == "unknown"


def test_versions_are_those_installed() -> None:
    found = surroundings()
    assert found["python"] == platform.python_version()
    assert found["version.scikit-learn"] == version("scikit-learn")
    assert found["version.mlflow"] == version("mlflow")
