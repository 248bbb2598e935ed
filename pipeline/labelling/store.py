"""Keep tasks, what each person says of them, and what was decided: SQLite, to which rows are only added.

Nothing is deleted: what is undone is marked, with the time. One text is one task, wherever it stands. A row that
was acknowledged is on the disk, whatever ends the process or how many write at once.
"""

import json
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import LabelError, OutputError
from pipeline.labelling.task import Annotation, Decision, Task

ANONYMOUS = "anonymous"
State = Literal["all", "open", "disagreeing", "decided", "unlabelled"]
STATES: tuple[State, ...] = ("all", "open", "disagreeing", "decided", "unlabelled")
_VERSION = 1
_WAIT = 5.0  # seconds for a row that another process is writing
_SCHEMA = """
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, place INTEGER NOT NULL, queued INTEGER NOT NULL, text TEXT NOT NULL,
    article TEXT NOT NULL, paragraph INTEGER NOT NULL, title TEXT, date TEXT, source TEXT,
    scores TEXT NOT NULL, meta TEXT NOT NULL
);
CREATE INDEX tasks_by_place ON tasks (place);
CREATE INDEX tasks_by_article ON tasks (article, paragraph);
CREATE TABLE annotations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL REFERENCES tasks, annotator TEXT NOT NULL,
    topics TEXT, time TEXT NOT NULL, comment TEXT NOT NULL, doubtful INTEGER NOT NULL, suggested TEXT,
    model TEXT NOT NULL, origin TEXT NOT NULL, meta TEXT NOT NULL, undone TEXT
);
CREATE INDEX annotations_by_task ON annotations (task);
CREATE INDEX annotations_by_person ON annotations (annotator, task);
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL REFERENCES tasks, reviewer TEXT NOT NULL,
    topics TEXT, time TEXT NOT NULL, comment TEXT NOT NULL, seen INTEGER NOT NULL, undone TEXT
);
CREATE INDEX decisions_by_task ON decisions (task);
CREATE TABLE merges (
    id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL REFERENCES tasks, decision INTEGER NOT NULL,
    file TEXT NOT NULL, time TEXT NOT NULL
);
CREATE INDEX merges_by_task ON merges (task);
CREATE TABLE taken_over (source TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""
_TASK = "id, text, article, paragraph, title, date, source, scores, meta"
_ANNOTATION = "annotator, topics, time, comment, doubtful, suggested, model, origin, meta"
_LATEST = """
SELECT a.* FROM annotations AS a JOIN (
    SELECT max(id) AS id FROM annotations WHERE undone IS NULL GROUP BY task, annotator
) USING (id) WHERE a.topics IS NOT NULL
"""
_DECISION = (
    "SELECT * FROM decisions WHERE id IN (SELECT max(id) FROM decisions WHERE undone IS NULL GROUP BY task)"
)
# A task is settled by its decision until somebody says otherwise; `seen` is the last annotation before it.
_WITH = f"""
WITH latest AS ({_LATEST}), standing AS ({_DECISION}), settled AS (
    SELECT * FROM standing AS d WHERE NOT EXISTS (
        SELECT 1 FROM latest AS a WHERE a.task = d.task AND a.id > d.seen AND a.topics IS NOT d.topics
    )
), open AS (
    SELECT task AS id, count(DISTINCT topics) AS labels FROM latest
    WHERE task NOT IN (SELECT task FROM settled) GROUP BY task
)
"""
_WHICH: dict[State, str] = {
    "all": "1",
    "open": "id IN (SELECT id FROM open)",
    "disagreeing": "id IN (SELECT id FROM open WHERE labels > 1)",
    "decided": "id IN (SELECT task FROM settled)",
    "unlabelled": "id NOT IN (SELECT task FROM latest) AND id NOT IN (SELECT task FROM settled)",
}


@dataclass(frozen=True, slots=True)
class Added:
    """How many tasks and annotations were new, and how many tasks were known by their text already."""

    tasks: int = 0
    known: int = 0
    annotations: int = 0


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction as it was made; `undone` is the time at which it was taken back, None for one that counts."""

    id: int
    article: str
    paragraph: int
    text: str
    annotation: Annotation
    undone: str | None


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of a text: the latest correction, with its number, or a decision, which has none."""

    topics: tuple[str, ...]
    person: str
    correction: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the queue is labelled.

    Parameters
    ----------
    tasks : int
        On the queue.
    by_person : dict of str to int
        Labelled or skipped of these.
    skipped : dict of str to int
    decided : int

    """

    tasks: int
    by_person: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    decided: int = 0


