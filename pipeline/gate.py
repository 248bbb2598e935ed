"""Decide whether a candidate may become champion: the floors of the config."""

from collections.abc import Mapping

from pipeline.report import Evaluation


def failures(floors: Mapping[str, float], found: Evaluation) -> list[str]:
    """List the floors that an evaluation does not reach, in words; none means that the gate is passed."""
    unknown = [name for name in floors if name not in found.figures]
    below = [
        f"{name} is {found.figures[name].value:.3f}, the gate asks for {floor:.3f}"
        for name, floor in floors.items()
        if name not in unknown and not found.figures[name].value >= floor
    ]
    return [f"{name} is no figure of this evaluation" for name in unknown] + below
