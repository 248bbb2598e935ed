from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.files import atomic_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_ends_well_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    for content in ("first", "second"):
        with atomic_path(path) as part:
            part.write_text(content, encoding="utf-8")
            assert not path.exists() or path.read_text(encoding="utf-8") != content
        assert path.read_text(encoding="utf-8") == content
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(failure), atomic_path(path) as part:
        part.write_text("half", encoding="utf-8")
        raise failure
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["a.txt"]


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"), atomic_path(tmp_path / "file" / "a.txt") as part:
        part.write_text("x", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"), atomic_path(tmp_path / "folder") as part:
        part.write_text("x", encoding="utf-8")
    assert names(tmp_path) == ["file", "folder"]