@dataclass(frozen=True, slots=True)
class Unmerged:
    """A decision that is not in the labelled data yet; `merged` is the file with an earlier one of its task."""

    task: Task
    decision: int
    merged: str | None


def now() -> str:
    """Return the present time: UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def check(path: Path) -> None:
    """Refuse a file to which no annotation could be added; a missing one is not made yet.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OutputError
        Where its folder or the file cannot be written, or it is no file of annotations.

    """
    if not path.name or path.is_dir():
        raise OutputError(f"{path}: cannot save annotations: expected a file, not a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()  # SQLite writes its log beside the file
    except FileExistsError:
        raise OutputError(f"{path}: cannot save annotations: {path.parent} is not a folder") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot save annotations: {error.strerror or error}") from None
    if path.exists():
        with _opened(path) as database, _transaction(database):
            database.execute(f"SELECT {_TASK} FROM tasks LIMIT 0")


def add(path: Path, tasks: Iterable[Task], *, queued: bool = True) -> Added:
    """Add tasks with their annotations and decisions; what is there already is not added again.

    Parameters
    ----------
    path : Path
        A SQLite file; made where there is none.
    tasks : iterable of Task
    queued : bool, default True
        Whether they wait on the labelling page.

    Returns
    -------
    Added

    Raises
    ------
    OutputError
        Where the file cannot be written; nothing is added then.

    """
    found = Added()
    with _opened(path) as database, _transaction(database):
        for task in tasks:
            new = _add_task(database, task, queued=queued)
            earlier = {_annotation_values(annotation) for annotation in _annotations(database, task.id)}
            lines = [line for line in task.annotations if _annotation_values(line) not in earlier]
            for annotation in lines:
                _add_annotation(database, task.id, annotation)
            if task.decision is not None and task.decision != _decision(database, task.id):
                _add_decision(database, task.id, task.decision)
            found = Added(found.tasks + new, found.known + (not new), found.annotations + len(lines))
    return found


def annotate(path: Path, task: Task, annotation: Annotation) -> int:
    """Save what a person says of a text.

    Parameters
    ----------
    path : Path
        A SQLite file; made where there is none.
    task : Task
        Made where there is none of this text.
    annotation : Annotation

    Returns
    -------
    int
        The annotation's number.

    Raises
    ------
    OutputError
        Where it cannot be written.

    """
    with _opened(path) as database, _transaction(database):
        _add_task(database, task, queued=False)
        return _add_annotation(database, task.id, annotation)


def decide(path: Path, task: Task, decision: Decision) -> int:
    """Save what counts as a text's labels.

    Parameters
    ----------
    path : Path
        A SQLite file; made where there is none.
    task : Task
        Made where there is none of this text.
    decision : Decision

    Returns
    -------
    int
        The decision's number.

    Raises
    ------
    OutputError
        Where it cannot be written.

    """
    with _opened(path) as database, _transaction(database):
        _add_task(database, task, queued=False)
        return _add_decision(database, task.id, decision)


def undo(path: Path, annotation: int) -> bool:
    """Take an annotation back; it stays in the file, marked.

    Parameters
    ----------
    path : Path
    annotation : int
        Its number.

    Returns
    -------
    bool
        Whether there was one that counted.

    """
    return _mark_undone(path, "annotations", "id = ?", annotation)


def undo_decision(path: Path, task: str) -> bool:
    """Take the decision on a task back; the one before it does not count again.

    Parameters
    ----------
    path : Path
    task : str
        Its id.

    Returns
    -------
    bool
        Whether there was one.

    """
    return _mark_undone(path, "decisions", "task = ?", task)


def undo_last(path: Path, annotator: str) -> str | None:
    """Take back what a person said last on the labelling page.

    Parameters
    ----------
    path : Path
    annotator : str

    Returns
    -------
    str or None
        The id of its task; None where there is nothing to take back.

    """
    if not path.exists():
        return None
    with _opened(path) as database, _transaction(database):
        row = database.execute(
            "SELECT id, task FROM annotations WHERE annotator = ? AND origin = 'page' AND undone IS NULL"
            " ORDER BY id DESC LIMIT 1",
            (annotator,),
        ).fetchone()
        if row is None:
            return None
        database.execute("UPDATE annotations SET undone = ? WHERE id = ?", (now(), row[0]))
        return str(row[1])


def tasks(path: Path, state: State = "all", *, most: int = -1, after: int = 0) -> list[Task]:
    """List tasks with the annotations and the decision that count.

    Parameters
    ----------
    path : Path
    state : {"all", "open", "disagreeing", "decided", "unlabelled"}
        Open: somebody labelled it, and nobody has decided since. Disagreeing: of these, those on which people
        differ. Decided: the decision counts. Unlabelled: neither.
    most : int, default -1
        How many; -1 for all.
    after : int, default 0
        How many to pass over.

    Returns
    -------
    list of Task
        In the order in which they came; none where there is no file.

    """
    if not path.exists():
        return []
    with _opened(path) as database:
        rows = database.execute(
            f"{_WITH} SELECT {_TASK} FROM tasks WHERE {_WHICH[state]} ORDER BY place LIMIT ? OFFSET ?",
            (most, after),
        ).fetchall()
        return [_task(database, row) for row in rows]


def counts(path: Path) -> dict[State, int]:
    """Count the tasks in each state; see `tasks`."""
    if not path.exists():
        return dict.fromkeys(STATES, 0)
    with _opened(path) as database:
        return {
            state: database.execute(f"{_WITH} SELECT count(*) FROM tasks WHERE {which}").fetchone()[0]
            for state, which in _WHICH.items()
        }


def find(path: Path, task: str) -> Task | None:
    """Return a task by its id, None where there is none."""
    if not path.exists():
        return None
    with _opened(path) as database:
        row = database.execute(f"SELECT {_TASK} FROM tasks WHERE id = ?", (task,)).fetchone()
        return row and _task(database, row)


def next_task(path: Path, annotator: str, *, skipped: bool = False) -> Task | None:
    """Return the task of the queue that a person labels next.

    Parameters
    ----------
    path : Path
    annotator : str
    skipped : bool, default False
        Of those that the person skipped, the one skipped first.

    Returns
    -------
    Task or None
        Of those that wait for this person, one that the fewest have labelled, in the order of the queue: two
        people share the queue at first, and then label twice. Decided ones wait for nobody.

    """
    if not path.exists():
        return None
    own = "SELECT max(id) FROM annotations WHERE annotator = :annotator AND undone IS NULL GROUP BY task"
    waiting = "id NOT IN (SELECT task FROM annotations WHERE annotator = :annotator AND undone IS NULL)"
    again = f"id IN (SELECT task FROM annotations WHERE topics IS NULL AND id IN ({own}))"
    order = "(SELECT count(DISTINCT annotator) FROM annotations WHERE task = tasks.id AND undone IS NULL)"
    if skipped:
        order = "(SELECT max(id) FROM annotations WHERE task = tasks.id AND annotator = :annotator)"
    with _opened(path) as database:
        row = database.execute(
            f"{_WITH} SELECT {_TASK} FROM tasks WHERE queued AND {again if skipped else waiting}"
            f" AND id NOT IN (SELECT task FROM settled) ORDER BY {order}, place LIMIT 1",
            {"annotator": annotator},
        ).fetchone()
        return row and _task(database, row)


def neighbours(path: Path, task: Task) -> tuple[str | None, str | None]:
    """Return the texts before and after a task's in its article, as far as the file or the task has them."""
    found = {-1: task.meta.get("before"), 1: task.meta.get("after")}
    if task.article and path.exists():
        with _opened(path) as database:
            rows = database.execute(
                "SELECT paragraph - :here, text FROM tasks WHERE article = :article"
                " AND paragraph IN (:here - 1, :here + 1)",
                {"article": task.article, "here": task.paragraph},
            ).fetchall()
        found |= dict(rows)
    before, after = (found[place] if isinstance(found[place], str) else None for place in (-1, 1))
    return before, after


