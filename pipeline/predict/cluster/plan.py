"""Divide sources into partitions: a file each, of Parquet a row group each, named after the file."""

import glob
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

from pipeline.errors import OutputError, SourceError
from pipeline.predict.cluster.store import address_of, file_system, is_local, reason
from pipeline.predict.tables import is_table

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_OWN = re.compile(r"_.*\.json")
_AT_ONCE = 16  # footers read at a time: an object store takes long for each


@dataclass(frozen=True)
class Source:
    """A file to predict on.

    Parameters
    ----------
    address : str
    name : str
        Its path from the folder, or the fixed part of the pattern, that it was found by.

    """

    address: str
    name: str


@dataclass(frozen=True)
class Partition:
    """What one task predicts on.

    Parameters
    ----------
    source : str
        The address of a file.
    output : str
        The name of its predictions below the output folder.
    row_group : int or None
        The row group of a Parquet file that has several, from 0.
    rows_before : int, default 0
        The rows of the file in earlier row groups.

    """

    source: str
    output: str
    row_group: int | None = None
    rows_before: int = 0

    @property
    def record(self) -> str:
        """The name of the record on it."""
        folder, name = posixpath.split(self.output)
        return posixpath.join(folder, f"_{name}.json")


def plan(names: Sequence[str], output: str, *, ending: str) -> list[Partition]:
    """Find the sources and divide them.

    Parameters
    ----------
    names : sequence of str
        Files, folders (searched for tables), patterns, or their addresses.
    output : str
        The address of the output folder.
    ending : str
        Of the files to write, such as `.jsonl`.

    Returns
    -------
    list of Partition
        In the order of the names and, in a folder or pattern, of their paths.

    Raises
    ------
    SourceError
        Where nothing is found.
    OutputError
        Where a source would be written over, or two would be written to one file.

    """
    sources = find_sources(names)
    below = f"{_resolved(output).rstrip('/')}/"
    for source in sources:
        if _resolved(source.address).startswith(below):
            raise OutputError(f"{output}: the source {source.address} lies in it; write to a folder of its own")
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        divided = list(threads.map(lambda source: list(_divide(source, ending)), sources))
    partitions = list(chain.from_iterable(divided))
    _refuse_shared_names(partitions)
    return partitions


def _resolved(address: str) -> str:
    """Follow the links of a path."""
    return address if "://" in address else os.path.realpath(address)


def find_sources(names: Sequence[str]) -> list[Source]:
    """Find the files that names stand for, each once; raise SourceError where a name stands for none."""
    found: dict[str, Source] = {}
    for name in names:
        for source in _expand(name):
            found.setdefault(source.address, source)
    return list(found.values())


def _expand(name: str) -> list[Source]:
    if not name:
        raise SourceError("a SOURCE is empty: is a variable of the shell not set?")
    fs, path = file_system(name)
    try:
        root, paths = _matches(fs, path)
    except Exception as error:  # whatever a store's library raises
        raise SourceError(f"{name}: cannot be read: {reason(error)}") from None
    if not paths:
        raise SourceError(f"{name}: no table is found; expected such as data/*.jsonl")
    return [Source(address_of(fs, path), path[len(root) :].lstrip("/")) for path in sorted(paths)]


def _matches(fs: Any, path: str) -> tuple[str, list[str]]:
    """Return the folder that names are relative to, and the paths found."""
    if glob.has_magic(path) and not (is_local(fs) and fs.exists(path)):
        parts = path.split("/")
        fixed = next(place for place, part in enumerate(parts) if glob.has_magic(part))
        root = "/".join(parts[:fixed])
        found = [path for path, info in fs.glob(path, detail=True).items() if info["type"] != "directory"]
        return root, _tables(root, found)
    if fs.isfile(path):
        return path.rpartition("/")[0], [path]
    root = path.rstrip("/")
    return root, _tables(root, fs.find(path))


def _tables(root: str, paths: Iterable[str]) -> list[str]:
    """Choose tables by their names, without hidden ones and the records of an earlier output."""
    tables = [path for path in paths if is_table(path) and "/." not in path[len(root) :]]
    return [path for path in tables if not _OWN.fullmatch(path.rpartition("/")[2])]


def _divide(source: Source, ending: str) -> Iterator[Partition]:
    stem = _stem(source.name)
    rows = _rows_of_groups(source.address) if source.address.lower().endswith(".parquet") else []
    if len(rows) < 2:  # noqa: PLR2004  # one row group is the whole file
        yield Partition(source.address, f"{stem}{ending}")
        return
    for number, before in enumerate(accumulate(rows[:-1], initial=0)):
        yield Partition(source.address, f"{stem}-{number:05}{ending}", number, before)


def _stem(name: str) -> str:
    """Return a name without the ending of its format."""
    if not is_table(name):
        return name
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return posixpath.splitext(name)[0]


def _rows_of_groups(address: str) -> list[int]:
    """Return the rows of each row group; none where the file cannot be read, which is for its task to tell."""
    from pipeline.predict.output import arrow

    arrow()
    from pyarrow.parquet import ParquetFile

    fs, path = file_system(address)
    try:
        with fs.open(path, "rb") as file:
            metadata = ParquetFile(file).metadata
            return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    except Exception:  # whatever is wrong with it
        return []


def _refuse_shared_names(partitions: Sequence[Partition]) -> None:
    taken: dict[str, str] = {}
    for partition in partitions:
        other = taken.setdefault(partition.output, partition.source)
        if other != partition.source:
            raise OutputError(
                f"{other} and {partition.source} would both be written to {partition.output}; "
                "name their folder or a quoted pattern, or rename one"
            )
