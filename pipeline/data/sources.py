"""Read articles to predict on: files, folders, patterns, standard input, and addresses where asked for."""

import errno
import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.data.addresses import shown
from pipeline.data.documents import SUFFIXES, articles_in
from pipeline.data.media_types import as_utf8, format_of
from pipeline.data.streams import standard_input
from pipeline.errors import MissingExtraError, SourceError
from pipeline.files import STDIN
from pipeline.schema import Article

if TYPE_CHECKING:
    from pipeline.data.web import Page

MAX_BYTES = 20_000_000
_LONGEST_NAME, _NAME_SHOWN, _NAME_WORDS = 255, 60, 8


def read(names: Iterable[str]) -> Iterator[Article | SourceError]:
    """Read every named source.

    Parameters
    ----------
    names : iterable of str
        What `find` takes.

    Yields
    ------
    Article or SourceError
        A source that cannot be read is an error in its place, so that one bad file does not cost the others.

    """
    return read_files(find(names))


def find(
    names: Iterable[str],
    *,
    endings: Sequence[tuple[str, ...]] = (SUFFIXES,),
    note: Callable[[str], None] = lambda said: None,
    left_out: Callable[[Path, str], None] | None = None,
) -> Iterator[Path | SourceError]:
    """Find the files that names stand for.

    Parameters
    ----------
    names : iterable of str
        Files, folders (searched recursively), patterns such as `news/*.html`, or `-` for standard input.
    endings : sequence of tuple of str, default (documents.SUFFIXES,)
        A folder stands for the files below it with one of the first endings, else for those with one of the next.
    note : callable
        Called with a sentence on what a folder has beside the files that are found, and on files that were named
        more than once.
    left_out : callable, optional
        Called with each file of a folder that is not found, and why, in place of a note that counts them.

    Yields
    ------
    Path or SourceError
        Each file once, in the order of the names and, in a folder or pattern, of their paths.

    """
    seen: Counter[str] = Counter()
    for name in names:
        try:
            for found in _expand(name, endings, note, left_out):
                place = found if isinstance(found, SourceError) else place_of(found)
                seen[str(place)] += 1
                if seen[str(place)] == 1:
                    yield found
        except SourceError as error:
            yield error
    if repeated := sum(count > 1 for count in seen.values()):
        note(f"{repeated} of the sources {'is' if repeated == 1 else 'are'} named more than once, and read once")


def read_files(paths: Iterable[Path | SourceError]) -> Iterator[Article | SourceError]:
    """Read files.

    Parameters
    ----------
    paths : iterable of Path or SourceError
        What `find` found; an error stays where it is.

    Yields
    ------
    Article or SourceError

    """
    for path in paths:
        try:
            if isinstance(path, SourceError):
                raise path
            yield from articles_in(content_of(path), str(path))
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

    for url in dict.fromkeys(urls):
        try:
            yield from articles_of_page(fetch(url, max_bytes=MAX_BYTES, allow_private=allow_private))
        except SourceError as error:
            yield error


def articles_of_page(page: "Page") -> list[Article | SourceError]:
    """Read the articles of a page, document or feed that was fetched.

    Parameters
    ----------
    page : Page

    Returns
    -------
    list of Article or SourceError
        As `documents.articles_in` returns them.

    Raises
    ------
    SourceError
        Where it is no article, or has no text.

    """
    form = format_of(page.content, page.source, page.media_type)
    content = as_utf8(page.content, page.source, page.charset, form)
    return articles_in(content, page.source, form=form)


def _expand(
    name: str,
    endings: Sequence[tuple[str, ...]],
    note: Callable[[str], None],
    left_out: Callable[[Path, str], None] | None,
) -> Iterable[Path | SourceError]:
    if not name:
        raise SourceError("a SOURCE is empty: is a variable of the shell not set?")
    if name.startswith(("http://", "https://")):
        raise SourceError(f"{shown(name)}: to read an address, use --url {shown(name)}")
    path = Path(name)
    if str(path) == STDIN != name:
        path = path.absolute()  # `./-` is a file of this name
    if os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises for a name that is too long
        return _files_below(path, endings, note, left_out)
    if glob.has_magic(name) and not os.path.lexists(path) and not _is_text(name):
        found = sorted(Path(match) for match in glob.glob(name, recursive=True) if Path(match).is_file())  # noqa: PTH207  # Path.glob refuses absolute patterns
        if not found:
            raise SourceError(f"{name}: no file matches this pattern")
        return found
    return [path]


