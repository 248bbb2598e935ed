"""From paragraphs to the article: which topics it is about, and which it only mentions.

The rule: an article is about a topic that is given to at least a quarter of its paragraphs, most paragraphs first;
a topic given to fewer is mentioned. `docs/predict.md` has the check of the rule on labelled articles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SHARE = 0.25


@dataclass(frozen=True, slots=True)
class ArticleTopics:
    """Topics of one article with the number of paragraphs that have them, out of `paragraphs`."""

    paragraphs: int
    about: dict[str, int]
    mentioned: dict[str, int]


def aggregate(topics: Sequence[Sequence[str]]) -> ArticleTopics:
    """Sum up an article from the topics of each of its paragraphs."""
    counts: dict[str, int] = {}
    for given in topics:
        for topic in given:
            counts[topic] = counts.get(topic, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    least = SHARE * len(topics)
    return ArticleTopics(
        len(topics),
        {topic: count for topic, count in ranked if count >= least},
        {topic: count for topic, count in ranked if count < least},
    )
