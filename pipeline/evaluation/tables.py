"""Tables of words, counts and estimates as data frames, and how they are written: text, Markdown, JSON records.

The first column of a table names its rows. An `Estimate` stays one cell until the table is written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.evaluation.estimates import Estimate, Evaluation
from pipeline.schema import Topic

OVERALL = (
    "micro_precision",
    "micro_recall",
    "micro_f1",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "macro_average_precision",
    "none_precision",
    "none_recall",
    "exact_match",
)
PER_TOPIC = ("precision", "recall", "f1", "average_precision")
_NONE = PER_TOPIC[:3]


def overall_table(evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Lay out the overall metrics, a row each, with a column for each evaluation."""
    columns = {who: [found.metrics[name] for name in OVERALL] for who, found in evaluations.items()}
    return pd.DataFrame({"metric": [_spoken(name) for name in OVERALL], **columns})


def topic_table(evaluation: Evaluation, topics: Sequence[Topic]) -> pd.DataFrame:
    """Lay out one model's metrics with a row for each topic and one for `none`."""
    metrics, support = evaluation.metrics, evaluation.support
    rows = [[t.title, support[t.id], *(metrics[f"{t.id}/{name}"] for name in PER_TOPIC)] for t in topics]
    rows.append(["none", support["none"], *(metrics[f"none_{name}"] for name in _NONE), "-"])
    return pd.DataFrame(rows, columns=["topic", "rows", *map(_spoken, PER_TOPIC)], dtype=object)


def as_text(table: pd.DataFrame) -> str:
    """Align a table's columns with spaces, with a rule below the header."""
    cells = [list(map(str, table.columns)), *table.astype(str).to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]]) + "\n"


def as_markdown(table: pd.DataFrame) -> str:
    """Write a table in Markdown."""
    cells = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "".join("| " + " | ".join(map(_markdown_cell, row)) + " |\n" for row in cells)


def to_records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return a table's rows as JSON objects keyed by the columns."""
    return [{str(name): _plain(cell) for name, cell in row.items()} for row in table.to_dict("records")]


def from_records(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Make the table again whose `to_records` these are."""
    rows = [{name: _cell(value) for name, value in row.items()} for row in records]
    return pd.DataFrame(rows, dtype=object)


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _markdown_cell(cell: object) -> str:
    return " ".join(str(cell).split()).replace("|", "\\|")


def _plain(cell: object) -> object:
    return cell.to_dict() if isinstance(cell, Estimate) else cell


def _cell(value: object) -> object:
    return Estimate.from_dict(value) if isinstance(value, Mapping) else value
