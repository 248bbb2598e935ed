"""Measure a model on labelled rows, beside what any model has to beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.data.corpus import label_matrix, text_digests
from pipeline.evaluation.baselines import keyword_labels
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.estimates import (
    Estimate,
    Evaluation,
    ReliabilityBin,
    estimate_share,
    evaluate_labels,
    reliability_bins,
)
from pipeline.model.bundle import Bundle
from pipeline.model.scorer import Scorer
from pipeline.schema import LabelledParagraph, Topic

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class MeasuredSet:
    """A model's predictions on one set of n labelled rows, and their metrics beside the baselines'.

    Parameters
    ----------
    title : str
        What the rows are.
    topics : tuple of Topic
        The k topics, in column order.
    scorer : Scorer
    rows : sequence of LabelledParagraph
    y_true : bool array of shape (n, k)
    y_score : float64 array of shape (n, k)
    weights : float64 array of shape (1 + B, n)
        Bootstrap weights of the rows.
    evaluations : dict of str to Evaluation
        Of `model`, `most frequent` and `keywords`.
    trained_on : int
        How many of the rows the model was trained on.
    unlabelled : int
        How many more rows there are that have no label.

    """

    title: str
    topics: tuple[Topic, ...]
    scorer: Scorer
    rows: Sequence[LabelledParagraph]
    y_true: Bools
    y_score: Floats
    weights: Floats
    evaluations: dict[str, Evaluation]
    trained_on: int
    unlabelled: int = 0

    @property
    def model(self) -> Evaluation:
        """The model's own metrics."""
        return self.evaluations["model"]

    @cached_property
    def y_pred(self) -> Bools:
        """The labels that the model predicts, bool [n, k]."""
        return self.scorer.labels(self.y_score)

    @property
    def texts(self) -> list[str]:
        """The rows' texts."""
        return [row.text for row in self.rows]

    @cached_property
    def reliability(self) -> list[list[ReliabilityBin]]:
        """For each topic, how often it is true against its score."""
        articles = [row.article for row in self.rows]
        columns = range(len(self.topics))
        return [reliability_bins(self.y_score[:, k], self.y_true[:, k], self.weights, articles) for k in columns]

    @property
    def headline(self) -> str:
        """What was measured, in one line."""
        seen = f", {self.trained_on} of them TRAINED ON" if self.trained_on else ""
        more = f", {self.unlabelled} more are not labelled and left out" if self.unlabelled else ""
        return f"{self.title}: {len(self.rows)} paragraphs{seen}{more}; 95 % intervals over articles in brackets"

    def share(self, passed: Bools, among: Bools) -> Estimate:
        """Estimate the share of rows that passed, of those marked in `among`, both bool [n]."""
        articles = {row.article for row, counts in zip(self.rows, among, strict=True) if counts}
        return estimate_share(passed[among], self.weights[:, among], units=len(articles))


def measure(
    title: str, bundle: Bundle, rows: Sequence[LabelledParagraph], *, random_state: int, unlabelled: int = 0
) -> MeasuredSet:
    """Measure a model, the most frequent label set and the topics' keywords on the same labelled rows.

    Parameters
    ----------
    title : str
        What the rows are, for headings.
    bundle : Bundle
    rows : sequence of LabelledParagraph
        Rows without a label count as `none`; leave them out before.
    random_state : int
        Seeds the bootstrap.
    unlabelled : int, default 0
        How many rows without a label were left out, for the headline.

    Returns
    -------
    MeasuredSet

    """
    scorer, texts = bundle.scorer, [row.text for row in rows]
    y_true, y_score = label_matrix(rows, scorer.topics), scorer.scores(texts)
    constant = np.isin(scorer.topics, bundle.about["most_frequent"].split())[None].repeat(len(rows), 0)
    keywords = keyword_labels(texts, bundle.topics)
    predicted = {
        "model": (scorer.labels(y_score), y_score),
        "most frequent": (constant, constant.astype(float)),
        "keywords": (keywords, keywords.astype(float)),
    }
    weights = article_weights([row.article for row in rows], random_state=random_state)
    evaluations = {
        who: evaluate_labels(scorer.topics, y_true, y_pred, scores, weights)
        for who, (y_pred, scores) in predicted.items()
    }
    trained_on = int(np.isin(text_digests(texts), bundle.trained_on).sum())
    measured = (rows, y_true, y_score, weights, evaluations, trained_on, unlabelled)
    return MeasuredSet(title, bundle.topics, scorer, *measured)
