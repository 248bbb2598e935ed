"""Count what a corpus holds: topics, pairs, sub-topics, kinds of text, agreement, and what names give away."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from statistics import median

from sklearn.metrics import cohen_kappa_score

from pipeline.evaluation.tables import Row
from pipeline.schema import LabelledParagraph, Topic
from pipeline.text.tokenizer import words

Rows = Sequence[LabelledParagraph]
_INSIDE = re.compile(r"(?<=[a-z,;] )[A-Z][\w\u2019'-]+")
_LOWER_AT_MOST = 2
_LENGTHS = (30, 60, 90, 120, 180)


def topic_table(rows: Rows, topics: Sequence[Topic]) -> list[Row]:
    """Count paragraphs by topic and side of the split: every topic, none, several, all."""
    table: list[Row] = [["topic", "paragraphs", "share", "median words"]]
    groups = [(topic.title, [r for r in rows if topic.id in (r.topics or ())]) for topic in topics]
    groups.append(("none", [r for r in rows if r.topics == ()]))
    groups.append(("two or more", [r for r in rows if len(r.topics or ()) > 1]))
    groups.append(("all", list(rows)))
    for name, found in groups:
        lengths = median(len(row.text.split()) for row in found) if found else 0
        table.append([name, str(len(found)), f"{len(found) / len(rows):.1%}", f"{lengths:g}"])
    return table


def pair_table(rows: Rows, topics: Sequence[Topic]) -> list[Row]:
    """Count paragraphs by pair of topics."""
    counted = Counter(pair for row in rows for pair in combinations(sorted(row.topics or ()), 2))
    table: list[Row] = [["pair", "paragraphs"]]
    for one, other in combinations(topics, 2):
        first, second = sorted((one.id, other.id))
        table.append([f"{one.title} + {other.title}", str(counted[first, second])])
    return table


def value_table(rows: Rows, name: str, value: Callable[[LabelledParagraph], str]) -> list[Row]:
    """Count paragraphs by a value of theirs, the most frequent first, with the share that has a topic."""
    counted = Counter(map(value, rows))
    labelled = Counter(value(row) for row in rows if row.topics)
    table: list[Row] = [[name, "paragraphs", "with a topic"]]
    for key, number in counted.most_common():
        table.append([key, str(number), f"{labelled[key] / number:.0%}"])
    return table


def decade(row: LabelledParagraph) -> str:
    """Give the decade of a row's date, or say that it has none."""
    return f"{row.date[:3]}0s" if row.date else "undated"


def length(row: LabelledParagraph) -> str:
    """Give the length class of a row, in words."""
    number = len(row.text.split())
    below = next((bound for bound in _LENGTHS if number <= bound), None)
    return f"up to {below} words" if below else f"over {_LENGTHS[-1]} words"


def agreement_table(rows: Rows, topics: Sequence[Topic]) -> list[Row]:
    """Compare the writer's labels with the second reader's: Cohen's kappa (Cohen 1960) for each topic."""
    read = [row for row in rows if row.reader_topics is not None and row.writer_topics is not None]
    table: list[Row] = [["topic", "both", "writer only", "reader only", "kappa"]]
    for topic in topics:
        writer = [topic.id in (row.writer_topics or ()) for row in read]
        reader = [topic.id in (row.reader_topics or ()) for row in read]
        pairs = Counter(zip(writer, reader, strict=True))
        kappa = cohen_kappa_score(writer, reader)
        counts = [pairs[True, True], pairs[True, False], pairs[False, True]]
        table.append([topic.title, *map(str, counts), f"{kappa:.3f}"])
    return table


def subtopic_table(rows: Rows, titles: dict[str, str]) -> list[Row]:
    """Count paragraphs by the sub-topic codes that the second reader gave."""
    counted = Counter(code for row in rows for code in row.subtopics or ())
    table: list[Row] = [["code", "sub-topic", "paragraphs"]]
    return table + [[code, title, str(counted[code])] for code, title in titles.items()]


def name_table(rows: Rows, *, most: int = 100) -> list[Row]:
    """List the most frequent names with the topic each predicts best, and with what precision.

    A name is a word that stands capitalised inside a sentence and hardly ever in lower case; months and days count
    too. The table is sorted by precision.
    """
    lower = Counter(word for row in rows for word in re.findall(r"\b[a-z]+\b", row.text))
    topics: dict[str, Counter[str]] = defaultdict(Counter)
    seen: Counter[str] = Counter()
    for row in rows:
        names = {name for name in _INSIDE.findall(row.text) if lower[name.lower()] <= _LOWER_AT_MOST}
        seen.update(names)
        for name in names:
            topics[name].update(row.topics or ())
    found = []
    for name, number in seen.most_common(most):
        topic, hits = max(topics[name].items(), key=lambda item: item[1], default=("-", 0))
        found.append((hits / number, name, topic, number))
    table: list[Row] = [["name", "paragraphs", "topic it goes with most", "precision"]]
    return table + [
        [name, str(number), topic, f"{share:.2f}"] for share, name, topic, number in sorted(found)[::-1]
    ]


def distinct_ngrams(rows: Rows, *, n: int) -> float:
    """Give the share of word n-grams that occur once only among all n-grams: templates would lower it."""
    counted = Counter(run for row in rows for run in _runs(words(row.text), n))
    return sum(1 for number in counted.values() if number == 1) / sum(counted.values())


def _runs(tokens: list[str], n: int) -> Iterable[tuple[str, ...]]:
    return (tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
