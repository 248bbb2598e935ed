"""Evaluate: score the candidate on the test side, report, and make it champion if it passes the gate."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import corpus, gate, plots, report, resampling
from pipeline.baselines import keyword_labels
from pipeline.bundle import Bundle, load_bundle
from pipeline.calibration import expected_calibration_error
from pipeline.comparison import differences
from pipeline.config import Config, read_topics
from pipeline.errors import BundleError, DataError
from pipeline.experiment import label_matrix
from pipeline.files import writing_whole
from pipeline.schema import LabelledParagraph, Topic
from pipeline.tracking import CANDIDATE, CHAMPION, ModelVersion, Tracker

RESAMPLES = 1000


@dataclass(frozen=True)
class Findings:
    """The model's figures on some rows beside the baselines', and how many of the rows it was trained on."""

    name: str
    topics: tuple[Topic, ...]
    labels: NDArray[np.bool_]
    scores: NDArray[np.float64]
    evaluations: dict[str, report.Evaluation]
    trained_on: int

    def as_text(self) -> str:
        """Give the tables aligned for a terminal."""
        return f"{self._headline()}\n\n" + "\n".join(map(report.as_text, self._tables()))

    def as_markdown(self) -> str:
        """Give the tables in Markdown."""
        return f"# {self._headline()}\n\n" + "\n".join(map(report.as_markdown, self._tables()))

    def as_json(self) -> str:
        """Give every figure as JSON."""
        return report.as_json(self.evaluations, data=self.name, trained_on=self.trained_on)

    def _headline(self) -> str:
        seen = f", {self.trained_on} of them TRAINED ON" if self.trained_on else ""
        return f"{self.name}: {len(self.labels)} paragraphs{seen}; 95 % intervals over articles in brackets"

    def _tables(self) -> list[list[report.Row]]:
        return report.tables(self.evaluations, self.topics)


def evaluate_file(paths: list[str], bundle: Bundle, *, seed: int = 0) -> Findings:
    """Measure a bundle on labelled files; rows without a label are left out. Raises DataError."""
    topics = list(bundle.scorer.topics)
    rows = corpus.labelled(corpus.read(paths, topics, unique=False))
    if not rows:
        raise DataError(f"{', '.join(paths)}: no row is labelled, nothing to measure")
    return measure(", ".join(paths), bundle, rows, seed=seed)


def evaluate_candidate(config: Config) -> tuple[Findings, list[str]]:
    """Measure the candidate on the test side, log it, and make it champion if the gate lets it.

    Returns the findings and the gate's failures; with any, the champion is what it was.
    """
    folder = Path(config.output)
    tracker = Tracker(config.tracking, folder)
    candidate = tracker.find(CANDIDATE)
    if candidate is None:
        raise BundleError(f"{tracker.uri}: no model is registered as {CANDIDATE}; run `make train` first")
    with tempfile.TemporaryDirectory() as temporary:
        file = tracker.fetch_bundle(candidate.run_id, Path(temporary))
        bundle, content = load_bundle(file), file.read_bytes()
    rows = _test_rows(config, bundle)
    found = measure("test side", bundle, rows, seed=config.split.seed)
    failures = _gate(config, tracker, bundle, rows, found)
    _log(tracker, candidate, found, failures)
    with writing_whole(folder / "report.md") as file:
        file.write_text(found.as_markdown(), encoding="utf-8")
    if not failures:
        with writing_whole(folder / f"{CHAMPION}.safetensors") as file:
            file.write_bytes(content)
            tracker.set_alias(CHAMPION, candidate)
    return found, failures


def measure(name: str, bundle: Bundle, rows: list[LabelledParagraph], *, seed: int) -> Findings:
    """Measure a bundle, the most frequent answer and the topics' keywords on the same labelled rows."""
    topics, scorer = bundle.topics, bundle.scorer
    texts = [row.text for row in rows]
    labels = label_matrix(rows, scorer.topics)
    scores = scorer.scores(texts)
    constant = np.isin(scorer.topics, bundle.about["most_frequent"].split())[None].repeat(len(rows), 0)
    keywords = keyword_labels(texts, topics)
    answers = {
        "model": (scorer.labels(scores), scores),
        "most frequent": (constant, constant.astype(float)),
        "keywords": (keywords, keywords.astype(float)),
    }
    weights = resampling.article_weights([row.article for row in rows], resamples=RESAMPLES, seed=seed)
    evaluations = {
        who: report.evaluation(scorer.topics, labels, given, ranked, weights)
        for who, (given, ranked) in answers.items()
    }
    seen = np.isin(corpus.text_digests(texts), bundle.trained_on)
    return Findings(name, topics, labels, scores, evaluations, int(seen.sum()))


def _gate(
    config: Config, tracker: Tracker, bundle: Bundle, rows: list[LabelledParagraph], found: Findings
) -> list[str]:
    """Hold the candidate against the floors and, on the same rows, against the champion."""
    failures = gate.floor_failures(config.gate, found.evaluations["model"])
    if bundle.about["test_sha256"] != corpus.fingerprint(rows):
        failures.append("the test side is not the one that was locked when the candidate was trained; train again")
    champion = tracker.find(CHAMPION)
    if champion is None or champion.run_id == bundle.about["run_id"]:
        return failures
    with tempfile.TemporaryDirectory() as temporary:
        old = load_bundle(tracker.fetch_bundle(champion.run_id, Path(temporary))).scorer
    if old.topics != bundle.scorer.topics:
        return [*failures, f"the champion has other topics: {', '.join(old.topics)}"]
    scores = old.scores([row.text for row in rows])
    weights = resampling.article_weights(
        [row.article for row in rows], resamples=RESAMPLES, seed=config.split.seed
    )
    answers = (bundle.scorer.labels(found.scores), found.scores)
    changes = differences(old.topics, found.labels, (old.labels(scores), scores), answers, weights)
    return failures + gate.champion_failures(old.topics, changes)


def _test_rows(config: Config, bundle: Bundle) -> list[LabelledParagraph]:
    topics = [topic.id for topic in read_topics(Path(config.data.topics))]
    if topics != list(bundle.scorer.topics):
        raise BundleError(f"{config.data.topics}: other topics than the candidate's; run `make train` again")
    return corpus.read_sides(config, topics).test


def _log(tracker: Tracker, candidate: ModelVersion, found: Findings, failures: list[str]) -> None:
    figures = found.evaluations["model"].figures
    errors = {
        f"test/{topic.id}/calibration_error": expected_calibration_error(found.scores[:, c], found.labels[:, c])
        for c, topic in enumerate(found.topics)
    }
    with tracker.run(candidate.run_id):
        tracker.log(
            metrics={f"test/{name}": figure.value for name, figure in figures.items()} | errors,
            tags={"gate": "; ".join(failures) or "passed"},
            texts={"report/test.md": found.as_markdown(), "report/test.json": found.as_json()},
            plots={
                "figures/precision_recall_test.png": plots.precision_recall(
                    found.topics, found.scores, found.labels
                ),
                "figures/reliability_test.png": plots.reliability_curves(found.topics, found.scores, found.labels),
            },
        )
