"""Read articles to label from files, folders and standard input."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.schema import Article

MAX_BYTES = 20_000_000
_SUFFIXES = (".txt", ".md")


def read(names: Iterable[str]) -> Iterator[Article | SourceError]:
    """Read every named source: a text file, a folder of them (searched below too), or `-` for standard input.

    A source that cannot be read is given as an error in its place, so that one bad file does not cost the others.
    """
    for name in names:
        try:
            for path in _expand(name):
                try:
                    yield Article(str(path), _decode(_bytes(path), str(path)))
                except SourceError as error:
                    yield error
        except SourceError as error:
            yield error


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
    if not found:
        raise SourceError(f"{name}: no {' or '.join(_SUFFIXES)} file in this folder")
    return found


def _bytes(path: Path) -> bytes:
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise SourceError(f"{path}: larger than {MAX_BYTES // 1_000_000} MB, no article is; split it")
    return content


def _decode(content: bytes, name: str) -> str:
    if not content.strip():
        raise SourceError(f"{name}: empty")
    if b"\0" in content:
        raise SourceError(f"{name}: binary, expected plain text in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: not UTF-8 at byte {error.start + 1}; convert it to UTF-8") from None
