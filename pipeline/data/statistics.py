"""Data statistics: topics, pairs, kinds of text, agreement, and what names give away."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config import Config, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import Split, label_matrix
from pipeline.evaluation.agreement import cohen_kappa
from pipeline.evaluation.tables import as_markdown
from pipeline.schema import LabelledParagraph, Topic
from pipeline.text.tokenizer import words

Rows = Sequence[LabelledParagraph]
_INSIDE = re.compile(r"(?<=[a-z,;] )[A-Z][\w\u2019'-]+")
_LOWER_AT_MOST = 2
_LENGTHS = (0, 30, 60, 90, 120, 180)
_NAMES_SHOWN = 25


def describe(config: Config) -> str:
    """Write all statistics of an experiment's data as the Markdown tables of the data card.

    Parameters
    ----------
    config : Config

    Returns
    -------
    str

    Raises
    ------
    DataError
        For rows that cannot be read.

    """
    topics = read_topics(Path(config.data.topics))
    ids = [topic.id for topic in topics]
    rows = corpus.read(config.data.train, ids, unique=not config.data.duplicates)
    tables = {
        "Topics": topic_counts(rows, topics),
        "Split": split_counts(corpus.read_split(config, ids, to_train=False)),
        "Pairs of topics": pair_counts(rows, topics),
        "Agreement of the two readers": reader_agreement(rows, topics),
        "Genres": value_counts(rows, "genre", [row.genre or "-" for row in rows]),
        "Regions": value_counts(rows, "region", [row.region or "-" for row in rows]),
        "Decades": value_counts(rows, "decade", [decade(row) for row in rows]),
        "Length": value_counts(rows, "length", length_classes(rows)),
        "Names": name_precision(rows).head(_NAMES_SHOWN),
    }
    return "\n".join(f"### {title}\n\n{as_markdown(table)}" for title, table in tables.items())


def topic_counts(rows: Rows, topics: Sequence[Topic]) -> pd.DataFrame:
    """Count paragraphs with each topic, with none and with several; their share and median words."""
    has = pd.DataFrame(label_matrix(rows, [topic.id for topic in topics]), columns=[t.title for t in topics])
    number = has.sum(axis=1)
    has["none"], has["two or more"], has["all"] = number == 0, number > 1, True
    lengths = pd.Series([len(row.text.split()) for row in rows])
    counts = has.sum()
    return pd.DataFrame(
        {
            "topic": has.columns,
            "paragraphs": counts.to_numpy(),
            "share": (counts / len(rows)).map("{:.1%}".format).to_numpy(),
            "median words": [f"{lengths[has[name]].median() if has[name].any() else 0:g}" for name in has],
        }
    )


def split_counts(split: Split) -> pd.DataFrame:
    """Count articles, paragraphs, and paragraphs with a topic, of the training rows and of each test set."""
    parts = {"train": split.train, **split.test}
    return pd.DataFrame(
        {
            "split": list(parts),
            "articles": [len({row.article for row in rows}) for rows in parts.values()],
            "paragraphs": [len(rows) for rows in parts.values()],
            "with a topic": [sum(bool(row.topics) for row in rows) for rows in parts.values()],
        }
    )


def label_counts(split: Split, topics: Sequence[Topic]) -> pd.DataFrame:
    """Count rows by topic, with none, and in all: a column for the training rows and for each test set."""
    ids = [topic.id for topic in topics]
    counts = {
        name: [*label_matrix(rows, ids).sum(0).tolist(), sum(not row.topics for row in rows), len(rows)]
        for name, rows in {"train": split.train, **split.test}.items()
    }
    return pd.DataFrame({"rows with": [*(topic.title for topic in topics), "none", "all"], **counts})


def pair_counts(rows: Rows, topics: Sequence[Topic]) -> pd.DataFrame:
    """Count paragraphs with each pair of topics."""
    has = label_matrix(rows, [topic.id for topic in topics]).astype(int)
    both = has.T @ has
    pairs = list(combinations(range(len(topics)), 2))
    return pd.DataFrame(
        {
            "pair": [f"{topics[i].title} + {topics[j].title}" for i, j in pairs],
            "paragraphs": [int(both[i, j]) for i, j in pairs],
        }
    )


def value_counts(rows: Rows, name: str, values: Sequence[str]) -> pd.DataFrame:
    """Count paragraphs by a value of each row, the most frequent first, with the share that has a topic."""
    found = pd.DataFrame({name: values, "topical": [bool(row.topics) for row in rows]})
    counted = found.groupby(name, sort=False)["topical"].agg(["size", "mean"])
    counted = counted.sort_values("size", ascending=False, kind="stable").reset_index()
    counted["mean"] = counted["mean"].map("{:.0%}".format)
    return counted.set_axis([name, "paragraphs", "with a topic"], axis=1)


def decade(row: LabelledParagraph) -> str:
    """Return the decade of a row's date, such as 1990s, or `undated`."""
    return f"{row.date[:3]}0s" if row.date else "undated"


