"""Labelled data, as it lies in `data/`, as tasks: the writer's and the reader's labels, and what was settled."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipeline.data.records import parsed, records
from pipeline.errors import DataError
from pipeline.labelling.formats.exchange import Reading, meta_of
from pipeline.labelling.task import Annotation, Decision, Task
from pipeline.schema import LabelledParagraph

NAME = "labelled"
_ROW: TypeAdapter[LabelledParagraph] = TypeAdapter(LabelledParagraph)


def recognises(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is labelled data."""
    return {"article", "text", "topics"} <= set(row)


def read(file: Path, reading: Reading) -> Iterator[tuple[str, Task]]:
    """Read the rows of a file, each with its place.

    Parameters
    ----------
    file : Path
    reading : Reading

    Yields
    ------
    place : str
    task : Task
        Of a row with two labels, two annotations, by `writer` and `reader`, and the settled one as decision; of
        another labelled row, an annotation by its writer.

    Raises
    ------
    DataError

    """
    for where, content in records(file):
        row = parsed(_ROW, content, where, beside="topics")
        if not row.text.strip():
            raise DataError(f"{where}: text is empty")
        yield where, _task(row, reading)


def _task(row: LabelledParagraph, reading: Reading) -> Task:
    both = {"writer": row.writer_topics, "reader": row.reader_topics}
    said = [Annotation(who, topics, origin=NAME) for who, topics in both.items() if topics is not None]
    decision = Decision("", row.topics) if said and row.topics is not None else None
    if not said and row.topics is not None:
        said = [Annotation(row.writer or reading.person, row.topics, origin=NAME)]
    kept = {name: value for name in ("writer", "genre", "region") if (value := getattr(row, name)) is not None}
    return Task(
        row.text,
        row.article,
        row.paragraph,
        annotations=tuple(said),
        decision=decision,
        title=row.title,
        date=row.date,
        meta=meta_of(NAME, kept),
    )
