"""Read experiments and label sets from YAML into typed, frozen settings."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from pipeline import strict_yaml
from pipeline.errors import ConfigError
from pipeline.schema import Example, Topic
from pipeline.text.validation import MAX_NGRAM, MAX_PREFIX

T = TypeVar("T")


def _path(text: str) -> str:
    """Write a path out in full as a shell would: nothing else does it, and a folder named ~ would be made."""
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{text!r}: expected a path without control characters")
    if "$" in text:
        raise ValueError(f"variables such as {text!r} are not expanded: write the path out")
    if not text.startswith("~"):
        return text
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        raise ValueError(f"{text!r}: no such home folder; begin with ./ if the name begins with ~") from None


def _registered(name: str) -> str:
    """Refuse what MLflow would refuse only when the trained model is registered."""
    if not name.strip() or name in (".", "..") or not name.isprintable() or set(name) & set("/:"):
        raise ValueError(f"{name!r}: expected a name without / and :")
    return name


def _experiment(name: str) -> str:
    """Refuse no name, and MLflow's own experiment, whose files would not lie in the output folder."""
    if not name.strip() or name == "Default":
        raise ValueError(f"{name!r}: expected a name other than Default")
    return name


PathText = Annotated[str, AfterValidator(_path)]
ExperimentName = Annotated[str, AfterValidator(_experiment), Field(max_length=200)]
ModelName = Annotated[str, AfterValidator(_registered), Field(max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]
Prevalence = Annotated[float | None, Field(gt=0, lt=1)]
SetName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=40)]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LONGEST_ID = 50  # MLflow's names hold 250 characters: a set's, a topic's with its accents written out, a metric's
_OF_INPUT = (
    "source",
    "row",
    "id",
    "line",
    "paragraph",
    "start",
    "end",
    "text",
    "title",
    "date",
    "origin",
    "language",
)
_OF_PREDICTIONS = ("topics", "none", "scores", "margins", "explanation", "error")
_OF_DATA = ("split", "article", "writer", "genre", "region")
_COLUMNS = {*_OF_INPUT, *_OF_PREDICTIONS, *_OF_DATA}  # beside which each topic has a column


