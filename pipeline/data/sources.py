"""Read articles to predict on: files, folders, patterns, standard input, and addresses where asked for."""

import glob
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.data.addresses import shown
from pipeline.data.documents import SUFFIXES, articles_in
from pipeline.data.media_types import as_utf8, format_of
from pipeline.errors import MissingExtraError, SourceError
from pipeline.schema import Article

MAX_BYTES = 20_000_000


def read(names: Iterable[str]) -> Iterator[Article | SourceError]:
    """Read every named source.

    Parameters
    ----------
    names : iterable of str
        Files, folders (searched recursively for files that end in one of `documents.SUFFIXES`), patterns such as
        `news/*.html`, or `-` for standard input.

    Yields
    ------
    Article or SourceError
        A source that cannot be read is an error in its place, so that one bad file does not cost the others.

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
    """Read the page, document or feed at every address.

    Parameters
    ----------
    urls : iterable of str
    allow_private : bool, default False
        Read from private networks and this machine, too; see `web.fetch` for what else is refused.

    Yields
    ------
    Article or SourceError
        The source of each is its address, without the user and password that it may have.

    Raises
    ------
    MissingExtraError

    """
    try:
        from pipeline.data.web import fetch
    except ModuleNotFoundError:
        raise MissingExtraError("--url", "documents") from None

    for url in urls:
        try:
            page = fetch(url, max_bytes=MAX_BYTES, allow_private=allow_private)
            form = format_of(page.content, page.source, page.media_type)
            content = as_utf8(page.content, page.source, page.charset, form)
            yield from articles_in(content, page.source, form=form)
        except SourceError as error:
            yield error


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise SourceError(f"{name}: no file in this folder ends in {', '.join(SUFFIXES)}")
        return found
    if name.startswith(("http://", "https://")):
        raise SourceError(f"{shown(name)}: to read an address, use --url {shown(name)}")
    if glob.has_magic(name) and not path.exists():
        found = sorted(Path(match) for match in glob.glob(name, recursive=True) if Path(match).is_file())  # noqa: PTH207  # Path.glob refuses absolute patterns
        if not found:
            raise SourceError(f"{name}: no file matches this pattern")
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
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise SourceError(f"{path}: exceeds the {MAX_BYTES // 1_000_000} MB limit")
    return content
