"""Describe: count what the labelled data hold, as the tables of the data card."""

import csv
from collections.abc import Sequence
from pathlib import Path

from pipeline.config import Config, read_topics
from pipeline.data import corpus
from pipeline.data import statistics as census
from pipeline.errors import DataError
from pipeline.evaluation.tables import Row, as_markdown
from pipeline.schema import LabelledParagraph

SUBTOPICS = "subtopics.csv"


def describe(config: Config) -> str:
    """Give all tables in Markdown; sub-topics come from `subtopics.csv` beside the first folder of articles."""
    topics = read_topics(Path(config.data.topics))
    ids = [topic.id for topic in topics]
    rows = corpus.read(config.data.train, ids, unique=not config.data.duplicates)
    parts: list[tuple[str, Sequence[Row]]] = [
        ("Topics", census.topic_table(rows, topics)),
        ("Sides", _sides(rows, config)),
        ("Pairs of topics", census.pair_table(rows, topics)),
        ("Sub-topics", census.subtopic_table(rows, _subtopics(Path(config.data.train[0]).parent / SUBTOPICS))),
        ("Agreement of the two readers", census.agreement_table(rows, topics)),
        ("Genres", census.value_table(rows, "genre", lambda row: row.genre or "-")),
        ("Regions", census.value_table(rows, "region", lambda row: row.region or "-")),
        ("Decades", census.value_table(rows, "decade", census.decade)),
        ("Length", census.value_table(rows, "length", census.length)),
        ("Names", census.name_table(rows)[:26]),
    ]
    return "\n".join(f"### {title}\n\n{as_markdown(table)}" for title, table in parts)


def _sides(rows: Sequence[LabelledParagraph], config: Config) -> list[Row]:
    table: list[Row] = [["side", "articles", "paragraphs", "with a topic"]]
    for side in ("train", "test"):
        found = [row for row in rows if (row.writer in config.data.test_writers) == (side == "test")]
        articles = {row.article for row in found}
        table.append([side, str(len(articles)), str(len(found)), str(sum(bool(row.topics) for row in found))])
    return table


def _subtopics(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["code"]: row["title"] for row in csv.DictReader(file)}
    except (OSError, KeyError) as error:
        raise DataError(
            f"{path}: a table of sub-topics with columns code and title is expected: {error}"
        ) from None
