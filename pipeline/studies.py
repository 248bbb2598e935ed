"""Look at one model's answers on some rows from all sides: each study is a table of counts and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.behaviour import DirectionCase, MinimumCase, Outcome
from pipeline.explain import explain
from pipeline.masking import mask, phrase_index
from pipeline.metrics import figures
from pipeline.mistakes import confusion, contradictions
from pipeline.perturb import Perturbation
from pipeline.report import Evaluation, Figure, Row, Table, rate
from pipeline.resampling import article_weights, interval
from pipeline.schema import LabelledParagraph, Topic
from pipeline.scorer import Scorer
from pipeline.slices import SliceRule, slices

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_FEWEST_ROWS = 10
_ALPHA = 0.025


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
    """Measure every slice of at least ten rows that is not all of them; whole articles are resampled."""
    found: list[Row] = [["slice", "group", "rows", "with a topic", "micro f1", "none recall", "exact match"]]
    for (kind, group), rows in slices(subject.rows, subject.labels, rules).items():
        if _FEWEST_ROWS <= rows.sum() < len(rows):
            found.append([kind, group.strip(), *_slice(subject, rows)])
    return found


def _slice(subject: Subject, rows: Bools) -> Row:
    """Leave resamples out of an interval in which the slice has no row to measure on."""
    labels, given, weights = subject.labels[rows], subject.given[rows], subject.weights[:, rows]
    none, silent = labels.sum(1) == 0, given.sum(1) == 0
    meant = weights @ labels.sum(1)
    hits, said = weights @ (labels & given).sum(1), weights @ given.sum(1)
    f1 = np.divide(2 * hits, meant + said, out=np.full(len(weights), np.nan), where=meant > 0)
    none_recall = rate(silent[none], weights[:, none])
    exact_match = rate((labels == given).all(1), weights)
    return [int(rows.sum()), int((~none).sum()), _figure(f1), none_recall, exact_match]


def leak_table(subject: Subject) -> Table:
    """Measure again with each topic's title, id and keywords taken out of all texts.

    What F1 loses is what the model owed to the names; recall where no name stood says what it knows without.
    """
    owned = [phrase_index([topic.title, topic.id, *topic.keywords]) for topic in subject.topics]
    every = phrase_index(phrase for t in subject.topics for phrase in (t.title, t.id, *t.keywords))
    scores = subject.scorer.scores([mask(text, every) for text in subject.texts])
    masked = subject.scorer.labels(scores)
    ids = [topic.id for topic in subject.topics]
    before, after = (
        figures(ids, subject.labels, answer, ranked, subject.weights)
        for answer, ranked in ((subject.given, subject.scores), (masked, scores))
    )
    table: list[Row] = [["topic", "rows", "rows naming it", "f1", "f1 masked", "difference", "recall unnamed"]]
    for column, topic in enumerate(subject.topics):
        named = np.array([mask(text, owned[column]) != text for text in subject.texts], bool)
        meant, name = subject.labels[:, column], f"{topic.id}/f1"
        unnamed = meant & ~named
        counts = [int(meant.sum()), int((meant & named).sum())]
        change = [_figure(before[name]), _figure(after[name]), _figure(after[name] - before[name])]
        recall = rate(subject.given[unnamed, column], subject.weights[:, unnamed])
        table.append([topic.title, *counts, *change, recall])
    change = [_figure(before["macro_f1"]), _figure(after["macro_f1"])]
    return [*table, ["macro f1", "-", "-", *change, _figure(after["macro_f1"] - before["macro_f1"]), "-"]]


def behaviour_table(outcomes: Sequence[Outcome], *, resamples: int, seed: int) -> Table:
    """Give the pass rate of each suite; rows of one article are resampled together.

    Where every case passed, resampling cannot vary: the lower end is then the exact binomial one over the units.
    """
    rows: list[Row] = [["kind", "suite", "cases", "failed", "pass rate"]]
    for outcome in outcomes:
        if len(outcome.passed):
            weights = article_weights(outcome.units, resamples=resamples, seed=seed)
            counts = [len(outcome.passed), int((~outcome.passed).sum())]
            share = rate(outcome.passed, weights)
            if outcome.passed.all():
                share = Figure(1.0, _ALPHA ** (1 / len(set(outcome.units))), 1.0)
            rows.append([outcome.kind, outcome.name, *counts, share])
    return rows


def failure_table(outcomes: Sequence[Outcome], *, most: int = 12) -> Table:
    """List the first failures of each suite."""
    rows: list[Row] = [[o.kind, o.name, *failure] for o in outcomes for failure in o.failures[:most]]
    return [["kind", "suite", "case", "expected", "given"], *rows]


def terms_table(scorer: Scorer, topics: Sequence[Topic], *, most: int = 15) -> Table:
    """List the terms that speak most for and against each topic: weight x idf, in logits before length counts."""
    strength = scorer.slope * scorer.weights * scorer.weighting.idf[:, None]
    rows: list[Row] = [["topic", "for", "against"]]
    for column, topic in enumerate(topics):
        order = np.argsort(-strength[:, column], kind="stable")
        sides = (order[:most], order[::-1][:most])
        rows.append([topic.title, *(", ".join(scorer.terms[i] for i in side) for side in sides)])
    return rows


def error_table(subject: Subject, *, most: int = 20) -> Table:
    """List the surest wrong answers, each with the terms that made its score."""
    rows: list[Row] = [["article", "topic", "error", "score", "threshold", "text", "terms"]]
    for wrong in contradictions(subject.labels, subject.given, subject.scores)[:most]:
        row, topic = subject.rows[wrong.row], subject.topics[wrong.column]
        why = explain(subject.scorer, row.text, topic.id, most=6)
        terms = ", ".join(f"{term} {value:+.2f}" for term, value in why.terms)
        numbers = (subject.scores[wrong.row, wrong.column], subject.scorer.thresholds[wrong.column])
        kind = "missed" if subject.labels[wrong.row, wrong.column] else "false alarm"
        score, threshold = (f"{number:.2f}" for number in numbers)
        rows.append(
            [f"{row.article}/{row.paragraph}", topic.title, kind, score, threshold, row.text, terms or "-"]
        )
    return rows


def _figure(values: Floats) -> Figure:
    return Figure(float(values[0]), *interval(values))
