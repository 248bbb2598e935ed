"""One experiment without its surroundings: a config and labelled rows to a fitted and measured classifier."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray

from pipeline.config import Config, ThresholdSettings
from pipeline.data.corpus import label_matrix
from pipeline.data.split import join_near_duplicates, near_duplicates
from pipeline.errors import ClusterError, DataError
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.error_analysis import label_issues
from pipeline.evaluation.estimates import Evaluation, evaluate_labels
from pipeline.model.classifier import BALANCED, TopicClassifier
from pipeline.model.thresholds import Objective
from pipeline.predict.cluster.connection import Cluster
from pipeline.schema import LabelledParagraph, Topic

Progress = Callable[[int, int], None]
_WORKERS_WITHIN = 60  # seconds for the first worker to join a scheduler


@dataclass(frozen=True)
class Trained:
    """A fitted classifier with the rows and labels it was fitted on and its cross-validated metrics."""

    topics: tuple[Topic, ...]
    rows: list[LabelledParagraph]
    labels: NDArray[np.bool_]
    model: TopicClassifier
    found: Evaluation

    @property
    def ids(self) -> list[str]:
        """The topic ids in column order."""
        return [topic.id for topic in self.topics]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The out-of-fold scores, float64 [n, k]; 0 for a topic that the fold could not learn."""
        return np.nan_to_num(self.model.oof_scores_, nan=0.0)

    @property
    def label_issues(self) -> str:
        """The rows whose labels the out-of-fold predictions contradict, most suspect first, as JSON lines."""
        model = self.model
        return label_issues(
            self.rows,
            self.ids,
            y_true=self.labels,
            y_pred=model.oof_labels_,
            y_score=model.oof_scores_,
            thresholds=model.thresholds_[BALANCED],
        )


def fit(config: Config, rows: list[LabelledParagraph], topics: tuple[Topic, ...], progress: Progress) -> Trained:
    """Fit the configured classifier on rows, near-duplicate articles in one fold, and measure it out of fold."""
    texts = [row.text for row in rows]
    articles = [row.article for row in rows]
    ids = [topic.id for topic in topics]
    labels = label_matrix(rows, ids)
    groups = fold_groups(config, rows)
    try:
        model = classifier(config).fit(texts, labels, groups, progress=progress)
    except ValueError as error:
        raise DataError(f"{', '.join(config.data.train)}: {error}") from None
    weights = article_weights(articles, random_state=config.random_state)
    scores = np.nan_to_num(model.oof_scores_, nan=0.0)
    found = evaluate_labels(ids, labels, model.oof_labels_, scores, weights)
    return Trained(topics, rows, labels, model, found)


@contextmanager
def folds_on(scheduler: str | None, workers: int = 1) -> Iterator[None]:
    """Let Dask's workers cross-validate in the block; the results are those of this process.

    Parameters
    ----------
    scheduler : str or None
        The address of a scheduler, `local` for workers on this machine, None for this process's threads.
    workers : int
        Processes of `local`.

    Raises
    ------
    ClusterError
        Where the scheduler or its workers do not answer.

    """
    if scheduler is None:
        yield
        return
    with Cluster(scheduler, workers).connected() as client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_WITHIN)
        except TimeoutError:
            raise ClusterError(f"{scheduler}: no worker joined it in {_WORKERS_WITHIN} s") from None
        with parallel_config(backend="dask"):
            yield


def classifier(config: Config) -> TopicClassifier:
    """Return the classifier that a config describes, not yet fitted."""
    return TopicClassifier(
        **config.features.model_dump(),
        **config.classifier.model_dump(),
        prevalence=config.thresholds.prevalence,
        operating_points=operating_points(config.thresholds),
        cv=config.split.cv,
        random_state=config.random_state,
        n_jobs=-1,
    )


def operating_points(settings: ThresholdSettings) -> dict[str, Objective]:
    """Return what the thresholds of each named operating point are chosen for."""
    return {
        name: Objective(settings.objective, prevalence, settings.cost_ratio, settings.shrinkage)
        for name, prevalence in settings.points
    }


def fold_groups(config: Config, rows: Sequence[LabelledParagraph]) -> list[str]:
    """Name the group of each row, whose rows share a fold: its writer or article, joined by near-duplicates.

    Articles are the groups where there are fewer writers than folds. Raises DataError where there are fewer groups
    than folds.
    """
    groups, where = _groups(config, rows), ", ".join(config.data.train)
    number, articles = len(set(groups)), len({row.article for row in rows})
    if articles == 1:
        raise DataError(f"{where}: all {len(rows)} training paragraphs are of one article; label at least two")
    if number < config.split.cv:
        tied = f", as near-duplicates tie the {articles} articles together" if number < articles else ""
        fewer = f"set split.cv to {number}, or " if number > 1 else ""
        raise DataError(
            f"{where}: split.cv is {config.split.cv}, but there are only {number} groups to part{tied}; "
            f"{fewer}label more articles"
        )
    return groups


def _groups(config: Config, rows: Sequence[LabelledParagraph]) -> list[str]:
    names = [row.article for row in rows]
    writers = [row.writer or row.article for row in rows]
    if config.split.group_by == "writer" and len(set(writers)) >= config.split.cv:
        names = writers
    if config.split.near_duplicate is None:
        return names
    pairs = near_duplicates([row.text for row in rows], similarity=config.split.near_duplicate)
    return join_near_duplicates(names, pairs)
