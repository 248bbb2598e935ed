"""Find labelled files and read their rows of JSON, each with its place: one rule for all labelled data."""

import bz2
import codecs
import difflib
import gzip
import json
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import DataError

Row = TypeVar("Row")
KINDS = ".jsonl, .ndjson or .json, also with .gz, .bz2 or .xz"
_READABLE = re.compile(r"\.(jsonl|ndjson|json)(\.(gz|bz2|xz))?$", re.IGNORECASE)
_BESIDE = re.compile(r"^(readme|licen[cs]e|changelog|makefile)\b|\.(md|rst|ya?ml|py|sh)$", re.IGNORECASE)
_UNPACK: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_MISSPELT = 0.75  # how alike two keys are, of 1, where one may be the other misspelt
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def find(paths: Iterable[str | Path]) -> list[Path]:
    """List the labelled files that paths name.

    Parameters
    ----------
    paths : iterable of str or Path
        Files of any name, and folders, which are searched with the folders below them. Hidden files are no data,
        and neither are notes such as README.md.

    Returns
    -------
    list of Path
        Of each folder in order of names.

    Raises
    ------
    DataError
        For a folder without labelled files, or with a file of a kind that is not read: it could hold rows that
        nobody would miss.

    """
    return [file for path in map(Path, paths) for file in (_below(path) if path.is_dir() else [path])]


def records(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the rows of a file, lines of JSON or the elements of one array, packed or not.

    Parameters
    ----------
    file : Path

    Yields
    ------
    place : str
        `file:number`, the line on which the row begins.
    row : bytes
        JSON.

    Raises
    ------
    DataError
        Where the file cannot be read, or is an array that is not well formed.

    """
    with _opened(file) as stream:
        began = False
        for number, line in enumerate(stream, 1):
            row = line.removeprefix(codecs.BOM_UTF8)
            if not row.strip():
                continue
            if not began and row.lstrip().startswith(b"["):
                yield from _elements(file, number, row + stream.read())
                return
            began = True
            yield f"{file}:{number}", row


def parsed(adapter: TypeAdapter[Row], row: bytes, where: str, *, beside: str | None = None) -> Row:
    """Read one row of JSON as the type that the adapter describes.

    Parameters
    ----------
    adapter : TypeAdapter
    row : bytes
    where : str
        Its place.
    beside : str, optional
        A row with this key may have columns that are not read, such as where a text is from; but none that looks
        like a key of the type that the row lacks.

    Returns
    -------
    object
        Of the adapter's type.

    Raises
    ------
    DataError
        With the place.

    """
    try:
        row.decode("utf-8")
        found = adapter.validate_json(row if beside is None else _known(adapter, row, beside), strict=True)
        json.loads(row, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not valid UTF-8 at byte {error.start + 1}; convert it to UTF-8") from None
    except ValidationError as error:
        hint = (
            "" if row.lstrip().startswith(b"{") else "; expected an object on each line, or one array of objects"
        )
        raise DataError(f"{where}: {_in_words(error, adapter)}{hint}") from None
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    return found


def _below(folder: Path) -> list[Path]:
    found, strange = [], []
    for file in _walk(folder):
        if _READABLE.search(file.name):
            found.append(file)
        elif not _BESIDE.search(file.name):
            strange.append(file)
    if strange:
        raise DataError(f"{min(strange)}: not labelled data, expected {KINDS}; move it out of {folder}")
    if not found:
        raise DataError(f"{folder}: no {KINDS} in this folder")
    return sorted(found)


def _walk(folder: Path) -> Iterator[Path]:
    """List the files of a folder and of those below it, linked ones once, without what is hidden."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else [name for name in folders if not name.startswith(".")]
        if real not in seen:
            yield from (Path(place, name) for name in names if not name.startswith("."))
        seen.add(real)


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename}: cannot be read: {error.strerror or error}")


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Open a file and unpack it as its first bytes demand, whatever it is called."""
    try:
        with file.open("rb") as plain:
            start = plain.peek(6)
            unpack = next((unpack for magic, unpack in _UNPACK.items() if start.startswith(magic)), None)
            yield unpack(plain) if unpack else plain
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"{file}: cannot be read: {reason}") from None


def _elements(file: Path, number: int, content: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = number + content.count(b"\n", 0, error.start)
        raise DataError(f"{file}:{line}: not valid UTF-8; convert it to UTF-8") from None
    place, after = _skip(text, text.index("[") + 1), 0
    more = text[place : place + 1] != "]"
    while more:
        number += text.count("\n", after, place)
        try:
            after = _DECODER.raw_decode(text, place)[1]
        except (ValueError, RecursionError) as error:
            line = number + text.count("\n", place, getattr(error, "pos", place))
            reason = getattr(error, "msg", "nested too deep")
            raise DataError(f"{file}:{line}: Invalid JSON: {reason} in an array of rows") from None
        yield f"{file}:{number}", text[place:after].encode()
        number += text.count("\n", place, after)
        place = _skip(text, after)
        more = text[place : place + 1] == ","
        if more:
            place = _skip(text, place + 1)
        elif text[place : place + 1] != "]":
            raise DataError(f"{file}:{number}: Invalid JSON: expected a comma or the end of the array")
    if text[place + 1 :].strip():
        line = number + text.count("\n", after, _skip(text, place + 1))
        raise DataError(f"{file}:{line}: more after the array of rows, expected one array or lines of objects")


def _skip(text: str, place: int) -> int:
    """Return where the next character stands that is no white space."""
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key given twice: {next(name for name in names if names.count(name) > 1)}")
    return found


def _known(adapter: TypeAdapter[Any], row: bytes, beside: str) -> bytes:
    """Take other columns out of a row that has a key; raise ValueError for one that may be misspelt."""
    try:
        columns = json.loads(row)
    except (ValueError, RecursionError):
        return row
    known = _keys(adapter) if isinstance(columns, dict) else ()
    others = [name for name in columns if name not in known] if known else []
    if not others or beside not in columns:
        return row
    missing = [name for name in known if name not in columns]
    for name in others:
        if near := difflib.get_close_matches(name.lower().strip(), missing, n=1, cutoff=_MISSPELT):
            raise ValueError(f"{name!r}: no such key, did you mean {near[0]}?")
    return json.dumps({name: columns[name] for name in known if name in columns}).encode()


@cache
def _keys(adapter: TypeAdapter[Any]) -> tuple[str, ...]:
    return tuple(adapter.json_schema()["properties"])


def _in_words(error: ValidationError, adapter: TypeAdapter[Any]) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    kind, message = first["type"], re.sub(r" at line 1 (column \d+)", r" at \1", first["msg"])
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        known = _keys(adapter)
        near = difflib.get_close_matches(key.lower().strip(), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected only {', '.join(known)}"
        return f"{key!r}: no such key, {hint}"
    return f"{key}: {message}" if key else message
