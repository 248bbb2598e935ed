"""The embedded tracking store of an output folder: it follows its folder, and knows which of its runs live."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_DATABASE = "mlflow.db"
_ADDRESSES = {  # where MLflow keeps absolute addresses of artifacts
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}


def embedded_store(folder: Path) -> str:
    """Return the address of the store that lies in an output folder."""
    return f"sqlite:///{(folder / _DATABASE).resolve()}"


def artifacts_address(folder: Path) -> str:
    """Return the address below which the artifacts of an output folder lie."""
    return (folder / "artifacts").resolve().as_uri()


def rebase(folder: Path) -> None:
    """Let a store that was copied or moved with its folder point to the artifacts beside it.

    MLflow keeps absolute addresses: without this, a copy would write to the original, and a moved store would find
    nothing. All of them are changed in one transaction, or none.

    Parameters
    ----------
    folder : Path
        The output folder.

    Raises
    ------
    sqlite3.Error
        Where the store cannot be read, or not be written where it must.

    """
    if not (folder / _DATABASE).exists():
        return
    here = artifacts_address(folder)
    with closing(sqlite3.connect(folder / _DATABASE, timeout=30)) as database:
        if not _elsewhere(database, here):
            return
        with database:
            database.execute("BEGIN IMMEDIATE")
            for there in _elsewhere(database, here):
                _replace(database, there, here)


@contextmanager
def claimed(folder: Path, run_id: str) -> Iterator[None]:
    """Hold a run as long as this process lives: whatever ends it, the operating system gives the lock back."""
    lock = _lock(folder, run_id)
    try:
        with lock:
            yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep others from opening or closing runs meanwhile: a run is claimed only after it is there."""
    with _lock(folder, "all"):
        yield


def is_abandoned(folder: Path, run_id: str) -> bool:
    """Tell whether no living process holds a run."""
    lock = _lock(folder, run_id)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)
    return True


def _lock(folder: Path, name: str) -> FileLock:
    place = folder / "artifacts" / ".runs"
    place.mkdir(parents=True, exist_ok=True)
    return FileLock(place / f"{name}.lock", thread_local=False)


def _elsewhere(database: sqlite3.Connection, here: str) -> list[str]:
    """List the addresses of other folders below which artifacts of this store are said to lie."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"experiments", "runs"} <= tables:
        return []
    places = [place for (place,) in database.execute("SELECT artifact_location FROM experiments")]
    for run_id, address in database.execute("SELECT run_uuid, artifact_uri FROM runs"):
        places.append((address or "").removesuffix(f"/{run_id}/artifacts"))
    ours = {place for place in places if place and place.startswith("file:") and place.endswith("/artifacts")}
    return sorted(ours - {here})


def _replace(database: sqlite3.Connection, there: str, here: str) -> None:
    for table, columns in _ADDRESSES.items():
        known = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        for column in known.intersection(columns):
            database.execute(
                f"UPDATE {table} SET {column} = :here || substr({column}, length(:there) + 1) "
                f"WHERE {column} = :there OR substr({column}, 1, length(:there) + 1) = :there || '/'",
                {"there": there, "here": here},
            )
