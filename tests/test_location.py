from pathlib import Path

import pytest

from pipeline.predict.location import database_of


def test_databases_lie_in_the_output_folder_and_beside_a_bundle(tmp_path: Path) -> None:
    for name in ("champion", "candidate", "legal"):
        (tmp_path / f"{name}.safetensors").touch()
    assert database_of(tmp_path, "archive") == tmp_path / "archive.sqlite3"
    assert database_of(tmp_path / "champion.safetensors", "archive") == tmp_path / "archive.sqlite3"
    assert database_of(tmp_path / "candidate.safetensors", "corrections") == tmp_path / "corrections.sqlite3"
    assert database_of(tmp_path / "legal.safetensors", "archive") == tmp_path / "legal.archive.sqlite3"


@pytest.mark.parametrize("address", ["models:/topics@champion", "models:/topics/3"])
def test_versions_of_a_registered_model_share_a_database(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert database_of(address, "archive") == Path("/data/paragraph-topics/topics.archive.sqlite3")
