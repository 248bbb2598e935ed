"""Train: labelled paragraphs to a candidate in the registry and its bundle in the output folder."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from pipeline.config import Config, as_yaml, flat, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.errors import OutputError
from pipeline.evaluation import tables as report
from pipeline.evaluation.baselines import most_frequent
from pipeline.evaluation.metrics import figures, point
from pipeline.experiment import Progress, Trained, fit
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle, save_bundle
from pipeline.provenance import surroundings
from pipeline.report import plots
from pipeline.schema import Topic
from pipeline.tracking import CANDIDATE, Tracker

SUSPECTS = "label_noise.jsonl"


def train(config: Config, *, say: Callable[[str], None], progress: Progress) -> None:
    """Run one experiment and publish its model as candidate; nothing is published before all of it is done.

    Tells the sides and the cross-validated figures through `say`. Raises DataError, TrackingError, OutputError.
    """
    started = time.perf_counter()
    folder = Path(config.output)
    topics = read_topics(Path(config.data.topics))
    with _only_training(folder):
        sides = corpus.read_sides(config, [topic.id for topic in topics])
        say(_describe(sides, topics))
        tracker = Tracker(config.tracking, folder)
        with tracker.run() as run_id:
            trained = fit(config, sides.train, topics, progress)
            hashes = {
                "data_sha256": corpus.fingerprint(sides.train),
                "test_sha256": corpus.fingerprint(sides.test),
            }
            about = {"run_id": run_id, **hashes, **surroundings()}
            _log(tracker, config, trained, sides, about)
            _publish(tracker, trained, about, folder)
            tracker.log(metrics={"duration_seconds": time.perf_counter() - started})
    say("\n".join(report.as_text(table) for table in report.tables({"cross-validated": trained.found}, topics)))
    say(f"labels to review, most suspect first: {folder / SUSPECTS}")


@contextmanager
def _only_training(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".training.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise OutputError(f"{folder}: another training is writing here; wait for it to end") from None
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def _describe(sides: corpus.Sides, topics: tuple[Topic, ...]) -> str:
    ids = [topic.id for topic in topics]
    train, test = label_matrix(sides.train, ids), label_matrix(sides.test, ids)
    rows = [["rows with", "train", "test"]]
    rows += [[t.title, str(train[:, c].sum()), str(test[:, c].sum())] for c, t in enumerate(topics)]
    rows.append(["none", str((~train.any(1)).sum()), str((~test.any(1)).sum())])
    rows.append(["all", str(len(train)), str(len(test))])
    left = f"left out: {sides.unlabelled} not labelled, {sides.near_test} nearly repeating a test paragraph\n"
    return report.as_text(rows) + left


def _log(tracker: Tracker, config: Config, trained: Trained, sides: corpus.Sides, about: dict[str, str]) -> None:
    model, labels, scores = trained.model, trained.labels, trained.scores
    for fold in range(config.split.cv):
        part = model.fold_ == fold
        found = figures(trained.ids, labels[part], model.oof_labels_[part], scores[part])
        tracker.log_fold(point(found), fold)
    metrics = {f"cv/{name}": figure.value for name, figure in trained.found.figures.items()}
    for point_name, thresholds in model.thresholds_.items():
        cuts = zip(trained.ids, thresholds.tolist(), strict=True)
        metrics |= {f"threshold/{point_name}/{topic}": cut for topic, cut in cuts}
    metrics |= {f"rows/{name}": float(len(getattr(sides, name))) for name in ("train", "test")}
    tables = report.tables({"cross-validated": trained.found}, trained.topics)
    counted = {"train": labels, "test": label_matrix(sides.test, trained.ids)}
    tracker.log(
        params=flat(config.model_dump(mode="json")),
        metrics=metrics,
        tags=about,
        texts={
            "config.yaml": as_yaml(config),
            "report/training.md": "\n".join(report.as_markdown(table) for table in tables),
            "report/training.json": report.as_json({"cross-validated": trained.found}),
            f"report/{SUSPECTS}": trained.label_noise,
        },
        plots={
            "figures/precision_recall_cv.png": plots.precision_recall(trained.topics, scores, labels),
            "figures/reliability_cv.png": plots.reliability_curves(trained.topics, scores, labels),
            "figures/label_counts.png": plots.label_counts(trained.topics, counted),
        },
    )


def _publish(tracker: Tracker, trained: Trained, about: dict[str, str], folder: Path) -> None:
    """Register first and replace the local files last: a failure on the way leaves the old model in place."""
    common = most_frequent(trained.labels)
    about = {key: about[key] for key in ("run_id", "data_sha256", "test_sha256", "git_commit", "git_dirty")}
    about["most_frequent"] = " ".join(t for t, yes in zip(trained.ids, common, strict=True) if yes)
    seen = np.unique(corpus.text_digests(row.text for row in trained.rows))
    scorer = trained.model.scorer(trained.ids)
    example = pd.DataFrame({"text": [trained.rows[0].text]})
    scores = dict(zip(trained.ids, scorer.scores(list(example["text"])).T, strict=True))
    with (
        atomic_path(folder / f"{CANDIDATE}.safetensors") as bundle,
        atomic_path(folder / "classifier.joblib") as pickled,
        atomic_path(folder / SUSPECTS) as suspects,
    ):
        suspects.write_text(trained.label_noise, encoding="utf-8")
        save_bundle(bundle, Bundle(scorer, trained.topics, seen, about))
        joblib.dump(trained.model, pickled)
        tracker.register(bundle, example, pd.DataFrame({"topics": [[trained.ids[0]]], **scores}))
