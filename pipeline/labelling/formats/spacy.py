"""spaCy's text categories as JSON lines: `text` and `cats`, as `Doc.to_json` writes them."""

from collections.abc import Iterator, Mapping, Sequence
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
    settled,
    text_of,
    without,
)
from pipeline.labelling.task import Annotation, Task

NAME = "spacy"


def recognises(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is spaCy's."""
    return "text" in row and (isinstance(row.get("cats"), dict) or "tokens" in row)


def read(file: Path, reading: Reading) -> Iterator[tuple[str, Task]]:
    """Read the tasks of a file, each with its place.

    `cats` of 0 and 1 are labels, all 0 is none of the topics, and without `cats` a text is not labelled. Other
    numbers are a model's scores.

    Parameters
    ----------
    file : Path
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
    """Write tasks with the labels that count, for training; spaCy has no place for those of several people.

    Parameters
    ----------
    tasks : sequence of Task
    writing : Writing

    Returns
    -------
    Written

    """
    apart = sum(settled(task) is None for task in tasks)
    notes = not_shown(tasks, "spaCy")
    if apart:
        notes += (f"{apart} texts are written without cats: not labelled, people disagree, or they are dropped",)
    return Written(lines(_row(task, writing) for task in tasks), notes)


def _task(row: Row, where: str, reading: Reading) -> Task:
    cats = _cats(row, where, reading)
    hard = all(value in (0, 1) for value in cats.values())
    topics = tuple(topic for topic, value in cats.items() if value == 1) if cats and hard else None
    native = Task(
        text_of(row, reading.column, where),
        **facts(row),
        scores={} if hard else cats,
        meta=meta_of(NAME, without(row, reading.column, CARRIED, "cats")),
    )
    back = restored(row.get(CARRIED), native, where, reading)
    if back is not None and (topics is None or _same(settled(back), topics)):
        return back
    if topics is None:
        return native
    said = Annotation(reading.person, topics, origin=NAME)
    return replace(back or native, annotations=(*(back.annotations if back else ()), said))


def _same(first: tuple[str, ...] | None, second: tuple[str, ...]) -> bool:
    return first is not None and frozenset(first) == frozenset(second)


def _cats(row: Row, where: str, reading: Reading) -> dict[str, float]:
    cats = row.get("cats") or {}
    if not isinstance(cats, dict):
        raise DataError(f"{where}: cats: expected an object with a number for each label")
    for label, value in cats.items():
        if not isinstance(value, int | float):
            raise DataError(f"{where}: cats: {label}: expected a number, found {value!r}")
    return {reading.labels.find(label, where): float(value) for label, value in cats.items()}


def _row(task: Task, writing: Writing) -> Row:
    topics, more = settled(task), carried(task)
    names = writing.labels.names
    cats = {} if topics is None else {names[topic]: float(topic in topics) for topic in writing.labels.ids}
    row = {**kept_of(task.meta, NAME), "text": task.text, "cats": cats, **facts_of(task)}
    return row if more is None else {**row, CARRIED: more}
