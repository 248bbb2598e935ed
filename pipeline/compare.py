"""Compare: two trained models on the same labelled rows, figure by figure and row by row."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.config import Config, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.errors import BundleError, DataError
from pipeline.evaluation import bootstrap as resampling
from pipeline.evaluation import tables as report
from pipeline.evaluation.comparison import Difference, differences, fixed_and_broken
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.schema import LabelledParagraph
from pipeline.tracking import Tracker

_SHOWN = 160


@dataclass(frozen=True)
class RowChange:
    """A row that one model labels right and the other does not."""

    article: str
    paragraph: int
    text: str
    topics: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """Two models on the same rows: differences of every figure, and the rows fixed and broken by the second."""

    data: str
    rows: int
    differences: dict[str, Difference]
    fixed: list[RowChange]
    broken: list[RowChange]

    def as_text(self) -> str:
        """Give table and rows for a terminal."""
        return f"{self._headline()}\n\n{report.as_text(self._table())}\n{self._changes('  ')}"

    def as_markdown(self) -> str:
        """Give table and rows in Markdown."""
        return f"# {self._headline()}\n\n{report.as_markdown(self._table())}\n{self._changes('- ')}"

    def as_json(self) -> str:
        """Give everything as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False).replace("NaN", "null")

    def _headline(self) -> str:
        return f"{self.data}: {self.rows} paragraphs, second minus first, 95 % intervals of paired resamples"

    def _table(self) -> list[report.Row]:
        table: list[report.Row] = [["figure", "first", "second", "difference", "p"]]
        for name, found in self.differences.items():
            change = report.Figure(found.value, found.low, found.high)
            row = [name, f"{found.first:.3f}", f"{found.second:.3f}", f"{change}", f"{found.p_value:.3f}"]
            table.append([cell.replace("nan", "-") for cell in row])
        return table

    def _changes(self, bullet: str) -> str:
        lines = []
        for name, rows in (("fixed", self.fixed), ("broken", self.broken)):
            lines.append(f"{name}: {len(rows)} rows")
            lines += [f"{bullet}{_line(row)}" for row in rows]
        return "\n".join(lines) + "\n"


def compare(config: Config, first: str, second: str, data: Sequence[str] = ()) -> Compared:
    """Compare two models, each an alias, a run id or a bundle file, on labelled files or on the test side.

    Raises BundleError where a model is not found or the two have other topics, DataError where no row is labelled.
    """
    one, two = resolve(config, first), resolve(config, second)
    topics = one.scorer.topics
    if two.scorer.topics != topics:
        raise BundleError(f"{first} and {second} have different topics: {topics} and {two.scorer.topics}")
    rows = _rows(config, topics, data)
    labels = label_matrix(rows, topics)
    weights = resampling.article_weights([row.article for row in rows], seed=config.random_state)
    texts = [row.text for row in rows]
    scores = [bundle.scorer.scores(texts) for bundle in (one, two)]
    given = [bundle.scorer.labels(found) for bundle, found in zip((one, two), scores, strict=True)]
    found = differences(topics, labels, (given[0], scores[0]), (given[1], scores[1]), weights)
    fixed, broken = fixed_and_broken(labels, given[0], given[1])

    def change(index: int) -> RowChange:
        row = rows[index]
        named = [tuple(t for t, yes in zip(topics, side[index], strict=True) if yes) for side in given]
        return RowChange(row.article, row.paragraph, row.text, row.topics or (), named[0], named[1])

    name = ", ".join(data) or "test side"
    return Compared(name, len(rows), found, [change(i) for i in fixed], [change(i) for i in broken])


def resolve(config: Config, name: str) -> Bundle:
    """Open the model that a bundle file, an alias or a run id names; raise BundleError where none does."""
    if Path(name).is_file():
        return load_bundle(Path(name))
    tracker = Tracker(config.tracking, Path(config.output))
    found = tracker.find(name)
    with tempfile.TemporaryDirectory() as folder:
        return load_bundle(tracker.fetch_bundle(found.run_id if found else name, Path(folder)))


def _rows(config: Config, topics: Sequence[str], data: Sequence[str]) -> list[LabelledParagraph]:
    if not data:
        declared = tuple(topic.id for topic in read_topics(Path(config.data.topics)))
        if declared != tuple(topics):
            raise BundleError(f"{config.data.topics}: other topics than the models'; name their data with --data")
        return corpus.read_sides(config, topics).test
    rows = corpus.labelled(corpus.read(data, topics, unique=False))
    if not rows:
        raise DataError(f"{', '.join(data)}: no row is labelled, nothing to compare on")
    return rows


def _line(row: RowChange) -> str:
    meant, first, second = (" ".join(topics) or "none" for topics in (row.topics, row.first, row.second))
    text = row.text if len(row.text) <= _SHOWN else row.text[: _SHOWN - 1] + "\u2026"
    return f"{row.article}/{row.paragraph} meant {meant}; first {first}; second {second}: {text}"
