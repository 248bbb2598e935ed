"""The peers: scikit-learn's usual pipeline with the model's terms and weights, and fastText on the same data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import LabelBinarizer
from sklearn.svm import LinearSVC

from pipeline.model.calibration import sigmoid
from pipeline.model.scorer import Scorer
from pipeline.schema import LabelledParagraph
from pipeline.text.tokenizer import Analyzer, sentences

BUCKETS = 200_000  # of fastText's bigrams; its default of 2,000,000 would make a model of 800 MB of these texts


class WholeTerms:
    """The model's terms of a text, as an analyzer for scikit-learn."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer

    def __call__(self, text: str) -> list[str]:
        """List the terms of a text."""
        return [term for sentence in sentences(text) for term in self.analyzer.terms(sentence)]


def same_weights(scorer: Scorer) -> Pipeline:
    """Give scikit-learn's usual pipeline the model's terms, idf and weights.

    It scores whole texts only: it does less than the model, which scores every sentence besides.
    """
    vectorizer = TfidfVectorizer(
        analyzer=WholeTerms(scorer.analyzer),
        vocabulary=list(scorer.vocabulary.strings),
        sublinear_tf=scorer.sublinear,
    )
    vectorizer.idf_ = scorer.table[:, 0].astype(float)
    return make_pipeline(vectorizer, _one_vs_rest(scorer))


class SameFeatures:
    """The model's own features, of texts and of their sentences, by scikit-learn's vectoriser and classifier.

    It divides by the plain norm, without pivot and out-of-vocabulary words: apart from that its decisions are the
    model's.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.vectoriser, self.classifier = (step for _, step in same_weights(scorer).steps)
        self.of_sentences = clone(self.vectoriser).set_params(analyzer=scorer.analyzer.terms)
        self.of_sentences.idf_ = self.vectoriser.idf_

    def predict(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Decide from the mean of whole text and best sentence."""
        split = [sentences(text) for text in texts]
        starts = np.cumsum([0, *(len(found) for found in split[:-1])])
        by_sentence = self.of_sentences.transform([sentence for found in split for sentence in found])
        best = np.maximum.reduceat(self.classifier.decision_function(by_sentence), starts)
        whole = self.classifier.decision_function(self.vectoriser.transform(texts))
        scorer = self.scorer
        logits = scorer.text_coef * whole + scorer.sentence_coef * best + scorer.intercept
        decided: NDArray[np.bool_] = sigmoid(logits) >= scorer.thresholds
        return decided


def _one_vs_rest(scorer: Scorer) -> OneVsRestClassifier:
    topics = np.arange(len(scorer.topics))
    estimators = []
    for column in topics:
        estimator = LinearSVC()
        estimator.coef_ = scorer.weights[:, column][None].astype(float)
        estimator.intercept_ = np.zeros(1)
        estimator.classes_ = np.array([0, 1])
        estimators.append(estimator)
    classifier = OneVsRestClassifier(LinearSVC())
    classifier.estimators_ = estimators
    classifier.label_binarizer_ = LabelBinarizer(sparse_output=True).fit(np.eye(len(topics), dtype=int))
    return classifier


def fitted_pipeline(texts: Sequence[str], labels: NDArray[np.bool_]) -> Pipeline:
    """Fit the usual pipeline, words and bigrams into linear support vector machines, as most would write it."""
    usual = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), OneVsRestClassifier(LinearSVC())
    )
    return usual.fit(list(texts), labels.astype(int))


def write_fasttext(rows: Sequence[LabelledParagraph], path: Path) -> None:
    """Write rows as fastText reads them: labels and text on one line."""
    lines = [
        " ".join([*(f"__label__{topic}" for topic in row.topics or ["none"]), one_line(row.text)]) for row in rows
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def one_line(text: str) -> str:
    """Give a text as fastText takes it."""
    return " ".join(text.split())


def train_fasttext(path: Path) -> Any:
    """Train fastText on words and bigrams, one classifier a topic, on one thread."""
    return fasttext.train_supervised(
        str(path), wordNgrams=2, loss="ova", epoch=25, lr=0.5, bucket=BUCKETS, thread=1, verbose=0
    )
