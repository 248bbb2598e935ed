import pytest

from pipeline.evaluation.comparison import Difference
from pipeline.evaluation.estimates import Estimate, Evaluation
from pipeline.evaluation.gate import champion_failures, floor_failures


def evaluated(**values: float) -> Evaluation:
    return Evaluation(10, {}, {name: Estimate(value, 0.0, 1.0) for name, value in values.items()})


def test_a_floor_is_reached_at_equality() -> None:
    assert floor_failures({"macro_f1": 0.8}, evaluated(macro_f1=0.8)) == []


def test_every_floor_missed_is_told() -> None:
    found = floor_failures({"macro_f1": 0.8, "none_recall": 0.9}, evaluated(macro_f1=0.7999, none_recall=0.2))
    assert found == [
        "macro_f1 is 0.800, the gate requires 0.800",
        "none_recall is 0.200, the gate requires 0.900",
    ]


@pytest.mark.parametrize("name", ["macro_f2", "F1"])
def test_an_unknown_metric_fails(name: str) -> None:
    assert name in floor_failures({name: 0.1}, evaluated(macro_f1=1.0))[0]


def test_an_undefined_metric_fails() -> None:
    assert floor_failures({"macro_f1": 0.0}, evaluated(macro_f1=float("nan")))


def test_an_undefined_metric_is_called_so() -> None:
    found = floor_failures({"macro_f1": 0.5}, evaluated(macro_f1=float("nan")))
    assert found == ["macro_f1 is undefined on these rows, the gate requires 0.500"]


def test_no_floors_are_passed() -> None:
    assert floor_failures({}, evaluated(macro_f1=0.0)) == []


def changed(value: float, low: float, high: float) -> Difference:
    return Difference(0.8, 0.8 + value, value, low, high, 0.5)


def test_a_topic_worse_beyond_its_interval_is_told_with_both_values() -> None:
    found = champion_failures(["chess"], {"chess/f1": changed(-0.1, -0.15, -0.05)})
    assert found == ["chess/f1 is 0.700, the champion's 0.800 (difference -0.100 [-0.150, -0.050])"]


def test_a_topic_worse_within_its_interval_passes() -> None:
    assert champion_failures(["chess"], {"chess/f1": changed(-0.1, -0.25, 0.0)}) == []
