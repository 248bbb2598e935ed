"""Read articles to label: files, folders, patterns, standard input, and addresses where they are asked for."""

import glob
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.data.formats import SUFFIXES, articles_in
from pipeline.errors import SourceError
from pipeline.schema import Article

MAX_BYTES = 20_000_000


def read(names: Iterable[str]) -> Iterator[Article | SourceError]:
    """Read every named source: a file, a folder, a pattern such as `news/*.html`, or `-` for standard input.

    Folders are searched below too, for files that end in one of `formats.SUFFIXES`. A feed gives an article an
    entry. A source that cannot be read is given as an error in its place, so that one bad file does not cost the
    others.
    """
    for name in names:
        try:
            paths = _expand(name)
        except SourceError as error:
            yield error
            continue
        for path in paths:
            try:
                yield from articles_in(_bytes(path), str(path))
            except SourceError as error:
                yield error


def read_urls(urls: Iterable[str], *, allow_private: bool = False) -> Iterator[Article | SourceError]:
    """Read the page, document or feed at every address; see `web.fetch` for what is refused."""
    from pipeline.data.web import fetch

    for url in urls:
        try:
            yield from articles_in(fetch(url, max_bytes=MAX_BYTES, allow_private=allow_private), url)
        except SourceError as error:
            yield error


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise SourceError(f"{name}: no file ending in {', '.join(SUFFIXES)} in this folder")
        return found
    if name.startswith(("http://", "https://")):
        raise SourceError(f"{name}: an address is read only when asked for by name; use --url {name}")
    if glob.has_magic(name) and not path.exists():
        found = sorted(Path(match) for match in glob.glob(name, recursive=True) if Path(match).is_file())  # noqa: PTH207  # Path.glob refuses absolute patterns
        if not found:
            raise SourceError(f"{name}: no file fits this pattern")
        return found
    return [path]


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
