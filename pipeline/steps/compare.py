"""Compare: two trained models on the same labelled rows, metric by metric and row by row."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from pipeline.config import Config, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.errors import BundleError
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.comparison import Difference, fixed_and_broken, paired_differences
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.tables import as_markdown, as_text
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.schema import LabelledParagraph
from pipeline.tracking import Tracker

_SHOWN = 160


@dataclass(frozen=True)
class RowChange:
    """A row that one model labels right and the other does not: its true topics, and those of each model."""

    article: str
    paragraph: int
    text: str
    topics: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Two models on the same rows.

    Parameters
    ----------
    data : str
        What the rows are.
    rows : int
    differences : dict of str to Difference
        By metric.
    fixed, broken : list of RowChange
        Rows that only the second model labels right, and that only the first does.

    """

    data: str
    rows: int
    differences: dict[str, Difference]
    fixed: list[RowChange]
    broken: list[RowChange]

    def to_frame(self) -> pd.DataFrame:
        """Return a row a metric: first, second, value (second minus first), low, high, p_value."""
        frame = pd.DataFrame.from_dict({name: asdict(found) for name, found in self.differences.items()}, "index")
        return frame.rename_axis("metric")

    def as_text(self) -> str:
        """Write table and rows for a terminal."""
        return f"{self._headline()}\n\n{as_text(self._table())}\n{self._changes('  ')}"

    def as_markdown(self) -> str:
        """Write table and rows in Markdown."""
        return f"# {self._headline()}\n\n{as_markdown(self._table())}\n{self._changes('- ')}"

    def as_json(self) -> str:
        """Write everything as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False).replace("NaN", "null")

    def _headline(self) -> str:
        return f"{self.data}: {self.rows} paragraphs, second minus first, 95 % intervals of paired resamples"

    def _table(self) -> pd.DataFrame:
        found = self.to_frame()
        changes = [Estimate(*ends) for ends in found[["value", "low", "high"]].itertuples(index=False)]
        shown = found[["first", "second", "p_value"]].map("{:.3f}".format).replace("nan", "-")
        return pd.DataFrame(
            {
                "metric": found.index,
                "first": shown["first"].to_numpy(),
                "second": shown["second"].to_numpy(),
                "difference": changes,
                "p": shown["p_value"].to_numpy(),
            }
        )

    def _changes(self, bullet: str) -> str:
        lines = []
        for name, rows in (("fixed", self.fixed), ("broken", self.broken)):
            lines.append(f"{name}: {len(rows)} rows")
            lines += [f"{bullet}{_line(row)}" for row in rows]
        return "\n".join(lines) + "\n"


def compare(config: Config, first: str, second: str, data: Sequence[str] = ()) -> Comparison:
    """Compare two models on the same rows.

    Parameters
    ----------
    config : Config
    first, second : str
        Each an alias, a run id or a bundle file.
    data : sequence of str, optional
        Labelled files; default: the headline test set.

    Returns
    -------
    Comparison

    Raises
    ------
    BundleError
        Where a model is not found or the two have other topics.
    DataError
        Where no row is labelled.

    """
    bundles = resolve(config, first), resolve(config, second)
    topics, other = (bundle.scorer.topics for bundle in bundles)
    if topics != other:
        raise BundleError(f"{first} and {second} have different topics: {topics} and {other}")
    name, rows = _rows(config, topics, data)
    return compare_bundles(name, bundles, rows, random_state=config.random_state)


def compare_bundles(
    data: str, bundles: tuple[Bundle, Bundle], rows: Sequence[LabelledParagraph], *, random_state: int
) -> Comparison:
    """Compare two models of the same topics on labelled rows; `data` says what these are."""
    topics, texts = bundles[0].scorer.topics, [row.text for row in rows]
    y_true = label_matrix(rows, topics)
    weights = article_weights([row.article for row in rows], random_state=random_state)
    y_score = [bundle.scorer.scores(texts) for bundle in bundles]
    y_pred = [bundle.scorer.labels(scores) for bundle, scores in zip(bundles, y_score, strict=True)]
    first, second = zip(y_pred, y_score, strict=True)
    differences = paired_differences(topics, y_true, first, second, weights)

    def change(index: int) -> RowChange:
        row = rows[index]
        named = [tuple(t for t, yes in zip(topics, labels[index], strict=True) if yes) for labels in y_pred]
        return RowChange(row.article, row.paragraph, row.text, row.topics or (), named[0], named[1])

    fixed, broken = (list(map(change, indices)) for indices in fixed_and_broken(y_true, *y_pred))
    return Comparison(data, len(rows), differences, fixed, broken)


def resolve(config: Config, name: str) -> Bundle:
    """Open the model that a bundle file, an alias or a run id names; raise BundleError where none does."""
    if Path(name).is_file():
        return load_bundle(Path(name))
    tracker = Tracker(config.tracking, Path(config.output))
    found = tracker.find(name)
    with tempfile.TemporaryDirectory() as folder:
        return load_bundle(tracker.fetch_bundle(found.run_id if found else name, Path(folder)))


def _rows(config: Config, topics: Sequence[str], data: Sequence[str]) -> tuple[str, list[LabelledParagraph]]:
    if not data:
        declared = tuple(topic.id for topic in read_topics(Path(config.data.topics)))
        if declared != tuple(topics):
            raise BundleError(f"{config.data.topics}: other topics than the models'; name their data with --data")
        headline = config.data.headline
        return f"test set {headline}", corpus.read_split(config, topics).test[headline]
    rows, unlabelled = corpus.read_labelled(data, topics)
    more = f" ({unlabelled} more are not labelled and left out)" if unlabelled else ""
    return f"{', '.join(data)}{more}", rows


def _line(row: RowChange) -> str:
    true, first, second = (" ".join(topics) or "none" for topics in (row.topics, row.first, row.second))
    text = row.text if len(row.text) <= _SHOWN else row.text[: _SHOWN - 1] + "\u2026"
    return f"{row.article}/{row.paragraph} true {true}; first {first}; second {second}: {text}"
