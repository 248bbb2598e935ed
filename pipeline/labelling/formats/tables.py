"""CSV and XLSX: a row for each annotation and each decision, with one column of topics or a column for each.

A cell of CSV that a spreadsheet would take for a formula is written with an apostrophe before it, which is taken
off again from a table with the column `status`, that is, one of these. In XLSX such a cell is typed as text.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.errors import DataError, MissingExtraError, OutputError
from pipeline.labelling.formats.exchange import (
    FACTS,
    Reading,
    Row,
    Writing,
    Written,
    facts_of,
    meta_of,
)
from pipeline.labelling.formats.labels import Labels
from pipeline.labelling.task import Annotation, Decision, Task
from pipeline.predict.tables import ReadOptions, UnreadableRow, open_table

NAME = "table"
NONE = "none"
STATUS = "status"
_LABELLED, _SKIPPED, _UNLABELLED, _DECIDED, _DROPPED = "labelled", "skipped", "unlabelled", "decided", "dropped"
_STATES = (_LABELLED, _SKIPPED, _UNLABELLED, _DECIDED, _DROPPED)
_TOPICS = ("topics", "topic", "labels", "label")
_OF_PERSON = ("annotator", "time", "comment", "doubtful", "suggested", "model", "origin", "annotation_meta")
_OF_TASK = ("scores", "meta")
_ORDER = ("text", *FACTS, STATUS, "annotator", "topics", *_OF_PERSON[1:], *_OF_TASK)
_SEPARATORS = (";", "|", ",", "#")
_YES = {"1", "1.0", "x", "yes", "y", "true", "wahr", "✓"}
_NO = {"", "0", "0.0", "no", "n", "false", "falsch", "-"}
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"[\0-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
_LONGEST_CELL = 32_767


def read(file: Path, reading: Reading) -> Iterator[tuple[str, Task]]:
    """Read the tasks of a table, each with its place; rows of one text are joined by the caller.

    Parameters
    ----------
    file : Path
        CSV or XLSX, with a header.
    reading : Reading

    Yields
    ------
    place : str
    task : Task

    Raises
    ------
    DataError, SourceError

    """
    with open_table(str(file), ReadOptions(column=reading.column)) as table:
        columns = table.select(reading.column, ["all"])
        ours = STATUS in table.columns
        names = [name for name in columns.others if name != reading.column]
        if not ours and not _columns_of(names, reading.labels) and not _column_of_topics(names):
            reading.counts["tables have no column of topics: their texts are read as not labelled"] += 1
        for chunk in table.chunks(columns):
            found = chunk.read(columns)
            others = dict(zip(columns.others, found.values, strict=True))
            for place, text in enumerate(found.texts):
                row = {name: _cell(others[name][place], ours=ours) for name in names}
                yield _read_row(file, chunk.first + place, text, row, reading, ours=ours)


def write_csv(tasks: Sequence[Task], writing: Writing) -> Written:
    """Write tasks as CSV for spreadsheets: with a byte order mark, commas and CRLF.

    Parameters
    ----------
    tasks : sequence of Task
    writing : Writing

    Returns
    -------
    Written

    Raises
    ------
    OutputError
        For a text that is no Unicode.

    """
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\r\n")
    for cells in _table(tasks, writing):
        table.writerow([f"'{cell}" if _FORMULA.match(str(cell)) else cell for cell in cells])
    try:
        return Written(file.getvalue().encode("utf-8-sig"))
    except UnicodeEncodeError as error:
        raise OutputError(f"CSV cannot hold half a character, {error.object[error.start]!r}; use JSON") from None


def write_xlsx(tasks: Sequence[Task], writing: Writing) -> Written:
    """Write tasks as a workbook of one sheet, every cell of it text.

    Parameters
    ----------
    tasks : sequence of Task
    writing : Writing

    Returns
    -------
    Written

    Raises
    ------
    OutputError
        For a text that is longer than a cell can be.
    MissingExtraError

    """
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
    except ModuleNotFoundError:
        raise MissingExtraError("writing XLSX", "documents") from None

    rows = [[_in_cell(cell, number) for cell in cells] for number, cells in enumerate(_table(tasks, writing), 1)]
    book = Workbook(write_only=True)
    sheet = book.create_sheet("tasks")
    for texts in rows:
        cells = [WriteOnlyCell(sheet, text) for text in texts]
        for cell in cells:
            cell.data_type = "s"  # the library takes a text that begins with = for a formula
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return Written(file.getvalue())


def _in_cell(text: str, number: int) -> str:
    """Return a text as XLSX writes it: control characters, and what looks like one, as `_x000D_`."""
    found = _ESCAPED.sub(lambda sign: f"_x{ord(sign[0]):04X}_", text)
    if len(found) > _LONGEST_CELL:
        raise OutputError(
            f"row {number}: a cell of XLSX holds {_LONGEST_CELL} characters at most; use CSV or JSON"
        )
    if strange := _NOT_XML.search(found):
        raise OutputError(f"row {number}: XLSX cannot hold the character {strange[0]!r}; use JSON")
    return found


def _table(tasks: Sequence[Task], writing: Writing) -> Iterator[list[str]]:
    """Return the header and the rows; of the columns that may be empty, those that are used."""
    found = [row for task in tasks for row in _rows(task, writing)]
    used = set(chain.from_iterable(found))
    topics = writing.labels.write(writing.labels.ids) if writing.columns else ["topics"]
    header = [name for name in _ORDER if name in used | {"text", STATUS, "annotator"} or name == "topics"]
    place = header.index("topics")
    header[place : place + 1] = topics
    if not writing.columns and any(";" in name for name in writing.labels.names.values()):
        raise DataError("a title has a semicolon, which separates titles: write ids, or --topic-columns")
    clash = sorted(set(_ORDER) & set(topics) - {"topics"})
    if clash:
        raise DataError(f"{clash[0]}: is the title of a topic and a column of the table: write ids instead")
    yield header
    for row in found:
        yield [row.get(name, "") for name in header]


def _rows(task: Task, writing: Writing) -> Iterator[Row]:
    common = {"text": task.text, **{name: str(value) for name, value in facts_of(task).items()}}
    common |= {name: _json(getattr(task, name)) for name in _OF_TASK if getattr(task, name)}
    decided = task.decision
    if not task.annotations and decided is None:
        yield {**common, STATUS: _UNLABELLED}
    for said in task.annotations:
        status = _SKIPPED if said.topics is None else _LABELLED
        yield {**common, STATUS: status, **_person(said, writing), **_topics(said.topics, writing)}
    if decided:
        given = {"annotator": decided.reviewer, "time": decided.time, "comment": decided.comment}
        status = _DROPPED if decided.topics is None else _DECIDED
        yield {**common, STATUS: status, **_filled(given), **_topics(decided.topics, writing)}


def _person(said: Annotation, writing: Writing) -> Row:
    suggested = said.suggested
    given = {
        "annotator": said.annotator,
        "time": said.time,
        "comment": said.comment,
        "doubtful": "1" if said.doubtful else "",
        "suggested": "" if suggested is None else _joined(suggested, writing),
        "model": said.model,
        "origin": said.origin,
        "annotation_meta": _json(said.meta) if said.meta else "",
    }
    return _filled(given)


def _filled(row: Mapping[str, str]) -> Row:
    return {name: value for name, value in row.items() if value}


def _topics(topics: tuple[str, ...] | None, writing: Writing) -> Row:
    if topics is None:
        return {}
    if not writing.columns:
        return {"topics": _joined(topics, writing)}
    return {writing.labels.names[topic]: str(int(topic in topics)) for topic in writing.labels.ids}


def _joined(topics: Iterable[str], writing: Writing) -> str:
    return "; ".join(writing.labels.write(topics)) or NONE


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cell(value: Any, *, ours: bool) -> str:
    """Return a cell's text; of a table that was written here without the apostrophe before a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text[1:] if ours and text.startswith("'") and _FORMULA.match(text) else text


