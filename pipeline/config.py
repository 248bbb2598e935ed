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
Seed = Annotated[int, Field(ge=0, lt=2**32)]
_ID, _COLOUR = re.compile(r"[\w.-]+"), re.compile(r"#[0-9a-fA-F]{6}")
_COLUMNS = ("source", "paragraph", "start", "end", "text", "topics", "none")  # of what is printed and served


class Settings(BaseModel):
    """Frozen settings that refuse an unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataSettings(Settings):
    """Where labelled paragraphs are, and which of them are the test split."""

    topics: str
    train: tuple[str, ...] = Field(min_length=1, strict=False)
    test: tuple[str, ...] = Field(default=(), strict=False)
    test_writers: tuple[str, ...] = Field(default=(), strict=False)
    duplicates: bool = False
    probes: str | None = None

    @model_validator(mode="after")
    def _one_test_split(self) -> "DataSettings":
        if bool(self.test) == bool(self.test_writers):
            raise ValueError("state the test split once: either `test` (files) or `test_writers` (batches)")
        return self


class SplitSettings(Settings):
    """How training rows are dealt to the folds of cross-validation."""

    cv: int = Field(ge=2)
    group_by: Literal["article", "writer"]
    near_duplicate: Share | None


class FeatureSettings(Settings):
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


class ClassifierSettings(Settings):
    """The linear model that is fitted once for each topic."""

    kind: Literal["logistic_regression", "linear_svc", "ridge"]
    C: float = Field(gt=0)
    class_weight: Literal["balanced"] | None
    nb_exponent: float = Field(ge=0)


class OperatingPoints(Settings):
    """Shares of paragraphs without a topic that thresholds are chosen for: the higher, the more precise."""

    precision: Prevalence
    balanced: Prevalence
    recall: Prevalence


class ThresholdSettings(Settings):
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


class TrackingSettings(Settings):
    """The names under which runs and models are kept."""

    experiment: str
    model_name: str


class Config(Settings):
    """One complete experiment; `random_state` seeds folds, linear models and resampling."""

    random_state: Seed
    data: DataSettings
    split: SplitSettings
    features: FeatureSettings
    classifier: ClassifierSettings
    thresholds: ThresholdSettings
    gate: dict[str, Share]
    tracking: TrackingSettings
    output: str


class Span(Settings):
    """A range of a number to search, on a logarithmic scale where `log`."""

    low: float
    high: float
    log: bool = False


class Search(Settings):
    """What to search: dotted keys of the base experiment, each with a list of values or a span."""

    name: str
    base: str
    trials: int = Field(ge=1)
    figure: str
    seed: int
    space: dict[str, Span | list[Any]] = Field(min_length=1)


class _TopicsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    topics: tuple[Topic, ...] = Field(min_length=1)


def read_config(path: Path) -> Config:
    """Read one experiment; raise ConfigError with the file, the key and what was expected."""
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


def read_search(path: Path) -> Search:
    """Read what to search; raise ConfigError as `read_config` does."""
    return _validated(TypeAdapter(Search), path)


def overridden(config: Config, values: Mapping[str, Any]) -> Config:
    """Change settings by dotted keys; raise ConfigError where a key or value does not fit."""
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
    """Give the experiment as the YAML that `read_config` reads."""
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
