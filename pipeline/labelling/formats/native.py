"""The project's own JSON lines of tasks, as one format among the others."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.data.records import records
from pipeline.labelling.formats.exchange import Reading, Writing, Written, lines
from pipeline.labelling.json_lines import as_line, from_line
from pipeline.labelling.task import Task

NAME = "tasks"
_OWN = ("annotations", "decision")


def recognises(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is a task of this project: labelled, or a text without anything of another tool."""
    return "text" in row and (any(name in row for name in _OWN) or row.keys() <= Task.__dataclass_fields__.keys())


def read(file: Path, reading: Reading) -> Iterator[tuple[str, Task]]:
    """Yield the tasks of a file, each with its place; raise DataError for a line that is none."""
    for where, row in records(file):
        yield where, from_line(row, where)


def write(tasks: Sequence[Task], writing: Writing) -> Written:
    """Write tasks without loss."""
    return Written(lines(json.loads(as_line(task)) for task in tasks))
