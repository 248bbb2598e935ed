"""Evaluate: measure the candidate on the test sets, report, and make it champion if it passes the gate."""

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pipeline.config import Config, as_yaml, read_topics
from pipeline.data import corpus
from pipeline.data.behaviour import behaviour_for
from pipeline.errors import BundleError
from pipeline.evaluation import gate
from pipeline.evaluation.comparison import paired_differences
from pipeline.evaluation.estimates import Estimate, from_json
from pipeline.evaluation.tables import as_markdown, from_records, overall_table, topic_table
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle, load_bundle, reference_path
from pipeline.monitoring.reference import Reference, learn_sample, parse_reference
from pipeline.monitoring.sample import by_article, observe
from pipeline.report.evaluation_report import Background, EvaluationReport, write_files
from pipeline.report.measure import MeasuredSet, measure
from pipeline.report.model_card import model_card
from pipeline.report.origin import Origin
from pipeline.steps.changes import Story
from pipeline.steps.check import check_gate
from pipeline.steps.promote import promote
from pipeline.tracking import CANDIDATE, CHAMPION, REFERENCE, ModelVersion, Tracker

_CARDS = {False: "MODEL_CARD.md", True: "MODEL_CARD-refused.md"}
LEARNING_CURVE = "report/learning_curve.json"


def evaluate_candidate(config: Config) -> tuple[EvaluationReport, list[str]]:
    """Measure the candidate on every test set, report, and make it champion if it passes the gate.

    Writes report.html, report.md, report.json and MODEL_CARD.md to the output folder and logs them; of a candidate
    that fails the gate, report-refused.html and so on, beside those of the champion.

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
    champion = tracker.find(CHAMPION)
    failures = _gate_failures(config, tracker, bundle, sets, champion)
    origin = _origin(config, candidate, bundle, failures)
    report = EvaluationReport(sets, _background(config, tracker, candidate, bundle), origin)
    texts = report.files() | {_CARDS[origin.refused]: _card(report)}
    reference = _reference(tracker, bundle, next(iter(sets.items()))).as_json()
    _log(tracker, candidate, report, texts, reference)
    tracker.describe_version(candidate, texts[_CARDS[origin.refused]])
    write_files(texts, folder)
    if (beside := reference_path(folder / f"{CANDIDATE}.safetensors")).exists():
        with atomic_path(beside) as file:
            file.write_text(reference, encoding="utf-8")
    if not failures:
        model = folder / f"{CHAMPION}.safetensors"
        with atomic_path(model) as file, atomic_path(reference_path(model)) as beside:
            file.write_bytes(content)
            beside.write_text(reference, encoding="utf-8")
            if champion is None or champion.number != candidate.number:
                promote(tracker, candidate, replacing=champion, reason=origin.gate)
        tracker.describe_model(candidate)
    return report, failures


def the_candidate(tracker: Tracker) -> ModelVersion:
    """Find the model version that is candidate; raise BundleError where there is none."""
    candidate = tracker.find(CANDIDATE)
    if candidate is None:
        raise BundleError(f"{tracker.uri}: no model is registered as {CANDIDATE}; run `make train` first")
    return candidate


def _gate_failures(
    config: Config, tracker: Tracker, bundle: Bundle, sets: dict[str, MeasuredSet], version: ModelVersion | None
) -> list[str]:
    """Hold the candidate on each gated set against the floors and, on the same rows, against the champion."""
    failures = [] if config.data.duplicates else _trained_on(sets)
    rows = {name: measured.rows for name, measured in sets.items()}
    if bundle.about["test_sha256"] != corpus.fingerprint_sets(rows):
        failures.append("the test sets are not those recorded when the candidate was trained; train again")
    champion = _champion(tracker, version, bundle)
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


def _champion(tracker: Tracker, champion: ModelVersion | None, bundle: Bundle) -> Bundle | None:
    """Open the champion; None where there is none or it is the candidate itself."""
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


def _reference(tracker: Tracker, bundle: Bundle, headline: tuple[str, MeasuredSet]) -> Reference:
    """Add the sample, which is the headline test set, to what training learnt of the model's errors."""
    name, measured = headline
    run_id = bundle.about["run_id"]
    trained = tracker.read_text(run_id, REFERENCE)
    errors = parse_reference(trained, f"run {run_id}").errors if trained else {}
    groups = by_article((row.article, row.text) for row in measured.rows)
    sample = learn_sample(observe(f"test set {name}", groups, bundle))
    return Reference(run_id, bundle.scorer.topics, errors, sample)


