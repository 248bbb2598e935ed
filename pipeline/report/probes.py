"""Read what a model is probed with: behaviour cases, changes that must not matter, and slices, as JSON lines."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from pipeline.config import Config, read_topics
from pipeline.data import corpus
from pipeline.errors import DataError
from pipeline.evaluation.behaviour import DirectionCase, MinimumCase
from pipeline.evaluation.perturbation import Perturbation
from pipeline.evaluation.slices import SliceRule
from pipeline.report.studies import Probes

Row = TypeVar("Row")


def probes_for(config: Config, topics: Sequence[str]) -> Probes:
    """Read the config's probes for a model of these topics; a model of another label set goes without."""
    if [topic.id for topic in read_topics(Path(config.data.topics))] != list(topics):
        return Probes()
    return read_probes(config.data.probes, topics)


def read_probes(folder: str | Path | None, topics: Sequence[str]) -> Probes:
    """Read `minimum`, `direction`, `invariance` and `slices` (.jsonl) from a folder; a missing file is empty.

    Raises DataError with file and line, also for an unknown topic; None gives no probes.
    """
    if folder is None:
        return Probes()
    if not Path(folder).is_dir():
        raise DataError(f"{folder}: no such folder; set data.probes to null to go without")

    def rows(name: str, kind: type[Row], topics_of: Callable[[Row], Iterable[str]]) -> tuple[Row, ...]:
        file = Path(folder) / f"{name}.jsonl"
        return _rows(file, TypeAdapter(kind), topics, topics_of) if file.exists() else ()

    return Probes(
        minimum=rows("minimum", MinimumCase, lambda case: case.topics),
        direction=rows("direction", DirectionCase, lambda case: (case.topic,)),
        invariance=rows("invariance", Perturbation, lambda change: change.unless),
        slices=rows("slices", SliceRule, lambda rule: ()),
    )


def _rows(
    file: Path, adapter: TypeAdapter[Row], topics: Sequence[str], topics_of: Callable[[Row], Iterable[str]]
) -> tuple[Row, ...]:
    found = []
    for where, line in corpus.lines(file):
        row = corpus.parsed(adapter, line, where)
        unknown = sorted(set(topics_of(row)) - set(topics))
        if unknown:
            raise DataError(f"{where}: unknown topic {unknown[0]!r}, expected one of {', '.join(topics)}")
        found.append(row)
    return tuple(found)
