from pathlib import Path

import pytest
import support

from pipeline.labelling.location import beside, former, of_registered


@pytest.mark.parametrize(
    ("model", "annotations"),
    [
        ("models", "models/annotations.sqlite3"),
        ("models/mine", "models/mine/annotations.sqlite3"),
        ("models/champion.safetensors", "models/annotations.sqlite3"),
        ("models/candidate.safetensors", "models/annotations.sqlite3"),
        ("models/other.safetensors", "models/other.annotations.sqlite3"),
        ("missing", "missing/annotations.sqlite3"),
    ],
)
def test_each_model_has_annotations_of_its_own(tmp_path: Path, model: str, annotations: str) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for name in ("champion", "candidate", "other"):
        (tmp_path / "models" / f"{name}.safetensors").touch()
    assert beside(tmp_path / model) == tmp_path / annotations


@pytest.mark.parametrize("address", ["models:/news@champion", "models:/news/3", "models://news@champion"])
def test_versions_of_a_registered_model_share_their_annotations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    kept = tmp_path / "paragraph-topics" / "news.annotations.sqlite3"
    assert of_registered(address) == kept
    done = support.run("annotations", "export", "--model", address, env={"XDG_DATA_HOME": str(tmp_path)})
    assert (done.returncode, done.stderr.startswith(f"error: {kept}: no annotations")) == (1, True)


@pytest.mark.parametrize(
    ("name", "earlier"),
    [
        ("annotations.sqlite3", "corrections.sqlite3"),
        ("news.annotations.sqlite3", "news.corrections.sqlite3"),
        ("labels.db", None),
    ],
)
def test_what_an_earlier_version_kept_has_the_same_name_but_one_word(name: str, earlier: str | None) -> None:
    assert former(Path("models") / name) == (Path("models") / earlier if earlier else None)
