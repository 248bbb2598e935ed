"""Read experiments and label sets from YAML into typed, frozen settings; the only module that knows YAML."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from pipeline.errors import ConfigError
from pipeline.schema import Topic
from pipeline.text.validation import MAX_NGRAM, MAX_PREFIX

T = TypeVar("T")
Share = Annotated[float, Field(ge=0, le=1)]
Prevalence = Annotated[float | None, Field(gt=0, lt=1)]
SetName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
_ID, _COLOUR = re.compile(r"[\w.-]+"), re.compile(r"#[0-9a-fA-F]{6}")
_COLUMNS = ("source", "paragraph", "start", "end", "text", "topics", "none")  # of what is printed and served


class StrictModel(BaseModel):
    """Frozen settings that refuse an unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class HeldOutSettings(StrictModel):
    """The rows of one test set: whole batches of the training files by their writers, or files of its own."""

    writers: tuple[str, ...] = Field(default=(), strict=False)
    files: tuple[str, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _one_source(self) -> "HeldOutSettings":
        if bool(self.writers) == bool(self.files):
            raise ValueError("name either `writers` (batches among the training files) or `files`")
        return self


class DataSettings(StrictModel):
    """Where labelled paragraphs are, and which of them are test sets; the first set is the headline."""

    topics: str
    train: tuple[str, ...] = Field(min_length=1, strict=False)
    test: dict[SetName, HeldOutSettings] = Field(min_length=1)
    duplicates: bool = False
    behaviour: str | None = None
    languages: tuple[LanguageCode, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _sets_are_told_apart(self) -> "DataSettings":
        named = [name for test_set in self.test.values() for name in (*test_set.writers, *test_set.files)]
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


class TrackingSettings(StrictModel):
    """The names of runs and models in MLflow."""

    experiment: str
    model_name: str


class Config(StrictModel):
    """One complete experiment; `random_state` seeds folds, linear models and the bootstrap."""

    random_state: Seed
    data: DataSettings
    split: SplitSettings
    features: FeatureSettings
    classifier: ClassifierSettings
    thresholds: ThresholdSettings
    gate: dict[str, dict[str, Share]] = Field(min_length=1)
    tracking: TrackingSettings
    output: str

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
    base: str
    trials: int = Field(ge=1)
    metric: str
    random_state: Seed
    space: dict[str, FloatRange | list[Any]] = Field(min_length=1)


class _TopicsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    topics: tuple[Topic, ...] = Field(min_length=1)


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
        if not _ID.fullmatch(topic.id) or topic.id in _COLUMNS:
            raise ConfigError(
                f"{path}: topic id {topic.id!r}: expected letters, digits, _ . - and no column's name"
            )
        if not _COLOUR.fullmatch(topic.colour):
            raise ConfigError(f"{path}: colour {topic.colour!r} of {topic.id}: expected one like #1a5fb4")
    return topics


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
        raise ConfigError(f"{error.errors()[0]['loc']}: {error.errors()[0]['msg']}") from None


def as_yaml(config: Config) -> str:
    """Write the experiment as the YAML that `read_config` reads."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


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
        return adapter.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "file"
        raise ConfigError(f"{path}: {key}: {first['msg']}") from None
