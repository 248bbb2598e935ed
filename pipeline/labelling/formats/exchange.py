"""What the formats share: how a file is read and written, the facts of a text, and what a row carries."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.data.records import records
from pipeline.errors import DataError
from pipeline.labelling.formats.labels import Labels
from pipeline.labelling.json_lines import as_line, from_line
from pipeline.labelling.task import Annotation, Task

Row = dict[str, Any]
CARRIED = "topics_task"
FACTS = ("article", "paragraph", "title", "date", "source")


@dataclass(frozen=True)
class Reading:
    """How a file is to be read, and what is counted on the way.

    Parameters
    ----------
    labels : Labels
    annotator : str or None
        Whose labels they are where the file does not say; None for the name of the file without its ending.
    empty_is_none : bool, default False
        A list of labels that is empty says that none applies, where the tool writes the same for a text that
        nobody has looked at.
    column : str, default "text"
        The column or key of the texts.
    counts : Counter
        What is to be told of the file, with how often it was met.

    """

    labels: Labels
    annotator: str | None = None
    empty_is_none: bool = False
    column: str = "text"
    counts: Counter[str] = field(default_factory=Counter)

    def of(self, file: Path) -> "Reading":
        """Return the same for one file, with its name as the annotator and counts of its own."""
        name = file.name.partition(".")[0]
        return replace(self, annotator=self.annotator or name or file.name, counts=Counter())

    @property
    def person(self) -> str:
        """Whose labels they are where the file does not say."""
        return self.annotator or ""


@dataclass(frozen=True)
class Writing:
    """How a file is to be written.

    Parameters
    ----------
    labels : Labels
    columns : bool, default False
        Of a table: a column for each topic instead of one for all of them.

    """

    labels: Labels
    columns: bool = False


@dataclass(frozen=True)
class Written:
    """A file's content.

    Parameters
    ----------
    content : bytes
    notes : tuple of str
        What the format does not show, or not keep, with counts.
    beside : mapping of str to bytes
        Files that belong to it, by what their names end with.

    """

    content: bytes
    notes: tuple[str, ...] = ()
    beside: Mapping[str, bytes] = field(default_factory=dict)


def rows(file: Path) -> Iterator[tuple[str, Row]]:
    """Yield the objects of a file, JSON lines or one array, packed or not, each with its place.

    Raises DataError where the file cannot be read, or a row is no object.
    """
    for where, line in records(file):
        try:
            row = json.loads(line.decode("utf-8"), parse_constant=_refuse)
        except UnicodeDecodeError as error:
            raise DataError(f"{where}: not valid UTF-8 at byte {error.start + 1}; convert it to UTF-8") from None
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or str(error)
            raise DataError(f"{where}: not JSON: {reason}") from None
        if not isinstance(row, dict):
            raise DataError(f"{where}: expected an object")
        yield where, row


def text_of(row: Mapping[str, Any], column: str, where: str) -> str:
    """Return the text of a row; raise DataError where it has none."""
    if column not in row:
        raise DataError(f"{where}: no text in {column!r}, found {', '.join(row) or 'nothing'}; see --text-column")
    text = row[column]
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: {column}: expected a text that is not empty")
    return text


def facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says of the article that its text is from, by the names that `Task` has for it."""
    found = {name: row.get(name) for name in FACTS}
    place = found["paragraph"]
    if isinstance(place, float) and place.is_integer():  # a table of numbers with gaps has no integers
        found["paragraph"] = int(place)
    return {name: value for name, value in found.items() if _is_fact(name, value)}


def without(row: Mapping[str, Any], *names: str) -> Row:
    """Return what else a row keeps: neither a fact of the article nor one of these keys."""
    known = {*facts(row), *(name for name in FACTS if row.get(name) is None), *names}
    return {name: value for name, value in row.items() if name not in known}


def facts_of(task: Task) -> Row:
    """Return what is known of the article of a task, for a row."""
    given = {name: getattr(task, name) for name in FACTS}
    return {name: value for name, value in given.items() if value is not None and value not in ("", 0)}


def meta_of(tool: str, kept: Mapping[str, Any]) -> Row:
    """Return what a tool keeps as `meta`; other tools have keys of their own in it."""
    return {tool: dict(kept)} if kept else {}


def kept_of(meta: Mapping[str, Any], tool: str) -> Mapping[str, Any]:
    """Return what a tool has kept in `meta`, for the way back."""
    found = meta.get(tool)
    return found if isinstance(found, Mapping) else {}


def carried(task: Task) -> Row | None:
    """Return all that is known of a task but its text and its article, None where that is nothing.

    A tool keeps it as it is, so what the tool itself has no place for comes back.
    """
    row = json.loads(as_line(replace(task, article="", paragraph=0, title=None, date=None, source=None)))
    del row["text"]
    return {"id": task.id, **row} if row else None


