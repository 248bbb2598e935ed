"""The gate: what a candidate must reach on a test set to become champion."""

import math
from collections.abc import Mapping, Sequence

from pipeline.evaluation.comparison import Difference
from pipeline.evaluation.estimates import Evaluation


def floor_failures(floors: Mapping[str, float], evaluation: Evaluation) -> list[str]:
    """List the metrics that are below their floor, undefined or unknown, in words.

    Parameters
    ----------
    floors : mapping of str to float
        The least that each metric must reach.
    evaluation : Evaluation

    Returns
    -------
    list of str
        Empty if the gate is passed.

    """
    failures = []
    for name, floor in floors.items():
        found = evaluation.metrics.get(name)
        if found is None:
            failures.append(f"{name} is no metric of this evaluation")
        elif math.isnan(found.value):
            failures.append(f"{name} is undefined on these rows, the gate requires {floor:.3f}")
        elif not found.value >= floor:
            failures.append(f"{name} is {found.value:.3f}, the gate requires {floor:.3f}")
    return failures


def champion_failures(topics: Sequence[str], differences: Mapping[str, Difference]) -> list[str]:
    """List the topics whose F1 is worse than the champion's beyond the interval of the paired difference.

    Parameters
    ----------
    topics : sequence of str
        Topic ids.
    differences : mapping of str to Difference
        Candidate minus champion, by metric.

    Returns
    -------
    list of str
        Empty if the gate is passed.

    """
    worse = {topic: found for topic in topics if (found := differences[f"{topic}/f1"]).high < 0}
    return [
        f"{topic}/f1 is {found.second:.3f}, the champion's {found.first:.3f} "
        f"(difference {found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}])"
        for topic, found in worse.items()
    ]
