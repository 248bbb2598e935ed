"""The report on a model: metrics on one or several test sets, and studies of the first, made when asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from pipeline.data import corpus
from pipeline.evaluation.behaviour import BehaviourCases, run_behaviour
from pipeline.evaluation.estimates import Evaluation, as_json
from pipeline.evaluation.tables import as_text, overall_table, topic_table
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle
from pipeline.report import plots, studies
from pipeline.report.document import Section, html, markdown, section_records
from pipeline.report.measure import MeasuredSet, measure
from pipeline.report.origin import Origin

_IN_TERMINAL = ("figures", "topics", "behaviour", "leak-probe", "slices")


@dataclass(frozen=True)
class Background:
    """What a report says beside the metrics on its rows.

    Parameters
    ----------
    random_state : int
        Seeds the bootstrap of behavioural tests.
    behaviour : BehaviourCases, optional
    training : Evaluation, optional
        The cross-validated metrics.
    learning_curve : DataFrame, optional

    """

    random_state: int
    behaviour: BehaviourCases = field(default_factory=BehaviourCases)
    training: Evaluation | None = None
    learning_curve: pd.DataFrame | None = None


@dataclass(frozen=True)
class EvaluationReport:
    """What a model is worth on its test sets.

    Parameters
    ----------
    sets : dict of str to MeasuredSet
        The headline first; the studies are made of it.
    background : Background
    origin : Origin

    """

    sets: dict[str, MeasuredSet]
    background: Background
    origin: Origin

    @property
    def headline(self) -> MeasuredSet:
        """The first test set."""
        return next(iter(self.sets.values()))

    @cached_property
    def sections(self) -> list[Section]:
        """The sections of the full report."""
        verdict, *config = self.origin.sections()
        return [
            verdict,
            *_metrics(self.headline),
            *_calibration(self.sets, self.background.training),
            *(_test_set(name, measured) for name, measured in list(self.sets.items())[1:]),
            _confusion(self.headline),
            *_behaviour(self.headline, self.background),
            *_leak_and_slices(self.headline, self.background),
            *_learning_curve(self.background),
            *_errors(self.headline),
            *config,
        ]

    def tables(self, section: str) -> tuple[pd.DataFrame, ...]:
        """Return the tables of a section by its id, none where the report has no such section."""
        return next((found.tables for found in self.sections if found.id == section), ())

    def to_frame(self) -> pd.DataFrame:
        """Return every metric of the model and of the baselines on every set.

        Returns
        -------
        DataFrame
            Indexed by set, model and metric, with columns value, low and high.

        """
        frames = {
            (name, who): evaluation.to_frame()
            for name, measured in self.sets.items()
            for who, evaluation in measured.evaluations.items()
        }
        return pd.concat(frames, names=["set", "model"])

    def as_text(self) -> str:
        """Align the most important tables for a terminal, the headline first."""
        shown = [table for section in _IN_TERMINAL for table in self.tables(section)]
        parts = [f"{self.headline.headline}\n", *map(as_text, shown)]
        for measured in list(self.sets.values())[1:]:
            parts += [f"{measured.headline}\n", *map(as_text, _set_tables(measured))]
        return "\n".join(parts)

    def as_markdown(self) -> str:
        """Write the full report in Markdown, without its plots."""
        return markdown(self.headline.headline, self.sections)

    def as_html(self) -> str:
        """Write the full report as one page."""
        return html(f"Topics report: {self.headline.title}", self.sections, lead=self.headline.headline)

    def as_json(self) -> str:
        """Write every metric as JSON: the headline's at the top, and those of every set by its name."""
        sets = {
            name: {
                "data": measured.title,
                "trained_on": measured.trained_on,
                "models": {who: found.to_dict() for who, found in measured.evaluations.items()},
            }
            for name, measured in self.sets.items()
        }
        first, studied = self.headline, section_records(self.sections)
        known = {"data": first.title, "trained_on": first.trained_on, "origin": self.origin.to_dict()}
        return as_json(first.evaluations, **known, sets=sets, sections=studied)

    @property
    def name(self) -> str:
        """The name of the report's files, without the ending."""
        return "report-refused" if self.origin.refused else "report"

    def files(self) -> dict[str, str]:
        """Return the report's files by name, which tells a refused model's from those of the model in use."""
        name = self.name
        return {f"{name}.html": self.as_html(), f"{name}.md": self.as_markdown(), f"{name}.json": self.as_json()}


def evaluate_files(
    paths: Sequence[str], bundle: Bundle, *, random_state: int = 0, behaviour: BehaviourCases | None = None
) -> EvaluationReport:
    """Measure a model on labelled files; rows without a label are left out.

    Parameters
    ----------
    paths : sequence of str
        Files of labelled paragraphs, or folders of them.
    bundle : Bundle
    random_state : int, default 0
        Seeds the bootstrap.
    behaviour : BehaviourCases, optional

    Returns
    -------
    EvaluationReport

    Raises
    ------
    DataError
        For rows that cannot be read or none that is labelled.

    """
    rows, unlabelled = corpus.read_labelled(paths, bundle.scorer.topics)
    title = ", ".join(paths)
    background = Background(random_state, behaviour or BehaviourCases())
    measured = measure(title, bundle, rows, random_state=random_state, unlabelled=unlabelled)
    return EvaluationReport({title: measured}, background, Origin(bundle.about))


