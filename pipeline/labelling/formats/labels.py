"""The names of labels in files of other tools: ids and titles in, one of the two out."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pipeline.errors import DataError
from pipeline.labelling.task import Task
from pipeline.schema import Topic

Names = Literal["id", "title"]


@dataclass(frozen=True)
class Labels:
    """A label set, and what its labels are called in a file.

    Parameters
    ----------
    topics : sequence of Topic
    written : {"id", "title"}, default "id"
        What stands for a topic in a file that is written. In files that are read, both do.

    """

    topics: Sequence[Topic]
    written: Names = field(default="id", kw_only=True)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids, in column order."""
        return tuple(topic.id for topic in self.topics)

    @cached_property
    def names(self) -> dict[str, str]:
        """What is written for each id; raise DataError where two topics would have one name."""
        names = {topic.id: getattr(topic, self.written) for topic in self.topics}
        for topic, name in names.items():
            if self._known.get(name) != topic:
                raise DataError(f"two topics are called {name!r}: write ids instead of titles")
        return names

    def find(self, label: object, where: str) -> str:
        """Return the id that a label stands for.

        Parameters
        ----------
        label : object
            An id or a title, in upper or lower case.
        where : str
            File and line.

        Returns
        -------
        str

        Raises
        ------
        DataError
            Where it is no label of the set.

        """
        found = self.known(label)
        if found is None:
            near = difflib.get_close_matches(_plain(str(label)), self._folded, n=1)
            hint = f"did you mean {self._folded[near[0]]}? " if near else ""
            raise DataError(f"{where}: unknown label {label!r}, {hint}expected one of {', '.join(self.ids)}")
        return found

    def find_all(self, labels: Iterable[object], where: str) -> tuple[str, ...]:
        """Return the ids of several labels, each once; raise DataError as `find` does."""
        return tuple(dict.fromkeys(self.find(label, where) for label in labels))

    def known(self, label: object) -> str | None:
        """Return the id that a label stands for, None where it is none of the set."""
        if not isinstance(label, str):
            return None
        return self._known.get(label) or self._folded.get(_plain(label))

    def write(self, topics: Iterable[str]) -> list[str]:
        """Return what is written for some topics."""
        return [self.names[topic] for topic in topics]

    def check(self, task: Task, where: str) -> Task:
        """Return a task all of whose labels are in the set; raise DataError for another."""
        said = [task.decision, *task.annotations]
        given = [topic for found in said if found for topic in found.topics or ()]
        given += [topic for found in task.annotations for topic in found.suggested or ()]
        for topic in given:
            if topic not in self.ids:
                self.find(topic, where)
                raise DataError(f"{where}: unknown topic {topic!r}, expected an id: {', '.join(self.ids)}")
        return task

    @cached_property
    def _known(self) -> dict[str, str]:
        """Ids and titles, each with the id; an id goes before a title, and a title of two topics is none."""
        titles = [topic.title for topic in self.topics]
        found = {topic.title: topic.id for topic in self.topics if titles.count(topic.title) == 1}
        return {**found, **{topic: topic for topic in self.ids}}

    @cached_property
    def _folded(self) -> dict[str, str]:
        """The same in lower case, without those that are called alike but for upper and lower case."""
        found: dict[str, set[str]] = {}
        for name, topic in self._known.items():
            found.setdefault(_plain(name), set()).add(topic)
        return {name: topics.pop() for name, topics in found.items() if len(topics) == 1}


def _plain(label: str) -> str:
    return " ".join(label.casefold().split())
