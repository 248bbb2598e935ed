"""Train: labelled paragraphs to a candidate in the registry and its bundle in the output folder."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from matplotlib.figure import Figure

from pipeline.config import Config, as_yaml, flat
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.errors import OutputError
from pipeline.evaluation.baselines import most_frequent
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.estimates import as_json, reliability_bins
from pipeline.evaluation.metrics import compute_metrics, point_values
from pipeline.evaluation.tables import as_markdown, as_text, overall_table, topic_table
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle, reference_path, save_bundle
from pipeline.model.scorer import Scorer
from pipeline.monitoring.reference import Reference, learn_errors
from pipeline.predict.frame import predict_frame
from pipeline.provenance import surroundings
from pipeline.report import plots
from pipeline.schema import Example, LabelledParagraph, Topic
from pipeline.steps.changes import Ingredients, tell_story
from pipeline.steps.check import check
from pipeline.steps.experiment import Progress, Trained, fit
from pipeline.tracking import CANDIDATE, REFERENCE, LoggedData, Tracker

LABEL_ISSUES = "label_issues.jsonl"
_NOT_EVALUATED = "Not evaluated yet: `topics evaluate` measures it on the test sets and applies the gate."
_OF_A_TOPIC = "/"  # in a metric's name; by fold, these would be most of MLflow's list


def train(config: Config, *, name: str = "", say: Callable[[str], None], progress: Progress) -> None:
    """Run one experiment and publish its model as candidate; nothing is published before all of it is done.

    The run is named by what it changed, and tagged with the name of the config. Tells the split and the
    cross-validated metrics through `say`. Raises DataError, TrackingError, OutputError.
    """
    started = time.perf_counter()
    folder = Path(config.output)
    with _only_training(folder):
        checked = check(config)
        say(checked.as_text())
        split = checked.split
        tracker = Tracker(config.tracking, folder)
        tags = _tags(config, split, checked.topics)
        made = Ingredients(flat(config.model_dump(mode="json")), len(split.train), tags)
        told = tell_story(tracker, made)
        with tracker.run(name=told.name) as run_id:
            tracker.log(tags={**tags, "config": name, "changed": told.name, "compared_with": told.compared_with})
            tracker.log_data(_data(config, split, tags))
            trained = fit(config, split.train, checked.topics, progress)
            about = {"run_id": run_id, "languages": " ".join(config.data.languages), **tags}
            _log(tracker, config, trained, split, about)
            tracker.describe_run(run_id, told.as_markdown([_NOT_EVALUATED, *map(as_markdown, _tables(trained))]))
            _publish(tracker, trained, checked.examples, about, config)
            tracker.log(metrics={"duration_seconds": time.perf_counter() - started})
    say("\n".join(map(as_text, _tables(trained))))
    say(f"labels to review, most suspect first: {folder / LABEL_ISSUES}")


@contextmanager
def _only_training(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".training.lock", blocking=False)
        lock.acquire()
    except Timeout:
        raise OutputError(f"{folder}: another training is writing here; wait for it to end") from None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def _tags(config: Config, split: corpus.Split, topics: tuple[Topic, ...]) -> dict[str, str]:
    """Return what runs are told apart and filtered by."""
    declared = json.dumps([[topic.id, topic.title, topic.definition] for topic in topics])
    return {
        "data_sha256": corpus.fingerprint(split.train),
        "test_sha256": corpus.fingerprint_sets(split.test),
        "label_set": Path(config.data.topics).stem,
        "label_set_sha256": sha256(declared.encode()).hexdigest(),
        **surroundings(),
    }


def _data(config: Config, split: corpus.Split, tags: dict[str, str]) -> list[LoggedData]:
    """Describe the rows of the run: those of training, and of each test set."""
    files = ", ".join(config.data.train)
    found = [LoggedData("train", files, "training", tags["data_sha256"], _counts(split.train))]
    for name, rows in split.test.items():
        source = ", ".join(config.data.test[name].files) or files
        found.append(LoggedData(name, source, "evaluation", corpus.fingerprint(rows), _counts(rows)))
    return found


def _counts(rows: list[LabelledParagraph]) -> dict[str, int]:
    topics = Counter(topic for row in rows for topic in row.topics or ())
    return {"num_rows": len(rows), "none": sum(not row.topics for row in rows), **dict(sorted(topics.items()))}


def _tables(trained: Trained) -> tuple[pd.DataFrame, pd.DataFrame]:
    return overall_table({"cross-validated": trained.found}), topic_table(trained.found, trained.topics)


def _log(tracker: Tracker, config: Config, trained: Trained, split: corpus.Split, about: dict[str, str]) -> None:
    model, labels, scores = trained.model, trained.labels, trained.scores
    metrics = {f"cv/{name}": estimate.value for name, estimate in trained.found.metrics.items()}
    for point_name, thresholds in model.thresholds_.items():
        cuts = zip(trained.ids, thresholds.tolist(), strict=True)
        metrics |= {f"threshold/{point_name}/{topic}": cut for topic, cut in cuts}
    parts = {"train": split.train, **split.test}
    metrics |= {f"rows/{name}": float(len(rows)) for name, rows in parts.items()}
    tracker.log(
        params=flat(config.model_dump(mode="json")),
        metrics=metrics,
        tags=about,
        texts={
            "config.yaml": as_yaml(config),
            "report/training.md": "\n".join(map(as_markdown, _tables(trained))),
            "report/training.json": as_json({"cross-validated": trained.found}),
            f"report/{LABEL_ISSUES}": trained.label_issues,
        },
        plots={
            "figures/precision_recall_cv.png": plots.precision_recall(trained.topics, scores, labels),
            "figures/reliability_cv.png": _reliability(trained),
            "figures/label_counts.png": plots.label_shares(
                trained.topics, {name: label_matrix(rows, trained.ids) for name, rows in parts.items()}
            ),
        },
    )
    for fold in range(config.split.cv):
        part = model.fold_ == fold
        found = compute_metrics(trained.ids, labels[part], model.oof_labels_[part], scores[part])
        overall = {name: value for name, value in point_values(found).items() if _OF_A_TOPIC not in name}
        tracker.log_fold(overall, fold)


def _reliability(trained: Trained) -> Figure:
    articles = [row.article for row in trained.rows]
    weights = article_weights(articles, random_state=0)
    bins = [
        reliability_bins(trained.model.oof_scores_[:, column], trained.labels[:, column], weights, articles)
        for column in range(len(trained.topics))
    ]
    return plots.reliability(trained.topics, bins, title="Reliability, cross-validated")


def _publish(
    tracker: Tracker, trained: Trained, examples: tuple[Example, ...], about: dict[str, str], config: Config
) -> None:
    """Register first and replace the local files last: a failure on the way leaves the old model in place."""
    file = Path(config.output) / f"{CANDIDATE}.safetensors"
    common = most_frequent(trained.labels)
    kept = ("run_id", "data_sha256", "test_sha256", "languages", "git_commit", "git_dirty")
    about = {key: about[key] for key in kept}
    about["most_frequent"] = " ".join(t for t, yes in zip(trained.ids, common, strict=True) if yes)
    seen = np.unique(corpus.text_digests(row.text for row in trained.rows))
    scorer = trained.model.scorer(trained.ids)
    example = pd.DataFrame({"text": [trained.rows[0].text]})
    answer = predict_frame(scorer, pd.Series([trained.rows[0].text, None], name="text"))  # every column may miss
    answer["topics"] = pd.Series([[trained.ids[0]], None])  # the type of an empty list is not known
    reference = _reference(trained, scorer, about["run_id"], config).as_json()
    with (
        atomic_path(file) as bundle,
        atomic_path(reference_path(file)) as beside,
        atomic_path(file.with_name("classifier.joblib")) as pickled,
        atomic_path(file.with_name(LABEL_ISSUES)) as suspects,
    ):
        suspects.write_text(trained.label_issues, encoding="utf-8")
        beside.write_text(reference, encoding="utf-8")
        tracker.log(texts={REFERENCE: reference})
        save_bundle(bundle, Bundle(scorer, trained.topics, seen, about, examples))
        joblib.dump(trained.model, pickled)
        tracker.register(bundle, example, answer)


def _reference(trained: Trained, scorer: Scorer, run_id: str, config: Config) -> Reference:
    articles, prevalence = [row.article for row in trained.rows], config.thresholds.prevalence
    errors = learn_errors(scorer, trained.labels, trained.scores, articles, prevalence=prevalence)
    return Reference(run_id, scorer.topics, errors)