def _background(config: Config, tracker: Tracker, candidate: ModelVersion, bundle: Bundle) -> Background:
    training = tracker.read_text(candidate.run_id, "report/training.json")
    curve = tracker.read_text(candidate.run_id, LEARNING_CURVE)
    return Background(
        config.random_state,
        behaviour_for(config, bundle.scorer.topics),
        next(iter(from_json(training).values())) if training else None,
        from_records(json.loads(curve)) if curve else None,
    )


def _origin(config: Config, candidate: ModelVersion, bundle: Bundle, failures: list[str]) -> Origin:
    return Origin(
        bundle.about,
        name=config.tracking.model_name,
        version=candidate.number,
        settings=as_yaml(config),
        evaluated=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        failures=tuple(failures),
        floors=_floors(config),
    )


def _floors(config: Config) -> str:
    return "; ".join(f"{name} {_required(floors)}" for name, floors in config.gate.items())


def _required(floors: Mapping[str, float]) -> str:
    return ", ".join(f"{metric} >= {floor:g}" for metric, floor in floors.items()) or "no worse than before"


def _card(report: EvaluationReport) -> str:
    behaviour = next(iter(report.tables("behaviour")), None)
    return model_card(report.origin, report.sets, training=report.background.training, behaviour=behaviour)


def _log(
    tracker: Tracker,
    candidate: ModelVersion,
    report: EvaluationReport,
    texts: dict[str, str],
    reference: str,
) -> None:
    with tracker.run(candidate.run_id):
        tracker.log(
            metrics={name: estimate.value for name, estimate in _tracked(report).items()},
            tags={"gate": report.origin.gate, "gate_result": _result(report.origin)},
            texts={**{_artifact(name): text for name, text in texts.items()}, REFERENCE: reference},
            plots={f"figures/{name}_test.png": plot for part in report.sections for name, plot in part.plots},
        )
    tags, _, _ = tracker.facts(candidate.run_id)
    told = Story(tags.get("changed", tags.get("mlflow.runName", "")), tags.get("compared_with", ""))
    tracker.describe_run(candidate.run_id, told.as_markdown(_headline(tracker, candidate, report)))


def _artifact(name: str) -> str:
    """Place a page at the top of the run's files, where it is seen, and the others in a folder."""
    return name if name.endswith(".html") else f"report/{name}"


def _result(origin: Origin) -> str:
    return "failed" if origin.refused else "passed" if origin.floors else "none"


def _headline(tracker: Tracker, candidate: ModelVersion, report: EvaluationReport) -> list[str]:
    """Write the verdict, the way to the report, and the table of the headline."""
    page = tracker.page_of(candidate.run_id, f"{report.name}.html")
    measured = report.headline
    return [
        f"**{report.origin.verdict}** [Report]({page}), version {candidate.number} of {report.origin.name}.",
        measured.headline,
        as_markdown(overall_table({"model": measured.model})),
        as_markdown(topic_table(measured.model, measured.topics)),
    ]


def _tracked(report: EvaluationReport) -> dict[str, Estimate]:
    """Name what is logged: `test/...` for the headline, `test/<set>/...` for the others, `behaviour/...`."""
    tracked = {f"test/{name}": estimate for name, estimate in report.headline.model.metrics.items()}
    for name, measured in list(report.sets.items())[1:]:
        tracked |= {f"test/{name}/{metric}": estimate for metric, estimate in measured.model.metrics.items()}
    for table in report.tables("behaviour"):
        tracked |= {f"behaviour/{row[0]}/{row[1]}": row[-1] for row in table.itertuples(index=False, name=None)}
    return tracked
