"""Watch folders for files that are new or have changed, and wait until each is written to its end.

Folders are looked at again and again, as that works on every file system, network shares among them.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import SourceError

_Stamp = tuple[int, int, int]


class Watch:
    """Tells which files below some folders are ready to be read.

    Parameters
    ----------
    folders : sequence of Path
    endings : tuple of str
        In lower case; others are left alone, and so are hidden files.

    """

    def __init__(self, folders: Sequence[Path], endings: tuple[str, ...]) -> None:
        self._folders, self._endings = folders, endings
        self._before: dict[Path, _Stamp] = {}
        self._told: dict[Path, _Stamp] = {}
        self._errors: set[str] = set()

    def ready(self) -> list[Path | SourceError]:
        """List the files that were not told of as they are, and are as they were at the last call.

        Returns
        -------
        list of Path or SourceError
            Files in order, but for empty ones; an error, for a folder that cannot be read, is told of once.

        """
        errors: list[OSError] = []
        now = {path: stamp for folder in self._folders for path, stamp in self._look(folder, errors)}
        found = [path for path, stamp in now.items() if stamp == self._before.get(path) != self._told.get(path)]
        self._told = {path: stamp for path, stamp in self._told.items() if path in now}
        self._told |= {path: now[path] for path in found}
        self._before = now
        said = {f"{error.filename}: cannot be read: {error.strerror or error}" for error in errors}
        fresh, self._errors = said - self._errors, said
        return [*sorted(found), *(SourceError(message) for message in sorted(fresh))]

    def _look(self, folder: Path, errors: list[OSError]) -> "list[tuple[Path, _Stamp]]":
        found = []
        for where, folders, names in os.walk(folder, onerror=errors.append):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if name.lower().endswith(self._endings) and not name.startswith("."):
                    path = Path(where, name)
                    if (stamp := _stamp(path)) is not None:
                        found.append((path, stamp))
        return found


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:  # gone, or a broken link
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size else None
