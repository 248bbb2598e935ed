"""The rows that flow through the project: topics, labelled paragraphs, articles and predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Topic:
    """One label of the label set; the order in `topics.yaml` is the order of every score column."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  # read from YAML: a misspelt key is an error

    id: str
    title: str
    definition: str = ""
    colour: str = "#5f6368"
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """An article of a label set that the service's page offers to try."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  # read from YAML, as topics are

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class LabelledParagraph:
    """One line of labelled data. `topics` is `()` for "none" and `None` for "not labelled yet"."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  # read from JSON: rows of a misspelt key would be lost

    article: str
    paragraph: int
    text: str
    topics: tuple[str, ...] | None = None
    title: str | None = None
    genre: str | None = None
    region: str | None = None
    date: str | None = None
    writer: str | None = None
    writer_topics: tuple[str, ...] | None = None
    reader_topics: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """A text to label: `source` is its file or address, `origin` where the document itself says it is from.

    `notes` are what its reader left out or doubts, a sentence each, for the person who reads the answer.
    `language` is a code of ISO 639-1, None where it is not known. `outlet` is who published it, as the feed or the
    page says. `copy_of` is the source of an article before it that has the same text.
    """

    source: str
    text: str
    title: str | None = None
    date: str | None = None
    origin: str | None = None
    notes: tuple[str, ...] = ()
    language: str | None = None
    outlet: str | None = None
    copy_of: str | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one term added to a score's logit, and where it stands: (start, end) character offsets in the text."""

    term: str
    value: float
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What made one topic's score: `logit(score) = bias + sum of all contributions + rest`."""

    bias: float
    terms: tuple[Contribution, ...]
    rest: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one paragraph; `text` is exactly `article.text[start:end]`.

    `margins` are scores minus thresholds: a topic is given where its margin is 0 or more.
    """

    source: str
    paragraph: int
    start: int
    end: int
    text: str
    topics: tuple[str, ...]
    scores: dict[str, float]
    margins: dict[str, float] = field(default_factory=dict)
    explanation: Mapping[str, Explanation] = field(default_factory=dict)
    title: str | None = None
    date: str | None = None
    origin: str | None = None
    language: str | None = None
