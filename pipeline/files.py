"""Write files so that a reader sees the old content or the new, never a part.

Until a file is complete, its beginning lies hidden beside it, locked by the process that writes it. The lock ends
with that process, however it ends, so a part without a lock is nobody's: the next attempt takes it over.
"""

import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import OutputError

STDIN = "-"
_LONGEST_NAME = 255
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces a file when the block succeeds, and vanishes when it fails.

    The file keeps its mode, and its owner where that is permitted; of a symbolic link, the file that it points to
    is replaced. Missing folders are made.

    Parameters
    ----------
    path : Path

    Yields
    ------
    Path
        `path` itself where it is no regular file: a device or a pipe is written to, not replaced.

    Raises
    ------
    OutputError
        Where it cannot be written, or another process is writing it.

    """
    with one_line_errors(path):
        if is_stream(path):
            yield path
            return
        with part_of(path) as part:
            part.file.truncate()
            yield part.path
            part.publish()


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing as `atomic_path` does; see there.

    Parameters
    ----------
    path : Path
        `/dev/stdout`, `/dev/fd/3` and links to them stand for the open file, so nothing that is in it is lost.

    Yields
    ------
    binary file

    Raises
    ------
    OutputError

    """
    with one_line_errors(path):
        if is_stream(path):
            with stream(path) as file:
                yield file
            return
        with part_of(path) as part:
            part.file.truncate()
            yield part.file
            part.publish()


def is_stream(path: Path) -> bool:
    """Tell a device, a pipe or an open descriptor from a file that can be replaced.

    Parameters
    ----------
    path : Path
        It need not exist.

    Returns
    -------
    bool

    """
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def stream(path: Path) -> BinaryIO:
    """Open a device, a pipe or a descriptor for writing.

    Parameters
    ----------
    path : Path
        One that `is_stream`.

    Returns
    -------
    binary file

    """
    descriptor = _descriptor(path)
    return path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")


def refuse_overwriting(output: Path | None, sources: Iterable[str | Path]) -> None:
    """Check that no source is written to while it is read, under whatever name.

    Parameters
    ----------
    output : Path or None
        None for standard output.
    sources : iterable of str or Path
        Files, or `-` for standard input; those that do not exist are passed over.

    Raises
    ------
    OutputError

    """
    written = _identity(1 if output is None else output)
    for source in sources if written else ():
        if _identity(0 if str(source) == STDIN else source) == written:
            name = "standard output" if output is None else output
            raise OutputError(f"{name}: is the same file as the source {source}; write to another one")


class Part:
    """The beginning of a file that is not complete, and that no other process is writing.

    Parameters
    ----------
    target : Path
        The file to be.
    path : Path
        Where its beginning lies; a `journal` may lie beside it.
    file : binary file
        Open for reading and writing; what an earlier process left is still in it.

    """

    def __init__(self, target: Path, path: Path, file: BinaryIO) -> None:
        self.target, self.path, self.file = target, path, file
        self.journal = hidden(target, ".part.journal")

    def publish(self) -> None:
        """Give it its name, once what was written has reached the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.path.replace(self.target)
        self.journal.unlink(missing_ok=True)


@contextmanager
def part_of(path: Path, *, keep: bool = False) -> Iterator[Part]:
    """Open the part of a file.

    Parameters
    ----------
    path : Path
        The file to be; of a symbolic link, the one that it points to.
    keep : bool, default False
        Leave the part where it is when the block fails, for a later attempt.

    Yields
    ------
    Part

    Raises
    ------
    OutputError
        Where another process is writing the file.
    OSError
        Where it cannot be written.

    """
    target = _followed(path)
    earlier = _replaceable(target)
    with ExitStack() as stack:
        stack.enter_context(_folder(target.parent))
        part = hidden(target, ".part")
        file = stack.enter_context(_locked(part, target, private=earlier is not None))
        try:
            if earlier:
                _like(file.fileno(), earlier)
            yield Part(target, part, file)
        except BaseException:
            if not keep:
                part.unlink(missing_ok=True)
            raise


def hidden(path: Path, ending: str) -> Path:
    """Name a hidden file beside another; the name is cut where the system allows no longer one.

    Parameters
    ----------
    path : Path
    ending : str

    Returns
    -------
    Path

    """
    name = f".{path.name}{ending}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}{ending}"
    return path.with_name(name)


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """Raise the system's errors in the block as an OutputError that names the file.

    Parameters
    ----------
    path : Path

    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _descriptor(path: Path) -> int | None:
    """Return the descriptor that a path, or the link there, stands for."""
    for _ in range(10):
        name = os.path.abspath(path)  # noqa: PTH100  # Path.resolve would follow the link of the descriptor itself
        if name in _STANDARD:
            return _STANDARD[name]
        if match := _DESCRIPTOR.fullmatch(name):
            return int(match[1])
        try:
            path = path.parent / path.readlink()
        except OSError:
            return None
    return None


def _followed(path: Path) -> Path:
    """Return the file that a symbolic link points to, whether it exists or not."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path  # Path.resolve raises in a loop of links


def _replaceable(target: Path) -> os.stat_result | None:
    """Return what is known of the file that is there; raise OSError where it is not to be replaced."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not os.access(target, os.W_OK):  # the folder's permission would do, the file's owner meant otherwise
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return found


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Make a folder, and remove what was made where the block fails."""
    made = [above for above in (folder, *folder.parents) if not above.exists()]
    try:
        for missing in reversed(made):  # mkdir(parents=True) calls itself for each of them
            missing.mkdir(exist_ok=True)
        yield
    except BaseException:
        for empty in made:
            with suppress(OSError):
                empty.rmdir()
        raise


@contextmanager
def _locked(part: Path, target: Path, *, private: bool) -> Iterator[BinaryIO]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        with os.fdopen(os.open(part, flags, 0o600 if private else 0o666), "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(f"{target}: another process is writing it") from None
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):  # a file system without locks
                    raise
            if _identity(part) == _identity(
                file.fileno()
            ):  # else another process published or removed it just now
                yield file
                return


def _like(descriptor: int, earlier: os.stat_result) -> None:
    """Give a file the owner and the mode of the one that it replaces."""
    with suppress(PermissionError):
        os.fchown(descriptor, earlier.st_uid, earlier.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(earlier.st_mode) & 0o777)


def _identity(file: str | Path | int) -> tuple[int, int] | None:
    """Return what a regular file is known by under every name."""
    try:
        found = os.stat(file)  # noqa: PTH116  # of a descriptor, too
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
