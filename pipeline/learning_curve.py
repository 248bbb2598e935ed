"""Learning curve: what more labelled articles would bring, from the candidate and fits on shares of its data."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.config import Config, as_yaml, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.errors import BundleError
from pipeline.evaluate import CURVE, the_candidate
from pipeline.evaluation import bootstrap as resampling
from pipeline.evaluation import tables as report
from pipeline.evaluation.tables import Evaluation, Row, Table
from pipeline.experiment import Progress, fit
from pipeline.model.bundle import load_bundle
from pipeline.model.scorer import Scorer
from pipeline.schema import LabelledParagraph
from pipeline.tracking import ModelVersion, Tracker

SHARES = (0.12, 0.25, 0.5)
_LOGGED = ("micro_f1", "macro_f1", "macro_average_precision", "none_precision", "none_recall", "exact_match")
Sets = dict[str, list[LabelledParagraph]]
Points = dict[str, tuple[list[LabelledParagraph], dict[str, Evaluation]]]


def learning_curve(
    config: Config, data: Sequence[str], *, say: Callable[[str], None], progress: Progress
) -> Table:
    """Measure fits on 12, 25 and 50 % of the training articles, and the candidate, on the test side and on `data`.

    Logs every point to the candidate's run, where `evaluate` finds the curve for its report. Raises BundleError
    where the candidate was trained on other data or with other settings than the config's.
    """
    tracker = Tracker(config.tracking, Path(config.output))
    candidate = the_candidate(tracker)
    topics = read_topics(Path(config.data.topics))
    ids = [topic.id for topic in topics]
    sides = corpus.read_sides(config, ids)
    scorer = _scorer(tracker, candidate, config, sides.train)
    sets = {"test side": sides.test}
    sets |= {Path(name).name: corpus.labelled(corpus.read([name], ids, unique=False)) for name in data}
    points: Points = {}
    for place, share in enumerate(SHARES):
        progress(place, len(SHARES))
        rows = part(sides.train, share, seed=config.random_state)
        lacking = [t for t, n in zip(ids, label_matrix(rows, ids).sum(0), strict=True) if not n]
        if lacking:
            say(f"{share:.0%} of the training articles have no row with {', '.join(lacking)}: left out")
            continue
        fitted = fit(config, rows, topics, lambda done, total: None).model.scorer(ids)
        points[f"{share:.0%}"] = rows, measured(fitted, sets, seed=config.random_state)
    points["100%"] = sides.train, measured(scorer, sets, seed=config.random_state)
    table = _table(points, list(sets))
    _log(tracker, candidate, points, table)
    return table


def part(rows: Sequence[LabelledParagraph], share: float, *, seed: int) -> list[LabelledParagraph]:
    """Take the rows of a share of the articles; a smaller share is contained in a larger one."""
    articles = sorted({row.article for row in rows}, key=lambda a: hashlib.sha256(f"{seed}:{a}".encode()).digest())
    kept = set(articles[: max(1, round(share * len(articles)))])
    return [row for row in rows if row.article in kept]


def measured(scorer: Scorer, sets: Sets, *, seed: int) -> dict[str, Evaluation]:
    """Evaluate one model on every set of rows."""
    found = {}
    for name, rows in sets.items():
        scores = scorer.scores([row.text for row in rows])
        weights = resampling.article_weights([row.article for row in rows], seed=seed)
        labels = label_matrix(rows, scorer.topics)
        found[name] = report.evaluation(scorer.topics, labels, scorer.labels(scores), scores, weights)
    return found


def _scorer(tracker: Tracker, candidate: ModelVersion, config: Config, rows: list[LabelledParagraph]) -> Scorer:
    with tempfile.TemporaryDirectory() as folder:
        bundle = load_bundle(tracker.fetch_bundle(candidate.run_id, Path(folder)))
    same_settings = tracker.read_text(candidate.run_id, "config.yaml") == as_yaml(config)
    if not same_settings or bundle.about["data_sha256"] != corpus.fingerprint(rows):
        what = "data" if same_settings else "settings"
        raise BundleError(f"the candidate was trained with other {what} than the config's; run `make train` first")
    return bundle.scorer


def _table(points: Points, sets: Sequence[str]) -> Table:
    table: list[Row] = [["share", "articles", "rows", *sets]]
    for share, (rows, found) in points.items():
        articles = len({row.article for row in rows})
        table.append([share, articles, len(rows), *(found[name].figures["macro_f1"] for name in sets)])
    return table


def _log(
    tracker: Tracker,
    candidate: ModelVersion,
    points: Points,
    table: Table,
) -> None:
    with tracker.run(candidate.run_id):
        for rows, found in points.values():
            metrics = {
                f"curve/{name}/{key}": evaluation.figures[key].value
                for name, evaluation in found.items()
                for key in _LOGGED
            }
            tracker.log(metrics=metrics, step=len({row.article for row in rows}))
        tracker.log(texts={CURVE: json.dumps(report.records(table), indent=2)})
