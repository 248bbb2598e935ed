"""One experiment without its surroundings: a config and labelled rows to a fitted and measured classifier."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Config
from pipeline.data.corpus import label_matrix
from pipeline.data.split import join_near_duplicates, near_duplicates
from pipeline.evaluation import bootstrap as resampling
from pipeline.evaluation import tables as report
from pipeline.evaluation.label_issues import label_noise
from pipeline.model.classifier import TopicClassifier
from pipeline.model.thresholds import Objective
from pipeline.schema import LabelledParagraph, Topic
from pipeline.text.tokenizer import Analyzer

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Trained:
    """A fitted classifier with the rows and labels it was fitted on and its cross-validated figures."""

    topics: tuple[Topic, ...]
    rows: list[LabelledParagraph]
    labels: NDArray[np.bool_]
    model: TopicClassifier
    found: report.Evaluation

    @property
    def ids(self) -> list[str]:
        """The topic ids in column order."""
        return [topic.id for topic in self.topics]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The out-of-fold scores, float64 [n, k]; 0 for a topic that the fold could not learn."""
        return np.nan_to_num(self.model.oof_scores_, nan=0.0)

    @property
    def label_noise(self) -> str:
        """The rows whose labels the out-of-fold answers contradict, most suspect first, as JSON lines."""
        model = self.model
        return label_noise(self.rows, self.ids, self.labels, model.oof_labels_, model.oof_scores_)


def fit(config: Config, rows: list[LabelledParagraph], topics: tuple[Topic, ...], progress: Progress) -> Trained:
    """Fit the configured classifier on rows, near-duplicate articles in one fold, and measure it out of fold."""
    texts = [row.text for row in rows]
    articles = groups = [row.article for row in rows]
    if config.split.near_duplicate is not None:
        groups = join_near_duplicates(articles, near_duplicates(texts, similarity=config.split.near_duplicate))
    ids = [topic.id for topic in topics]
    labels = label_matrix(rows, ids)
    model = classifier(config).fit(texts, labels, groups, progress=progress)
    weights = resampling.article_weights(articles, seed=config.split.seed)
    scores = np.nan_to_num(model.oof_scores_, nan=0.0)
    found = report.evaluation(ids, labels, model.oof_labels_, scores, weights)
    return Trained(topics, rows, labels, model, found)


def classifier(config: Config) -> TopicClassifier:
    """Make the classifier that a config describes, not fitted yet."""
    features, linear, thresholds = config.features, config.classifier, config.thresholds
    kind = thresholds.objective
    return TopicClassifier(
        analyzer=Analyzer(features.ngrams, features.prefix),
        min_df=features.min_df,
        sublinear=features.sublinear,
        unknown=features.unknown,
        sentence_share=features.sentence_share,
        kind=linear.kind,
        C=linear.C,
        class_weight=linear.class_weight,
        objective=Objective(kind, **thresholds.model_dump(exclude={"objective"})),
        folds=config.split.folds,
        fold_seed=config.split.seed,
        seed=linear.seed,
    )