def length_classes(rows: Rows) -> list[str]:
    """Return the length class of each row, in words."""
    names = [*(f"up to {bound} words" for bound in _LENGTHS[1:]), f"over {_LENGTHS[-1]} words"]
    lengths = pd.Series([len(row.text.split()) for row in rows])
    return pd.cut(lengths, [*_LENGTHS, float("inf")], labels=names).astype(str).tolist()


def reader_agreement(rows: Rows, topics: Sequence[Topic]) -> pd.DataFrame:
    """Compare the writer's labels with the second reader's: Cohen's kappa (Cohen 1960) for each topic."""
    read = [row for row in rows if row.reader_topics is not None and row.writer_topics is not None]
    ids = [topic.id for topic in topics]
    writer = label_matrix([replace(row, topics=row.writer_topics) for row in read], ids)
    reader = label_matrix([replace(row, topics=row.reader_topics) for row in read], ids)
    counts = [(writer & reader).sum(0), (writer & ~reader).sum(0), (~writer & reader).sum(0)]
    kappa = cohen_kappa(writer, reader, np.ones((1, len(read))))[0]
    columns = {"both": counts[0], "writer only": counts[1], "reader only": counts[2]}
    shown = ["-" if np.isnan(value) else f"{value:.3f}" for value in kappa]
    return pd.DataFrame({"topic": [topic.title for topic in topics], **columns, "kappa": shown})


def name_precision(rows: Rows, *, most: int = 100) -> pd.DataFrame:
    """List the most frequent names with the topic that each predicts best, and with what precision.

    A name is a word that stands capitalised inside a sentence and hardly ever in lower case; months and days count
    too. The table is sorted by precision.
    """
    found = _names(rows)
    counts = found["name"].value_counts().rename("paragraphs").sort_index()
    counts = counts.sort_values(ascending=False, kind="stable").head(most)
    pairs = found.explode("topic").dropna()
    hits = pairs.value_counts(["name", "topic"]).sort_index().rename("hits").reset_index()
    best = hits.sort_values("hits", ascending=False, kind="stable").drop_duplicates("name").set_index("name")
    table = counts.to_frame().join(best).fillna({"topic": "-", "hits": 0})
    table["precision"] = table["hits"] / table["paragraphs"]
    table = table.reset_index(names="name").sort_values(["precision", "name"], ascending=False, ignore_index=True)
    table["precision"] = table["precision"].map("{:.2f}".format)
    columns = {"topic": "topic it goes with most"}
    return table[["name", "paragraphs", "topic", "precision"]].rename(columns=columns)


def _names(rows: Rows) -> pd.DataFrame:
    """Return the names in each row, once a row, with the row's topics."""
    lower = Counter(word for row in rows for word in re.findall(r"\b[a-z]+\b", row.text))
    names = [
        (name, row.topics or ())
        for row in rows
        for name in sorted(set(_INSIDE.findall(row.text)))
        if lower[name.lower()] <= _LOWER_AT_MOST
    ]
    return pd.DataFrame(names, columns=["name", "topic"])


def distinct_ngrams(rows: Rows, *, n: int) -> float:
    """Return the share of all word n-grams that occur only once; templates would lower it."""
    counted = Counter(run for row in rows for run in _runs(words(row.text), n))
    return sum(1 for number in counted.values() if number == 1) / sum(counted.values())


def _runs(tokens: list[str], n: int) -> Iterable[tuple[str, ...]]:
    return (tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
