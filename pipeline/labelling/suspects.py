"""Labels of the data that the model contradicts, as training lists them, for a person to keep or to change."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from pipeline.data.records import parsed, records
from pipeline.labelling.task import Task

NAME = "label_issues.jsonl"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row of the data whose label out-of-fold predictions contradict; see `error_analysis.label_issues`."""

    rank: int
    article: str
    paragraph: int
    topic: str
    score: float
    topics: tuple[str, ...]
    suggested: tuple[str, ...]
    text: str

    @property
    def task(self) -> Task:
        """The task of deciding on it; its meta tells that the row with its label was seen."""
        seen = {"topics": list(self.topics), "topic": self.topic, "score": self.score, "rank": self.rank}
        return Task(self.text, self.article, self.paragraph, meta={"suspect": seen})


_SUSPECT: TypeAdapter[Suspect] = TypeAdapter(Suspect)


def read_suspects(path: Path) -> list[Suspect]:
    """Read the list that training writes.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Suspect
        The most suspect first; none where there is no file.

    Raises
    ------
    DataError
        With file and line, where a row is no such list's.

    """
    if not path.exists():
        return []
    return [parsed(_SUSPECT, row, where, beside="text") for where, row in records(path)]
