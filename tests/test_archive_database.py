"""Opening an archive: made whole or not at all, and whatever is wrong with it is one clear line."""

import multiprocessing
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from archiving import MINES, add, check, entry, made_archive, made_model

from pipeline.archive.database import open_archive, transaction
from pipeline.errors import ArchiveError


def empty(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("no archive " * 100)


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE corrections (id)")


def other_version(path: Path) -> None:
    with made_archive(path) as database:
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, r"no archive here; `topics collect` makes one"),
        (empty, "empty, no archive"),
        (folder, "expected the file of an archive, not a folder"),
        (text, "cannot use this archive: it is no archive, or damaged"),
        (other_database, "a database, but no archive of this program"),
        (other_version, "an archive of version 99, this program reads version 1"),
    ],
)
def test_what_is_no_archive_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "a.sqlite3"
    make(path)
    with pytest.raises(ArchiveError, match=f"^{path}: {reason}$"), open_archive(path):
        pass


def test_a_folder_that_is_none_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    reason = f"cannot use this archive: {tmp_path}/file is not a folder$"
    path = tmp_path / "file" / "a.sqlite3"
    with pytest.raises(ArchiveError, match=reason), open_archive(path, create=True):
        pass


def test_a_damaged_archive_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    model = made_model(tmp_path / "m.safetensors")
    with made_archive(path) as database:
        add(database, model, *(entry(f"{n}", f"{MINES} {n}") for n in range(40)))
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    reason = "it is damaged; restore it from a copy, or import an export"
    with pytest.raises(ArchiveError, match=reason), open_archive(path) as database:
        database.execute("SELECT text FROM articles").fetchall()


def test_an_archive_that_another_process_holds_for_too_long_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    with made_archive(path) as holder, transaction(holder):
        reason = "another process has held it for too long; try again"
        with (
            pytest.raises(ArchiveError, match=reason),
            open_archive(path, patience=0.1) as database,
            transaction(database),
        ):
            pass
        with open_archive(path, patience=0.1) as reader:
            assert reader.execute("SELECT count(*) FROM articles").fetchone()[0] == 0


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        with pytest.raises(KeyboardInterrupt), transaction(database):
            database.execute("INSERT INTO pruned VALUES ('a')")
            raise KeyboardInterrupt
        assert database.execute("SELECT count(*) FROM pruned").fetchone()[0] == 0
        with transaction(database):
            database.execute("INSERT INTO pruned VALUES ('b')")
        check(database)


def _make(path: Path, turn: int) -> None:
    with open_archive(path, create=True) as database, transaction(database):
        database.execute("INSERT INTO pruned VALUES (?)", (str(turn),))


def test_processes_that_make_an_archive_at_once_end_with_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    for turn in range(5):
        path = tmp_path / f"{turn}" / "a.sqlite3"
        processes = [context.Process(target=_make, args=(path, number)) for number in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0, 0]
        with open_archive(path) as database:
            assert database.execute("SELECT count(*) FROM pruned").fetchone()[0] == 4
        assert sorted(found.name for found in path.parent.iterdir()) == ["a.sqlite3"]
