"""Evaluate: measure the candidate on the test sets, report, and make it champion if it passes the gate."""

import json
import tempfile
from pathlib import Path

import numpy as np

from pipeline.config import Config, as_yaml, read_topics
from pipeline.data import corpus
from pipeline.data.behaviour import behaviour_for
from pipeline.errors import BundleError
from pipeline.evaluation import gate
from pipeline.evaluation.comparison import paired_differences
from pipeline.evaluation.estimates import Estimate, from_json
from pipeline.evaluation.tables import from_records
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.report.evaluation_report import Background, EvaluationReport, write_files
from pipeline.report.measure import MeasuredSet, measure
from pipeline.report.model_card import Origin, model_card
from pipeline.steps.check import check_gate
from pipeline.tracking import CANDIDATE, CHAMPION, ModelVersion, Tracker

LEARNING_CURVE = "report/learning_curve.json"


def evaluate_candidate(config: Config) -> tuple[EvaluationReport, list[str]]:
    """Measure the candidate on every test set, report, and make it champion if it passes the gate.

    Writes report.html, report.md, report.json and MODEL_CARD.md to the output folder and logs them.

    Parameters
    ----------
    config : Config

    Returns
    -------
    report : EvaluationReport
    failures : list of str
        Where the candidate fails the gate, in words; with any, the champion is what it was.

    Raises
    ------
    BundleError
        Without a candidate, or where it has other topics than the config.
    DataError, TrackingError, OutputError

    """
    folder = Path(config.output)
    tracker = Tracker(config.tracking, folder)
    candidate = the_candidate(tracker)
    with tempfile.TemporaryDirectory() as temporary:
        file = tracker.fetch_bundle(candidate.run_id, Path(temporary))
        bundle, content = load_bundle(file), file.read_bytes()
    split = _split(config, bundle)
    sets = {
        name: measure(
            f"test set {name}",
            bundle,
            rows,
            random_state=config.random_state,
            unlabelled=split.test_unlabelled[name],
        )
        for name, rows in split.test.items()
    }
    report = EvaluationReport(sets, _background(config, tracker, candidate, bundle))
    failures = _gate_failures(config, tracker, bundle, sets)
    texts = report.files() | {"MODEL_CARD.md": _card(config, candidate, bundle, report, failures)}
    _log(tracker, candidate, report, failures, texts, passed="passed" if config.gate else "none configured")
    write_files(texts, folder)
    if not failures:
        with atomic_path(folder / f"{CHAMPION}.safetensors") as file:
            file.write_bytes(content)
            tracker.set_alias(CHAMPION, candidate)
    return report, failures


def the_candidate(tracker: Tracker) -> ModelVersion:
    """Find the model version that is candidate; raise BundleError where there is none."""
    candidate = tracker.find(CANDIDATE)
    if candidate is None:
        raise BundleError(f"{tracker.uri}: no model is registered as {CANDIDATE}; run `make train` first")
    return candidate


def _gate_failures(config: Config, tracker: Tracker, bundle: Bundle, sets: dict[str, MeasuredSet]) -> list[str]:
    """Hold the candidate on each gated set against the floors and, on the same rows, against the champion."""
    failures = [] if config.data.duplicates else _trained_on(sets)
    rows = {name: measured.rows for name, measured in sets.items()}
    if bundle.about["test_sha256"] != corpus.fingerprint_sets(rows):
        failures.append("the test sets are not those recorded when the candidate was trained; train again")
    champion = _champion(tracker, bundle)
    if champion is not None and champion.scorer.topics != bundle.scorer.topics:
        failures.append(f"the champion has other topics: {', '.join(champion.scorer.topics)}")
        champion = None
    for name, floors in config.gate.items():
        missed = gate.floor_failures(floors, sets[name].model)
        missed += _worse_than(champion, sets[name]) if champion is not None else []
        failures += [f"{name}: {failure}" for failure in missed]
    return failures


