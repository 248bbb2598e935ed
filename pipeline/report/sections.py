"""Lay out a model's report: which studies, in which order, with what is to be said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.evaluation.behaviour import Outcome, run_direction, run_invariance, run_minimum
from pipeline.evaluation.tables import Evaluation, Table, tables
from pipeline.report import plots, studies
from pipeline.report.document import Section
from pipeline.report.studies import Probes, Subject


@dataclass(frozen=True)
class Background:
    """What a report says beside the figures on its rows: training, learning curve, probes, seed."""

    seed: int
    probes: Probes = field(default_factory=Probes)
    training: Evaluation | None = None
    curve: Table | None = None


def sections(subject: Subject, evaluations: Mapping[str, Evaluation], background: Background) -> list[Section]:
    """Write all sections of a report on one model and one set of rows."""
    return [
        *_figures(subject, evaluations, background),
        *_behaviour(subject, background),
        *_studies(subject, background),
        *_learning(background),
        *_errors(subject),
    ]


def _figures(subject: Subject, evaluations: Mapping[str, Evaluation], background: Background) -> list[Section]:
    overall, by_topic = tables(evaluations, subject.topics)
    measured = {"out of fold": background.training} if background.training else {}
    measured["these rows"] = evaluations["model"]
    calibration = studies.calibration_table(subject.topics, measured)
    drawn = (subject.topics, subject.scores, subject.labels)
    curves = (
        ("precision_recall", plots.precision_recall(*drawn)),
        ("threshold_curves", plots.threshold_curves(*drawn, subject.scorer.thresholds)),
    )
    reliability = (("reliability", plots.reliability_curves(*drawn)),)
    return [
        Section("figures", "Figures", _FIGURES, (overall,)),
        Section("topics", "By topic", _TOPICS, (by_topic,), curves),
        Section("calibration", "Calibration", _CALIBRATION, (calibration,), reliability),
        Section("confusion", "Confusion between topics", _CONFUSION, (studies.confusion_table(subject),)),
    ]


def outcomes(subject: Subject, probes: Probes) -> list[Outcome]:
    """Run every behaviour suite; invariance is asked of the subject's own rows."""
    return [
        *run_minimum(subject.scorer, probes.minimum),
        *run_direction(subject.scorer, probes.direction),
        *run_invariance(subject.scorer, subject.rows, probes.invariance),
    ]


def _behaviour(subject: Subject, background: Background) -> list[Section]:
    found = outcomes(subject, background.probes)
    if not found:
        return []
    rates = studies.behaviour_table(found, seed=background.seed)
    failures = studies.failure_table(found)
    return [
        Section("behaviour", "Behaviour", _BEHAVIOUR, (rates,)),
        Section("failures", "Behaviour: failures", _FAILURES, (failures,)),
    ]


def _studies(subject: Subject, background: Background) -> list[Section]:
    sliced = studies.slice_table(subject, background.probes.slices)
    return [
        Section("leak-probe", "Leak probe", _LEAK, (studies.leak_table(subject),)),
        Section("slices", "Slices", _SLICES, (sliced,)),
    ]


def _learning(background: Background) -> list[Section]:
    if background.curve is None:
        return []
    drawn = plots.learning_curve(background.curve)
    return [Section("learning-curve", "Learning curve", _CURVE, (background.curve,), (("learning_curve", drawn),))]


def _errors(subject: Subject) -> list[Section]:
    terms = studies.terms_table(subject.scorer, subject.topics)
    return [
        Section("terms", "Strongest terms", _TERMS, (terms,)),
        Section("errors", "Worst errors", _ERRORS, (studies.error_table(subject),)),
    ]


_FIGURES = (
    "The model beside what any model must beat: the most frequent answer, and the topics' own keywords. In "
    "brackets: 95 % intervals from a bootstrap that draws whole articles."
)
_TOPICS = (
    "Figures of the model for each topic, and for paragraphs that have none. The dots are the thresholds in "
    "use, which were chosen on out-of-fold scores and never on these rows."
)
_CALIBRATION = (
    "Expected calibration error: the mean distance between a score and how often it is right, over ten equal "
    "bins. The bootstrap's resamples add noise of their own to it, so intervals lie above the value where it "
    "is small."
)
_CONFUSION = (
    "Rows: topic meant; columns: topic given. On the diagonal are right answers; elsewhere a topic was given "
    "that was not meant. Missed: the row's topic was not given, whatever else was."
)
_BEHAVIOUR = (
    "Minimum functionality: short cases with exact answers. Direction: a clause on a topic raises its score, "
    "and its removal lowers it. Invariance: names, numbers, datelines and typography of these rows are "
    "changed, and the model's labels must stay."
)
_FAILURES = (
    "At most twelve failures of each suite. Invariance: expected is what the model gave to the text unchanged."
)
_LEAK = (
    "Figures again with every topic's title, id and keywords taken out of all texts: what remains is what the "
    "model knows of the subject, beside its name. Recall unnamed: on rows that never had the topic's name, "
    "unmasked."
)
_SLICES = "Slices of at least five rows. Decade: of the date, or of the year that the genre names."
_CURVE = "Trained anew on a share of the training articles, smaller shares within larger ones."
_TERMS = (
    "The terms with the largest weight x idf for and against each topic. A term with an asterisk is the "
    "beginning of a word."
)
_ERRORS = "The surest wrong answers, with the terms that moved the score most, in logits."