def progress(path: Path) -> Progress:
    """Count how far each person has labelled the queue."""
    if not path.exists():
        return Progress(0)
    with _opened(path) as database:
        total = database.execute("SELECT count(*) FROM tasks WHERE queued").fetchone()[0]
        rows = database.execute(
            "SELECT annotator, count(*), sum(topics IS NULL) FROM annotations WHERE id IN ("
            "SELECT max(id) FROM annotations WHERE undone IS NULL GROUP BY task, annotator"
            ") AND task IN (SELECT id FROM tasks WHERE queued) GROUP BY annotator ORDER BY annotator"
        ).fetchall()
        query = f"{_WITH} SELECT count(*) FROM tasks WHERE queued AND {_WHICH['decided']}"
        decided = database.execute(query).fetchone()[0]
    people = {person: count for person, count, _ in rows}
    return Progress(total, people, {person: skipped for person, _, skipped in rows}, decided)


def corrections(path: Path, *, most: int = -1, undone: bool = False) -> list[Correction]:
    """List the corrections that were made where predictions are shown.

    Parameters
    ----------
    path : Path
    most : int, default -1
        How many; -1 for all.
    undone : bool, default False
        Whether those that were taken back are listed, too.

    Returns
    -------
    list of Correction
        The newest first; none where there is no file.

    """
    if not path.exists():
        return []
    which = "" if undone else "AND undone IS NULL"
    with _opened(path) as database:
        rows = database.execute(
            f"SELECT a.id, t.article, t.paragraph, t.text, a.undone, {_columns('a', _ANNOTATION)}"
            f" FROM annotations AS a JOIN tasks AS t ON t.id = a.task WHERE origin = 'correction' {which}"
            " ORDER BY a.id DESC LIMIT ?",
            (most,),
        ).fetchall()
    return [_correction(row) for row in rows]