def _trained_on(sets: dict[str, MeasuredSet]) -> list[str]:
    return [
        f"{name}: {measured.trained_on} of its {len(measured.rows)} paragraphs were trained on; train again"
        for name, measured in sets.items()
        if measured.trained_on
    ]


def _champion(tracker: Tracker, bundle: Bundle) -> Bundle | None:
    """Open the champion; None where there is none or it is the candidate itself."""
    champion = tracker.find(CHAMPION)
    if champion is None or champion.run_id == bundle.about["run_id"]:
        return None
    with tempfile.TemporaryDirectory() as temporary:
        return load_bundle(tracker.fetch_bundle(champion.run_id, Path(temporary)))


def _worse_than(champion: Bundle, measured: MeasuredSet) -> list[str]:
    """List where the candidate is worse, on rows that the champion was not trained on: sets can be drawn anew."""
    fresh = ~np.isin(corpus.text_digests(measured.texts), champion.trained_on)
    if not fresh.any():
        return []
    scorer = champion.scorer
    y_score = scorer.scores(measured.texts)
    before, after = (scorer.labels(y_score), y_score), (measured.y_pred, measured.y_score)
    first, second = ((y_pred[fresh], scores[fresh]) for y_pred, scores in (before, after))
    weights = measured.weights[:, fresh]
    differences = paired_differences(scorer.topics, measured.y_true[fresh], first, second, weights)
    return gate.champion_failures(scorer.topics, differences)


def _split(config: Config, bundle: Bundle) -> corpus.Split:
    topics = [topic.id for topic in read_topics(Path(config.data.topics))]
    check_gate(config, topics)
    if topics != list(bundle.scorer.topics):
        raise BundleError(f"{config.data.topics}: other topics than the candidate's; run `make train` again")
    return corpus.read_split(config, topics)


def _background(config: Config, tracker: Tracker, candidate: ModelVersion, bundle: Bundle) -> Background:
    training = tracker.read_text(candidate.run_id, "report/training.json")
    curve = tracker.read_text(candidate.run_id, LEARNING_CURVE)
    return Background(
        config.random_state,
        behaviour_for(config, bundle.scorer.topics),
        next(iter(from_json(training).values())) if training else None,
        from_records(json.loads(curve)) if curve else None,
    )


def _card(
    config: Config, candidate: ModelVersion, bundle: Bundle, report: EvaluationReport, failures: list[str]
) -> str:
    return model_card(
        Origin(config.tracking.model_name, candidate.number, bundle.about, as_yaml(config)),
        report.sets,
        training=report.background.training,
        behaviour=next(iter(report.tables("behaviour")), None),
        failures=failures,
        gated=bool(config.gate),
    )


def _log(
    tracker: Tracker,
    candidate: ModelVersion,
    report: EvaluationReport,
    failures: list[str],
    texts: dict[str, str],
    *,
    passed: str,
) -> None:
    with tracker.run(candidate.run_id):
        tracker.log(
            metrics={name: estimate.value for name, estimate in _tracked(report).items()},
            tags={"gate": "; ".join(failures) or passed},
            texts={f"report/{name}": text for name, text in texts.items()},
            plots={f"figures/{name}_test.png": plot for part in report.sections for name, plot in part.plots},
        )


def _tracked(report: EvaluationReport) -> dict[str, Estimate]:
    """Name what is logged: `test/...` for the headline, `test/<set>/...` for the others, `behaviour/...`."""
    tracked = {f"test/{name}": estimate for name, estimate in report.headline.model.metrics.items()}
    for name, measured in list(report.sets.items())[1:]:
        tracked |= {f"test/{name}/{metric}": estimate for metric, estimate in measured.model.metrics.items()}
    for table in report.tables("behaviour"):
        tracked |= {f"behaviour/{row[0]}/{row[1]}": row[-1] for row in table.itertuples(index=False, name=None)}
    return tracked
