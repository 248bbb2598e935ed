"""Prodigy's JSON lines of the choice interface: a line for each person's answer to a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
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
    text_of,
    without,
)
from pipeline.labelling.task import Annotation, Task

NAME = "prodigy"
_ANNOTATOR = ("_annotator_id", "_session_id")
_COMMENTS = ("comment", "user_input")  # the second is what the interface calls its field unless told otherwise
_ANSWERS = ("accept", "reject", "ignore")
_SAID = ("accept", "answer", "flagged", "comment")


def recognises(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is Prodigy's."""
    return "text" in row and any(name in row for name in ("_input_hash", "answer", "accept", "options"))


def read(file: Path, reading: Reading) -> Iterator[tuple[str, Task]]:
    """Read the tasks of a file, each with its place; lines of one text are joined by the caller.

    `accept` is the list of labels of an accepted answer, an empty one is none of the topics. An ignored or a
    rejected text is skipped. `flagged` is a doubt.

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
    """Write a line for each annotation, and one without an answer for a text that nobody has labelled.

    Parameters
    ----------
    tasks : sequence of Task
    writing : Writing

    Returns
    -------
    Written

    """
    found = (row for task in tasks for row in _rows(task, writing))
    shown = ("annotators", "comments", "doubts", "skips")
    return Written(lines(found), not_shown(tasks, "Prodigy", shown=shown))


def _task(row: Row, where: str, reading: Reading) -> Task:
    native = Task(text_of(row, reading.column, where), **facts(row))
    kept = without(row, reading.column, CARRIED, *_SAID)
    if "answer" not in row:
        task = replace(native, meta=meta_of(NAME, {name: kept[name] for name in kept if name != "options"}))
        return restored(row.get(CARRIED), task, where, reading) or task
    said = _annotation(row, kept, where, reading)
    back = restored(row.get(CARRIED), native, where, reading)
    if back is None:
        return replace(native, annotations=(said,))
    same = any(found.annotator == said.annotator and says(found) == says(said) for found in back.annotations)
    return back if same else replace(back, annotations=(*back.annotations, said))


def _annotation(row: Row, kept: Row, where: str, reading: Reading) -> Annotation:
    answer = row["answer"]
    if answer not in _ANSWERS:
        raise DataError(f"{where}: answer: {answer!r}, expected one of {', '.join(_ANSWERS)}")
    if "accept" not in row and ("label" in row or "spans" in row):
        raise DataError(f"{where}: no `accept`: expected answers of the choice interface, with all labels at once")
    person = next((row[name] for name in _ANNOTATOR if isinstance(row.get(name), str)), reading.person)
    return Annotation(
        person,
        _accepted(row, where, reading) if answer == "accept" else None,
        time=_time(row.get("_timestamp")),
        comment=next((row[name] for name in _COMMENTS if isinstance(row.get(name), str)), ""),
        doubtful=row.get("flagged") is True,
        origin=NAME,
        meta=meta_of(NAME, {**kept, **({"answer": answer} if answer == "reject" else {})}),
    )


def _accepted(row: Row, where: str, reading: Reading) -> tuple[str, ...]:
    accept = row.get("accept", [])
    if not isinstance(accept, list):
        raise DataError(f"{where}: accept: expected a list of options")
    options = row.get("options") or []
    texts = {option.get("id"): option.get("text") for option in options if isinstance(option, dict)}
    given = [name if reading.labels.known(name) else texts.get(name, name) for name in accept]
    return reading.labels.find_all(given, where)


def _rows(task: Task, writing: Writing) -> Iterator[Row]:
    more = carried(task)
    names = writing.labels.names
    begin = {"text": task.text, **facts_of(task)}
    options = [{"id": names[topic.id], "text": topic.title} for topic in writing.labels.topics]
    end = {"options": options, **({} if more is None else {CARRIED: more})}
    if not task.annotations:
        yield {**kept_of(task.meta, NAME), **begin, **end}
    for said in task.annotations:
        kept = kept_of(said.meta, NAME)
        yield {"_view_id": "choice", **kept, **begin, **end, **_said(said, kept, writing)}


def _said(said: Annotation, kept: Mapping[str, Any], writing: Writing) -> Row:
    row: Row = {"accept": writing.labels.write(said.topics or ())}
    row["answer"] = kept.get("answer", "ignore") if said.topics is None else "accept"
    if said.doubtful:
        row["flagged"] = True
    if said.comment:
        row["comment"] = said.comment
    if not any(name in kept for name in _ANNOTATOR):
        row |= dict.fromkeys(_ANNOTATOR, said.annotator)
    stamp = _stamp(said.time)
    return row if stamp is None or "_timestamp" in kept else {**row, "_timestamp": stamp}


def _time(stamp: object) -> str:
    """Write seconds since 1970 as UTC; what is no such number is no time."""
    if not isinstance(stamp, int | float) or isinstance(stamp, bool):
        return ""
    try:
        return datetime.fromtimestamp(stamp, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return ""


def _stamp(time: str) -> int | None:
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
