"""Write the model card: what a model is for, what it was made from, how good it is, and where it fails.

The headings are those of Mitchell et al. 2019, "Model cards for model reporting".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.evaluation.tables import Evaluation, Row, Table, tables
from pipeline.report.document import Section, markdown
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
    topics: Sequence[Topic],
    thresholds: Mapping[str, float],
    evaluations: Mapping[str, Evaluation],
    *,
    training: Evaluation | None,
    behaviour: Table | None,
    failures: Sequence[str],
) -> str:
    """Write a model card in Markdown from measured figures; `failures` are the gate's."""
    overall, by_topic = tables(evaluations, topics)
    gate = "It passed its gate." if not failures else f"It did NOT pass its gate: {'; '.join(failures)}."
    sections = [
        Section("details", "Model", _MODEL, (_facts(origin),)),
        Section("use", "Intended use", _USE, (_labels(topics, thresholds),)),
        Section("data", "Training data", _DATA, (_counts(topics, training, evaluations["model"]),)),
        Section("figures", "Figures on the test side", f"{_FIGURES} {gate}", (overall, by_topic)),
        *([Section("behaviour", "Behaviour", _BEHAVIOUR, (behaviour,))] if behaviour else []),
        Section("limits", "Limits", _LIMITS),
        Section("settings", "Settings", f"```yaml\n{origin.settings}```"),
    ]
    return markdown(f"Model card: {origin.name}, version {origin.version}", sections)


def _facts(origin: Origin) -> Table:
    facts: list[Row] = [[name.replace("_", " "), value or "none"] for name, value in origin.about.items()]
    return [["fact", "value"], *facts]


def _labels(topics: Sequence[Topic], thresholds: Mapping[str, float]) -> Table:
    rows: list[Row] = [
        [topic.id, topic.definition or topic.title, f"{thresholds[topic.id]:.3f}"] for topic in topics
    ]
    return [["topic", "definition", "threshold"], *rows]


def _counts(topics: Sequence[Topic], training: Evaluation | None, test: Evaluation) -> Table:
    names = {**{topic.id: topic.title for topic in topics}, "none": "none"}
    rows: list[Row] = [
        [title, training.support[key] if training else "-", test.support[key]] for key, title in names.items()
    ]
    return [["rows with", "train", "test"], *rows, ["all", training.rows if training else "-", test.rows]]


_MODEL = (
    "A linear classifier for each topic over TF-IDF features of a paragraph and of its best sentence, with "
    "calibrated scores and one threshold a topic. The bundle is data only: loading it runs no code from it."
)
_USE = (
    "To say which of the topics below each paragraph of a news article addresses: none, one or several. It "
    "reads one paragraph at a time and knows nothing of its neighbours. It is not made for decisions about "
    "people, for other languages than its training data's, or for topics defined otherwise."
)
_DATA = "Labelled paragraphs; no article, and no near-repetition of a test paragraph, is on both sides."
_FIGURES = "Agreement with the labels, with 95 % intervals over articles."
_BEHAVIOUR = "Pass rates of behaviour tests; the cases and their rules are files of the project."
_LIMITS = (
    "Figures hold for text like the test side's. A linear model over words follows vocabulary: it misses a "
    "topic told wholly in other words, and is misled by a topic's words used of something else. Scores are "
    "probabilities only for text like the training data; recall on paragraphs without the topics' names, "
    "slices, calibration and the worst errors are in the report beside this card."
)
