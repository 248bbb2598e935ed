"""doccano's JSON lines of a text classification: one list of labels a text, a file for each person."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.errors import DataError
from pipeline.labelling.formats.exchange import (
    CARRIED,
    Reading,
    Row,
    Writing,
    Written,
    carried,
    facts,
    facts_of,
    kept_of,
    lines,
    meta_of,
    not_shown,
    restored,
    rows,
    says,
    settled,
    text_of,
    without,
)
from pipeline.labelling.task import Annotation, Task

NAME = "doccano"
_LABELS = ("label", "labels")
_COMMENTS = "Comments"
_AMBIGUOUS = (
    "texts without a label are read as not labelled, since doccano writes the same for both; "
    "--empty none if all of them were looked at"
)
_EXPORTED = (
    "labels are those that were exported: doccano files them under whoever imported them there; "
    "export with --blind to have texts labelled again"
)


def recognises(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is doccano's."""
    return "text" in row and any(name in row for name in _LABELS)


def read(file: Path, reading: Reading) -> Iterator[tuple[str, Task]]:
    """Read the tasks of a file, each with its place.

    Parameters
    ----------
    file : Path
        JSON lines, or an array; the labels are those of `reading.annotator`.
    reading : Reading

    Yields
    ------
    place : str
    task : Task

    Raises
    ------
    DataError

    """
    for where, row in rows(file):
        yield where, _task(row, where, reading)


def write(tasks: Sequence[Task], writing: Writing) -> Written:
    """Write tasks with the labels that count; doccano has no place for those of several people.

    Parameters
    ----------
    tasks : sequence of Task
    writing : Writing

    Returns
    -------
    Written

    """
    apart = sum(settled(task) is None and _labelled(task) for task in tasks)
    notes = not_shown(tasks, NAME)
    if apart:
        notes += (f"{apart} texts are written without a label: people disagree, or they are dropped",)
    return Written(lines(_same_columns([_row(task, writing) for task in tasks])), notes)


def _task(row: Row, where: str, reading: Reading) -> Task:
    row = {name: value for name, value in row.items() if value is not None and value != ""}
    given = _given(row, where)
    topics = reading.labels.find_all(given, where)
    comment = "\n".join(_comments(row))
    native = Task(
        text_of(row, reading.column, where),
        **facts(row),
        meta=meta_of(NAME, without(row, reading.column, CARRIED, _COMMENTS, *_LABELS)),
    )
    back = restored(row.get(CARRIED), native, where, reading)
    seen = topics if topics or reading.empty_is_none else None
    said = Annotation(reading.person, seen, comment=comment, origin=NAME)
    if back is None:
        return _with_said(native, said, reading)
    exported = frozenset(settled(back) or ()) == frozenset(topics)
    if _COMMENTS not in row:  # as it was exported, or changed by hand: doccano gives each row its comments
        return back if exported or seen is None else _with(back, said)
    if exported and topics:
        reading.counts[_EXPORTED] += 1
    return _with_said(back, said, reading)


def _with_said(task: Task, said: Annotation, reading: Reading) -> Task:
    if said.topics is not None or said.comment:
        return _with(task, said)
    if settled(task) != ():
        reading.counts[_AMBIGUOUS] += 1
    return task


def _with(task: Task, said: Annotation) -> Task:
    """Add what a person says, unless the person has said it already."""
    latest = task.latest.get(said.annotator)
    same = latest is not None and says(latest) == says(said)
    return task if same else replace(task, annotations=(*task.annotations, said))


def _row(task: Task, writing: Writing) -> Row:
    more = carried(task)
    given = {"text": task.text, "label": writing.labels.write(settled(task) or ()), **facts_of(task)}
    given["paragraph"] = task.paragraph  # a number in each row: among gaps it would become a fraction
    row = {**kept_of(task.meta, NAME), **given}
    return row if more is None else {**row, CARRIED: json.dumps(more, ensure_ascii=False)}


def _same_columns(found: Sequence[Row]) -> list[Row]:
    """Give every row all columns, empty where it has none: doccano refuses to import a table with gaps."""
    columns = dict.fromkeys(name for row in found for name in row)
    return [{name: "" if row.get(name) is None else row[name] for name in columns} for row in found]


def _labelled(task: Task) -> bool:
    return any(found.topics is not None for found in task.latest.values()) or task.decision is not None


def _given(row: Row, where: str) -> list[Any]:
    name = next((name for name in _LABELS if name in row), None)
    given = row[name] if name else []
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or any(isinstance(label, list | dict) for label in given):
        raise DataError(f"{where}: {name}: expected a list of labels, as of a project of text classification")
    return given


def _comments(row: Row) -> Iterable[str]:
    given = row.get(_COMMENTS) or []
    return [str(comment) for comment in (given if isinstance(given, list) else [given])]