def restored(found: Any, native: Task, where: str, reading: Reading) -> Task | None:
    """Return the task that a row carries.

    Parameters
    ----------
    found : object
        What `carried` returned, or its JSON; None where there is none.
    native : Task
        As the tool itself tells it: its text, its facts and what else the tool keeps go before.
    where : str
    reading : Reading

    Returns
    -------
    Task or None
        None also where the text is another one by now: what was said of the earlier text does not hold.

    """
    row = _loaded(found, where)
    if row is None:
        return None
    if row.get("id") != native.id:
        reading.counts[
            "texts were changed since they were exported: what was said of them before is left out"
        ] += 1
        return None
    content = {**{name: value for name, value in row.items() if name != "id"}, "text": native.text}
    task = from_line(json.dumps(content), f"{where}: {CARRIED}")
    given = {name: getattr(native, name) for name in FACTS}
    return replace(task, **given, meta={**task.meta, **native.meta})


def settled(task: Task) -> tuple[str, ...] | None:
    """Return the labels that count: those decided, else those that everybody agrees on who did not skip.

    None where the task is dropped, nobody has labelled it, or people disagree.
    """
    if task.decision:
        return task.decision.topics
    given = [found.topics for found in task.latest.values() if found.topics is not None]
    return given[0] if len({frozenset(topics) for topics in given}) == 1 else None


def says(annotation: Annotation) -> tuple[frozenset[str] | None, str, bool]:
    """Return what an annotation says, whoever says it and when."""
    topics = None if annotation.topics is None else frozenset(annotation.topics)
    return topics, annotation.comment, annotation.doubtful


def not_shown(tasks: Sequence[Task], tool: str, *, shown: Iterable[str] = ()) -> tuple[str, ...]:
    """Count what a tool carries and does not show, for the person who exports.

    Parameters
    ----------
    tasks : sequence of Task
    tool : str
    shown : iterable of str
        What it does show, of the words below.

    Returns
    -------
    tuple of str
        At most one sentence.

    """
    said = [found for task in tasks for found in task.annotations]
    counts = {
        "annotators": len({found.annotator for found in said}),
        "comments": sum(bool(found.comment) for found in said),
        "doubts": sum(found.doubtful for found in said),
        "skips": sum(found.topics is None for found in said),
        "suggestions": sum(found.suggested is not None for found in said),
        "decisions": sum(task.decision is not None for task in tasks),
        "scored texts": sum(bool(task.scores) for task in tasks),
    }
    hidden = [f"{count} {what}" for what, count in counts.items() if count and what not in set(shown)]
    return (f"not shown by {tool}, carried in {CARRIED}: {', '.join(hidden)}",) if hidden else ()


def lines(found: Iterable[Row]) -> bytes:
    """Write JSON lines."""
    return b"".join(_json(row) + b"\n" for row in found)


def array(found: Iterable[Row]) -> bytes:
    """Write one JSON array, a row on each line."""
    return b"[\n" + b",\n".join(map(_json, found)) + b"\n]\n"


def joined(tasks: Iterable[Task], counts: Counter[str]) -> list[Task]:
    """Make one task of all that have the same text, in the order of the first of each.

    Parameters
    ----------
    tasks : iterable of Task
    counts : Counter
        Takes how often something is left out by that.

    Returns
    -------
    list of Task

    """
    found: dict[str, Task] = {}
    for task in tasks:
        first = found.get(task.id)
        found[task.id] = task if first is None else _joined(first, task, counts)
    return list(found.values())


def _joined(first: Task, other: Task, counts: Counter[str]) -> Task:
    known = [replace(found, meta={}) for found in first.annotations]
    new = tuple(found for found in other.annotations if replace(found, meta={}) not in known)
    if first.decision and other.decision and first.decision != other.decision:
        raise DataError(f"two decisions on one text: {' '.join(first.text.split())[:80]}")
    given = {
        name: getattr(first, name) or getattr(other, name) for name in ("title", "date", "source", "decision")
    }
    if not first.article:
        given |= {"article": other.article, "paragraph": other.paragraph}
    if any(first.meta.get(tool, kept) != kept for tool, kept in other.meta.items()):
        counts["texts repeat: their labels are joined, and what else the tool keeps is that of the first"] += 1
    return replace(
        first,
        annotations=(*first.annotations, *new),
        scores=first.scores or other.scores,
        meta={**other.meta, **first.meta},
        **given,
    )


def _is_fact(name: str, value: object) -> bool:
    if name == "paragraph":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, str)


def _loaded(found: Any, where: str) -> Row | None:
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            raise DataError(f"{where}: {CARRIED}: not JSON: it is to come back as it was exported") from None
    if found is not None and not isinstance(found, dict):
        raise DataError(f"{where}: {CARRIED}: expected an object, as it was exported")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _json(row: Row) -> bytes:
    try:
        return json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can only escape
        return json.dumps(row).encode()
