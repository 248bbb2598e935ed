"""How far people agree who labelled the same texts: by topic, by pair of people, and where they differ."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.agreement import (
    cohen_kappa,
    krippendorff_alpha,
    masi_distance,
    nominal_distance,
    value_counts,
)
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.tables import as_markdown, as_text, to_records
from pipeline.labelling.task import Task
from pipeline.schema import Topic

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
LABEL_SETS = "label sets (MASI)"


@dataclass(frozen=True)
class Agreement:
    """How far people agree.

    Parameters
    ----------
    texts : int
        Labelled by at least two people who did not skip.
    articles : int
        That these texts are from; the intervals are over them.
    people : tuple of str
    topics : DataFrame
        A row a topic, and one for the sets of labels: texts on which people differ, prevalence, alpha.
    pairs : DataFrame
        A row for each two people with a text in common: their texts, and kappa for each topic.
    disagreeing : tuple of Task
        The texts on which people differ, as they came.

    """

    texts: int
    articles: int
    people: tuple[str, ...]
    topics: pd.DataFrame
    pairs: pd.DataFrame
    disagreeing: tuple[Task, ...]

    def as_text(self) -> str:
        """Write it for a terminal."""
        return f"{self._head()}\n\n{as_text(self.topics)}\n{as_text(self.pairs)}"

    def as_markdown(self) -> str:
        """Write it in Markdown."""
        return f"{self._head()}\n\n{as_markdown(self.topics)}\n{as_markdown(self.pairs)}"

    def as_json(self) -> str:
        """Write it as JSON, with the texts on which people differ."""
        content = {
            "texts": self.texts,
            "articles": self.articles,
            "people": self.people,
            "topics": to_records(self.topics),
            "pairs": to_records(self.pairs),
            "disagreeing": list(map(disagreement, self.disagreeing)),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def _head(self) -> str:
        return (
            f"{self.texts} texts of {self.articles} articles labelled by at least two"
            f" of {len(self.people)} people, {len(self.disagreeing)} of them differently"
        )


def measure(tasks: Iterable[Task], topics: Sequence[Topic], *, random_state: int) -> Agreement:
    """Measure how far people agree; who skipped a text did not label it.

    Parameters
    ----------
    tasks : iterable of Task
        The last annotation of each person counts, decisions do not.
    topics : sequence of Topic
    random_state : int
        Of the bootstrap over articles.

    Returns
    -------
    Agreement

    """
    found = [task for task in tasks if len(labels(task)) > 1]
    people = tuple(dict.fromkeys(person for task in found for person in labels(task)))
    articles = [task.article or task.id for task in found]
    weights = article_weights(articles, random_state=random_state) if found else np.ones((1, 0))
    said, given = _arrays(found, people, topics)
    open_ = [task for task in found if len({frozenset(said) for said in labels(task).values()}) > 1]
    return Agreement(
        len(found),
        len(set(articles)),
        people,
        _by_topic(found, topics, said, given, weights),
        _by_pair(people, topics, said, given, weights),
        tuple(open_),
    )


def labels(task: Task) -> dict[str, tuple[str, ...]]:
    """Return what each person says of a task who did not skip it."""
    return {person: found.topics for person, found in task.latest.items() if found.topics is not None}


def disagreement(task: Task) -> dict[str, Any]:
    """Return what people say of a text on which they differ, as JSON knows it."""
    said = {person: sorted(topics) for person, topics in labels(task).items()}
    given = {topic for topics in said.values() for topic in topics}
    disputed = [topic for topic in sorted(given) if not all(topic in topics for topics in said.values())]
    comments = {person: found.comment for person, found in task.latest.items() if found.comment}
    decided = {} if task.decision is None else {"decided": task.decision.topics}
    return {
        "task": task.id,
        "article": task.article,
        "paragraph": task.paragraph,
        "text": task.text,
        "disputed": disputed,
        "labels": said,
        **({"comments": comments} if comments else {}),
        **decided,
    }


def _arrays(tasks: Sequence[Task], people: Sequence[str], topics: Sequence[Topic]) -> tuple[Bools, Bools]:
    """Return labels, bool [people, n, k], and who gave any, bool [people, n]."""
    rows = {person: row for row, person in enumerate(people)}
    columns = {topic.id: column for column, topic in enumerate(topics)}
    said = np.zeros((len(people), len(tasks), len(topics)), bool)
    given = np.zeros((len(people), len(tasks)), bool)
    for place, task in enumerate(tasks):
        for person, assigned in labels(task).items():
            given[rows[person], place] = True
            said[rows[person], place, [columns[topic] for topic in assigned]] = True
    return said, given


def _by_topic(
    tasks: Sequence[Task], topics: Sequence[Topic], said: Bools, given: Bools, weights: Floats
) -> pd.DataFrame:
    rows = []
    for column, topic in enumerate(topics):
        counts = value_counts(said[:, :, column], given)
        alpha = krippendorff_alpha(counts, nominal_distance(2), weights)
        differ = int((counts > 0).all(1).sum())
        prevalence = counts[:, 1].sum() / counts.sum() if len(counts) else np.nan
        rows.append(
            [topic.title, differ, "-" if np.isnan(prevalence) else f"{prevalence:.1%}", Estimate.of(alpha)]
        )
    counts, sets = _set_counts(tasks)
    alpha = krippendorff_alpha(counts, masi_distance(sets), weights)
    rows.append([LABEL_SETS, int(((counts > 0).sum(1) > 1).sum()), "-", Estimate.of(alpha)])
    return pd.DataFrame(rows, columns=["topic", "texts differ", "prevalence", "alpha"], dtype=object)


def _set_counts(tasks: Sequence[Task]) -> tuple[Floats, list[frozenset[str]]]:
    """Count how many people give a text each set of labels."""
    given = [[frozenset(topics) for topics in labels(task).values()] for task in tasks]
    columns: Mapping[frozenset[str], int] = {
        found: column for column, found in enumerate(dict.fromkeys(found for row in given for found in row))
    }
    counts = np.zeros((len(tasks), len(columns)))
    for place, row in enumerate(given):
        for found in row:
            counts[place, columns[found]] += 1
    return counts, list(columns)


def _by_pair(
    people: Sequence[str], topics: Sequence[Topic], said: Bools, given: Bools, weights: Floats
) -> pd.DataFrame:
    rows = []
    for first, second in combinations(range(len(people)), 2):
        both = given[first] & given[second]
        if not both.any():
            continue
        kappa = cohen_kappa(said[first][both], said[second][both], weights[:, both])
        estimates = [Estimate.of(kappa[:, column]) for column in range(len(topics))]
        rows.append([f"{people[first]} + {people[second]}", int(both.sum()), *estimates])
    columns = ["kappa of", "texts", *(topic.title for topic in topics)]
    return pd.DataFrame(rows, columns=columns, dtype=object)
