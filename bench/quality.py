"""Measure quality beside peers on a public benchmark: one table of micro and macro-F1 and of "none".

Peers get the same training documents and are used as their documentation shows; nothing is tuned on test rows.
"R(90)" trains and tests on documents with at least one topic, as published figures do; "all" keeps the others too.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from pipeline.config import Config, read_config, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.evaluation import metrics
from pipeline.evaluation.tables import as_markdown, as_text
from pipeline.schema import LabelledParagraph, Topic
from pipeline.steps.experiment import fit

Bools = NDArray[np.bool_]
Texts = Sequence[str]
Method = Callable[[Texts, Bools, Texts], Bools]
FIGURES = ("micro_f1", "macro_f1", "none_precision", "none_recall")


def main() -> int:
    """Print the table; say in one line where the benchmark is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/reuters.yaml"))
    config = read_config(parser.parse_args().config)
    files = [file for test_set in config.data.test.values() for file in test_set.files]
    missing = [path for path in (*config.data.train, *files) if not Path(path).exists()]
    if missing:
        print(f"skipped: {', '.join(missing)} not here; put the benchmark there or name it in the config")
        return 0
    topics = read_topics(Path(config.data.topics))
    split = corpus.read_split(config, [topic.id for topic in topics])
    columns = ["method", *(f"R(90) {name}" for name in FIGURES[:2]), *FIGURES, "CPU s"]
    table = pd.DataFrame(columns=columns)
    for name in ("this project", *PEERS):
        table.loc[len(table)] = [name, *_row(name, config, topics, split)]
        print(as_text(table.tail(1)), file=sys.stderr)
    print(as_markdown(table))
    return 0


def _row(name: str, config: Config, topics: tuple[Topic, ...], split: corpus.Split) -> list[str]:
    started = time.process_time()
    try:
        cells = _cells(name, config, topics, split)
    except ValueError as error:  # a peer that does not run with the versions that are locked
        return [f"fails: {error}", *[""] * (len(FIGURES) + 2)]
    return [*cells, f"{time.process_time() - started:.0f}"]


def _cells(name: str, config: Config, topics: tuple[Topic, ...], split: corpus.Split) -> list[str]:
    ids = [topic.id for topic in topics]
    cells: list[str] = []
    for keep_none in (False, True):
        parts = (split.train, split.test[config.data.headline])
        train, test = ([row for row in rows if row.topics or keep_none] for rows in parts)
        given = _given(name, config, topics, train, test)
        found = metrics.compute_metrics(ids, label_matrix(test, ids), given, given.astype(float))
        cells += [f"{found[figure][0]:.3f}" for figure in (FIGURES if keep_none else FIGURES[:2])]
    return cells


def _given(
    name: str,
    config: Config,
    topics: tuple[Topic, ...],
    train: list[LabelledParagraph],
    test: list[LabelledParagraph],
) -> Bools:
    texts = [row.text for row in test]
    if name == "this project":
        trained = fit(config, train, topics, lambda done, total: None)
        scorer = trained.model.scorer(trained.ids)
        return scorer.labels(scorer.scores(texts))
    labels = label_matrix(train, [topic.id for topic in topics])
    return PEERS[name]([row.text for row in train], labels, texts)


def logistic(texts: Texts, labels: Bools, test: Texts) -> Bools:
    """Give scikit-learn's usual pipeline with its defaults."""
    model = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(max_iter=1000)))
    return model.fit(texts, labels.astype(int)).predict(test).astype(bool)


def svc(texts: Texts, labels: Bools, test: Texts) -> Bools:
    """Give scikit-learn's usual pipeline with a linear SVC, cut at zero."""
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), OneVsRestClassifier(LinearSVC()))
    return model.fit(texts, labels.astype(int)).predict(test).astype(bool)


def libmultilabel(train: str) -> Method:
    """Give LibMultiLabel's linear models over its own TF-IDF, by the name of the training function."""

    def run(texts: Texts, labels: Bools, test: Texts) -> Bools:
        from libmultilabel import linear
        from scipy import sparse

        vectorizer = TfidfVectorizer()  # what its preprocessor uses, with its defaults
        X = sparse.csr_matrix(vectorizer.fit_transform(texts))
        y = sparse.csr_matrix(labels.astype(int))
        model = getattr(linear, train)(y, X, options="-s 1 -B 1 -e 0.1 -q", verbose=False)
        return linear.predict_values(model, sparse.csr_matrix(vectorizer.transform(test))) > 0

    return run


def fasttext(texts: Texts, labels: Bools, test: Texts) -> Bools:
    """Give fastText's one-vs-all mode with word pairs, cut at 0.5 as its tutorial does."""
    import fasttext as library

    def line(text: str) -> str:
        return " ".join(text.split())

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, row in zip(texts, labels, strict=True):
            names = " ".join(f"__label__{column}" for column in np.flatnonzero(row))
            file.write(f"{names} {line(text)}\n" if names else f"__label__none {line(text)}\n")
        file.flush()
        model = library.train_supervised(
            file.name, loss="ova", lr=0.5, epoch=25, wordNgrams=2, thread=1, seed=1, verbose=0
        )
    given = np.zeros((len(test), labels.shape[1]), bool)
    for index, text in enumerate(test):
        for score, name in model.f.predict(line(text) + "\n", -1, 0.5, "strict"):
            if score >= 0.5 and name != "__label__none":  # noqa: PLR2004
                given[index, int(name.removeprefix("__label__"))] = True
    return given


PEERS: dict[str, Method] = {
    "scikit-learn, logistic regression": logistic,
    "scikit-learn, linear SVC": svc,
    "LibMultiLabel 1vsrest": libmultilabel("train_1vsrest"),
    "LibMultiLabel thresholding": libmultilabel("train_thresholding"),
    "LibMultiLabel cost-sensitive": libmultilabel("train_cost_sensitive"),
    "fastText": fasttext,
}

if __name__ == "__main__":
    sys.exit(main())
