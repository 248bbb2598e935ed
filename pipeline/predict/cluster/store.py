"""Where the files of a batch prediction lie: folders, and addresses of object stores such as `s3://bucket/folder`."""

import errno
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import uuid4

from pipeline.errors import MissingExtraError, OutputError, SourceError
from pipeline.files import one_line_errors

OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "r2"}
_ATTEMPTS = "_attempts"
_OWN = re.compile(r"[0-9a-f]{32}")
_NO_LOCKS = (
    errno.ENOLCK,
    errno.ENOTSUP,
    errno.ENOSYS,
)  # of a file system without them, where all runs count as living


def file_system(address: str) -> tuple[Any, str]:
    """Open the file system of an address.

    Parameters
    ----------
    address : str
        A path, or an address that fsspec knows.

    Returns
    -------
    fs : fsspec.AbstractFileSystem
    path : str
        The address as that file system names it; a local path is absolute.

    Raises
    ------
    SourceError
        Where it has no such file system, or one that other processes cannot see.

    """
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise MissingExtraError("--scheduler", "dask") from None
    try:
        fs, path = url_to_fs(address, use_listings_cache=False)
    except (ImportError, ValueError) as error:  # its library is not installed; a protocol that nobody knows
        raise SourceError(f"{address}: {error}") from None
    if {"memory"}.intersection(protocols(fs)):
        raise SourceError(f"{address}: other processes do not see it; use a folder or an object store")
    return fs, path


def protocols(fs: Any) -> tuple[str, ...]:
    """Return the names of a file system."""
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def is_local(fs: Any) -> bool:
    """Tell the operating system's files from others."""
    return "file" in protocols(fs)


def address_of(fs: Any, path: str) -> str:
    """Return the address of a path, of a local file the path itself."""
    return path if is_local(fs) else str(fs.unstrip_protocol(path))


def version_of(info: dict[str, Any]) -> str | None:
    """Return what an object store changes with every change of an object; None where there is nothing like it."""
    found = info.get("ETag") or info.get("etag") or info.get("content_md5")
    return None if found is None else str(found)


def digest(file: BinaryIO) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed asks for more


class Store(Protocol):
    """The folder that a batch prediction writes to. No file in it is ever seen half-written under its name."""

    @property
    def address(self) -> str:
        """Its address, absolute."""

    def claimed(self, run: str, job: str) -> Any:
        """Hold the folder for a run; at the end remove the attempts of every run that is no more."""

    def attempt(self, run: str) -> Any:
        """Yield a local folder for one attempt, which vanishes at the end."""

    def publish(self, file: Path, name: str) -> str | None:
        """Give a complete file its name, at once; return its version in the store."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""

    def has(self, name: str, *, sha256: str, version: str | None) -> bool:
        """Tell whether a file is there and is what it was."""

    def sizes(self) -> dict[str, int]:
        """Return the size of every file by its name."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""


def open_store(address: str) -> Store:
    """Return the folder at an address; raise OutputError where files cannot be published there at once."""
    try:
        fs, path = file_system(address)
    except SourceError as error:
        raise OutputError(str(error)) from None
    if is_local(fs):
        return LocalFolder(Path(path))
    if not OBJECT_STORES.intersection(protocols(fs)):
        raise OutputError(f"{address}: expected a folder or an object store: {', '.join(sorted(OBJECT_STORES))}")
    return ObjectStore(fs, path)


