"""Export and import: nothing is lost, and nothing but a whole export becomes an archive."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from archiving import LUNCH, MINES, PEACE, add, check, entry, made_archive, made_model

from pipeline.archive.database import open_archive
from pipeline.archive.transfer import Form, export, import_
from pipeline.errors import ArchiveError, OutputError


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an archive that has rows in all of its tables."""
    folder = tmp_path_factory.mktemp("archive")
    path = folder / "a.sqlite3"
    text = "\n\n".join([MINES, PEACE, LUNCH])
    with made_archive(path) as database:
        add(
            database,
            made_model(folder / "champion.safetensors"),
            entry(
                "one", text, title='A "title", and\nmore \u2028\u00e9\U0001f600', language="en", notes=("doubt",)
            ),
            entry("two", f"{text}\n\nMore.", outlet="=SUM(A1)"),
            entry("three", "A\x00B " + LUNCH, dated=False),
        )
        columns = len(database.execute("PRAGMA table_info(views)").fetchall())
        database.execute(f"INSERT INTO views VALUES (4, 'v', 'v', '{{}}', '[]'{', 0' * (columns - 5)})")
        database.execute("INSERT INTO told SELECT 4, id, 'now' FROM stories")
        database.execute("INSERT INTO feeds VALUES ('https://a.org/rss', NULL, 'x', 'y', 'z', 3, 'timed out')")
        columns = "view, address, mark, content, made, due"
        notice = f"INSERT INTO notices ({columns}) VALUES (4, 'mailto:a@b', ?, ?, 'n', 'n')"
        database.executemany(notice, [("1", b"Subject: \xff\x00\r\n"), ("2", None)])
        database.execute("INSERT INTO sources VALUES ('/a', 'r', 'd', 7)")
        database.execute("INSERT INTO pruned VALUES ('/b')")
        database.commit()
    return path


def content(path: Path) -> dict[str, list[str]]:
    """Return the rows of all tables, with what follows from others."""
    with open_archive(path) as database:
        tables = database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        own = [row[0] for row in tables.fetchall() if not row[0].startswith("words")]
        return {
            table: sorted(repr(tuple(row)) for row in database.execute(f"SELECT * FROM {table}")) for table in own
        }


@pytest.fixture(params=["jsonl", "parquet"])
def exported(request: pytest.FixtureRequest, archive: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    form: Form = request.param
    with open_archive(archive) as database:
        rows = export(database, folder, form)
    assert rows["articles"] == 3
    return folder


def test_what_is_exported_is_imported_without_loss(archive: Path, exported: Path, tmp_path: Path) -> None:
    import_(exported, tmp_path / "new" / "b.sqlite3")
    before, after = content(archive), content(tmp_path / "new" / "b.sqlite3")
    assert all(before.values()), "a table without rows shows nothing"
    assert after == before
    with open_archive(tmp_path / "new" / "b.sqlite3") as database:
        check(database)
        assert len(database.execute("SELECT 1 FROM words WHERE words MATCH 'ceasefire'").fetchall()) == 2
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["b.sqlite3"]


def test_an_export_is_of_one_moment(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    shutil.copy(archive, path)
    with open_archive(path) as database, open_archive(path) as other:

        def write(done: int, total: int | None) -> None:
            other.execute("INSERT INTO pruned VALUES (?)", (f"new {done}",))
            other.commit()

        assert export(database, tmp_path / "x", "jsonl", progress=write)["pruned"] == 1


def test_neither_an_export_nor_an_archive_is_overwritten(archive: Path, exported: Path) -> None:
    with open_archive(archive) as database, pytest.raises(ArchiveError, match="holds an export already"):
        export(database, exported, "jsonl")
    with pytest.raises(ArchiveError, match="exists already; import into another file"):
        import_(exported, archive)


def drop_manifest(folder: Path) -> None:
    (folder / "archive.json").unlink()


def other_version(folder: Path) -> None:
    path = folder / "archive.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))


def no_manifest(folder: Path) -> None:
    (folder / "archive.json").write_text('{"kind": 1}')


def cut(folder: Path) -> None:
    path = next(folder.glob("articles.*"))
    path.write_bytes(path.read_bytes()[:-20])


def lose(folder: Path) -> None:
    next(folder.glob("hits.*")).unlink()


def unlist(folder: Path) -> None:
    path = folder / "archive.json"
    found = json.loads(path.read_text())
    del found["tables"]["hits"]
    path.write_text(json.dumps(found))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (drop_manifest, r"archive\.json: no such file; expected the folder of a complete export"),
        (other_version, r"archive\.json: an export of version 99, this program reads version 1"),
        (no_manifest, r"archive\.json: does not describe an export"),
        (cut, r"articles\.\w+: is not as it was exported"),
        (lose, r"hits\.\w+: cannot be read: No such file"),
        (unlist, r"archive\.json: names other tables than models, "),
    ],
)
def test_nothing_but_a_whole_export_becomes_an_archive(
    exported: Path, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    damage(exported)
    with pytest.raises(ArchiveError, match=reason):
        import_(exported, tmp_path / "b.sqlite3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1]", "cannot be read: TypeError"),
        ("{}", "cannot be read: KeyError 'id'"),
        ("no JSON", "cannot be read: JSONDecodeError"),
        ('{"id": 9, "article": 99, "number": 0, "start": 0, "end": 1, "text": "x"}', "FOREIGN KEY"),
    ],
)
def test_rows_that_somebody_wrote_are_checked(archive: Path, tmp_path: Path, line: str, reason: str) -> None:
    import hashlib

    folder = tmp_path / "export"
    with open_archive(archive) as database:
        export(database, folder, "jsonl")
    path = folder / "paragraphs.jsonl"
    path.write_text(path.read_text() + line + "\n")
    manifest = json.loads((folder / "archive.json").read_text())
    manifest["tables"]["paragraphs"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "archive.json").write_text(json.dumps(manifest))
    with pytest.raises(ArchiveError, match=reason):
        import_(folder, tmp_path / "b.sqlite3")
    assert not (tmp_path / "b.sqlite3").exists()


def test_an_export_that_cannot_be_written_leaves_no_manifest(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "x" / "stories.jsonl").mkdir(parents=True)
    with open_archive(archive) as database, pytest.raises(OutputError, match=r"stories\.jsonl: cannot be written"):
        export(database, tmp_path / "x", "jsonl")
    assert not (tmp_path / "x" / "archive.json").exists()
