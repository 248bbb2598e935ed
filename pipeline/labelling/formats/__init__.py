"""Labels of other tools, in and out: a module for each format, and what tells them apart."""

import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

from pipeline.data.records import find
from pipeline.errors import DataError, TopicsError
from pipeline.labelling.formats import doccano, label_studio, labelled, native, prodigy, spacy, tables
from pipeline.labelling.formats.exchange import Reading, Writing, Written, joined, rows
from pipeline.labelling.task import Task

_Read = Callable[[Path, Reading], Iterator[tuple[str, Task]]]
_Write = Callable[[Sequence[Task], Writing], Written]
_TABLES = (".csv", ".tsv", ".xlsx", ".xlsm")
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_ROWS_TO_SEE = 20
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Format:
    """A format of files with labels.

    Parameters
    ----------
    read : callable
    write : callable or None
        None where it is only read.
    recognises : callable
        Tells whether an object of JSON is a row of this format.
    ending : str
        Of a file that is written.

    """

    read: _Read
    write: _Write | None
    recognises: Callable[[Mapping[str, Any]], bool]
    ending: str


def _no_row(row: Mapping[str, Any]) -> bool:
    return False


FORMATS: Mapping[str, Format] = {  # in the order in which their rows are looked for
    label_studio.NAME: Format(label_studio.read, label_studio.write, label_studio.recognises, ".json"),
    prodigy.NAME: Format(prodigy.read, prodigy.write, prodigy.recognises, ".jsonl"),
    spacy.NAME: Format(spacy.read, spacy.write, spacy.recognises, ".jsonl"),
    doccano.NAME: Format(doccano.read, doccano.write, doccano.recognises, ".jsonl"),
    labelled.NAME: Format(labelled.read, None, labelled.recognises, ".jsonl"),
    native.NAME: Format(native.read, native.write, native.recognises, ".jsonl"),
    "csv": Format(tables.read, tables.write_csv, _no_row, ".csv"),
    "xlsx": Format(tables.read, tables.write_xlsx, _no_row, ".xlsx"),
}
WRITTEN = tuple(name for name, found in FORMATS.items() if found.write)


def recognise(file: Path) -> str:
    """Tell the format of a file by its content.

    Parameters
    ----------
    file : Path

    Returns
    -------
    str
        A key of FORMATS.

    Raises
    ------
    DataError
        Where it cannot be read, or is of none of them.

    """
    suffixes = [suffix.lower() for suffix in Path(file.name).suffixes[-2:]]
    table = next((suffix for suffix in suffixes if suffix in _TABLES), None)
    if table:
        return "xlsx" if table.startswith(".xls") else "csv"
    try:
        found = [row for _, row in islice(rows(file), _ROWS_TO_SEE)]
    except DataError:
        if any(suffix in _JSON_LINES for suffix in suffixes) or not file.is_file():
            raise
        if not _begins_like_csv(file):
            raise DataError(f"{file}: neither JSON nor a table with a header; see --format") from None
        return "csv"
    if not found:
        raise DataError(f"{file}: it is empty")
    for name, form in FORMATS.items():
        if any(map(form.recognises, found)):
            return name
    raise DataError(f"{file}: no format that is known, found {', '.join(found[0]) or 'nothing'}; see --format")


def read_files(
    paths: Iterable[str | Path], reading: Reading, form: str | None = None
) -> tuple[list[Task], list[str]]:
    """Read the tasks of files, those with the same text as one.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, archives of them (ZIP, such as doccano writes), and folders of JSON lines.
    reading : Reading
    form : str, optional
        A key of FORMATS; each file's own without it.

    Returns
    -------
    tasks : list of Task
    notes : list of str
        What is to be told of the files.

    Raises
    ------
    TopicsError
        With file and line, for what cannot be read and for an unknown label.

    """
    rows, notes = read_rows(paths, reading, form)
    counts = Counter[str]()
    found = joined((task for _, task in rows), counts)
    return found, notes + [f"{count} {what}" for what, count in counts.items()]


def read_rows(
    paths: Iterable[str | Path], reading: Reading, form: str | None = None
) -> tuple[list[tuple[str, Task]], list[str]]:
    """Read the tasks of files as `read_files` does, but each for itself, with its place.

    Parameters
    ----------
    paths : iterable of str or Path
    reading : Reading
    form : str, optional

    Returns
    -------
    rows : list of (str, Task)
    notes : list of str

    """
    found, notes = [], []
    for file in _members(find(paths)):
        of_file = reading.of(file)
        name = form or recognise(file)
        for where, task in FORMATS[name].read(file, of_file):
            found.append((where, reading.labels.check(task, where)))
        notes += [f"{file}: {count} {what}" for what, count in of_file.counts.items()]
    return found, notes


def write(tasks: Sequence[Task], writing: Writing, form: str) -> Written:
    """Write tasks in a format.

    Parameters
    ----------
    tasks : sequence of Task
    writing : Writing
    form : str
        One of WRITTEN.

    Returns
    -------
    Written

    Raises
    ------
    TopicsError
        For a label that is not in the set, or a text that the format cannot hold.

    """
    for task in tasks:
        writing.labels.check(task, f"task {task.id}")
    found = FORMATS[form].write
    if found is None:
        raise ValueError(f"{form} is only read, expected one of {', '.join(WRITTEN)}")
    return found(tasks, writing)


def _members(files: Iterable[Path]) -> Iterator[Path]:
    """Return the files, of an archive the files of JSON lines that are in it."""
    for file in files:
        if not _is_archive(file):
            yield file
            continue
        try:
            inner = [found for found in zipfile.Path(file).iterdir() if found.suffix.lower() in _JSON_LINES]
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{file}: damaged archive: {error}") from None
        if not inner:
            raise DataError(f"{file}: no {', '.join(_JSON_LINES)} in this archive")
        yield from (cast(Path, found) for found in inner if found.read_bytes().strip())  # it opens as a path does


def _is_archive(file: Path) -> bool:
    if file.suffix.lower() in _TABLES:
        return False
    try:
        with file.open("rb") as opened:
            return opened.read(len(_ZIP)) == _ZIP
    except OSError:
        return False  # its reader says why


def _begins_like_csv(file: Path) -> bool:
    from pipeline.predict.tables import holds_table

    try:
        return holds_table(str(file))
    except TopicsError:
        return False
