"""Export the whole archive as a folder of tables, and make an archive of such a folder again, without loss.

There is a file for each of the archive's tables but those that follow from others. `archive.json` names the files
with their rows and SHA-256; it is written last, so a folder without it is no export.
"""

import hashlib
import json
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pipeline.archive.database import VERSION, open_archive, transaction
from pipeline.archive.stories import fingerprints, shingles
from pipeline.errors import ArchiveError
from pipeline.files import atomic_file, atomic_path
from pipeline.predict.output import arrow

Form = Literal["jsonl", "parquet"]
MANIFEST = "archive.json"
_KIND = "paragraph-topics archive"
_DERIVED = ("fingerprints", "words")
_ROWS = 5000  # that are in memory at a time
_ARROW = {"INTEGER": "int64", "TEXT": "string", "REAL": "float64", "BLOB": "binary"}


def tables(database: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """List the tables to export, in the order to import them, with the type of each of their columns.

    Parameters
    ----------
    database : sqlite3.Connection

    Returns
    -------
    dict of str to dict of str to {"INTEGER", "REAL", "TEXT", "BLOB"}

    """
    names = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid").fetchall()
    own = [name for (name,) in names if not name.startswith(("sqlite_", *_DERIVED))]
    return {
        name: {row["name"]: row["type"] for row in database.execute(f"PRAGMA table_info({name})")} for name in own
    }


def export(
    database: sqlite3.Connection,
    folder: Path,
    form: Form,
    *,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> dict[str, int]:
    """Write the archive's tables into a folder, as they are at one moment.

    Parameters
    ----------
    database : sqlite3.Connection
    folder : Path
        One without an export.
    form : {"jsonl", "parquet"}
    progress : callable
        `(done, total)` tables.

    Returns
    -------
    dict of str to int
        Rows by table.

    Raises
    ------
    ArchiveError
        Where there is an export in the folder.
    OutputError
        Where a file cannot be written.

    """
    if (folder / MANIFEST).exists():
        raise ArchiveError(f"{folder}: holds an export already; export into another folder")
    database.execute("BEGIN")  # what others write meanwhile is not seen
    try:
        found = tables(database)
        rows = {}
        for done, (name, columns) in enumerate(found.items()):
            progress(done, len(found))
            rows[name] = _write(database, name, columns, _file(folder, name, form))
    finally:
        database.rollback()
    files = {name: {"rows": count, "sha256": _sha256(_file(folder, name, form))} for name, count in rows.items()}
    with atomic_file(folder / MANIFEST) as file:
        file.write(
            json.dumps({"kind": _KIND, "version": VERSION, "form": form, "tables": files}, indent=1).encode()
        )
    return rows


def import_(
    folder: Path, path: Path, *, progress: Callable[[int, int | None], None] = lambda done, total: None
) -> dict[str, int]:
    """Make an archive of an export.

    Parameters
    ----------
    folder : Path
    path : Path
        The archive to be; there is none yet.
    progress : callable
        `(done, total)` tables.

    Returns
    -------
    dict of str to int
        Rows by table.

    Raises
    ------
    ArchiveError
        Where there is an archive, or the folder holds no whole export of this version.

    """
    if path.exists():
        raise ArchiveError(f"{path}: exists already; import into another file")
    form, described = _manifest(folder)
    with atomic_path(path) as part:
        part.unlink()  # it is empty, which is no archive
        with open_archive(part, create=True) as database:
            database.execute("PRAGMA journal_mode = DELETE")  # all in one file, which is then renamed
            expected = tables(database)
            if set(described) != set(expected):
                raise ArchiveError(f"{folder / MANIFEST}: names other tables than {', '.join(expected)}")
            with transaction(database):
                for done, (name, columns) in enumerate(expected.items()):
                    progress(done, len(expected))
                    file = _file(folder, name, form)
                    if _sha256(file) != described[name]["sha256"]:
                        raise ArchiveError(f"{file}: is not as it was exported")
                    _read(database, name, columns, file)
                _check(database, folder)
                _derive(database)
            database.execute("PRAGMA journal_mode = WAL")
    return {name: int(table["rows"]) for name, table in described.items()}


def _file(folder: Path, table: str, form: str) -> Path:
    return folder / f"{table}.{form}"


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be read: {error.strerror or error}") from None


def _manifest(folder: Path) -> tuple[str, dict[str, Any]]:
    place = folder / MANIFEST
    try:
        found = json.loads(place.read_bytes())
        kind, version, form, described = (found[key] for key in ("kind", "version", "form", "tables"))
        if kind != _KIND or form not in ("jsonl", "parquet"):
            raise ValueError("another kind of file")
        if version != VERSION:
            raise ArchiveError(f"{place}: an export of version {version}, this program reads version {VERSION}")
        return form, {
            name: {"rows": int(one["rows"]), "sha256": str(one["sha256"])} for name, one in described.items()
        }
    except FileNotFoundError:
        raise ArchiveError(f"{place}: no such file; expected the folder of a complete export") from None
    except OSError as error:
        raise ArchiveError(f"{place}: cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ArchiveError(f"{place}: does not describe an export") from None


def _write(database: sqlite3.Connection, name: str, columns: dict[str, str], path: Path) -> int:
    rows = (tuple(row) for row in database.execute(f"SELECT {', '.join(columns)} FROM {name}"))
    if path.suffix == ".parquet":
        return _write_parquet(rows, columns, path)
    count = 0
    with atomic_file(path) as file:
        for row in rows:
            line = json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=_in_base64)
            file.write(f"{line}\n".encode())
            count += 1
    return count


def _in_base64(value: bytes) -> str:
    return b64encode(value).decode()


def _write_parquet(rows: Iterator[Sequence[Any]], columns: dict[str, str], path: Path) -> int:
    pa = arrow()
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([(name, getattr(pa, _ARROW[kind])()) for name, kind in columns.items()])
    count = 0
    with atomic_file(path) as file, ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(islice(rows, _ROWS)):
            values = zip(*batch, strict=True)
            writer.write_table(pa.table(dict(zip(columns, map(list, values), strict=True)), schema))
            count += len(batch)
    return count


def _read(database: sqlite3.Connection, name: str, columns: dict[str, str], path: Path) -> None:
    into = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    database.executemany(into, _rows(path, columns))


def _rows(path: Path, columns: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    try:
        if path.suffix == ".parquet":
            arrow()
            from pyarrow.parquet import ParquetFile

            with ParquetFile(path) as file:
                for batch in file.iter_batches(_ROWS, columns=list(columns)):
                    yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
            return
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield tuple(
                    b64decode(row[column], validate=True)
                    if kind == "BLOB" and row[column] is not None
                    else row[column]
                    for column, kind in columns.items()
                )
    except (OSError, ValueError, KeyError, TypeError) as error:  # pyarrow's own are kinds of these
        reason = " ".join(str(error).split())[:200]
        raise ArchiveError(f"{path}: cannot be read: {type(error).__name__} {reason}") from None


def _check(database: sqlite3.Connection, folder: Path) -> None:
    """Refuse rows that lead to no other, as a foreign key would."""
    if broken := database.execute("PRAGMA foreign_key_check").fetchone():
        raise ArchiveError(f"{folder}: a row of {broken[0]} belongs to one of {broken[2]} that is not there")


def _derive(database: sqlite3.Connection) -> None:
    """Make what is not exported: the fingerprints; the index of words is made with the paragraphs."""
    with closing(database.execute("SELECT id, text FROM articles ORDER BY id")) as rows:
        database.executemany("INSERT INTO fingerprints (hash, article) VALUES (?, ?)", _marks(rows))


def _marks(rows: Iterable[sqlite3.Row]) -> Iterator[tuple[int, int]]:
    for row in rows:
        yield from ((mark, row["id"]) for mark in fingerprints(shingles(row["text"])))
