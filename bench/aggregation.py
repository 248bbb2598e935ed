"""Check the rule that makes an article's topics of its paragraphs' against a reader of whole articles.

python -m bench.aggregation LABELLED.jsonl ... --reader FILE

The reader's file has a JSON object a line: `article`, and `about`, the topics that the reader files it under.
Prints micro precision, recall and F1 of each rule on the settled labels, and the share of articles with all topics
right.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from pipeline.config import read_topics
from pipeline.data import corpus
from pipeline.evaluation.tables import as_markdown
from pipeline.model.aggregation import aggregate
from pipeline.text.paragraphs import is_fragment

Topics = Sequence[Sequence[str]]
Rule = Callable[[Sequence[str], Topics], set[str]]


def at_least(share: float, fewest: int = 1, *, fragments: bool = False) -> Rule:
    """Return a rule: topics of so many paragraphs, and of such a share of them."""

    def rule(texts: Sequence[str], topics: Topics) -> set[str]:
        body = [found for text, found in zip(texts, topics, strict=True) if fragments or not is_fragment(text)]
        counts = Counter(topic for found in body for topic in found)
        return {topic for topic, count in counts.items() if count >= max(fewest, share * len(body))}

    return rule


RULES: dict[str, Rule] = {
    "a quarter of all paragraphs": at_least(0.25, fragments=True),
    "a quarter of the paragraphs of text": at_least(0.25),
    "15 % of the paragraphs of text": at_least(0.15),
    "two, and 15 % (one in an article of up to three)": lambda texts, topics: set(aggregate(texts, topics).about),
    "three, and 15 %": at_least(0.15, 3),
}


def main() -> None:
    """Print a table in Markdown: a row a rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="labelled JSON lines")
    parser.add_argument("--reader", type=Path, required=True)
    parser.add_argument("--topics", type=Path, default=Path("configs/topics.yaml"))
    arguments = parser.parse_args()
    ids = [topic.id for topic in read_topics(arguments.topics)]
    articles: dict[str, list[corpus.LabelledParagraph]] = {}
    for row in corpus.labelled(corpus.read(arguments.data, ids, unique=False)):
        articles.setdefault(row.article, []).append(row)
    lines = arguments.reader.read_text(encoding="utf-8").splitlines()
    read = {found["article"]: set(found["about"]) for found in map(json.loads, lines)}
    table = pd.DataFrame(
        [[name, *_measured(rule, articles, read)] for name, rule in RULES.items()],
        columns=["about what has", "precision", "recall", "F1", "articles all right"],
    )
    print(f"{len(read)} articles\n\n{as_markdown(table)}")


def _measured(
    rule: Rule, articles: dict[str, list[corpus.LabelledParagraph]], read: dict[str, set[str]]
) -> list[str]:
    pairs = [
        (rule([row.text for row in articles[name]], [row.topics or () for row in articles[name]]), about)
        for name, about in read.items()
    ]
    hits = sum(len(found & about) for found, about in pairs)
    found, true = (sum(map(len, side)) for side in zip(*pairs, strict=True))
    values = (hits / found, hits / true, 2 * hits / (found + true), sum(a == b for a, b in pairs) / len(pairs))
    return [f"{value:.3f}" for value in values]


if __name__ == "__main__":
    main()