class StrictModel(BaseModel):
    """Frozen settings that refuse an unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class HeldOutSettings(StrictModel):
    """The rows of one test set: files of its own, or rows of the training files by writer, article or share."""

    writers: tuple[str, ...] = Field(default=(), strict=False)
    files: tuple[PathText, ...] = Field(default=(), strict=False)
    articles: tuple[str, ...] = Field(default=(), strict=False)
    share: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _one_source(self) -> "HeldOutSettings":
        if sum(map(bool, (self.writers, self.files, self.articles, self.share))) != 1:
            raise ValueError("name one of `writers`, `articles` or `share` (of the training files), or `files`")
        return self


class DataSettings(StrictModel):
    """Where labelled paragraphs are, and which of them are test sets; the first set is the headline."""

    topics: PathText
    train: tuple[PathText, ...] = Field(min_length=1, strict=False)
    test: dict[SetName, HeldOutSettings] = Field(min_length=1)
    duplicates: bool = False
    behaviour: PathText | None = None
    languages: tuple[LanguageCode, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _sets_are_told_apart(self) -> "DataSettings":
        sets = self.test.values()
        named = [name for held in sets for name in (*held.writers, *held.files, *held.articles)]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"named in two test sets: {', '.join(twice)}")
        if "train" in self.test:
            raise ValueError("a test set cannot be called train")
        return self

    @property
    def headline(self) -> str:
        """The name of the first test set."""
        return next(iter(self.test))


class SplitSettings(StrictModel):
    """How training rows are assigned to the folds of cross-validation."""

    cv: int = Field(ge=2)
    group_by: Literal["article", "writer"]
    near_duplicate: Share | None


class FeatureSettings(StrictModel):
    """What is counted in a text and how counts are weighted; see `TopicClassifier`."""

    ngram_range: tuple[int, int] = Field(strict=False)
    prefix_length: int = Field(ge=0, le=MAX_PREFIX)
    min_df: int = Field(ge=1)
    sublinear_tf: bool
    oov_weight: float = Field(ge=0)
    pivot_slope: float = Field(gt=0, le=1)
    sentence_weight: Share

    @model_validator(mode="after")
    def _begins_with_words(self) -> "FeatureSettings":
        shortest, longest = self.ngram_range
        if shortest != 1 or not 1 <= longest <= MAX_NGRAM:
            raise ValueError(f"ngram_range: expected [1, n] with n from 1 to {MAX_NGRAM}")
        return self


class ClassifierSettings(StrictModel):
    """The linear model that is fitted once for each topic."""

    kind: Literal["logistic_regression", "linear_svc", "ridge"]
    C: float = Field(gt=0)
    class_weight: Literal["balanced"] | None
    nb_exponent: float = Field(ge=0)


class OperatingPoints(StrictModel):
    """Shares of paragraphs without a topic that thresholds are chosen for: the higher, the more precise."""

    precision: Prevalence
    balanced: Prevalence
    recall: Prevalence


class ThresholdSettings(StrictModel):
    """What probabilities and thresholds are fitted for; see `pipeline.model.thresholds`."""

    prevalence: Prevalence
    objective: Literal["f1", "cost"]
    cost_ratio: float | None = Field(default=None, gt=0)
    points: OperatingPoints
    shrinkage: float = Field(ge=0)

    @model_validator(mode="after")
    def _needs(self) -> "ThresholdSettings":
        if self.objective == "cost" and self.cost_ratio is None:
            raise ValueError("objective cost needs `cost_ratio`")
        return self


class DriftSettings(StrictModel):
    """From when on a difference between new text and the reference is drift; all limits have defaults.

    A difference is drift where it is beyond its limit, and chance does not explain it at the level. The limits are
    above what 95 % of pairs of samples of 90 articles reach that are drawn from one source, but for rates, which
    differ by chance as much as they matter.
    """

    level: float = Field(default=0.05, gt=0, lt=1)
    rate: float = Field(default=1.5, gt=1)
    none: Share = 0.05
    psi: float = Field(default=0.1, gt=0)
    length: float = Field(default=0.25, gt=0)
    oov: Share = 0.03
    language: Share = 0.05
    casing: Share = 0.02
    damage: Share = 0.02
    f1: Share = 0.05


class TrackingSettings(StrictModel):
    """The names of runs and models in MLflow."""

    experiment: ExperimentName
    model_name: ModelName


class Config(StrictModel):
    """One complete experiment; `random_state` seeds folds, linear models and the bootstrap."""

    random_state: Seed
    data: DataSettings
    split: SplitSettings
    features: FeatureSettings
    classifier: ClassifierSettings
    thresholds: ThresholdSettings
    gate: dict[str, dict[str, Share]]
    drift: DriftSettings = DriftSettings()
    tracking: TrackingSettings
    output: PathText

    @model_validator(mode="after")
    def _gate_names_test_sets(self) -> "Config":
        unknown = [name for name in self.gate if name not in self.data.test]
        if unknown:
            raise ValueError(f"gate: {', '.join(unknown)}: no such test set, expected {', '.join(self.data.test)}")
        return self


class FloatRange(StrictModel):
    """A range of a number to search, on a logarithmic scale where `log`."""

    low: float
    high: float
    log: bool = False


class SearchSettings(StrictModel):
    """What to search: dotted keys of the base experiment, each with a list of values or a range."""

    name: str
    base: PathText
    trials: int = Field(ge=1)
    metric: str
    random_state: Seed
    space: dict[str, FloatRange | list[Any]] = Field(min_length=1)


class _TopicsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    topics: tuple[Topic, ...] = Field(min_length=1)
    examples: tuple[Example, ...] = ()


def read_config(path: Path) -> Config:
    """Read one experiment.

    Parameters
    ----------
    path : Path
        A YAML file.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        With the file, the key and what was expected.

    """
    return _validated(TypeAdapter(Config), path)


def read_topics(path: Path) -> tuple[Topic, ...]:
    """Read the label set in column order; raise ConfigError as `read_config` does."""
    topics = _validated(TypeAdapter(_TopicsFile), path).topics
    ids = [topic.id for topic in topics]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: topic id given twice: {', '.join(twice)}")
    for topic in topics:
        if reason := _refused_id(topic.id, ids):
            raise ConfigError(f"{path}: topic id {topic.id!r}: {reason}")
        if not topic.title.strip():
            raise ConfigError(f"{path}: topic {topic.id}: title is empty")
        if not _COLOUR.fullmatch(topic.colour):
            raise ConfigError(f"{path}: colour {topic.colour!r} of {topic.id}: expected one like #1a5fb4")
    return topics


def read_examples(path: Path) -> tuple[Example, ...]:
    """Read the example articles of a label set; raise ConfigError as `read_config` does."""
    return _validated(TypeAdapter(_TopicsFile), path).examples


def _refused_id(name: str, ids: list[str]) -> str | None:
    """Say why a topic cannot have this id, None where it can."""
    kinds = {unicodedata.category(character)[0] for character in name if character not in "_.-"}
    if not kinds & set("LN") or kinds - set("LMN"):
        return "expected letters and digits of any script, and _ . -"
    if len(name) > _LONGEST_ID:
        return f"expected at most {_LONGEST_ID} characters"
    if name in _COLUMNS:
        return "a column of predictions or data has this name; choose another"
    if any(name == f"{other}_margin" for other in ids):
        return f"the margins of {name.removesuffix('_margin')} have this name; choose another"
    return None


def read_search(path: Path) -> SearchSettings:
    """Read what to search; raise ConfigError as `read_config` does."""
    return _validated(TypeAdapter(SearchSettings), path)


def overridden(config: Config, values: Mapping[str, Any]) -> Config:
    """Return the experiment with other values.

    Parameters
    ----------
    config : Config
    values : mapping of str to object
        By dotted key, such as `classifier.C`.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        For an unknown key or a value that does not fit.

    """
    tree = config.model_dump(mode="json")
    for key, value in values.items():
        *path, last = key.split(".")
        branch = tree
        for part in path:
            branch = branch.get(part, {})
        if last not in branch:
            raise ConfigError(f"{key}: no such setting")
        branch[last] = value
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_in_words(error)) from None


def as_yaml(config: Config) -> str:
    """Write the experiment as the YAML that `read_config` reads."""
    return strict_yaml.dump(config.model_dump(mode="json"))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten nested settings to dotted keys, as a tracking server shows them."""
    items: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            items |= flat(value, f"{prefix}{key}.")
        else:
            items[f"{prefix}{key}"] = str(value)
    return items


def _validated(adapter: TypeAdapter[T], path: Path) -> T:
    try:
        return adapter.validate_python(strict_yaml.load(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        raise ConfigError(f"{path}: {_in_words(error)}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _in_words(error: ValidationError) -> str:
    """Say where the first error is and what was expected, in words of YAML rather than of Python."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or ("" if first["type"] == "value_error" else "file")
    message = _EXPECTED.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"] == "string_type" and isinstance(first["input"], int | float):
        message += f", in quotes where it looks like a number: '{first['input']}'"
    return f"{key}: {message}" if key else message


_EXPECTED = {
    "tuple_type": "expected a list, such as [a, b]",
    "dict_type": "expected keys with values below it",
    "model_type": "expected keys with values below it",
    "dataclass_type": "expected keys with values below it",
    "string_type": "Input should be a valid string",
    "float_type": "Input should be a valid number",
}
