"""Draw what tables cannot show: precision against recall, reliability, and how labels are spread."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from pipeline.calibration import reliability
from pipeline.schema import Topic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_MOST_IN_LEGEND = 12


def precision_recall(topics: Sequence[Topic], scores: Floats, labels: Bools) -> Figure:
    """Draw a precision-recall curve a topic; `scores` float64 [n, k], `labels` bool [n, k]."""
    figure, axes = _axes("recall", "precision", "Precision against recall")
    for column, topic in enumerate(topics):
        rows = np.isfinite(scores[:, column])
        if labels[rows, column].any():
            precision, recall, _ = precision_recall_curve(labels[rows, column], scores[rows, column])
            axes.plot(recall, precision, color=topic.colour, label=topic.title)
    return _finished(figure, axes, len(topics))


def reliability_curves(topics: Sequence[Topic], scores: Floats, labels: Bools) -> Figure:
    """Draw how often a topic was meant against the score it got; on the diagonal, scores are probabilities."""
    figure, axes = _axes("mean score", "share meant", "Reliability")
    axes.plot([0, 1], [0, 1], color="#9aa0a6", linestyle=":")
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


def _axes(x: str, y: str, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def _finished(figure: Figure, axes: Axes, lines: int) -> Figure:
    if lines <= _MOST_IN_LEGEND:
        axes.legend()
    return figure
