"""Read articles to predict on: files, folders, patterns, standard input, and addresses where asked for."""

import glob
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.data.documents import SUFFIXES, articles_in
from pipeline.data.streams import standard_input
from pipeline.errors import SourceError
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
            paths = files_of(name)
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

    """
    from pipeline.data.web import fetch

    for url in urls:
        try:
            yield from articles_in(fetch(url, max_bytes=MAX_BYTES, allow_private=allow_private), url)
        except SourceError as error:
            yield error


def files_of(name: str, endings: Sequence[tuple[str, ...]] = (SUFFIXES,)) -> list[Path]:
    """Return the files that a source names.

    Parameters
    ----------
    name : str
        A file, a folder, a pattern, or `-`.
    endings : sequence of tuple of str, default (documents.SUFFIXES,)
        A folder stands for the files below it with one of the first endings, else for those with one of the next.

    Returns
    -------
    list of Path
        In order; a name that is neither a folder nor a pattern is one file, which may not exist.

    Raises
    ------
    SourceError
        Where it has no file, or cannot be a name of one.

    """
    if not name:
        raise SourceError("a source without a name; is a variable not set?")
    try:
        return _files_of(name, endings)
    except OSError as error:
        raise SourceError(f"{name[:80]}: cannot be read: {error.strerror or error}") from None


def _files_of(name: str, endings: Sequence[tuple[str, ...]]) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        groups = ([file for file in files if file.name.lower().endswith(ends)] for ends in endings)
        found = next(filter(None, groups), None)
        if not found:
            raise SourceError(f"{name}: no file in this folder ends in {', '.join(endings[0])}")
        return found
    if name.startswith(("http://", "https://")):
        raise SourceError(f"{name}: to read an address, use --url {name}")
    if glob.has_magic(name) and not path.exists():
        found = sorted(Path(match) for match in glob.glob(name, recursive=True) if Path(match).is_file())  # noqa: PTH207  # Path.glob refuses absolute patterns
        if not found:
            raise SourceError(f"{name}: no file matches this pattern")
        return found
    return [path]


def _bytes(path: Path) -> bytes:
    try:
        if str(path) == "-":
            content = standard_input()[1].read(MAX_BYTES + 1)
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
