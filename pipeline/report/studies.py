"""Studies of one model's predictions on one set of rows: each is a table of counts and estimates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.baselines import keyword_labels
from pipeline.evaluation.behaviour import Outcome
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.error_analysis import confusion_matrix, contradictions
from pipeline.evaluation.estimates import Estimate, Evaluation, estimate_share
from pipeline.evaluation.metrics import f1_score, macro_average
from pipeline.evaluation.perturbation import mask, phrase_index
from pipeline.evaluation.slices import SliceRule, slices
from pipeline.model.explain import explain
from pipeline.model.scorer import Scorer
from pipeline.report.measure import MeasuredSet
from pipeline.schema import Topic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_FEWEST_ROWS = 5


def confusion_table(measured: MeasuredSet) -> pd.DataFrame:
    """Count which topic is predicted where which is true."""
    titles = [*(topic.title for topic in measured.topics), "none"]
    columns = [*(f"predicted {title}" for title in titles), "missed"]
    table = pd.DataFrame(confusion_matrix(measured.y_true, measured.y_pred), columns=columns)
    table.insert(0, "true", titles)
    return table


def calibration_table(topics: Sequence[Topic], evaluations: Mapping[str, Evaluation]) -> pd.DataFrame:
    """Lay out the expected calibration error of each topic, with a column for each set of rows."""
    columns = {
        name: [found.metrics[f"{topic.id}/calibration_error"] for topic in topics]
        for name, found in evaluations.items()
    }
    return pd.DataFrame({"topic": [topic.title for topic in topics], **columns})


def slice_table(measured: MeasuredSet, rules: Sequence[SliceRule]) -> pd.DataFrame:
    """Measure every slice of at least five rows that is not all of them."""
    found = [
        [kind, group.strip(), *_slice_cells(measured, rows)]
        for (kind, group), rows in slices(measured.rows, measured.y_true, rules).items()
        if _FEWEST_ROWS <= rows.sum() < len(rows)
    ]
    columns = ["slice", "group", "rows", "with a topic", "micro f1", "none recall", "exact match"]
    return pd.DataFrame(found, columns=columns)


def _slice_cells(measured: MeasuredSet, rows: Bools) -> list[int | Estimate]:
    none = rows & (measured.y_true.sum(1) == 0)
    counts = (cells.sum(1) for cells in (measured.y_true & measured.y_pred, measured.y_true, measured.y_pred))
    return [
        int(rows.sum()),
        int((rows & ~none).sum()),
        Estimate.of(_f1(measured.weights[:, rows], *(count[rows] for count in counts))),
        measured.share(measured.y_pred.sum(1) == 0, none),
        measured.share((measured.y_true == measured.y_pred).all(1), rows),
    ]


def leak_table(measured: MeasuredSet) -> pd.DataFrame:
    """Measure again with each topic's title, id and keywords taken out of all texts.

    What F1 loses is what the model owed to the names; recall where no name stood says what it knows without.
    """
    called = [replace(t, keywords=(t.title, t.id, *t.keywords)) for t in measured.topics]
    phrases = phrase_index(name for topic in called for name in topic.keywords)
    y_masked = measured.scorer.labels(measured.scorer.scores([mask(text, phrases) for text in measured.texts]))
    named = measured.y_true & keyword_labels(measured.texts, called)
    before, after = (
        _f1(measured.weights, measured.y_true & y_pred, measured.y_true, y_pred)
        for y_pred in (measured.y_pred, y_masked)
    )
    table: list[list[object]] = []
    for column, topic in enumerate(measured.topics):
        true = measured.y_true[:, column]
        recall = measured.share(measured.y_pred[:, column], true & ~named[:, column])
        change = _change(before[:, column], after[:, column])
        table.append([topic.title, int(true.sum()), int(named[:, column].sum()), *change, recall])
    table.append(["macro f1", "-", "-", *_change(macro_average(before), macro_average(after)), "-"])
    columns = ["topic", "rows", "rows naming it", "f1", "f1 masked", "difference", "recall unnamed"]
    return pd.DataFrame(table, columns=columns, dtype=object)


def behaviour_table(outcomes: Sequence[Outcome], *, random_state: int) -> pd.DataFrame:
    """Lay out the pass rate of each suite; cases of one article are resampled together."""
    table = [
        [found.kind, found.suite, len(found.passed), int((~found.passed).sum()), _pass_rate(found, random_state)]
        for found in outcomes
        if len(found.passed)
    ]
    return pd.DataFrame(table, columns=["kind", "suite", "cases", "failed", "pass rate"])


def reliability_table(measured: MeasuredSet) -> pd.DataFrame:
    """Lay out the bins of the reliability curves, a row each."""
    table = [
        [
            topic.title,
            f"{found.low:.1f} to {found.high:.1f}",
            found.rows,
            f"{found.mean_score:.3f}",
            found.share_true,
        ]
        for topic, bins in zip(measured.topics, measured.reliability, strict=True)
        for found in bins
    ]
    return pd.DataFrame(table, columns=["topic", "score", "rows", "mean score", "share true"], dtype=object)


def _pass_rate(outcome: Outcome, random_state: int) -> Estimate:
    weights = article_weights(outcome.units, random_state=random_state)
    return estimate_share(outcome.passed, weights, units=len(set(outcome.units)))


def failure_table(outcomes: Sequence[Outcome], *, most: int = 12) -> pd.DataFrame:
    """List the first failures of each suite."""
    table = [[found.kind, found.suite, *failure] for found in outcomes for failure in found.failures[:most]]
    return pd.DataFrame(table, columns=["kind", "suite", "case", "expected", "predicted"])


def terms_table(scorer: Scorer, topics: Sequence[Topic], *, most: int = 15) -> pd.DataFrame:
    """List the terms that speak most for and against each topic: weight x idf, in logits before length counts."""
    strength = (scorer.text_coef + scorer.sentence_coef) * scorer.weights * scorer.tfidf.idf[:, None]
    table = []
    for column, topic in enumerate(topics):
        order = np.argsort(-strength[:, column], kind="stable")
        ends = (order[:most], order[::-1][:most])
        table.append([topic.title, *(", ".join(scorer.vocabulary[i] for i in end) for end in ends)])
    return pd.DataFrame(table, columns=["topic", "for", "against"])


def error_table(measured: MeasuredSet, *, most: int = 20) -> pd.DataFrame:
    """List the surest wrong predictions, each with the terms that made its score."""
    columns = ["article", "topic", "error", "score", "threshold", "text", "terms"]
    worst = contradictions(measured.y_true, measured.y_pred, measured.y_score)[:most]
    return pd.DataFrame([_error_cells(measured, error.row, error.column) for error in worst], columns=columns)


def _error_cells(measured: MeasuredSet, row: int, column: int) -> list[str]:
    paragraph, topic = measured.rows[row], measured.topics[column]
    why = explain(measured.scorer, paragraph.text, topic.id, most=6)
    return [
        f"{paragraph.article}/{paragraph.paragraph}",
        topic.title,
        "missed" if measured.y_true[row, column] else "false alarm",
        f"{measured.y_score[row, column]:.2f}",
        f"{measured.scorer.thresholds[column]:.2f}",
        paragraph.text,
        ", ".join(f"{part.term} {part.value:+.2f}" for part in why.terms) or "-",
    ]


def _f1(weights: Floats, hits: NDArray[Any], true: NDArray[Any], predicted: NDArray[Any]) -> Floats:
    """Return F1 for every weighting of n rows, NaN where no label is true; counts are [n] or [n, k]."""
    n_true = weights @ true
    return np.where(n_true > 0, f1_score(weights @ hits, n_true, weights @ predicted), np.nan)


def _change(before: Floats, after: Floats) -> list[Estimate]:
    return [Estimate.of(before), Estimate.of(after), Estimate.of(after - before)]
