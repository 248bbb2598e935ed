"""Tasks as lines of JSON, without loss: the project's own form of what people label and have labelled."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipeline.data.records import find, parsed, records
from pipeline.errors import DataError
from pipeline.labelling.task import Task

_TASK: TypeAdapter[Task] = TypeAdapter(Task)
_KEYS = tuple(found.name for found in fields(Task))


def as_line(task: Task) -> str:
    """Write a task as an object on one line, without an end of line.

    Parameters
    ----------
    task : Task

    Returns
    -------
    str
        JSON with the names of the fields as keys. Fields that have their default are left out.

    """
    return json.dumps(_plain(task), ensure_ascii=False)


def from_line(line: str | bytes, where: str = "line") -> Task:
    """Read a task from one line.

    Parameters
    ----------
    line : str or bytes
        A JSON object with `text`; every other field of `Task` may be absent.
    where : str
        File and line, for messages.

    Returns
    -------
    Task
        Keys that no field has are kept in `meta`.

    Raises
    ------
    DataError
        With the place: for broken JSON, a wrong type, a misspelt key, a missing or empty text.

    """
    row = line.encode() if isinstance(line, str) else line
    task = parsed(_TASK, row, where, beside="text")
    if not task.text.strip():
        raise DataError(f"{where}: text is empty")
    if task.paragraph < 0:
        raise DataError(f"{where}: paragraph: {task.paragraph}, expected a number from 0")
    others = {key: value for key, value in json.loads(row).items() if key not in _KEYS}
    return replace(task, meta={**others, **task.meta}) if others else task


def read_tasks(paths: Iterable[str | Path]) -> Iterator[tuple[str, Task]]:
    """Read the tasks of files of JSON lines, packed or not.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, and folders of them.

    Yields
    ------
    place : str
        File and line.
    task : Task

    Raises
    ------
    DataError

    """
    for file in find(paths):
        for where, row in records(file):
            yield where, from_line(row, where)


def _plain(value: Any) -> Any:
    """Turn rows into objects without the fields that have their default."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if not is_dataclass(value):
        return value
    found = {field.name: (getattr(value, field.name), _default(field)) for field in fields(value)}
    return {name: _plain(given) for name, (given, default) in found.items() if given != default}


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default
