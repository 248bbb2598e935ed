"""Draw what tables cannot show: curves of precision, reliability, thresholds and learning, and labels' spread.

Axes and text are drawn in one grey, `INK`, that is read on white and on black alike, and that a page may replace.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.metrics import reliability
from pipeline.evaluation.tables import Figure as Measured
from pipeline.evaluation.tables import Table
from pipeline.schema import Topic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
INK = "#70767c"
_MOST_IN_LEGEND = 12
_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_CURVES = ("#1a5fb4", "#b3541e", "#2e7d32", "#7b2fa8")


def precision_recall(topics: Sequence[Topic], scores: Floats, labels: Bools) -> Figure:
    """Draw a precision-recall curve a topic; `scores` float64 [n, k], `labels` bool [n, k]."""
    figure, axes = _axes("recall", "precision", "Precision against recall")
    for column, topic in enumerate(topics):
        rows = np.isfinite(scores[:, column])
        if labels[rows, column].any():
            recall, precision = _recall_precision(scores[rows, column], labels[rows, column])
            axes.plot(recall, precision, color=topic.colour, label=topic.title)
    axes.set_ylim(0, 1.02)
    return _finished(figure, axes, len(topics))


def reliability_curves(topics: Sequence[Topic], scores: Floats, labels: Bools) -> Figure:
    """Draw how often a topic was meant against the score it got; on the diagonal, scores are probabilities."""
    figure, axes = _axes("mean score", "share meant", "Reliability")
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":")
    for column, topic in enumerate(topics):
        rows = np.isfinite(scores[:, column])
        mean, frequency = reliability(scores[rows, column], labels[rows, column])
        axes.plot(mean, frequency, marker="o", color=topic.colour, label=topic.title)
    return _finished(figure, axes, len(topics))


def label_counts(topics: Sequence[Topic], sides: Mapping[str, Bools]) -> Figure:
    """Draw how many rows of each side have each topic, and none."""
    figure, axes = _axes("", "share of rows", "Labels")
    names = [topic.title for topic in topics] + ["none"]
    width = 0.8 / len(sides)
    for place, (side, labels) in enumerate(sides.items()):
        share = np.append(labels.mean(0), (~labels.any(1)).mean())
        axes.bar(np.arange(len(names)) + place * width, share, width, label=f"{side} ({len(labels)} rows)")
    axes.set_xticks(np.arange(len(names)) + 0.4 - width / 2, names, rotation=30, ha="right")
    return _finished(figure, axes, 0)


def threshold_curves(topics: Sequence[Topic], scores: Floats, labels: Bools, thresholds: Floats) -> Figure:
    """Draw each topic's F1 at every threshold, and a dot at the threshold in use, float64 [k]."""
    figure, axes = _axes("threshold", "F1", "F1 at every threshold")
    grid = np.linspace(0.01, 0.99, 99)
    for column, topic in enumerate(topics):
        curve = _f1(scores[:, column], labels[:, column], grid)
        axes.plot(grid, curve, color=topic.colour, label=topic.title)
        chosen = thresholds[column : column + 1]
        axes.plot(chosen, _f1(scores[:, column], labels[:, column], chosen), "o", color=topic.colour)
    axes.set_ylim(0, 1.02)
    return _finished(figure, axes, len(topics))


def learning_curve(table: Table) -> Figure:
    """Draw a learning curve: the second column are articles, the last ones are figures on sets of rows."""
    figure, axes = _axes("training articles", "macro F1", "Learning curve")
    for colour, column in zip(_CURVES, range(3, len(table[0])), strict=False):
        points = [(int(str(row[1])), cell) for row in table[1:] if isinstance(cell := row[column], Measured)]
        articles, cells = [place for place, _ in points], [cell for _, cell in points]
        axes.plot(articles, [cell.value for cell in cells], "o-", color=colour, label=str(table[0][column]))
        axes.fill_between(
            articles, [cell.low for cell in cells], [cell.high for cell in cells], color=colour, alpha=0.15
        )
    return _finished(figure, axes, len(table[0]) - 3)


def _recall_precision(scores: Floats, labels: Bools) -> tuple[Floats, Floats]:
    """Give recall and precision at each distinct score, from the highest down, after the point (0, 1)."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(labels[order])[last]
    return np.append(0.0, hits / labels.sum()), np.append(1.0, hits / (last + 1))


def _f1(scores: Floats, labels: Bools, thresholds: Floats) -> Floats:
    given = scores[:, None] >= thresholds
    hits = (given & labels[:, None]).sum(0)
    f1: Floats = 2 * hits / np.maximum(given.sum(0) + labels.sum(), 1)
    return f1


def _axes(x: str, y: str, title: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def _finished(figure: Figure, axes: Axes, lines: int) -> Figure:
    if lines <= _MOST_IN_LEGEND:
        axes.legend(frameon=False, labelcolor=INK)
    return figure
