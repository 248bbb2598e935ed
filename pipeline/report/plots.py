"""Plots of what tables cannot show: precision and recall, reliability, thresholds, learning, shares of labels.

Axes and text are drawn in one grey, `INK`, that is read on white and on black alike, and that a page may replace.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.evaluation.estimates import Estimate, ReliabilityBin
from pipeline.evaluation.metrics import f1_score
from pipeline.schema import Topic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
INK = "#70767c"
_MOST_IN_LEGEND = 12
_PANELS_ACROSS = 4
_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_CURVES = ("#1a5fb4", "#b3541e", "#2e7d32", "#7b2fa8")


def precision_recall(topics: Sequence[Topic], y_score: Floats, y_true: Bools) -> Figure:
    """Draw a precision-recall curve for each topic.

    Parameters
    ----------
    topics : sequence of Topic
        Of length k.
    y_score : float64 array of shape (n, k)
        Scores that are NaN are left out.
    y_true : bool array of shape (n, k)

    Returns
    -------
    Figure

    """
    figure, axes = _axes("recall", "precision", "Precision against recall")
    for column, topic in enumerate(topics):
        rows = np.isfinite(y_score[:, column])
        if y_true[rows, column].any():
            recall, precision = _recall_precision(y_score[rows, column], y_true[rows, column])
            axes.plot(recall, precision, color=topic.colour, label=topic.title)
    axes.set_ylim(0, 1.02)
    return _finished(figure, axes, len(topics))


def reliability(topics: Sequence[Topic], bins: Sequence[Sequence[ReliabilityBin]], *, title: str) -> Figure:
    """Draw how often each topic is true against its score; on the diagonal, scores are probabilities.

    Parameters
    ----------
    topics : sequence of Topic
        Of length k.
    bins : sequence of k sequences of ReliabilityBin
        The bars are the intervals of their shares, the numbers their rows.
    title : str

    Returns
    -------
    Figure

    """
    across = min(len(topics), _PANELS_ACROSS)
    down = -(-len(topics) // across)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(2.4 * across + 0.6, 2.5 * down + 0.4), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    figure.suptitle(title, color=INK)
    figure.supxlabel("mean score", color=INK)
    figure.supylabel("share true", color=INK)
    for axes, topic, found in zip(panels, topics, bins, strict=False):
        _reliability_panel(axes, topic, found)
    for axes in panels[len(topics) :]:
        axes.set_visible(False)
    return figure


def _reliability_panel(axes: Axes, topic: Topic, bins: Sequence[ReliabilityBin]) -> None:
    axes.set_title(topic.title, fontsize="medium", color=INK)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.2), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":")
    shares = [found.share_true for found in bins]
    below = [max(0.0, share.value - share.low) for share in shares]
    above = [max(0.0, share.high - share.value) for share in shares]
    drawn: dict[str, Any] = {"marker": "o", "markersize": 4, "color": topic.colour, "elinewidth": 1, "capsize": 2}
    axes.errorbar(
        [found.mean_score for found in bins],
        [share.value for share in shares],
        np.nan_to_num([below, above]),
        **drawn,
    )
    for found in bins:
        where = ((found.low + found.high) / 2, 1.13)
        axes.annotate(f"{found.rows}", where, ha="center", fontsize=6, color=INK, rotation=45)


def label_shares(topics: Sequence[Topic], sets: Mapping[str, Bools]) -> Figure:
    """Draw the share of rows with each topic, and with none, in each set of rows, bool [n, k]."""
    figure, axes = _axes("", "share of rows", "Labels")
    names = [topic.title for topic in topics] + ["none"]
    width = 0.8 / len(sets)
    for place, (name, y_true) in enumerate(sets.items()):
        share = np.append(y_true.mean(0), (~y_true.any(1)).mean())
        axes.bar(np.arange(len(names)) + place * width, share, width, label=f"{name} ({len(y_true)} rows)")
    axes.set_xticks(np.arange(len(names)) + 0.4 - width / 2, names, rotation=30, ha="right")
    return _finished(figure, axes, 0)


def threshold_curves(topics: Sequence[Topic], y_score: Floats, y_true: Bools, thresholds: Floats) -> Figure:
    """Draw each topic's F1 at every threshold, and a dot at the threshold in use.

    Parameters
    ----------
    topics : sequence of Topic
        Of length k.
    y_score : float64 array of shape (n, k)
    y_true : bool array of shape (n, k)
    thresholds : float64 array of shape (k,)

    Returns
    -------
    Figure

    """
    figure, axes = _axes("threshold", "F1", "F1 at every threshold")
    grid = np.linspace(0.01, 0.99, 99)
    for column, topic in enumerate(topics):
        cells = (y_score[:, column], y_true[:, column])
        axes.plot(grid, _f1_at(*cells, grid), color=topic.colour, label=topic.title)
        chosen = thresholds[column : column + 1]
        axes.plot(chosen, _f1_at(*cells, chosen), "o", color=topic.colour)
    axes.set_ylim(0, 1.02)
    return _finished(figure, axes, len(topics))


def learning_curve(table: pd.DataFrame) -> Figure:
    """Draw a learning curve.

    Parameters
    ----------
    table : DataFrame
        A column `articles`, and after `share`, `articles` and `rows` a column of estimates for each set of rows.

    Returns
    -------
    Figure

    """
    figure, axes = _axes("training articles", "macro F1", "Learning curve")
    names = list(table.columns[3:])
    for colour, name in zip(_CURVES, names, strict=False):
        known = table[table[name].map(lambda cell: isinstance(cell, Estimate))]
        articles, estimates = known["articles"].astype(int), known[name]
        low, high = ([getattr(found, end) for found in estimates] for end in ("low", "high"))
        axes.plot(articles, [found.value for found in estimates], "o-", color=colour, label=name)
        axes.fill_between(articles, low, high, color=colour, alpha=0.15)
    return _finished(figure, axes, len(names))


def _recall_precision(y_score: Floats, y_true: Bools) -> tuple[Floats, Floats]:
    """Return recall and precision at each distinct score, from the highest down, after the point (0, 1)."""
    order = np.argsort(-y_score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(y_score[order]) != 0, True))
    hits = np.cumsum(y_true[order])[last]
    return np.append(0.0, hits / y_true.sum()), np.append(1.0, hits / (last + 1))


def _f1_at(y_score: Floats, y_true: Bools, thresholds: Floats) -> Floats:
    y_pred = y_score[:, None] >= thresholds
    return f1_score((y_pred & y_true[:, None]).sum(0), y_true.sum(), y_pred.sum(0))


def _axes(x: str, y: str, title: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        axes.set(xlabel=x, ylabel=y, title=title)
    return figure, axes


def _finished(figure: Figure, axes: Axes, lines: int) -> Figure:
    if lines <= _MOST_IN_LEGEND and axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=INK)
    return figure