def write_files(texts: Mapping[str, str], folder: Path) -> None:
    """Write text files to a folder, each atomically; raise OutputError."""
    for name, text in texts.items():
        with atomic_path(folder / name) as file:
            file.write_text(text, encoding="utf-8")


def _set_tables(measured: MeasuredSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    return overall_table(measured.evaluations), topic_table(measured.model, measured.topics)


def _metrics(measured: MeasuredSet) -> list[Section]:
    overall, by_topic = _set_tables(measured)
    drawn = (measured.topics, measured.y_score, measured.y_true)
    curves = (
        ("precision_recall", plots.precision_recall(*drawn)),
        ("threshold_curves", plots.threshold_curves(*drawn, measured.scorer.thresholds)),
    )
    return [
        Section("figures", "Metrics", _METRICS, (overall,)),
        Section("topics", "By topic", _TOPICS, (by_topic,), curves),
    ]


def _calibration(sets: Mapping[str, MeasuredSet], training: Evaluation | None) -> list[Section]:
    evaluations = {"out of fold": training} if training else {}
    evaluations |= {name: measured.model for name, measured in sets.items()}
    first = next(iter(sets.values()))
    table = studies.calibration_table(first.topics, evaluations)
    return [
        Section("calibration", "Calibration", _CALIBRATION, (table,), (_reliability("reliability", first),)),
        Section("reliability", "Reliability by score", _BINS, (studies.reliability_table(first),), folded="bins"),
    ]


def _test_set(name: str, measured: MeasuredSet) -> Section:
    plot = _reliability(f"reliability_{name}", measured)
    return Section(f"set-{name}", f"Test set {name}", measured.headline, _set_tables(measured), (plot,))


def _confusion(measured: MeasuredSet) -> Section:
    return Section("confusion", "Confusion between topics", _CONFUSION, (studies.confusion_table(measured),))


def _reliability(name: str, measured: MeasuredSet) -> tuple[str, Figure]:
    title = f"Reliability, {measured.title}"
    return name, plots.reliability(measured.topics, measured.reliability, title=title)


def _behaviour(measured: MeasuredSet, background: Background) -> list[Section]:
    outcomes = run_behaviour(measured.scorer, background.behaviour, measured.rows)
    if not outcomes:
        return []
    rates = studies.behaviour_table(outcomes, random_state=background.random_state)
    failures = studies.failure_table(outcomes)
    return [
        Section("behaviour", "Behaviour", _BEHAVIOUR, (rates,)),
        Section("failures", "Behaviour: failures", _FAILURES, (failures,), folded="failures"),
    ]


def _leak_and_slices(measured: MeasuredSet, background: Background) -> list[Section]:
    sliced = studies.slice_table(measured, background.behaviour.slices)
    return [
        Section("leak-probe", "Without the topics' names", _LEAK, (studies.leak_table(measured),)),
        Section("slices", "Slices", _SLICES, (sliced,)),
    ]


def _learning_curve(background: Background) -> list[Section]:
    curve = background.learning_curve
    if curve is None:
        return []
    plot = ("learning_curve", plots.learning_curve(curve))
    return [Section("learning-curve", "Learning curve", _CURVE, (curve,), (plot,))]


def _errors(measured: MeasuredSet) -> list[Section]:
    terms = studies.terms_table(measured.scorer, measured.topics)
    return [
        Section("terms", "Strongest terms", _TERMS, (terms,)),
        Section("errors", "Worst errors", _ERRORS, (studies.error_table(measured),), folded="errors"),
    ]


_METRICS = (
    "The model beside what any model must beat: the most frequent label set, and the topics' own keywords. In "
    "brackets: 95 % intervals from a bootstrap over whole articles."
)
_TOPICS = (
    "Metrics of the model for each topic, and for paragraphs that have none. The dots are the thresholds in "
    "use, which were chosen on out-of-fold scores and never on these rows."
)
_CALIBRATION = (
    "Expected calibration error: the mean distance between a score and how often it is right, over ten equal "
    "bins. The bootstrap's resamples add noise of their own to it, so intervals lie above the value where it "
    "is small."
)
_BINS = (
    "The rows of each bin of scores: how many they are, their mean score, how often the topic is true. A bin of "
    "few rows says little; its interval says how little."
)
_CONFUSION = (
    "Rows: true topic; columns: predicted topic. Right predictions are on the diagonal; elsewhere a topic was "
    "predicted that is not true. Missed: the row's topic was not predicted, whatever else was."
)
_BEHAVIOUR = (
    "Minimum functionality: short cases with exact answers. Direction: a clause on a topic raises its score, "
    "and its removal lowers it. Invariance: names, numbers, datelines and typography of these rows are "
    "changed, and the model's labels must stay."
)
_FAILURES = "At most twelve failures of each suite. Invariance: expected is the prediction for the unchanged text."
_LEAK = (
    "Metrics again with every topic's title, id and keywords taken out of all texts: what remains is what the "
    "model knows of the subject beside its name. Recall unnamed: on rows that never had the topic's name, "
    "unmasked."
)
_SLICES = "Slices of at least five rows. Decade: of the date, or of the year that the genre names."
_CURVE = "Trained again on a share of the training articles, smaller shares within larger ones."
_TERMS = (
    "The terms with the largest weight x idf for and against each topic. A term with an asterisk is the "
    "beginning of a word."
)
_ERRORS = "The surest wrong predictions, with the terms that spoke most for and against the topic, in logits."