def _read_row(
    file: Path, number: int, text: str | UnreadableRow, row: Row, reading: Reading, *, ours: bool
) -> tuple[str, Task]:
    if isinstance(text, UnreadableRow):
        raise DataError(f"{file}: {text}")
    where = f"{file}: row {number}"
    if not text.strip():
        raise DataError(f"{where}: {reading.column}: expected a text that is not empty")
    given = {name: row[name] for name in FACTS if row.get(name)}
    if "paragraph" in given:
        given["paragraph"] = _number(given["paragraph"], where)
    said, decision, used = _said(row, where, reading)
    used |= {*FACTS, *_OF_TASK}
    kept = {name: value for name, value in row.items() if value and name not in used}
    task = Task(
        _cell(text, ours=ours),
        **given,
        annotations=() if said is None else (said,),
        decision=decision,
        scores=_object(row, "scores", where),
        meta={**_object(row, "meta", where), **meta_of(NAME, kept)},
    )
    return where, task


def _said(row: Row, where: str, reading: Reading) -> tuple[Annotation | None, Decision | None, set[str]]:
    """Return what a row says of its text, and by which columns."""
    columns = _columns_of(row, reading.labels)
    single = None if columns else _column_of_topics(row)
    used = {STATUS, *_OF_PERSON, *columns, *([single] if single else ())}
    topics = _checked(row, columns, where, reading) if columns else _listed(row.get(single or ""), where, reading)
    status = row.get(STATUS) or (_UNLABELLED if topics is None else _LABELLED)
    if status not in _STATES:
        raise DataError(f"{where}: {STATUS}: {status!r}, expected one of {', '.join(_STATES)}")
    if (topics is None) != (status not in (_LABELLED, _DECIDED)):
        what = "no topics" if topics is None else "topics"
        raise DataError(f"{where}: {what}, but {STATUS} is {status}; {NONE!r} stands for none of them")
    if status == _UNLABELLED:
        return None, None, used
    if status in (_DECIDED, _DROPPED):
        given = {name: row.get(name, "") for name in ("time", "comment")}
        return None, Decision(row.get("annotator", ""), topics, **given), used
    return _annotation(row, topics, where, reading), None, used


