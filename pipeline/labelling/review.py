"""What several people say of one text, and the labelled paragraph that a decided task becomes."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from pipeline.labelling.task import Task
from pipeline.schema import LabelledParagraph

_DATE = re.compile(r"\d{4}(-\d{2})?(?!\d)")


def labels(task: Task) -> dict[str, tuple[str, ...]]:
    """Return the topics that each person assigns, by name; who skipped the task is not among them."""
    return {person: said.topics for person, said in task.latest.items() if said.topics is not None}


def distinct(task: Task) -> list[tuple[str, ...]]:
    """List the different labels that people give a task, that of most people first.

    Parameters
    ----------
    task : Task

    Returns
    -------
    list of tuple of str
        None where nobody labelled it, several where people differ.

    """
    found = [tuple(sorted(topics)) for topics in labels(task).values()]
    return sorted(set(found), key=lambda topics: (-found.count(topics), topics))


def paragraph_of(task: Task, topics: Sequence[str], *, writer: str) -> LabelledParagraph:
    """Write a decided task as a row of labelled data.

    Parameters
    ----------
    task : Task
        With a decision that has topics.
    topics : sequence of str
        The topic ids of the label set, in order.
    writer : str
        The batch.

    Returns
    -------
    LabelledParagraph
        `writer_topics` is the first person's label, and `reader_topics` the second's; the decision takes the place
        of the second where nobody labelled twice, or where it lies outside of what both said.

    """
    decided = set(task.decision.topics or ()) if task.decision else set()
    said = [set(label) for label in labels(task).values()] or [decided]
    between = [other for other in said[1:] if said[0] & other <= decided <= said[0] | other]
    second = between[0] if between else decided
    ordered = [tuple(topic for topic in topics if topic in label) for label in (decided, said[0], second)]
    date = _DATE.match(task.date or "")
    return LabelledParagraph(
        article=task.article or task.id,
        paragraph=task.paragraph,
        text=task.text.strip(),
        topics=ordered[0],
        title=task.title,
        date=date[0] if date else None,
        writer=writer,
        writer_topics=ordered[1],
        reader_topics=ordered[2],
    )


def paragraphs_of(
    tasks: Iterable[Task], topics: Sequence[str], *, writer: str, taken: Iterable[tuple[str, int]] = ()
) -> list[LabelledParagraph]:
    """Write decided tasks as rows of labelled data, each with an id of its own.

    Parameters
    ----------
    tasks : iterable of Task
        Those that are dropped are left out.
    topics : sequence of str
        The topic ids of the label set, in order.
    writer : str
        The batch.
    taken : iterable of (str, int)
        Articles and paragraphs that other rows have.

    Returns
    -------
    list of LabelledParagraph
        Where another text stands at the same place of its article, the article's name gets a number.

    """
    places, found = set(taken), []
    for task in tasks:
        if task.decision is None or task.decision.topics is None:
            continue
        row = paragraph_of(task, topics, writer=writer)
        names = (f"{row.article}-{number}" if number else row.article for number in range(len(places) + 1))
        article = next(name for name in names if (name, row.paragraph) not in places)
        places.add((article, row.paragraph))
        found.append(replace(row, article=article))
    return found


def as_json(row: LabelledParagraph) -> str:
    """Write a row of labelled data as a JSON object, without the fields that it does not have."""
    return json.dumps({key: value for key, value in asdict(row).items() if value is not None}, ensure_ascii=False)
