from pathlib import Path

import pytest
import support

from pipeline.errors import OutputError
from pipeline.predict.location import database_of, user_folder


@pytest.mark.parametrize(
    ("model", "database"),
    [
        ("models", "models/archive.sqlite3"),
        ("models/mine", "models/mine/archive.sqlite3"),
        ("models/champion.safetensors", "models/archive.sqlite3"),
        ("models/candidate.safetensors", "models/archive.sqlite3"),
        ("models/other.safetensors", "models/other.archive.sqlite3"),
        ("missing", "missing/archive.sqlite3"),
    ],
)
def test_each_model_has_databases_of_its_own(tmp_path: Path, model: str, database: str) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for name in ("champion", "candidate", "other"):
        (tmp_path / "models" / f"{name}.safetensors").touch()
    assert database_of(tmp_path / model, "archive") == tmp_path / database


@pytest.mark.parametrize("address", ["models:/news@champion", "models:/news/3", "models://news@champion"])
def test_versions_of_a_registered_model_share_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    kept = tmp_path / "paragraph-topics" / "news.annotations.sqlite3"
    assert database_of(address, "annotations") == kept
    done = support.run("annotations", "export", "--model", address, env={"XDG_DATA_HOME": str(tmp_path)})
    assert (done.returncode, done.stderr.startswith(f"error: {kept}: no annotations")) == (1, True)


def test_a_relative_folder_of_the_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/reader")
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert user_folder("XDG_CACHE_HOME", ".cache") == Path("/home/reader/.cache/paragraph-topics")


def test_a_user_without_a_home_folder_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    with pytest.raises(OutputError, match=r"^no home folder: set XDG_DATA_HOME to a folder to keep files in$"):
        database_of("models:/news@champion", "archive")