def labels(path: Path, ids: Sequence[str]) -> dict[str, Label]:
    """Return what people say of texts, by the ids of their tasks; others are not in it.

    Parameters
    ----------
    path : Path
    ids : sequence of str

    Returns
    -------
    dict of str to Label

    """
    if not path.exists():
        return {}
    wanted = (json.dumps(list(ids)),)
    among = "task IN (SELECT value FROM json_each(?))"
    with _opened(path) as database:
        corrected = database.execute(
            f"SELECT task, topics, annotator, id FROM annotations WHERE undone IS NULL AND topics IS NOT NULL"
            f" AND origin = 'correction' AND {among} ORDER BY id",
            wanted,
        ).fetchall()
        decided = database.execute(
            f"{_WITH} SELECT task, topics, reviewer FROM settled WHERE topics IS NOT NULL AND {among}", wanted
        ).fetchall()
    found = {task: Label(_topics(topics), person, number) for task, topics, person, number in corrected}
    return found | {task: Label(_topics(topics), person, None) for task, topics, person in decided}


def decided(path: Path, ids: Sequence[str]) -> set[str]:
    """Return those of the tasks with these ids whose decision counts, dropped ones too."""
    if not path.exists():
        return set()
    query = f"{_WITH} SELECT task FROM settled WHERE task IN (SELECT value FROM json_each(?))"
    with _opened(path) as database:
        return {task for (task,) in database.execute(query, (json.dumps(list(ids)),)).fetchall()}


def unmerged(path: Path) -> list[Unmerged]:
    """List the decisions that count and are not in the labelled data yet; dropped tasks are among them."""
    if not path.exists():
        raise LabelError(f"{path}: no annotations; they are made on the pages of `topics serve`")
    with _opened(path) as database:
        rows = database.execute(
            f"{_WITH} SELECT {_columns('t', _TASK)}, d.id,"
            " (SELECT file FROM merges AS m WHERE m.task = t.id ORDER BY m.id DESC LIMIT 1)"
            " FROM settled AS d JOIN tasks AS t ON t.id = d.task"
            " WHERE d.id NOT IN (SELECT decision FROM merges) ORDER BY t.place"
        ).fetchall()
        return [Unmerged(_task(database, row[:-2]), row[-2], row[-1]) for row in rows]


