"""The model card: what a model is for, what it was made from, how good it is, and where it fails.

The headings are those of Mitchell et al. 2019, "Model cards for model reporting".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.evaluation.estimates import Evaluation
from pipeline.evaluation.tables import overall_table, topic_table
from pipeline.report.document import Section, markdown
from pipeline.report.measure import MeasuredSet
from pipeline.schema import Topic


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: its name and version, what its bundle says of itself, and its settings as YAML."""

    name: str
    version: str
    about: Mapping[str, str]
    settings: str


def model_card(
    origin: Origin,
    sets: Mapping[str, MeasuredSet],
    *,
    training: Evaluation | None,
    behaviour: pd.DataFrame | None,
    failures: Sequence[str],
    gated: bool = True,
) -> str:
    """Write a model card in Markdown from measured values.

    Parameters
    ----------
    origin : Origin
    sets : mapping of str to MeasuredSet
        The test sets, the headline first.
    training : Evaluation or None
        The cross-validated metrics.
    behaviour : DataFrame or None
        Pass rates of behavioural tests.
    failures : sequence of str
        Where the model fails its gate, in words.
    gated : bool, default True
        Whether the experiment has a gate.

    Returns
    -------
    str

    """
    first = next(iter(sets.values()))
    passed = "It passed its gate." if gated else "No gate is configured."
    gate = passed if not failures else f"It did NOT pass its gate: {'; '.join(failures)}."
    measured = (overall_table(first.evaluations), topic_table(first.model, first.topics))
    by_set = (overall_table({name: found.model for name, found in sets.items()}),)
    sections = [
        Section("details", "Model", _MODEL, (_facts(origin),)),
        Section("use", "Intended use", _USE, (_labels(first),)),
        Section("data", "Training data", _DATA, (_counts(first.topics, training, sets),)),
        Section("metrics", f"Metrics on the {first.title}", f"{_METRICS} {gate}", measured),
        *([Section("sets", "Metrics on every test set", "", by_set)] if len(sets) > 1 else []),
        *([Section("behaviour", "Behaviour", _BEHAVIOUR, (behaviour,))] if behaviour is not None else []),
        Section("limits", "Limits", _LIMITS),
        Section("settings", "Settings", f"```yaml\n{origin.settings}```"),
    ]
    return markdown(f"Model card: {origin.name}, version {origin.version}", sections)


def _facts(origin: Origin) -> pd.DataFrame:
    facts = [(name.replace("_", " "), value or "none") for name, value in origin.about.items()]
    return pd.DataFrame(facts, columns=["fact", "value"])


def _labels(measured: MeasuredSet) -> pd.DataFrame:
    thresholds = measured.scorer.thresholds.tolist()
    rows = [
        (topic.id, topic.definition or topic.title, f"{threshold:.3f}")
        for topic, threshold in zip(measured.topics, thresholds, strict=True)
    ]
    return pd.DataFrame(rows, columns=["topic", "definition", "threshold"])


def _counts(topics: Sequence[Topic], training: Evaluation | None, sets: Mapping[str, MeasuredSet]) -> pd.DataFrame:
    evaluations = {"train": training} if training else {}
    evaluations |= {name: found.model for name, found in sets.items()}
    keys = [*(topic.id for topic in topics), "none"]
    columns = {name: [*(found.support[key] for key in keys), found.rows] for name, found in evaluations.items()}
    return pd.DataFrame({"rows with": [*(topic.title for topic in topics), "none", "all"], **columns})


_MODEL = (
    "A linear classifier for each topic over TF-IDF features of a paragraph and of its best sentence, with "
    "calibrated scores and one threshold a topic. The bundle is data only: loading it runs no code from it."
)
_USE = (
    "To say which of the topics below each paragraph of a news article addresses: none, one or several. It "
    "reads one paragraph at a time and knows nothing of its neighbours. It is not made for decisions about "
    "people, for other languages than its training data's, or for topics defined otherwise."
)
_DATA = (
    "Labelled paragraphs; no article, and no near-duplicate of a test paragraph, is in both train and test split."
)
_METRICS = "Agreement with the labels, with 95 % intervals over articles."
_BEHAVIOUR = "Pass rates of behavioural tests; the cases and their rules are files of the project."
_LIMITS = (
    "Metrics hold for text like the test sets'. A linear model over words follows vocabulary: it misses a "
    "topic told wholly in other words, and is misled by a topic's words used of something else. Scores are "
    "probabilities only for text like the training data; recall on paragraphs without the topics' names, "
    "slices, calibration and the worst errors are in the report beside this card."
)
