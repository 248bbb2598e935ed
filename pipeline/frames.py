"""What `import pipeline` offers: label sets, corpora, predictions, metrics and explanations as DataFrames."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.config import read_config, read_topics
from pipeline.data import corpus, sources
from pipeline.errors import SourceError
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.comparison import paired_differences
from pipeline.evaluation.estimates import evaluate_labels
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle, load_bundle, save_bundle
from pipeline.model.classifier import TopicClassifier
from pipeline.model.explain import explain_topics
from pipeline.predict.article import bundle_path, predict_all
from pipeline.schema import LabelledParagraph, Topic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Predictor(Protocol):
    """What `evaluate` and `compare` measure: a `TopicModel` or a fitted `TopicClassifier`."""

    def predict(self, X: Sequence[str]) -> Any:
        """Return 1 where a text has a topic, else 0, of shape (n, k)."""

    def predict_proba(self, X: Sequence[str]) -> Any:
        """Return scores from 0 to 1, of shape (n, k)."""


def load_topics(path: str | Path) -> pd.DataFrame:
    """Read a label set.

    Parameters
    ----------
    path : str or Path
        A YAML file such as configs/topics.yaml.

    Returns
    -------
    DataFrame
        A row a topic, in column order, indexed by id: title, definition, colour, keywords.

    Raises
    ------
    ConfigError
        With the file and the key.
    """
    topics = read_topics(Path(path))
    fields = [[topic.title, topic.definition, topic.colour, topic.keywords] for topic in topics]
    index = pd.Index([topic.id for topic in topics], name="topic")
    return pd.DataFrame(fields, index=index, columns=["title", "definition", "colour", "keywords"])


def load_corpus(config: str | Path) -> pd.DataFrame:
    """Read the labelled paragraphs of an experiment, with their split.

    Rows without a label, and training rows that nearly repeat a test row, are left out, as in training.

    Parameters
    ----------
    config : str or Path
        A YAML file such as configs/default.yaml.

    Returns
    -------
    DataFrame
        A row a paragraph: split (`train` or the name of a test set), article, paragraph, text, writer, genre,
        region, date, and one 0/1 column a topic, named by its id.

    Raises
    ------
    ConfigError, DataError
        With the file, and the key or line.
    """
    settings = read_config(Path(config))
    ids = [topic.id for topic in read_topics(Path(settings.data.topics))]
    split = corpus.read_split(settings, ids)
    parts = {"train": split.train, **split.test}
    return pd.concat([_frame(name, rows, ids) for name, rows in parts.items()], ignore_index=True)


class TopicModel:
    """A trained model that answers with DataFrames; columns are named by topic ids.

    Parameters
    ----------
    bundle : Bundle
        See `load` and `from_classifier`.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @classmethod
    def from_classifier(cls, classifier: TopicClassifier, topics: pd.DataFrame | None = None) -> Self:
        """Take over a fitted classifier.

        Parameters
        ----------
        classifier : TopicClassifier
            Fitted.
        topics : DataFrame, optional
            As `load_topics` returns it; default: the classifier's `classes_` as ids and titles.

        Returns
        -------
        TopicModel
        """
        names = [str(name) for name in classifier.classes_]
        described = tuple(
            Topic(name, *topics.loc[name, ["title", "definition", "colour", "keywords"]])
            if topics is not None
            else Topic(name, name)
            for name in names
        )
        return cls(Bundle(classifier.scorer(names), described, np.zeros(0, np.uint64), {"most_frequent": ""}))

    @property
    def classes_(self) -> NDArray[np.object_]:
        """The k topic ids, in column order."""
        return np.array(self.bundle.scorer.topics, object)

    @property
    def thresholds(self) -> pd.DataFrame:
        """The thresholds: a row a topic, a column an operating point."""
        return pd.DataFrame(dict(self.bundle.scorer.points), index=pd.Index(self.classes_, name="topic"))

    def at(self, point: str) -> Self:
        """Return the model at another operating point: precision, balanced or recall; ValueError for others."""
        bundle = self.bundle
        return type(self)(Bundle(bundle.scorer.at(point), bundle.topics, bundle.trained_on, bundle.about))

    def predict_proba(self, X: Sequence[str]) -> pd.DataFrame:
        """Return calibrated probabilities: a row a text, a column a topic, with the index of a Series `X`.

        Raises ValueError for a single string.
        """
        return self._table(X, self.bundle.scorer.scores(_texts(X)))

    def predict(self, X: Sequence[str]) -> pd.DataFrame:
        """Return 1 where a text has a topic, else 0: a row a text, a column a topic."""
        scorer = self.bundle.scorer
        return self._table(X, scorer.labels(scorer.scores(_texts(X))).astype(np.int64))

    def explain(self, text: str, topics: Iterable[str] | None = None, *, most: int = 10) -> pd.DataFrame:
        """Say which terms made the scores of a text.

        Parameters
        ----------
        text : str
        topics : iterable of str, optional
            Default: all.
        most : int, default 10
            Terms a topic; the others are summed up in a row with the term "(other terms)".

        Returns
        -------
        DataFrame
            A row a term, and one for the bias: topic, term, contribution (in logits: those of a topic sum to its
            score's logit), start and end (character offsets of the first place where the term stands, missing for
            bias and others).
        """
        scorer = self.bundle.scorer
        found = explain_topics(scorer, text, scorer.topics if topics is None else topics, most=most)
        rows: list[list[Any]] = []
        for topic, why in found.items():
            rows.append([topic, "(bias)", why.bias, None, None])
            rows += [[topic, t.term, t.value, *(t.spans[0] if t.spans else (None, None))] for t in why.terms]
            rows.append([topic, "(other terms)", why.rest, None, None])
        frame = pd.DataFrame(rows, columns=["topic", "term", "contribution", "start", "end"])
        return frame.astype({"start": "Int64", "end": "Int64"})

    def predict_files(self, names: Iterable[str | Path]) -> pd.DataFrame:
        """Label articles: text, HTML, PDF, DOCX and feeds.

        Parameters
        ----------
        names : iterable of str or Path
            Files, folders or patterns.

        Returns
        -------
        DataFrame
            A row a paragraph: source, paragraph, start, end, text, topics, one score column a topic, title, date.

        Raises
        ------
        SourceError
            For the first source that cannot be read.
        """

        def fail(error: SourceError) -> None:
            raise error

        articles = sources.read(map(str, names))
        rows = [
            {
                "source": row.source,
                "paragraph": row.paragraph,
                "start": row.start,
                "end": row.end,
                "text": row.text,
                "topics": list(row.topics),
                **row.scores,
                "title": row.title,
                "date": row.date,
            }
            for row in predict_all(articles, self.bundle, explained=False, complain=fail, note=warnings.warn)
        ]
        return pd.DataFrame(rows)

    def save(self, path: str | Path) -> None:
        """Write the model to a bundle file, which `load` and every command read."""
        with atomic_path(Path(path)) as part:
            save_bundle(part, self.bundle)

    def _table(self, X: Sequence[str], values: NDArray[Any]) -> pd.DataFrame:
        return pd.DataFrame(
            values, index=getattr(X, "index", None) if isinstance(X, pd.Series) else None, columns=self.classes_
        )