def mark_merged(path: Path, merged: Mapping[int, tuple[str, str]]) -> None:
    """Note decisions as merged.

    Parameters
    ----------
    path : Path
    merged : mapping of int to (str, str)
        By the number of the decision, the id of its task, and the file that it is in now; empty for none.

    """
    with _opened(path) as database, _transaction(database):
        database.executemany(
            "INSERT INTO merges (task, decision, file, time) VALUES (?, ?, ?, ?)",
            [(task, decision, file, now()) for decision, (task, file) in merged.items()],
        )


def take_over(path: Path) -> int:
    """Take over the corrections that an earlier version kept, in this file or in one beside it.

    Parameters
    ----------
    path : Path
        The file of annotations. The earlier one has its name with `corrections` in place of `annotations`, and
        stays as it is.

    Returns
    -------
    int
        How many there were that had not been taken over before.

    Raises
    ------
    OutputError
        Where either file is no database, or cannot be used.

    """
    sources = [found for found in dict.fromkeys((path, _former(path))) if _has_corrections(found)]
    count = 0
    for source in sources:
        rows = _former_rows(source)
        with _opened(path) as database, _transaction(database):
            known = database.execute("SELECT last FROM taken_over WHERE source = ?", (source.name,)).fetchone()
            new = [row for row in rows if row[0] > (known[0] if known else 0)]
            for row in new:
                task, annotation = _taken_over(row)
                _add_task(database, task, queued=False)
                _add_annotation(database, task.id, annotation)
            if new:
                mark = "INSERT OR REPLACE INTO taken_over VALUES (?, ?)"
                database.execute(mark, (source.name, max(row[0] for row in new)))
        count += len(new)
    return count


def correction_of(text: str, article: str, paragraph: int, annotation: Annotation) -> tuple[Task, Annotation]:
    """Return a correction's task, and its annotation with the place and the wording that the person saw."""
    meta = {**annotation.meta, "article": article, "paragraph": paragraph, "text": text}
    return Task(text, article, paragraph), replace(annotation, origin="correction", meta=meta)


def _correction(row: Sequence[Any]) -> Correction:
    number, article, paragraph, text, undone, *values = row
    annotation = _annotation(values)
    seen = annotation.meta
    place = (seen.get("article", article), seen.get("paragraph", paragraph), seen.get("text", text))
    return Correction(number, *place, annotation, undone)


def _former(path: Path) -> Path:
    return path.with_name(path.name.replace("annotations", "corrections"))


def _has_corrections(path: Path) -> bool:
    if not path.is_file():
        return False
    with _connected(path) as database:
        query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'corrections'"
        return bool(database.execute(query).fetchone()[0])


def _former_rows(path: Path) -> list[Any]:
    with _connected(path) as database:
        return database.execute(
            "SELECT id, article, paragraph, text, model_topics, person_topics, model, time"
            " FROM corrections ORDER BY id"
        ).fetchall()


def _taken_over(row: Sequence[Any]) -> tuple[Task, Annotation]:
    _, article, paragraph, text, suggested, topics, model, made = row
    annotation = Annotation(ANONYMOUS, _topics(topics), made, suggested=_topics(suggested), model=model)
    return correction_of(text, article, paragraph, annotation)


def _add_task(database: sqlite3.Connection, task: Task, *, queued: bool) -> bool:
    """Add a task unless its text is known; a queued one is queued then, too, with what was not known of it."""
    values = (
        *(task.id, queued, task.text, task.article, task.paragraph, task.title, task.date, task.source),
        *(json.dumps(dict(task.scores)), json.dumps(dict(task.meta), ensure_ascii=False)),
    )
    cursor = database.execute(
        "INSERT INTO tasks (place, id, queued, text, article, paragraph, title, date, source, scores, meta)"
        " SELECT coalesce(max(place), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM tasks WHERE true"
        " ON CONFLICT (id) DO NOTHING",
        values,
    )
    if cursor.rowcount == 0 and queued:
        database.execute(
            "UPDATE tasks SET queued = 1, title = coalesce(title, :title), date = coalesce(date, :date),"
            " source = coalesce(source, :source), scores = CASE scores WHEN '{}' THEN :scores ELSE scores END"
            " WHERE id = :id",
            dict(zip(("id", "title", "date", "source", "scores"), (values[0], *values[5:9]), strict=True)),
        )
    return cursor.rowcount > 0


