"""Ask a model what it must be able to do, whatever its average: the three kinds of behaviour tests.

Minimum functionality, invariance and direction are the kinds of Ribeiro et al. 2020, "Beyond accuracy: behavioral
testing of NLP models with CheckList". The cases are data; see data/probes/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.perturbation import Perturbation, perturbed
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
class Outcome:
    """One suite's result: which cases passed, bool [n], and of the others what was expected and given.

    Cases of one unit, an article, are drawn together in resampling.
    """

    kind: str
    name: str
    units: tuple[str, ...]
    passed: NDArray[np.bool_]
    failures: tuple[tuple[str, str, str], ...]


def run_minimum(scorer: Scorer, cases: Sequence[MinimumCase]) -> list[Outcome]:
    """Pass where exactly the case's topics are given; one outcome a suite."""
    return [
        _minimum(scorer, suite, [case for case in cases if case.suite == suite])
        for suite in dict.fromkeys(case.suite for case in cases)
    ]


def _minimum(scorer: Scorer, suite: str, cases: Sequence[MinimumCase]) -> Outcome:
    given = given_topics(scorer, [case.text for case in cases])
    passed = [set(case.topics) == answer for case, answer in zip(cases, given, strict=True)]
    failures = tuple(
        (case.text, f"{_named(set(case.topics))} ({case.rule})", _named(answer))
        for case, answer, ok in zip(cases, given, passed, strict=True)
        if not ok
    )
    return Outcome(MINIMUM, suite, tuple(case.text for case in cases), np.array(passed, bool), failures)


def run_direction(scorer: Scorer, cases: Sequence[DirectionCase]) -> list[Outcome]:
    """Pass where the topic's score rises with the clause added, and falls with it removed."""
    added = [(case, case.text, f"{case.text} {case.clause}") for case in cases if case.clause not in case.text]
    removed = [
        (case, " ".join(case.text.replace(case.clause, " ").split()), case.text)
        for case in cases
        if case.clause in case.text
    ]
    named: dict[str, list[tuple[DirectionCase, str, str]]] = {"clause added": added, "clause removed": removed}
    return [_direction(scorer, suite, pairs) for suite, pairs in named.items() if pairs]


def _direction(scorer: Scorer, name: str, pairs: Sequence[tuple[DirectionCase, str, str]]) -> Outcome:
    without = scorer.scores([text for _, text, _ in pairs])
    with_clause = scorer.scores([text for _, _, text in pairs])
    columns = [scorer.topics.index(case.topic) for case, _, _ in pairs]
    rows = np.arange(len(pairs))
    low, high = without[rows, columns], with_clause[rows, columns]
    failures = tuple(
        (f"{case.text} / {case.clause}", f"{case.topic} above {low[i]:.3f} with the clause", f"{high[i]:.3f}")
        for i, (case, _, _) in enumerate(pairs)
        if not high[i] > low[i]
    )
    return Outcome(DIRECTION, name, tuple(case.clause for case, _, _ in pairs), high > low, failures)


def run_invariance(
    scorer: Scorer, rows: Sequence[LabelledParagraph], changes: Sequence[Perturbation]
) -> list[Outcome]:
    """Pass where the model's labels stay as they were; rows that a change leaves as they are do not count."""
    return [_invariance(scorer, rows, change) for change in changes]


def _invariance(scorer: Scorer, rows: Sequence[LabelledParagraph], change: Perturbation) -> Outcome:
    tested = [row for row in rows if not set(change.unless) & set(row.topics or ())]
    pairs = [(row, perturbed(row.text, change)) for row in tested]
    pairs = [(row, text) for row, text in pairs if text != row.text]
    before = given_topics(scorer, [row.text for row, _ in pairs])
    after = given_topics(scorer, [text for _, text in pairs])
    passed = [old == new for old, new in zip(before, after, strict=True)]
    failures = tuple(
        (text, _named(old), _named(new))
        for (_, text), old, new, ok in zip(pairs, before, after, passed, strict=True)
        if not ok
    )
    units = tuple(row.article for row, _ in pairs)
    return Outcome(INVARIANCE, change.name, units, np.array(passed, bool), failures)


def given_topics(scorer: Scorer, texts: Sequence[str]) -> list[set[str]]:
    """Give the set of topics that the model gives each text."""
    return [
        {topic for topic, yes in zip(scorer.topics, row, strict=True) if yes}
        for row in scorer.labels(scorer.scores(texts))
    ]


def _named(topics: set[str]) -> str:
    return ", ".join(sorted(topics)) or "none"
