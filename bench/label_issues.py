"""Measure which list of suspect labels finds errors: `python -m bench.label_issues`.

The labels of one training row in ten are made wrong, the model is cross-validated on the rows with their errors,
and every method ranks them by the same out-of-fold scores. A row with topics loses one, gets one more, or has
one exchanged for another, each as likely; a row without a topic gets one. In the first table the topic is drawn
evenly, in the second one in proportion to the score that a model without the errors gives it, as people take one
topic for another that is near. Labels of the corpus that are wrong already count against every method.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab.multilabel_classification import get_label_quality_scores
from cleanlab.multilabel_classification.filter import find_label_issues
from numpy.typing import NDArray
from scipy import stats

from pipeline.config import Config, read_config, read_topics
from pipeline.data import corpus
from pipeline.evaluation.error_analysis import contradictions, label_contradictions
from pipeline.evaluation.tables import as_markdown
from pipeline.model.classifier import BALANCED, TopicClassifier
from pipeline.steps.experiment import classifier, fold_groups

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ranking = NDArray[np.int64]
SHARE = 0.1
_LEAST = 1e-3  # of the weight of a topic in the second table, so that every one can be drawn


def main() -> None:
    """Print two tables in Markdown: a row a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    data = Data(config)
    clean = data.fitted(data.y_true).oof_scores_
    for title, weights in (("Topics drawn evenly", None), ("Topics that are near", np.nan_to_num(clean) + _LEAST)):
        print(f"\n{title}, {arguments.seeds} seeds\n")
        print(as_markdown(measured(data, weights, arguments.seeds)))


class Data:
    """The training rows of an experiment, and its classifier."""

    def __init__(self, config: Config) -> None:
        ids = [topic.id for topic in read_topics(Path(config.data.topics))]
        rows = corpus.read_split(config, ids).train
        self.config = config
        self.texts = [row.text for row in rows]
        self.y_true = corpus.label_matrix(rows, ids)
        self.groups = fold_groups(config, rows)

    def fitted(self, labels: Bools) -> TopicClassifier:
        """Cross-validate on the rows with these labels."""
        return classifier(self.config).fit(self.texts, labels, self.groups)


def planted(
    y_true: Bools, share: float, *, random_state: int, weights: Floats | None = None
) -> tuple[Bools, Ranking]:
    """Make the labels of a share of the rows wrong.

    Parameters
    ----------
    y_true : bool array of shape (n, k)
    share : float
    random_state : int
    weights : float64 array of shape (n, k), optional
        How likely each topic is the wrong one; default: all alike.

    Returns
    -------
    labels : bool array of shape (n, k)
    rows : int64 array
        Those that were made wrong.

    """
    generator = np.random.default_rng(random_state)
    labels = y_true.copy()
    rows = generator.choice(len(y_true), round(share * len(y_true)), replace=False)
    for row in rows.tolist():
        has, lacks = np.flatnonzero(y_true[row]), np.flatnonzero(~y_true[row])
        kinds = [*(["drop"] * bool(len(has))), *(["add"] * bool(len(lacks)))]
        kinds += ["swap"] * (len(kinds) == 2)  # noqa: PLR2004  # both
        kind = kinds[generator.integers(len(kinds))]
        if kind != "add":
            labels[row, generator.choice(has)] = False
        if kind != "drop":
            odds = None if weights is None else weights[row, lacks] / weights[row, lacks].sum()
            labels[row, generator.choice(lacks, p=odds)] = True
    return labels, rows


def measured(data: Data, weights: Floats | None, seeds: int) -> pd.DataFrame:
    """Measure every method on the same planted errors, seed by seed."""
    found: dict[str, list[list[float]]] = {}
    for seed in range(seeds):
        labels, wrong = planted(data.y_true, SHARE, random_state=seed, weights=weights)
        model = data.fitted(labels)
        for name, rank in METHODS.items():
            hits = np.isin(rank(model, labels), wrong)
            n = len(wrong)
            figures = [hits[:100].mean(), hits[:500].mean(), hits[:n].sum() / n, hits.sum() / n, float(len(hits))]
            found.setdefault(name, []).append(figures)
    columns = ["precision at 100", "precision at 500", "recall in as many rows as are wrong", "recall", "rows"]
    rows = [
        [name, *(_written(values) for values in zip(*figures, strict=True))] for name, figures in found.items()
    ]
    return pd.DataFrame(rows, columns=["method", *columns])


def _written(values: tuple[float, ...]) -> str:
    """Write a mean and its 95 % interval over the seeds, by Student's t."""
    mean = float(np.mean(values))
    if mean > 1:
        return f"{mean:,.0f}"
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return f"{mean:.3f} ± {half:.3f}"


def _ours(model: TopicClassifier, labels: Bools) -> Ranking:
    thresholds = model.thresholds_[BALANCED]
    return _listed(label_contradictions(labels, model.oof_labels_, model.oof_scores_, thresholds).sum(1))


def _surest(model: TopicClassifier, labels: Bools) -> Ranking:
    found = contradictions(labels, model.oof_labels_, model.oof_scores_)
    return np.array(list(dict.fromkeys(cell.row for cell in found)), np.int64)


def _listed(suspicion: Floats) -> Ranking:
    order = np.argsort(-suspicion, kind="stable")
    return order[suspicion[order] > 0]


def _quality(**settings: object) -> Callable[[TopicClassifier, Bools], Ranking]:
    """Rank all rows by cleanlab's score of label quality."""

    def rank(model: TopicClassifier, labels: Bools) -> Ranking:
        scores = get_label_quality_scores(_lists(labels), np.nan_to_num(model.oof_scores_), **settings)
        return np.argsort(scores, kind="stable")

    return rank


def _filtered(model: TopicClassifier, labels: Bools) -> Ranking:
    scores = np.nan_to_num(model.oof_scores_)
    found = find_label_issues(_lists(labels), scores, return_indices_ranked_by="self_confidence", n_jobs=1)
    return np.asarray(found, np.int64)


def _lists(labels: Bools) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in labels]


METHODS: dict[str, Callable[[TopicClassifier, Bools], Ranking]] = {
    "this project: sum of logits beyond the threshold": _ours,
    "as before: largest |score - label|": _surest,
    "cleanlab, self_confidence (its default)": _quality(),
    "cleanlab, normalized_margin": _quality(method="normalized_margin"),
    "cleanlab, confidence_weighted_entropy": _quality(method="confidence_weighted_entropy"),
    "cleanlab, self_confidence, softmin": _quality(aggregator_kwargs={"method": "softmin", "temperature": 0.1}),
    "cleanlab, find_label_issues": _filtered,
}


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
