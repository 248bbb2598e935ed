import numpy as np
from handmade_model import ROWS, SCORER

from pipeline.evaluation.behaviour import (
    BehaviourCases,
    DirectionCase,
    MinimumCase,
    run_behaviour,
    run_direction,
    run_invariance,
    run_minimum,
)
from pipeline.evaluation.perturbation import Perturbation


def test_minimum_passes_on_exactly_the_topics() -> None:
    cases = [
        MinimumCase("s", "the rain", ("wet",), "r"),
        MinimumCase("s", "rain and snow", ("wet",), "r"),
        MinimumCase("other", "the", (), "r"),
    ]
    first, second = run_minimum(SCORER, cases)
    assert (first.suite, first.passed.tolist()) == ("s", [True, False])
    assert first.failures == (("rain and snow", "wet (r)", "cold, wet"),)
    assert second.passed.tolist() == [True]


def test_direction_adds_a_clause_or_removes_one_that_is_there() -> None:
    cases = [
        DirectionCase("the Peru", "and rain", "wet"),
        DirectionCase("the Peru", "and snow", "wet"),
        DirectionCase("the Peru, with snow, is far", ", with snow,", "cold"),
    ]
    added, removed = run_direction(SCORER, cases)
    assert (added.suite, added.passed.tolist()) == ("clause added", [True, True])
    assert (removed.suite, removed.passed.tolist()) == ("clause removed", [True])


def test_a_clause_that_does_not_raise_the_score_fails() -> None:
    (added,) = run_direction(SCORER, [DirectionCase("rain", "in Peru", "wet")])
    assert added.passed.tolist() == [False]
    case, expected, predicted = added.failures[0]
    assert case == "rain / in Peru"
    assert expected.startswith("wet above 0.")
    assert float(predicted) < float(expected.split()[2])


def test_a_clause_that_changes_nothing_fails() -> None:
    (added,) = run_direction(SCORER, [DirectionCase("the rain", "as foretold", "wet")])
    assert added.passed.tolist() == [False]


def test_invariance_counts_rows_that_change_and_are_not_excepted() -> None:
    changes = [
        Perturbation("countries", "swap", ("Peru", "Chile")),
        Perturbation("countries but wet", "swap", ("Peru", "Chile"), unless=("wet",)),
    ]
    every, spared = run_invariance(SCORER, ROWS, changes)
    assert (every.units, every.passed.tolist()) == (("a2", "a2"), [False, True])
    assert every.failures == (("the rain of Chile", "none", "wet"),)
    assert spared.passed.tolist() == [True]


def test_every_suite_is_run() -> None:
    cases = BehaviourCases(
        minimum=(MinimumCase("s", "the rain", ("wet",), "r"),),
        direction=(DirectionCase("the Peru", "and rain", "wet"),),
        invariance=(Perturbation("countries", "swap", ("Peru", "Chile")),),
    )
    outcomes = run_behaviour(SCORER, cases, ROWS)
    assert [(found.kind, found.suite) for found in outcomes] == [
        ("minimum functionality", "s"),
        ("direction", "clause added"),
        ("invariance", "countries"),
    ]
    assert np.concatenate([found.passed for found in outcomes]).tolist() == [True, True, False, True]
