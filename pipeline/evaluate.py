"""Evaluate: score the candidate on the test side, report, and make it champion if it passes the gate."""

import json
import tempfile
from pathlib import Path

from pipeline.config import Config, as_yaml, read_topics
from pipeline.data import corpus
from pipeline.errors import BundleError
from pipeline.evaluation import gate
from pipeline.evaluation import tables as report
from pipeline.evaluation.comparison import differences
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.report.findings import Findings, measure, write
from pipeline.report.model_card import Origin, model_card
from pipeline.report.probes import probes_for
from pipeline.report.sections import Background
from pipeline.schema import LabelledParagraph
from pipeline.tracking import CANDIDATE, CHAMPION, ModelVersion, Tracker

CURVE = "report/learning_curve.json"


def evaluate_candidate(config: Config) -> tuple[Findings, list[str]]:
    """Measure the candidate on the test side, report, and make it champion if the gate lets it.

    Writes report.html, report.md, report.json and MODEL_CARD.md to the output folder and logs them. Returns the
    findings and the gate's failures; with any, the champion is what it was.
    """
    folder = Path(config.output)
    tracker = Tracker(config.tracking, folder)
    candidate = the_candidate(tracker)
    with tempfile.TemporaryDirectory() as temporary:
        file = tracker.fetch_bundle(candidate.run_id, Path(temporary))
        bundle, content = load_bundle(file), file.read_bytes()
    rows = _test_rows(config, bundle)
    background = _background(config, tracker, candidate, bundle)
    found = measure("test side", bundle, rows, seed=config.random_state, background=background)
    failures = _gate(config, tracker, bundle, rows, found)
    texts = found.written() | {"MODEL_CARD.md": _card(config, candidate, bundle, found, failures)}
    _log(tracker, candidate, found, failures, texts)
    write(texts, folder)
    if not failures:
        with atomic_path(folder / f"{CHAMPION}.safetensors") as file:
            file.write_bytes(content)
            tracker.set_alias(CHAMPION, candidate)
    return found, failures


def the_candidate(tracker: Tracker) -> ModelVersion:
    """Find the model version that is candidate; raise BundleError where there is none."""
    candidate = tracker.find(CANDIDATE)
    if candidate is None:
        raise BundleError(f"{tracker.uri}: no model is registered as {CANDIDATE}; run `make train` first")
    return candidate


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
    answers = (bundle.scorer.labels(found.scores), found.scores)
    changes = differences(old.topics, found.labels, (old.labels(scores), scores), answers, found.subject.weights)
    return failures + gate.champion_failures(old.topics, changes)


def _test_rows(config: Config, bundle: Bundle) -> list[LabelledParagraph]:
    topics = [topic.id for topic in read_topics(Path(config.data.topics))]
    if topics != list(bundle.scorer.topics):
        raise BundleError(f"{config.data.topics}: other topics than the candidate's; run `make train` again")
    return corpus.read_sides(config, topics).test


def _background(config: Config, tracker: Tracker, candidate: ModelVersion, bundle: Bundle) -> Background:
    training = tracker.read_text(candidate.run_id, "report/training.json")
    curve = tracker.read_text(candidate.run_id, CURVE)
    return Background(
        config.random_state,
        probes_for(config, bundle.scorer.topics),
        next(iter(report.from_json(training).values())) if training else None,
        report.from_records(json.loads(curve)) if curve else None,
    )


def _card(config: Config, candidate: ModelVersion, bundle: Bundle, found: Findings, failures: list[str]) -> str:
    scorer = bundle.scorer
    return model_card(
        Origin(config.tracking.model_name, candidate.number, bundle.about, as_yaml(config)),
        bundle.topics,
        dict(zip(scorer.topics, scorer.thresholds.tolist(), strict=True)),
        found.evaluations,
        training=found.background.training,
        behaviour=next(iter(found.tables.get("behaviour", ())), None),
        failures=failures,
    )


def _log(
    tracker: Tracker, candidate: ModelVersion, found: Findings, failures: list[str], texts: dict[str, str]
) -> None:
    figures = found.evaluations["model"].figures
    rates = {
        f"behaviour/{row[0]}/{row[1]}": row[-1].value
        for table in found.tables.get("behaviour", ())
        for row in table[1:]
        if isinstance(row[-1], report.Figure)
    }
    plots = {f"figures/{name}_test.png": plot for section in found.sections for name, plot in section.plots}
    with tracker.run(candidate.run_id):
        tracker.log(
            metrics={f"test/{name}": figure.value for name, figure in figures.items()} | rates,
            tags={"gate": "; ".join(failures) or "passed"},
            texts={f"report/{name}": text for name, text in texts.items()},
            plots=plots,
        )
