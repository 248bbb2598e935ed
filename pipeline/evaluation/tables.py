"""Turn figures into tables: aligned text, Markdown and JSON; every figure with its interval.

A table is a list of rows, header first, of words, counts and figures; it is written as text, Markdown, HTML or
JSON only at the very end.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.bootstrap import interval
from pipeline.evaluation.metrics import figures
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
_TAIL = 0.025
_ENDS = ("value", "low", "high")
PER_TOPIC = ("precision", "recall", "f1", "average_precision")


@dataclass(frozen=True)
class Figure:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show three decimals and, where there is one, the interval."""
        if not np.isfinite(self.value):
            return "-"
        spread = f" [{self.low:.3f}, {self.high:.3f}]" if np.isfinite(self.low) else ""
        return f"{self.value:.3f}{spread}"


Cell = str | int | Figure
Row = Sequence[Cell]
Table = Sequence[Row]


@dataclass(frozen=True)
class Evaluation:
    """One model's figures on one set of rows."""

    rows: int
    support: dict[str, int]
    figures: dict[str, Figure]


def evaluation(
    topics: Sequence[str],
    labels: NDArray[np.bool_],
    given: NDArray[np.bool_],
    scores: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> Evaluation:
    """Measure labels given against labels meant, with intervals from resampled row weights [1 + B, n]."""
    measured = figures(topics, labels, given, scores, weights)
    support = {topic: int(labels[:, column].sum()) for column, topic in enumerate(topics)}
    support["none"] = int((~labels.any(1)).sum())
    return Evaluation(
        len(labels),
        support,
        {name: Figure(float(values[0]), *interval(values)) for name, values in measured.items()},
    )


def rate(passed: NDArray[np.bool_], weights: NDArray[np.float64], *, units: int) -> Figure:
    """Give the share of rows that passed, bool [n], with its interval from row weights [1 + B, n].

    Where all rows passed, or none, resampling cannot vary: the other end is then the exact binomial one over
    `units`, the independent ones among the rows (Clopper and Pearson 1934).
    """
    total = weights.sum(1)
    shares = np.divide(weights @ passed, total, out=np.full(len(weights), np.nan), where=total > 0)
    if len(passed) and passed.all():
        return Figure(1.0, _TAIL ** (1 / units), 1.0)
    if len(passed) and not passed.any():
        return Figure(0.0, 0.0, 1 - _TAIL ** (1 / units))
    return Figure(float(shares[0]), *interval(shares))


def tables(evaluations: Mapping[str, Evaluation], topics: Sequence[Topic]) -> list[Table]:
    """Lay out two tables: overall figures with a column a model, then the first model's by topic."""
    names = list(evaluations)
    overall: list[Row] = [["", *names]]
    for name in OVERALL:
        overall.append([name.replace("_", " "), *(evaluations[model].figures[name] for model in names)])
    first = evaluations[names[0]]
    by_topic: list[Row] = [["topic", "rows", *(name.replace("_", " ") for name in PER_TOPIC)]]
    for topic in topics:
        values = [first.figures[f"{topic.id}/{name}"] for name in PER_TOPIC]
        by_topic.append([topic.title, first.support[topic.id], *values])
    none = [first.figures[f"none_{name}"] for name in PER_TOPIC[:3]]
    by_topic.append(["none", first.support["none"], *none, "-"])
    return [overall, by_topic]


def as_text(table: Table) -> str:
    """Align a table's columns with spaces."""
    rows = [[str(cell) for cell in row] for row in table]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]]) + "\n"


def as_markdown(table: Table) -> str:
    """Give a table in Markdown."""
    lines = ["| " + " | ".join(map(_markdown_cell, row)) + " |" for row in table]
    return "\n".join([lines[0], "|" + " --- |" * len(table[0]), *lines[1:]]) + "\n"


def as_json(evaluations: Mapping[str, Evaluation], **more: object) -> str:
    """Give all figures as JSON; a figure that is undefined is null."""
    models = {
        name: {
            "rows": found.rows,
            "support": found.support,
            "figures": {key: plain(figure) for key, figure in found.figures.items()},
        }
        for name, found in evaluations.items()
    }
    return json.dumps({**more, "models": models}, indent=2, ensure_ascii=False)


def from_json(text: str) -> dict[str, Evaluation]:
    """Read the evaluations that `as_json` wrote."""
    return {
        name: Evaluation(
            found["rows"],
            found["support"],
            {key: _figure(figure) for key, figure in found["figures"].items()},
        )
        for name, found in json.loads(text)["models"].items()
    }


def records(table: Table) -> list[dict[str, object]]:
    """Give a table's rows as JSON objects, keyed by the header; the first column is `name` where it has none."""
    header = [str(cell) or "name" for cell in table[0]]
    return [dict(zip(header, map(plain, row), strict=True)) for row in table[1:]]


def from_records(rows: Sequence[Mapping[str, object]]) -> Table:
    """Make the table again whose `records` these are."""
    return [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]


def plain(cell: Cell) -> object:
    """Give a cell as JSON knows it: a figure with its interval, a word or a count."""
    if not isinstance(cell, Figure):
        return cell
    ends = ((name, float(getattr(cell, name))) for name in _ENDS)
    return {name: value if math.isfinite(value) else None for name, value in ends}


def _markdown_cell(cell: Cell) -> str:
    return " ".join(str(cell).split()).replace("|", "\\|")


def _cell(value: object) -> Cell:
    if isinstance(value, Mapping):
        return _figure(value)
    return value if isinstance(value, int) else str(value)


def _figure(ends: Mapping[str, float | None]) -> Figure:
    value, low, high = (math.nan if ends[name] is None else float(ends[name] or 0) for name in _ENDS)
    return Figure(value, low, high)
