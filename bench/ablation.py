"""Measure what each part of the model brings, and what it costs: `python -m bench.ablation --data FILE ...`.

One setting of configs/default.yaml is changed at a time; the last row is scikit-learn's TfidfVectorizer and
LinearSVC with thresholds tuned as this project's. F1 is at the operating point `balanced` and moves with single
thresholds: judge by average precision. Speed is processor time for the same texts, as a ratio to the shipped
model's in the same run.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from bench.quality import compare_with_peers
from pipeline.config import Config, overridden, read_config, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.evaluation.metrics import compute_metrics
from pipeline.evaluation.tables import as_markdown
from pipeline.model.scorer import Scorer
from pipeline.steps.experiment import fit

VARIANTS: dict[str, dict[str, object]] = {
    "as shipped": {},
    "no log-count ratios, C 4": {"classifier.nb_exponent": 0.0, "classifier.C": 4.0},
    "log-count ratios to the power 1": {"classifier.nb_exponent": 1.0},
    "plain norm (slope 1)": {"features.pivot_slope": 1.0},
    "slope 0.5": {"features.pivot_slope": 0.5},
    "whole paragraph alone": {"features.sentence_weight": 0.0},
    "best sentence alone": {"features.sentence_weight": 1.0},
    "out-of-vocabulary words in the norm": {"features.oov_weight": 1.0},
    "no prefixes": {"features.prefix_length": 0},
    "no bigrams": {"features.ngram_range": [1, 1]},
    "trigrams": {"features.ngram_range": [1, 3]},
    "no sublinear term frequency": {"features.sublinear_tf": False},
    "logistic regression, C 16": {"classifier.kind": "logistic_regression", "classifier.C": 16.0},
    "folds by article": {"split.group_by": "article"},
    "thresholds for the corpus's own mix": {"thresholds.points.balanced": None},
}
ROUNDS = 5


def main() -> None:
    """Print a table in Markdown: a row a variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--data", action="append", default=[], help="labelled JSON lines beside the test sets")
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    ids = [topic.id for topic in read_topics(Path(config.data.topics))]
    split = corpus.read_split(config, ids)
    given = {Path(path).stem: corpus.read([path], ids, unique=False) for path in arguments.data}
    sets = split.test | {name: corpus.labelled(rows) for name, rows in given.items()}
    texts = [row.text for row in split.train[:2000]]
    shipped = _scorer(config, split.train)
    rows = [
        _row(name, _scorer(overridden(config, change), split.train), shipped, sets, texts)
        for name, change in VARIANTS.items()
    ]
    rows.append(_plain(config, split.train, sets))
    columns = [
        "variant",
        *(f"{name}: {what}" for name in sets for what in ("micro F1", "macro AP")),
        "time",
        "terms",
    ]
    print(as_markdown(pd.DataFrame(rows, columns=columns)))


def _scorer(config: Config, train: list[corpus.LabelledParagraph]) -> Scorer:
    trained = fit(config, train, read_topics(Path(config.data.topics)), lambda done, total: None)
    return trained.model.scorer(trained.ids)


def _row(
    name: str, scorer: Scorer, shipped: Scorer, sets: dict[str, list[corpus.LabelledParagraph]], texts: list[str]
) -> list[str]:
    cells = [name]
    for rows in sets.values():
        scores = scorer.scores([row.text for row in rows])
        found = compute_metrics(scorer.topics, label_matrix(rows, scorer.topics), scorer.labels(scores), scores)
        cells += [f"{found[metric][0]:.3f}" for metric in ("micro_f1", "macro_average_precision")]
    ratios = [
        _seconds(lambda: scorer.scores(texts)) / _seconds(lambda: shipped.scores(texts)) for _ in range(ROUNDS)
    ]
    return [*cells, f"{median(ratios):.2f}", f"{len(scorer.vocabulary):,}"]


def _plain(
    config: Config, train: list[corpus.LabelledParagraph], sets: dict[str, list[corpus.LabelledParagraph]]
) -> list[str]:
    name = "scikit-learn, linear SVC, thresholds tuned"
    topics = read_topics(Path(config.data.topics))
    tables = compare_with_peers(config, topics, train, sets, peers=["scikit-learn, linear SVC"])
    cells = ["TfidfVectorizer + LinearSVC, thresholds tuned"]
    for table in tables.values():
        cells += table.set_index("method").loc[name, ["micro_f1", "macro_average_precision"]].tolist()
    return [*cells, "-", "-"]


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
