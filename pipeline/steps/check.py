"""Check: read what training and evaluation read, and refuse what would fail only after the training."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Config, read_examples, read_topics
from pipeline.data import corpus
from pipeline.data.behaviour import read_behaviour
from pipeline.data.statistics import label_counts
from pipeline.errors import ConfigError
from pipeline.evaluation.metrics import metric_names
from pipeline.evaluation.tables import as_text
from pipeline.schema import Example, Topic


@dataclass(frozen=True)
class Checked:
    """An experiment's label set, its example articles, and its rows to train and to test on."""

    topics: tuple[Topic, ...]
    examples: tuple[Example, ...]
    split: corpus.Split

    def as_text(self) -> str:
        """Count the rows by topic and test set, and say what was left out, for a terminal."""
        split = self.split
        by_set = [f"{count} in {name}" for name, count in split.test_unlabelled.items() if count]
        where = f" ({', '.join(by_set)})" if by_set else ""
        unlabelled = f"{split.unlabelled} not labelled{where}"
        left = f"left out: {unlabelled}, {split.near_test} nearly repeating a test paragraph\n"
        files = "".join(f"not trained on, a file of a test set: {file}\n" for file in split.test_files)
        return as_text(label_counts(split, self.topics)) + left + files


def check(config: Config) -> Checked:
    """Read everything that training and evaluation read.

    Parameters
    ----------
    config : Config

    Returns
    -------
    Checked

    Raises
    ------
    ConfigError
        For a label set that cannot be read, or a gate with a metric that there is not.
    DataError
        As `corpus.read_split` and `read_behaviour` do.

    """
    file = Path(config.data.topics)
    topics = read_topics(file)
    ids = [topic.id for topic in topics]
    check_gate(config, ids)
    read_behaviour(config.data.behaviour, ids)
    return Checked(topics, read_examples(file), corpus.read_split(config, ids))


def check_gate(config: Config, topics: Sequence[str]) -> None:
    """Raise ConfigError for a gate with a metric that evaluation of these topics does not have."""
    for name, floors in config.gate.items():
        for metric in floors:
            check_metric(f"gate.{name}", metric, topics)


def check_metric(where: str, metric: str, topics: Sequence[str]) -> None:
    """Raise ConfigError where evaluation of these topics has no such metric, or it is better when lower."""
    known = metric_names(topics)
    if metric not in known:
        near = difflib.get_close_matches(metric, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        overall = ", ".join(name for name in known if "/" not in name)
        raise ConfigError(f"{where}: {metric}: no such metric; {hint}expected one of {overall}, or TOPIC/f1")
