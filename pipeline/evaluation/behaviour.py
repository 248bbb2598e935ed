"""Behavioural tests: what a model must be able to do, whatever its average.

Minimum functionality, invariance and direction are the kinds of Ribeiro et al. 2020, "Beyond accuracy: behavioral
testing of NLP models with CheckList". The cases are data; see data/behaviour/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.perturbation import Perturbation, perturbed
from pipeline.evaluation.slices import SliceRule
from pipeline.model.scorer import Scorer
from pipeline.schema import LabelledParagraph

MINIMUM, DIRECTION, INVARIANCE = "minimum functionality", "direction", "invariance"


@dataclass(frozen=True)
class MinimumCase:
    """A short text whose topics are beyond doubt, the rule it stands for, and the suite it belongs to."""

    suite: str
    text: str
    topics: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class DirectionCase:
    """A text and a clause on a topic: the clause is added to the text, or removed where the text has it."""

    text: str
    clause: str
    topic: str


@dataclass(frozen=True)
class BehaviourCases:
    """The cases that a model is tested on beside its test sets; nothing is learned from them."""

    minimum: tuple[MinimumCase, ...] = ()
    direction: tuple[DirectionCase, ...] = ()
    invariance: tuple[Perturbation, ...] = ()
    slices: tuple[SliceRule, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The result of one suite of n cases.

    Parameters
    ----------
    kind, suite : str
    units : tuple of str
        The article, or other independent unit, of each case; cases of one unit are resampled together.
    passed : bool array of shape (n,)
    failures : tuple of (case, expected, predicted)
        In words, for each case that did not pass.

    """

    kind: str
    suite: str
    units: tuple[str, ...]
    passed: NDArray[np.bool_]
    failures: tuple[tuple[str, str, str], ...]


def run_behaviour(scorer: Scorer, cases: BehaviourCases, rows: Sequence[LabelledParagraph]) -> list[Outcome]:
    """Run every suite; invariance is tested on labelled rows.

    Parameters
    ----------
    scorer : Scorer
    cases : BehaviourCases
    rows : sequence of LabelledParagraph

    Returns
    -------
    list of Outcome
        One for each suite.

    """
    return [
        *run_minimum(scorer, cases.minimum),
        *run_direction(scorer, cases.direction),
        *run_invariance(scorer, rows, cases.invariance),
    ]


def run_minimum(scorer: Scorer, cases: Sequence[MinimumCase]) -> list[Outcome]:
    """Test minimum functionality: pass where exactly the case's topics are predicted."""
    return [
        _minimum(scorer, suite, [case for case in cases if case.suite == suite])
        for suite in dict.fromkeys(case.suite for case in cases)
    ]


def _minimum(scorer: Scorer, suite: str, cases: Sequence[MinimumCase]) -> Outcome:
    predicted = predicted_topics(scorer, [case.text for case in cases])
    passed = [set(case.topics) == topics for case, topics in zip(cases, predicted, strict=True)]
    failures = tuple(
        (case.text, f"{_named(set(case.topics))} ({case.rule})", _named(topics))
        for case, topics, ok in zip(cases, predicted, passed, strict=True)
        if not ok
    )
    return Outcome(MINIMUM, suite, tuple(case.text for case in cases), np.array(passed, bool), failures)


def run_direction(scorer: Scorer, cases: Sequence[DirectionCase]) -> list[Outcome]:
    """Test direction: pass where the topic's score rises with the clause added, and falls with it removed."""
    added = [(case, case.text, f"{case.text} {case.clause}") for case in cases if case.clause not in case.text]
    removed = [
        (case, " ".join(case.text.replace(case.clause, " ").split()), case.text)
        for case in cases
        if case.clause in case.text
    ]
    suites: dict[str, list[tuple[DirectionCase, str, str]]] = {"clause added": added, "clause removed": removed}
    return [_direction(scorer, suite, pairs) for suite, pairs in suites.items() if pairs]


def _direction(scorer: Scorer, suite: str, pairs: Sequence[tuple[DirectionCase, str, str]]) -> Outcome:
    columns = [scorer.topics.index(case.topic) for case, _, _ in pairs]
    rows = np.arange(len(pairs))
    without = scorer.scores([text for _, text, _ in pairs])[rows, columns]
    with_clause = scorer.scores([text for _, _, text in pairs])[rows, columns]
    passed = with_clause > without
    failures = tuple(
        (f"{case.text} / {case.clause}", f"{case.topic} above {low:.3f} with the clause", f"{high:.3f}")
        for (case, _, _), low, high, ok in zip(pairs, without, with_clause, passed, strict=True)
        if not ok
    )
    return Outcome(DIRECTION, suite, tuple(case.clause for case, _, _ in pairs), passed, failures)


def run_invariance(
    scorer: Scorer, rows: Sequence[LabelledParagraph], perturbations: Sequence[Perturbation]
) -> list[Outcome]:
    """Test invariance: pass where labels stay the same; rows that a perturbation does not change do not count."""
    return [_invariance(scorer, rows, perturbation) for perturbation in perturbations]


def _invariance(scorer: Scorer, rows: Sequence[LabelledParagraph], perturbation: Perturbation) -> Outcome:
    tested = [row for row in rows if not set(perturbation.unless) & set(row.topics or ())]
    pairs = [(row, text) for row in tested if (text := perturbed(row.text, perturbation)) != row.text]
    before = predicted_topics(scorer, [row.text for row, _ in pairs])
    after = predicted_topics(scorer, [text for _, text in pairs])
    passed = [old == new for old, new in zip(before, after, strict=True)]
    failures = tuple(
        (text, _named(old), _named(new))
        for (_, text), old, new in zip(pairs, before, after, strict=True)
        if old != new
    )
    units = tuple(row.article for row, _ in pairs)
    return Outcome(INVARIANCE, perturbation.name, units, np.array(passed, bool), failures)


def predicted_topics(scorer: Scorer, texts: Sequence[str]) -> list[set[str]]:
    """Return the set of topics that the model predicts for each text."""
    return [
        {topic for topic, yes in zip(scorer.topics, row, strict=True) if yes}
        for row in scorer.labels(scorer.scores(texts))
    ]


def _named(topics: set[str]) -> str:
    return ", ".join(sorted(topics)) or "none"