def _annotation(row: Row, topics: tuple[str, ...] | None, where: str, reading: Reading) -> Annotation:
    ours = STATUS in row
    return Annotation(
        row.get("annotator") or ("" if ours else reading.person),
        topics,
        time=row.get("time", ""),
        comment=row.get("comment", ""),
        doubtful=_is_yes(row.get("doubtful", ""), f"{where}: doubtful"),
        suggested=_listed(row.get("suggested"), where, reading),
        model=row.get("model", ""),
        origin=row.get("origin", "") if ours else NAME,
        meta=_object(row, "annotation_meta", where),
    )


def _columns_of(names: Iterable[str], labels: Labels) -> dict[str, str]:
    """Return the topic of each column that is called like one."""
    found = {name: labels.known(name) for name in names if name not in _ORDER}
    return {name: topic for name, topic in found.items() if topic is not None}


def _column_of_topics(names: Iterable[str]) -> str | None:
    lower = {name.lower(): name for name in names}
    return next((lower[name] for name in _TOPICS if name in lower), None)


def _checked(row: Row, columns: Mapping[str, str], where: str, reading: Reading) -> tuple[str, ...] | None:
    """Return the topics whose columns say yes, None where all of them are empty."""
    if not any(row[name].strip() for name in columns):
        return None
    yes = {topic for name, topic in columns.items() if _is_yes(row[name], f"{where}: {name}")}
    return tuple(topic for topic in reading.labels.ids if topic in yes)


def _listed(cell: str | None, where: str, reading: Reading) -> tuple[str, ...] | None:
    """Return the topics that a cell lists, None where it is empty."""
    text = (cell or "").strip()
    if not text:
        return None
    if text.lower() in (NONE, "[]"):
        return ()
    if topic := reading.labels.known(text):
        return (topic,)
    if text.startswith("["):
        return reading.labels.find_all(_array(text, where), where)
    separator = next((sign for sign in _SEPARATORS if sign in text), ";")
    return reading.labels.find_all((part.strip() for part in text.split(separator) if part.strip()), where)


def _array(text: str, where: str) -> list[Any]:
    try:
        found: list[Any] = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError(f"{where}: topics: {text[:60]!r} is no list of JSON") from None
    return found


def _is_yes(cell: str, where: str) -> bool:
    text = cell.strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise DataError(f"{where}: {cell!r}, expected 1 or 0, yes or no, x or nothing")


def _number(cell: str, where: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise DataError(f"{where}: paragraph: {cell!r}, expected a number from 0")
    return int(cell)


def _object(row: Row, name: str, where: str) -> Row:
    text = row.get(name) or "{}"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DataError(f"{where}: {name}: {text[:60]!r} is no object of JSON")
    return found
