"""Decide whether a candidate may become champion: floors, and no topic worse than the champion's."""

from collections.abc import Mapping, Sequence

from pipeline.evaluation.comparison import Difference
from pipeline.evaluation.tables import Evaluation


def floor_failures(floors: Mapping[str, float], found: Evaluation) -> list[str]:
    """List the floors that an evaluation does not reach, in words."""
    unknown = [f"{name} is no figure of this evaluation" for name in floors if name not in found.figures]
    return unknown + [
        f"{name} is {found.figures[name].value:.3f}, the gate asks for {floor:.3f}"
        for name, floor in floors.items()
        if name in found.figures and not found.figures[name].value >= floor
    ]


def champion_failures(topics: Sequence[str], changes: Mapping[str, Difference]) -> list[str]:
    """List the topics whose F1 is worse than the champion's beyond the interval of the paired difference."""
    worse = [(topic, changes[f"{topic}/f1"]) for topic in topics if changes[f"{topic}/f1"].high < 0]
    return [
        f"{topic}/f1 is {change.second:.3f}, the champion's {change.first:.3f} "
        f"(difference {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}])"
        for topic, change in worse
    ]
