"""Look at one model's answers on some rows from all sides: each study is a table of counts and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.baselines import keyword_labels
from pipeline.evaluation.behaviour import DirectionCase, MinimumCase, Outcome
from pipeline.evaluation.bootstrap import article_weights, interval
from pipeline.evaluation.error_analysis import confusion, contradictions
from pipeline.evaluation.masking import mask, phrase_index
from pipeline.evaluation.perturbation import Perturbation
from pipeline.evaluation.slices import SliceRule, slices
from pipeline.evaluation.tables import Evaluation, Figure, Row, Table, rate
from pipeline.model.explain import explain
from pipeline.model.scorer import Scorer
from pipeline.schema import LabelledParagraph, Topic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_FEWEST_ROWS = 5


@dataclass(frozen=True)
class Probes:
    """What a model is probed with; nothing of it is learnt from."""

    minimum: tuple[MinimumCase, ...] = ()
    direction: tuple[DirectionCase, ...] = ()
    invariance: tuple[Perturbation, ...] = ()
    slices: tuple[SliceRule, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A model, the labelled rows it is measured on, its answers, and resampled row weights [1 + B, n]."""

    topics: tuple[Topic, ...]
    scorer: Scorer
    rows: Sequence[LabelledParagraph]
    labels: Bools
    scores: Floats
    weights: Floats

    @cached_property
    def given(self) -> Bools:
        """The labels that the model gives, bool [n, k]."""
        return self.scorer.labels(self.scores)

    def rate(self, passed: Bools, among: Bools) -> Figure:
        """Give the share of rows that passed, of those marked in `among`, both bool [n], over articles."""
        articles = {row.article for row, counts in zip(self.rows, among, strict=True) if counts}
        return rate(passed[among], self.weights[:, among], units=len(articles))

    @property
    def texts(self) -> list[str]:
        """The rows' texts."""
        return [row.text for row in self.rows]


def confusion_table(subject: Subject) -> Table:
    """Count which topic is given where which is meant."""
    titles = [*(topic.title for topic in subject.topics), "none"]
    header: Row = ["meant", *(f"given {title}" for title in titles), "missed"]
    counts = confusion(subject.labels, subject.given).tolist()
    rows: list[Row] = [[title, *map(int, row)] for title, row in zip(titles, counts, strict=True)]
    return [header, *rows]


def calibration_table(topics: Sequence[Topic], measured: Mapping[str, Evaluation]) -> Table:
    """Give the expected calibration error of each topic, a column for each set of rows."""
    table: list[Row] = [["topic", *measured]]
    for topic in topics:
        table.append(
            [topic.title, *(found.figures[f"{topic.id}/calibration_error"] for found in measured.values())]
        )
    return table


def slice_table(subject: Subject, rules: Sequence[SliceRule]) -> Table:
    """Measure every slice of at least five rows that is not all of them; whole articles are resampled."""
    found: list[Row] = [["slice", "group", "rows", "with a topic", "micro f1", "none recall", "exact match"]]
    for (kind, group), rows in slices(subject.rows, subject.labels, rules).items():
        if _FEWEST_ROWS <= rows.sum() < len(rows):
            found.append([kind, group.strip(), *_slice(subject, rows)])
    return found


def _slice(subject: Subject, rows: Bools) -> Row:
    """Leave resamples out of an interval in which the slice has no row to measure on."""
    labels, given, weights = subject.labels[rows], subject.given[rows], subject.weights[:, rows]
    f1 = _f1(*(weights @ cells.sum(1) for cells in (labels & given, labels, given)))
    none = rows & (subject.labels.sum(1) == 0)
    none_recall = subject.rate(subject.given.sum(1) == 0, none)
    exact_match = subject.rate((subject.labels == subject.given).all(1), rows)
    return [int(rows.sum()), int((rows & ~none).sum()), _figure(f1), none_recall, exact_match]


