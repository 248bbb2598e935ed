"""Turn figures into tables: aligned text, Markdown and JSON; every figure with its interval."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.metrics import figures
from pipeline.resampling import interval
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
Row = Sequence[str]


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


def tables(evaluations: Mapping[str, Evaluation], topics: Sequence[Topic]) -> list[list[Row]]:
    """Lay out two tables, header first: overall figures with a column a model, then the first model by topic."""
    names = list(evaluations)
    overall: list[Row] = [["", *names]]
    for name in OVERALL:
        values = [str(evaluations[model].figures[name]) for model in names]
        overall.append([name.replace("_", " "), *values])
    first = evaluations[names[0]]
    by_topic: list[Row] = [["topic", "rows", *(name.replace("_", " ") for name in PER_TOPIC)]]
    for topic in topics:
        values = [str(first.figures[f"{topic.id}/{name}"]) for name in PER_TOPIC]
        by_topic.append([topic.title, str(first.support[topic.id]), *values])
    none = [str(first.figures[f"none_{name}"]) for name in PER_TOPIC[:3]]
    by_topic.append(["none", str(first.support["none"]), *none, "-"])
    return [overall, by_topic]


def as_text(rows: Sequence[Row]) -> str:
    """Align a table's columns with spaces."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]]) + "\n"


def as_markdown(rows: Sequence[Row]) -> str:
    """Give a table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]) + "\n"


def as_json(evaluations: Mapping[str, Evaluation], **more: object) -> str:
    """Give all figures as JSON; a figure that is undefined is null."""
    models = {
        name: {
            "rows": found.rows,
            "support": found.support,
            "figures": {
                key: {"value": _finite(f.value), "low": _finite(f.low), "high": _finite(f.high)}
                for key, f in found.figures.items()
            },
        }
        for name, found in evaluations.items()
    }
    return json.dumps({**more, "models": models}, indent=2)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