def _add_annotation(database: sqlite3.Connection, task: str, annotation: Annotation) -> int:
    marks = ", ".join("?" * 10)
    cursor = database.execute(
        f"INSERT INTO annotations (task, {_ANNOTATION}) VALUES ({marks})",
        (task, *_annotation_values(annotation)),
    )
    return int(cursor.lastrowid or 0)


def _add_decision(database: sqlite3.Connection, task: str, decision: Decision) -> int:
    cursor = database.execute(
        "INSERT INTO decisions (task, reviewer, topics, time, comment, seen)"
        " SELECT ?, ?, ?, ?, ?, coalesce(max(id), 0) FROM annotations WHERE task = ?",
        (task, decision.reviewer, _written(decision.topics), decision.time, decision.comment, task),
    )
    return int(cursor.lastrowid or 0)


def _mark_undone(path: Path, table: str, which: str, value: int | str) -> bool:
    if not path.exists():
        return False
    with _opened(path) as database, _transaction(database):
        query = f"UPDATE {table} SET undone = ? WHERE {which} AND undone IS NULL"
        return database.execute(query, (now(), value)).rowcount > 0


def _task(database: sqlite3.Connection, row: Sequence[Any]) -> Task:
    identity, text, article, paragraph, title, date, source, scores, meta = row
    return Task(
        *(text, article, paragraph, _annotations(database, identity), _decision(database, identity)),
        *(title, date, source, json.loads(scores), json.loads(meta)),
    )


def _annotations(database: sqlite3.Connection, task: str) -> tuple[Annotation, ...]:
    query = f"SELECT {_ANNOTATION} FROM annotations WHERE task = ? AND undone IS NULL ORDER BY id"
    return tuple(_annotation(row) for row in database.execute(query, (task,)).fetchall())


def _decision(database: sqlite3.Connection, task: str) -> Decision | None:
    row = database.execute(
        "SELECT reviewer, topics, time, comment FROM decisions WHERE task = ? AND undone IS NULL"
        " ORDER BY id DESC LIMIT 1",
        (task,),
    ).fetchone()
    return row and Decision(row[0], None if row[1] is None else _topics(row[1]), row[2], row[3])


def _annotation(row: Sequence[Any]) -> Annotation:
    annotator, topics, made, comment, doubtful, suggested, model, origin, meta = row
    assigned, seen = (None if text is None else _topics(text) for text in (topics, suggested))
    return Annotation(annotator, assigned, made, comment, bool(doubtful), seen, model, origin, json.loads(meta))


def _annotation_values(annotation: Annotation) -> tuple[Any, ...]:
    return (
        *(annotation.annotator, _written(annotation.topics), annotation.time, annotation.comment),
        *(int(annotation.doubtful), _written(annotation.suggested), annotation.model, annotation.origin),
        json.dumps(dict(annotation.meta), ensure_ascii=False, sort_keys=True),
    )


def _written(topics: tuple[str, ...] | None) -> str | None:
    """Write topics in one order: equal labels are equal texts."""
    return None if topics is None else json.dumps(sorted(topics))


def _topics(text: str) -> tuple[str, ...]:
    found: Sequence[str] = json.loads(text)
    return tuple(found)


def _columns(table: str, names: str) -> str:
    return ", ".join(f"{table}.{name}" for name in names.split(", "))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file; one that is new, or that has only an earlier version's corrections, gets its tables."""
    with _connected(path) as database:
        if database.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            _prepare(database)
        yield database


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as database:
            yield database
    except (OSError, sqlite3.Error, UnicodeEncodeError) as error:
        raise OutputError(f"{path}: cannot save annotations: {error}") from None


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.rollback()
        raise
    database.execute("COMMIT")


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables, whoever else is making them at the same moment."""
    _write_ahead(database)
    with _transaction(database):
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version > _VERSION:
            raise sqlite3.DatabaseError(f"its version is {version}, newer than this program's {_VERSION}")
        if version == _VERSION:
            return
        if tables - {"corrections", "sqlite_sequence"}:
            raise sqlite3.DatabaseError("it has tables of another program")
        for statement in _SCHEMA.split(";"):  # executescript would commit each
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {_VERSION}")


def _write_ahead(database: sqlite3.Connection) -> None:
    """Let readers read while others write; SQLite itself does not wait for this."""
    end = time.monotonic() + _WAIT
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return
