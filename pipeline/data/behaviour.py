"""Read the cases of the behavioural tests, and the rules of slices, from JSON lines."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from pipeline.config import Config, read_topics
from pipeline.data.records import parsed, records
from pipeline.errors import DataError
from pipeline.evaluation.behaviour import BehaviourCases, DirectionCase, MinimumCase
from pipeline.evaluation.perturbation import Perturbation
from pipeline.evaluation.slices import SliceRule

Case = TypeVar("Case")


def behaviour_for(config: Config, topics: Sequence[str]) -> BehaviourCases:
    """Read the config's cases for a model of these topics; a model of another label set goes without."""
    if [topic.id for topic in read_topics(Path(config.data.topics))] != list(topics):
        return BehaviourCases()
    return read_behaviour(config.data.behaviour, topics)


def read_behaviour(folder: str | Path | None, topics: Sequence[str]) -> BehaviourCases:
    """Read the files `minimum`, `direction`, `invariance` and `slices` (.jsonl) of a folder.

    Parameters
    ----------
    folder : str, Path or None
        None for no cases; a missing file is empty.
    topics : sequence of str
        The topic ids that a case may name.

    Returns
    -------
    BehaviourCases

    Raises
    ------
    DataError
        With file and line, also for an unknown topic.

    """
    if folder is None:
        return BehaviourCases()
    if not Path(folder).is_dir():
        raise DataError(f"{folder}: no such folder; set data.behaviour to null to go without")

    def rows(name: str, kind: type[Case], topics_of: Callable[[Case], Iterable[str]]) -> tuple[Case, ...]:
        file = Path(folder) / f"{name}.jsonl"
        return _cases(file, TypeAdapter(kind), topics, topics_of) if file.exists() else ()

    return BehaviourCases(
        minimum=rows("minimum", MinimumCase, lambda case: case.topics),
        direction=rows("direction", DirectionCase, lambda case: (case.topic,)),
        invariance=rows("invariance", Perturbation, lambda change: change.unless),
        slices=rows("slices", SliceRule, lambda rule: ()),
    )


def _cases(
    file: Path, adapter: TypeAdapter[Case], topics: Sequence[str], topics_of: Callable[[Case], Iterable[str]]
) -> tuple[Case, ...]:
    found = []
    for where, row in records(file):
        case = parsed(adapter, row, where)
        unknown = sorted(set(topics_of(case)) - set(topics))
        if unknown:
            raise DataError(f"{where}: unknown topic {unknown[0]!r}, expected one of {', '.join(topics)}")
        found.append(case)
    return tuple(found)
