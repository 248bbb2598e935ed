"""A task is a text for people to label; annotations are what each says of it, a decision is what counts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one person says of a task's text.

    Parameters
    ----------
    annotator : str
    topics : tuple of str or None
        `()` for none of the topics; None where the person skipped it.
    time : str
        UTC, ISO 8601; empty where it is not known.
    comment : str
    doubtful : bool
        The person is not sure.
    suggested : tuple of str or None
        The topics that the person saw as the model's suggestion, None where none was shown.
    model : str
        The run that made the suggestion.
    origin : str
        What it was made with: `page`, `correction`, or the tool that it was imported from.
    meta : mapping
        What else a tool keeps of it, kept as it is for the way back.

    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  # read from JSON: what a misspelt key says would be lost

    annotator: str
    topics: tuple[str, ...] | None
    time: str = ""
    comment: str = ""
    doubtful: bool = False
    suggested: tuple[str, ...] | None = None
    model: str = ""
    origin: str = "page"
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What counts as a task's labels after review or adjudication; `topics` is None where the task is dropped."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  # read from JSON: what a misspelt key says would be lost

    reviewer: str
    topics: tuple[str, ...] | None
    time: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A text for people to label. One text is one task, however often it occurs.

    Parameters
    ----------
    text : str
    article : str
        What keeps an article's paragraphs together; they fall into the same split.
    paragraph : int
    annotations : tuple of Annotation
        Oldest first; the last one of a person counts.
    decision : Decision or None
    title, date, source : str or None
        Of the article.
    scores : mapping of str to float
        The model's, by topic; empty where none were predicted.
    meta : mapping
        What else a tool keeps of it, kept as it is for the way back.

    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  # read from JSON: what a misspelt key says would be lost

    text: str
    article: str = ""
    paragraph: int = 0
    annotations: tuple[Annotation, ...] = ()
    decision: Decision | None = None
    title: str | None = None
    date: str | None = None
    source: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What names the task: texts that differ in white space alone are one."""
        return hashlib.sha256(" ".join(self.text.split()).encode(errors="surrogatepass")).hexdigest()[:16]

    @property
    def latest(self) -> dict[str, Annotation]:
        """The annotation of each person that counts."""
        return {annotation.annotator: annotation for annotation in self.annotations}