def _files_below(
    folder: Path,
    endings: Sequence[tuple[str, ...]],
    note: Callable[[str], None],
    tell: Callable[[Path, str], None] | None,
) -> list[Path | SourceError]:
    """Search a folder, however deep it is, but for what is hidden and links to folders, which may lead back."""
    files: list[Path] = []
    errors: list[SourceError] = []
    no_files: list[tuple[Path, str]] = []
    waiting = [str(folder)]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif kind := _no_file(entry):
                        no_files.append((Path(entry.path), kind))
                    else:
                        files.append(Path(entry.path))
        except OSError as error:
            errors.append(SourceError(f"{here}: cannot be read: {error.strerror or error}"))
    found = next(filter(None, ([file for file in files if _ends(file, group)] for group in endings)), [])
    others = [(file, file.suffix.lower() or "no ending") for file in {*files}.difference(found)]
    left_out = Counter(kind for _, kind in (*no_files, *others))
    if not found and not errors:
        raise SourceError(
            f"{folder}: no file in this folder ends in {', '.join(endings[0])}{_listed('; it has ', left_out)}"
        )
    if tell is not None:
        for file, kind in sorted([*no_files, *others]):
            tell(file, kind)
    elif left_out:
        note(f"{folder}: {len(found):,} to read, {left_out.total():,} left out{_listed(': ', left_out)}")
    return [*sorted(found), *sorted(errors, key=str)]


def _ends(file: Path, endings: tuple[str, ...]) -> bool:
    return file.name.lower().endswith(endings)


def _no_file(entry: "os.DirEntry[str]") -> str:
    """Say what is in a folder instead of a file, and nothing of a file."""
    if entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110  # Path.exists raises in a loop of links
        return "broken link"
    if entry.is_dir():
        return "link to a folder"
    return "" if entry.is_file() else "pipe or device"


def _listed(before: str, kinds: Counter[str]) -> str:
    by_count = sorted(kinds.items(), key=lambda found: (-found[1], found[0]))
    return before + ", ".join(f"{kind} ({count:,})" for kind, count in by_count) if kinds else ""


def place_of(path: Path) -> str:
    """Name a file under all spellings of its folder alike; links to it stay sources of their own.

    Parameters
    ----------
    path : Path
        `-` for standard input.

    Returns
    -------
    str

    """
    return STDIN if str(path) == STDIN else str(Path(os.path.realpath(path.parent), path.name))


def _is_text(name: str) -> bool:
    """Tell a text that was put where a name belongs."""
    too_long = len(os.fsencode(os.path.basename(name))) > _LONGEST_NAME  # noqa: PTH119
    return too_long or "\n" in name or len(name.split()) > _NAME_WORDS


def _no_such_file(name: str) -> SourceError:
    if not _is_text(name):
        return SourceError(f"{name}: no such file")
    short = name if len(name) <= _NAME_SHOWN else f"{name[:_NAME_SHOWN]}\u2026"
    return SourceError(f"{short}: no such file; to predict on a text itself, pipe it to `topics predict -`")


def content_of(path: Path) -> bytes:
    """Read a file.

    Parameters
    ----------
    path : Path
        `-` for standard input.

    Returns
    -------
    bytes

    Raises
    ------
    SourceError
        Where it cannot be read, or exceeds MAX_BYTES.

    """
    try:
        if str(path) == STDIN:
            content = standard_input()[1].read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
            raise _no_such_file(str(path)) from None
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise SourceError(f"{path}: exceeds the {MAX_BYTES // 1_000_000} MB limit")
    return content