def load(path: str | Path = "models") -> TopicModel:
    """Open a trained model.

    Parameters
    ----------
    path : str or Path, default "models"
        A bundle file, or an output folder: its champion, or its candidate while there is no champion.

    Returns
    -------
    TopicModel

    Raises
    ------
    BundleError
        Where there is none, or it is damaged.
    """
    return TopicModel(load_bundle(bundle_path(Path(path))))


def evaluate(
    model: Predictor,
    X: Sequence[str],
    y: pd.DataFrame,
    groups: Sequence[str] | None = None,
    *,
    random_state: int = 0,
) -> pd.DataFrame:
    """Measure a model on labelled texts, with 95 % intervals.

    Parameters
    ----------
    model : TopicModel or fitted TopicClassifier
    X : sequence of str
        n texts.
    y : DataFrame of shape (n, k)
        1 where a text has a topic; columns are topic ids in the model's order.
    groups : sequence of str, optional
        Articles: they are resampled as wholes. Default: every text by itself.
    random_state : int, default 0
        Seeds the bootstrap.

    Returns
    -------
    DataFrame
        A row a metric, with columns value, low and high.
    """
    topics, y_true, weights = _measured(X, y, groups, random_state)
    return evaluate_labels(topics, y_true, *_answers(model, X), weights).to_frame()


def compare(
    first: Predictor,
    second: Predictor,
    X: Sequence[str],
    y: pd.DataFrame,
    groups: Sequence[str] | None = None,
    *,
    random_state: int = 0,
) -> pd.DataFrame:
    """Compare two models on the same labelled texts by the paired bootstrap.

    Parameters
    ----------
    first, second : TopicModel or fitted TopicClassifier
    X, y, groups, random_state
        As for `evaluate`.

    Returns
    -------
    DataFrame
        A row a metric: first, second, value (second minus first), low and high (95 %), p_value.
    """
    topics, y_true, weights = _measured(X, y, groups, random_state)
    found = paired_differences(topics, y_true, _answers(first, X), _answers(second, X), weights)
    fields = ["first", "second", "value", "low", "high", "p_value"]
    rows = [[getattr(difference, name) for name in fields] for difference in found.values()]
    return pd.DataFrame(rows, index=pd.Index(list(found), name="metric"), columns=fields)


def _texts(X: Sequence[str]) -> Sequence[str]:
    return X.tolist() if isinstance(X, pd.Series) else X


def _answers(model: Predictor, X: Sequence[str]) -> tuple[Bools, Floats]:
    texts = _texts(X)
    return np.asarray(model.predict(texts), bool), np.asarray(model.predict_proba(texts), np.float64)


def _measured(
    X: Sequence[str], y: pd.DataFrame, groups: Sequence[str] | None, random_state: int
) -> tuple[list[str], Bools, Floats]:
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} texts, but y {len(y)} rows")
    articles = [str(index) for index in range(len(X))] if groups is None else list(groups)
    weights = article_weights(articles, random_state=random_state)
    return [str(name) for name in y.columns], y.to_numpy(bool), weights


def _frame(split: str, rows: Sequence[LabelledParagraph], ids: Sequence[str]) -> pd.DataFrame:
    fields = ["article", "paragraph", "text", "writer", "genre", "region", "date"]
    values = [[split, *(getattr(row, name) for name in fields)] for row in rows]
    labels = pd.DataFrame(corpus.label_matrix(rows, ids).astype(np.int64), columns=list(ids))
    return pd.concat([pd.DataFrame(values, columns=["split", *fields]), labels], axis=1)