def leak_table(subject: Subject) -> Table:
    """Measure again with each topic's title, id and keywords taken out of all texts.

    What F1 loses is what the model owed to the names; recall where no name stood says what it knows without.
    """
    called = [replace(t, keywords=(t.title, t.id, *t.keywords)) for t in subject.topics]
    phrases = phrase_index(name for topic in called for name in topic.keywords)
    masked = subject.scorer.labels(subject.scorer.scores([mask(text, phrases) for text in subject.texts]))
    named = keyword_labels(subject.texts, called)
    labels, weights = subject.labels, subject.weights
    before, after = (
        _f1(*(weights @ cells for cells in (labels & given, labels, given))) for given in (subject.given, masked)
    )
    table: list[Row] = [["topic", "rows", "rows naming it", "f1", "f1 masked", "difference", "recall unnamed"]]
    for c, topic in enumerate(subject.topics):
        unnamed = labels[:, c] & ~named[:, c]
        counts = [int(labels[:, c].sum()), int((labels[:, c] & named[:, c]).sum())]
        recall = subject.rate(subject.given[:, c], unnamed)
        table.append([topic.title, *counts, *_change(before[:, c], after[:, c]), recall])
    return [*table, ["macro f1", "-", "-", *_change(_macro(before), _macro(after)), "-"]]


def behaviour_table(outcomes: Sequence[Outcome], *, seed: int) -> Table:
    """Give the pass rate of each suite; rows of one article are resampled together."""
    rows: list[Row] = [["kind", "suite", "cases", "failed", "pass rate"]]
    for outcome in outcomes:
        if len(outcome.passed):
            weights = article_weights(outcome.units, seed=seed)
            counts = [len(outcome.passed), int((~outcome.passed).sum())]
            share = rate(outcome.passed, weights, units=len(set(outcome.units)))
            rows.append([outcome.kind, outcome.name, *counts, share])
    return rows


def failure_table(outcomes: Sequence[Outcome], *, most: int = 12) -> Table:
    """List the first failures of each suite."""
    rows: list[Row] = [[o.kind, o.name, *failure] for o in outcomes for failure in o.failures[:most]]
    return [["kind", "suite", "case", "expected", "given"], *rows]


def terms_table(scorer: Scorer, topics: Sequence[Topic], *, most: int = 15) -> Table:
    """List the terms that speak most for and against each topic: weight x idf, in logits before length counts."""
    strength = (scorer.text_coef + scorer.sentence_coef) * scorer.weights * scorer.tfidf.idf[:, None]
    rows: list[Row] = [["topic", "for", "against"]]
    for column, topic in enumerate(topics):
        order = np.argsort(-strength[:, column], kind="stable")
        sides = (order[:most], order[::-1][:most])
        rows.append([topic.title, *(", ".join(scorer.vocabulary[i] for i in side) for side in sides)])
    return rows


def error_table(subject: Subject, *, most: int = 20) -> Table:
    """List the surest wrong answers, each with the terms that made its score."""
    rows: list[Row] = [["article", "topic", "error", "score", "threshold", "text", "terms"]]
    for wrong in contradictions(subject.labels, subject.given, subject.scores)[:most]:
        row, topic = subject.rows[wrong.row], subject.topics[wrong.column]
        why = explain(subject.scorer, row.text, topic.id, most=6)
        terms = ", ".join(f"{part.term} {part.value:+.2f}" for part in why.terms)
        numbers = (subject.scores[wrong.row, wrong.column], subject.scorer.thresholds[wrong.column])
        kind = "missed" if subject.labels[wrong.row, wrong.column] else "false alarm"
        score, threshold = (f"{number:.2f}" for number in numbers)
        rows.append(
            [f"{row.article}/{row.paragraph}", topic.title, kind, score, threshold, row.text, terms or "-"]
        )
    return rows


def _f1(hits: Floats, meant: Floats, said: Floats) -> Floats:
    """Give F1 of every resample, NaN where it has nothing meant."""
    f1: Floats = np.divide(2 * hits, meant + said, out=np.full(hits.shape, np.nan), where=meant > 0)
    return f1


def _macro(f1: Floats) -> Floats:
    present = np.isfinite(f1)
    macro: Floats = np.where(present, f1, 0.0).sum(1) / np.maximum(present.sum(1), 1)
    return macro


def _change(before: Floats, after: Floats) -> list[Figure]:
    return [_figure(before), _figure(after), _figure(after - before)]


def _figure(values: Floats) -> Figure:
    return Figure(float(values[0]), *interval(values))
