"""Learning curve: what more labelled articles would bring, from the candidate and fits on shares of its data."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from pipeline.config import Config, as_yaml, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.errors import BundleError, DataError
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.estimates import Evaluation, evaluate_labels
from pipeline.evaluation.tables import to_records
from pipeline.model.bundle import load_bundle
from pipeline.model.scorer import Scorer
from pipeline.schema import LabelledParagraph
from pipeline.steps.evaluate import LEARNING_CURVE, the_candidate
from pipeline.steps.experiment import Progress, fit
from pipeline.tracking import ModelVersion, Tracker

SHARES = (0.12, 0.25, 0.5)
_LOGGED = ("micro_f1", "macro_f1", "macro_average_precision", "none_precision", "none_recall", "exact_match")
Rows = Sequence[LabelledParagraph]
Points = dict[str, tuple[Rows, dict[str, Evaluation]]]


def learning_curve(
    config: Config, data: Sequence[str], *, say: Callable[[str], None], progress: Progress
) -> pd.DataFrame:
    """Measure fits on 12, 25 and 50 % of the training articles, and the candidate, on every test set and file.

    Every point is logged to the candidate's run, where `evaluate` finds the curve for its report.

    Parameters
    ----------
    config : Config
    data : sequence of str
        Labelled files to measure on beside the test sets.
    say : callable
        Takes a line for the user.
    progress : callable
        Takes steps done and steps in all.

    Returns
    -------
    DataFrame
        A row a share: `share`, `articles`, `rows`, and the macro-F1 on each set as an Estimate.

    Raises
    ------
    BundleError
        Where the candidate was trained on other data or with other settings than the config's.

    """
    tracker = Tracker(config.tracking, Path(config.output))
    candidate = the_candidate(tracker)
    topics = read_topics(Path(config.data.topics))
    ids = [topic.id for topic in topics]
    split = corpus.read_split(config, ids)
    scorer = _scorer(tracker, candidate, config, split.train)
    sets: dict[str, Rows] = {**split.test}
    for name in data:
        sets[Path(name).name], unlabelled = corpus.read_labelled([name], ids)
        if unlabelled:
            say(f"{name}: {unlabelled} rows are not labelled and left out")
    points: Points = {}
    for place, share in enumerate(SHARES):
        progress(place, len(SHARES))
        rows = part(split.train, share, random_state=config.random_state)
        if lacking := _lacking(rows, ids):
            say(f"{share:.0%} of the training articles have no row with {', '.join(lacking)}: left out")
            continue
        try:
            fitted = fit(config, rows, topics, lambda done, total: None).model.scorer(ids)
        except DataError as error:
            say(f"{share:.0%} of the training articles are too few: {error}: left out")
            continue
        points[f"{share:.0%}"] = rows, evaluate_sets(fitted, sets, random_state=config.random_state)
    points["100%"] = split.train, evaluate_sets(scorer, sets, random_state=config.random_state)
    table = _table(points)
    _log(tracker, candidate, points, table)
    return table


def _lacking(rows: Rows, topics: Sequence[str]) -> list[str]:
    counts = label_matrix(rows, topics).sum(0).tolist()
    return [topic for topic, count in zip(topics, counts, strict=True) if not count]


def part(rows: Rows, share: float, *, random_state: int) -> list[LabelledParagraph]:
    """Take the rows of a share of the articles; a smaller share is contained in a larger one."""

    def rank(article: str) -> bytes:
        return hashlib.sha256(f"{random_state}:{article}".encode()).digest()

    articles = sorted({row.article for row in rows}, key=rank)
    kept = set(articles[: max(1, round(share * len(articles)))])
    return [row for row in rows if row.article in kept]


def evaluate_sets(scorer: Scorer, sets: Mapping[str, Rows], *, random_state: int) -> dict[str, Evaluation]:
    """Measure one model on every set of rows."""
    found = {}
    for name, rows in sets.items():
        y_score = scorer.scores([row.text for row in rows])
        weights = article_weights([row.article for row in rows], random_state=random_state)
        y_true = label_matrix(rows, scorer.topics)
        found[name] = evaluate_labels(scorer.topics, y_true, scorer.labels(y_score), y_score, weights)
    return found


def _scorer(tracker: Tracker, candidate: ModelVersion, config: Config, rows: Rows) -> Scorer:
    with tempfile.TemporaryDirectory() as folder:
        bundle = load_bundle(tracker.fetch_bundle(candidate.run_id, Path(folder)))
    same_settings = tracker.read_text(candidate.run_id, "config.yaml") == as_yaml(config)
    if not same_settings or bundle.about["data_sha256"] != corpus.fingerprint(rows):
        what = "data" if same_settings else "settings"
        raise BundleError(f"the candidate was trained with other {what} than the config's; run `make train` first")
    return bundle.scorer


def _table(points: Points) -> pd.DataFrame:
    rows = [
        {
            "share": share,
            "articles": _articles(trained_on),
            "rows": len(trained_on),
            **{name: evaluation.metrics["macro_f1"] for name, evaluation in found.items()},
        }
        for share, (trained_on, found) in points.items()
    ]
    return pd.DataFrame(rows)


def _articles(rows: Rows) -> int:
    return len({row.article for row in rows})


def _log(tracker: Tracker, candidate: ModelVersion, points: Points, table: pd.DataFrame) -> None:
    with tracker.run(candidate.run_id):
        for rows, found in points.values():
            metrics = {
                f"curve/{name}/{metric}": evaluation.metrics[metric].value
                for name, evaluation in found.items()
                for metric in _LOGGED
            }
            tracker.log(metrics=metrics, step=_articles(rows))
        tracker.log(texts={LEARNING_CURVE: json.dumps(to_records(table), indent=2)})
