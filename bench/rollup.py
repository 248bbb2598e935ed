"""Check rules that roll paragraphs up to an article: each applied to the settled labels and to the model's.

A rule is good where the model's errors in single paragraphs do not change what the article is about. Prints, for
each rule: topics by the settled labels, micro-F1 of the model's against them, and articles with all topics right.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.model.aggregation import SHARE
from pipeline.model.bundle import load_bundle
from pipeline.predict.article import bundle_path

RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "any paragraph": lambda given: given.any(0),
    "two paragraphs": lambda given: given.sum(0) >= 2,  # noqa: PLR2004
    "a fifth of the paragraphs": lambda given: given.mean(0) >= 1 / 5,
    "a quarter of the paragraphs": lambda given: given.mean(0) >= SHARE,
    "a third of the paragraphs": lambda given: given.mean(0) >= 1 / 3,
}


def main() -> None:
    """Measure each rule on labelled articles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="*", default=["data/articles/t1.jsonl"], help="labelled JSON lines")
    parser.add_argument("--model", default="models", type=Path)
    chosen = parser.parse_args()
    scorer = load_bundle(bundle_path(chosen.model)).scorer
    rows = corpus.labelled(corpus.read(chosen.data, scorer.topics))
    meant = label_matrix(rows, scorer.topics)
    said = scorer.labels(scorer.scores([row.text for row in rows]))
    names = np.array([row.article for row in rows])
    articles = [names == name for name in dict.fromkeys(names.tolist())]
    sys.stdout.write(f"{len(articles)} articles\n{'given when it has':28} topics  micro-F1  exact\n")
    for name, rule in RULES.items():
        truth = np.array([rule(meant[rows]) for rows in articles])
        answer = np.array([rule(said[rows]) for rows in articles])
        f1 = 2 * (truth & answer).sum() / (truth.sum() + answer.sum())
        exact = (truth == answer).all(1).mean()
        sys.stdout.write(f"{name:28} {truth.sum():6}  {f1:8.3f}  {exact:5.2f}\n")


if __name__ == "__main__":
    main()
