"""Watching a folder: a file is ready when it is written to its end, once for each of its contents."""

import os
from pathlib import Path

from pipeline.archive.watch import Watch
from pipeline.errors import SourceError


def names(found: list[Path | SourceError]) -> list[str]:
    return [one.name if isinstance(one, Path) else str(one) for one in found]


def test_a_file_is_ready_when_two_looks_find_it_the_same(tmp_path: Path) -> None:
    watch = Watch([tmp_path], (".txt",))
    path = tmp_path / "sub" / "a.txt"
    path.parent.mkdir()
    path.write_text("Half")
    assert names(watch.ready()) == []
    path.write_text("Half of")
    assert names(watch.ready()) == []
    path.write_text("Half of it.")
    assert names(watch.ready()) == []
    assert names(watch.ready()) == ["a.txt"]
    assert names(watch.ready()) == []
    path.write_text("Another text.")
    assert names(watch.ready()) == []
    assert names(watch.ready()) == ["a.txt"]


def test_a_file_that_takes_the_place_of_another_is_ready_although_its_size_and_time_are_the_same(
    tmp_path: Path,
) -> None:
    watch = Watch([tmp_path], (".txt",))
    (tmp_path / "a.txt").write_text("One.")
    os.utime(tmp_path / "a.txt", ns=(10**18, 10**18))
    assert [names(watch.ready()) for _ in range(2)] == [[], ["a.txt"]]
    (tmp_path / "part").write_text("Two.")
    os.utime(tmp_path / "part", ns=(10**18, 10**18))
    (tmp_path / "part").replace(tmp_path / "a.txt")
    assert [names(watch.ready()) for _ in range(2)] == [[], ["a.txt"]]


def test_empty_hidden_and_other_files_are_left_alone(tmp_path: Path) -> None:
    watch = Watch([tmp_path], (".txt",))
    for name in (".a.txt", "a.txt.part", "b.png", ".git/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Text.")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "broken.txt").symlink_to("nowhere")
    assert [names(watch.ready()) for _ in range(3)] == [[], [], []]
    (tmp_path / "empty.txt").write_text("No longer.")
    (tmp_path / "UPPER.TXT").write_text("Text.")
    assert [names(watch.ready()) for _ in range(2)] == [[], ["UPPER.TXT", "empty.txt"]]


def test_a_file_that_goes_and_comes_again_is_ready_again(tmp_path: Path) -> None:
    watch = Watch([tmp_path], (".txt",))
    path = tmp_path / "a.txt"
    path.write_text("Text.")
    assert [names(watch.ready()) for _ in range(2)] == [[], ["a.txt"]]
    path.rename(tmp_path / "kept")
    assert names(watch.ready()) == []
    (tmp_path / "kept").rename(path)
    assert [names(watch.ready()) for _ in range(2)] == [[], ["a.txt"]]


def test_a_folder_that_goes_is_told_of_once_and_watched_when_it_comes_again(tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    watch = Watch([folder], (".txt",))
    assert watch.ready() == []
    folder.rmdir()
    assert names(watch.ready()) == [f"{folder}: cannot be read: No such file or directory"]
    assert watch.ready() == []
    folder.mkdir()
    (folder / "a.txt").write_text("Text.")
    assert [names(watch.ready()) for _ in range(2)] == [[], ["a.txt"]]