class LocalFolder:
    """A folder that every worker sees: attempts are made in `_attempts`, and published by renaming.

    Parameters
    ----------
    folder : Path

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._attempts = folder / _ATTEMPTS

    @property
    def address(self) -> str:
        """Its path."""
        return str(self.folder)

    @contextmanager
    def claimed(self, run: str, job: str) -> Iterator[None]:
        """Hold the folder by a lock, which the operating system gives back however the process ends."""
        with one_line_errors(self.folder):
            lock = self._locked(run)
        with lock:
            try:
                with one_line_errors(self.folder):
                    lock.write(job.encode())
                    lock.flush()
                    (self._attempts / run).mkdir()
                self._refuse_another(run, job)
                yield
            finally:
                self._discard(run)
                self._remove_stale()

    @contextmanager
    def attempt(self, run: str) -> Iterator[Path]:
        """Yield a folder below that of the run; there is none once the client has ended."""
        folder = self._attempts / run / uuid4().hex
        with one_line_errors(folder):
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, file: Path, name: str) -> str | None:
        """Rename a file."""
        target = self.folder / name
        with one_line_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as written:
                os.fsync(written.fileno())
            file.replace(target)
        return None

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        with one_line_errors(self.folder / name), suppress(FileNotFoundError, NotADirectoryError):
            return (self.folder / name).read_bytes()
        return None

    def has(self, name: str, *, sha256: str, version: str | None) -> bool:  # files have no version
        """Tell by its digest whether a file is what it was."""
        with suppress(OSError), (self.folder / name).open("rb") as file:
            return digest(file) == sha256
        return False

    def sizes(self) -> dict[str, int]:
        """Return the size of every file by its name."""
        names = (
            os.path.join(above, name)  # noqa: PTH118  # much faster than Path for many files
            for above, _, names in os.walk(self.folder)
            for name in names
        )
        start = len(str(self.folder)) + 1
        return {name[start:].replace(os.sep, "/"): os.stat(name).st_size for name in names if os.path.isfile(name)}  # noqa: PTH113, PTH116

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with one_line_errors(self.folder / name):
            (self.folder / name).unlink(missing_ok=True)

    def _lock_file(self, run: str) -> Path:
        return self._attempts / f"{run}.lock"

    def _locked(self, run: str) -> BinaryIO:
        """Open and lock a run's file, though another run that ends may take it for that of a dead one."""
        while True:
            self._attempts.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                file = self._lock_file(run).open("wb")
                try:
                    fcntl.flock(file, fcntl.LOCK_EX)
                except OSError as error:
                    if error.errno not in _NO_LOCKS:
                        raise
                if _is_there(self._lock_file(run), file):
                    return file
                file.close()

    def _refuse_another(self, run: str, job: str) -> None:
        """Raise OutputError where a living run writes something else to this folder."""
        for other in self._runs() - {run}:
            with suppress(FileNotFoundError), self._lock_file(other).open("rb") as file:
                if not _lock(file) and file.read().decode() not in ("", job):
                    raise OutputError(
                        f"{self.folder}: another command writes to it, with another model or options"
                    )

    def _remove_stale(self) -> None:
        """Remove what dead runs left; a lock that can be had is one that nobody holds."""
        for run in self._runs():
            with suppress(FileNotFoundError), self._lock_file(run).open("ab") as file:
                if _lock(file):
                    self._discard(run)
        with suppress(OSError):
            self._attempts.rmdir()

    def _discard(self, run: str) -> None:
        shutil.rmtree(self._attempts / run, ignore_errors=True)
        with suppress(OSError):
            self._lock_file(run).unlink()

    def _runs(self) -> set[str]:
        found = {path.name.removesuffix(".lock") for path in self._attempts.glob("*")}
        return {name for name in found if _OWN.fullmatch(name)}


def _lock(file: BinaryIO) -> bool:
    """Lock a file if nobody holds it; on a file system without locks, take it as held."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_there(path: Path, file: BinaryIO) -> bool:
    """Tell whether a path still leads to an open file."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    return False


class ObjectStore:
    """A folder of an object store, where an object is complete as soon as it is there.

    Parameters
    ----------
    fs : fsspec.AbstractFileSystem
    path : str

    """

    def __init__(self, fs: Any, path: str) -> None:
        self._fs, self._path = fs, path.rstrip("/")

    @property
    def address(self) -> str:
        """Its address."""
        return address_of(self._fs, self._path)

    @contextmanager
    def claimed(self, run: str, job: str) -> Iterator[None]:  # object stores have no locks
        """Hold nothing: attempts lie on the workers' own disks."""
        yield

    @contextmanager
    def attempt(self, run: str) -> Iterator[Path]:  # see above
        """Yield a folder on this machine's disk."""
        with tempfile.TemporaryDirectory(dir=scratch()) as folder:
            yield Path(folder)

    def publish(self, file: Path, name: str) -> str | None:
        """Put a file there."""
        with self._one_line_errors(name):
            self._fs.put_file(str(file), self._object(name))
            return version_of(self._fs.info(self._object(name)))

    def read(self, name: str) -> bytes | None:
        """Return an object's content, None where there is none."""
        with self._one_line_errors(name), suppress(FileNotFoundError):
            return bytes(self._fs.cat_file(self._object(name)))
        return None

    def has(self, name: str, *, sha256: str, version: str | None) -> bool:
        """Tell by its version, without one by its digest, whether an object is what it was."""
        with self._one_line_errors(name), suppress(FileNotFoundError):
            if version is not None and version_of(self._fs.info(self._object(name))) == version:
                return True
            with self._fs.open(self._object(name), "rb") as file:
                return digest(file) == sha256
        return False

    def sizes(self) -> dict[str, int]:
        """Return the size of every object by its name."""
        with self._one_line_errors(""), suppress(FileNotFoundError):
            found = self._fs.find(self._path, detail=True)
            return {path[len(self._path) + 1 :]: info["size"] for path, info in found.items()}
        return {}

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        with self._one_line_errors(name), suppress(FileNotFoundError):
            self._fs.rm_file(self._object(name))

    def _object(self, name: str) -> str:
        return f"{self._path}/{name}"

    @contextmanager
    def _one_line_errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise OutputError(f"{self.address}: cannot be written: {reason(error)}") from error
        except Exception as error:  # whatever the store's library raises
            raise OutputError(f"{self.address}/{name}: cannot be written: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return what an error says, in one line."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())


def scratch() -> str | None:
    """Return the worker's own folder, which Dask removes even if it is killed; None in other processes."""
    from distributed import get_worker

    try:
        return str(get_worker().local_directory)
    except ValueError:
        return None
