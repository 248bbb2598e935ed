"""From paragraphs to the article: which topics it is about, and which it only mentions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.text.paragraphs import is_fragment

SHARE = 0.15
SEVERAL, SHORT_ARTICLE = 2, 3


@dataclass(frozen=True, slots=True)
class ArticleTopics:
    """Topics of one article, most paragraphs first.

    Parameters
    ----------
    paragraphs : int
        Paragraphs of text: headings, bylines and other fragments do not count.
    about, mentioned : dict of str to int
        By topic, how many paragraphs have it; in `about` paragraphs of text, in `mentioned` all.
    """

    paragraphs: int
    about: dict[str, int]
    mentioned: dict[str, int]


def aggregate(texts: Sequence[str], topics: Sequence[Sequence[str]]) -> ArticleTopics:
    """Sum up an article.

    An article is about a topic that at least two of its paragraphs of text have, and at least 15 % of them; in an
    article of one to three paragraphs of text one is enough. Every other topic is mentioned. docs/predict.md has
    the check of the rule against a reader.

    Parameters
    ----------
    texts : sequence of str
        The article's paragraphs.
    topics : sequence of sequence of str
        The topics of each.

    Returns
    -------
    ArticleTopics
    """
    body = [found for text, found in zip(texts, topics, strict=True) if not is_fragment(text)]
    counts = Counter(topic for found in body for topic in found)
    least = max(SEVERAL, SHARE * len(body)) if len(body) > SHORT_ARTICLE else 1
    about = {topic: count for topic, count in counts.most_common() if count >= least}
    everywhere = Counter(topic for found in topics for topic in found)
    return ArticleTopics(
        len(body), about, {topic: count for topic, count in everywhere.most_common() if topic not in about}
    )
