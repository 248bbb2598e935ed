"""Observe a sample of text, by article: what the model says of it and what it is like, without keeping it."""

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.drift import Edges, Paragraphs, Sums, article_sums
from pipeline.model.bundle import Bundle
from pipeline.model.scorer import Scorer
from pipeline.predict.article import DEFAULT_POINT, with_language
from pipeline.schema import Article
from pipeline.text.tokenizer import words

_BATCH = 1000
_MOST_ARTICLES = 20_000  # of more, so many are drawn: the tests tell no more of them, and take longer
_FEWEST_WORDS = 20  # of an article whose language is asked for: of fewer nobody can tell
_DAMAGED = re.compile(r"\ufffd|\?(?<=[^\W\d]\?)(?=[^\W\d])|[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_CAPITALS, _SMALL = string.ascii_uppercase.encode(), string.ascii_lowercase.encode()
Group = tuple[str, Sequence[str]]
"""The name of an article, and paragraphs of it."""


@dataclass(frozen=True)
class Sample:
    """What was observed of n paragraphs of m articles.

    Parameters
    ----------
    source : str
        What they are, for people.
    found : Paragraphs
    articles : int array of shape (n,)
        The article of each paragraph.
    foreign : bool array of shape (m,)
        Whether an article is in a language that the model was not trained on.
    words : Counter of str
        In how many articles a word is.

    """

    source: str
    found: Paragraphs
    articles: NDArray[np.intp]
    foreign: NDArray[np.bool_]
    words: Counter[str]

    def sums(self, edges: Edges) -> Sums:
        """Sum by article; of more than 20,000 articles, a random sample of that many."""
        sums = article_sums(self.found, self.articles, self.foreign, edges)
        if len(sums.values) <= _MOST_ARTICLES:
            return sums
        drawn = np.random.default_rng(0).choice(len(sums.values), _MOST_ARTICLES, replace=False)
        return Sums(sums.topics, sums.values[np.sort(drawn)])


def paragraph_facts(scorer: Scorer, texts: Sequence[str], scores: NDArray[np.float64] | None = None) -> Paragraphs:
    """Find what is known of n texts, at the default operating point.

    Parameters
    ----------
    scorer : Scorer
    texts : sequence of str
    scores : float64 array of shape (n, k), optional
        Their scores, where they are known already.

    Returns
    -------
    Paragraphs

    """
    scores = scorer.scores(texts) if scores is None else scores
    wholes = scorer.count(texts).wholes
    letters, capitals = zip(*map(_letters, texts), strict=True) if texts else ((), ())
    return Paragraphs(
        scores=scores,
        assigned=scorer.at(DEFAULT_POINT).labels(scores),
        words=np.array([len(text.split()) for text in texts], float),
        letters=np.array(letters, float),
        capitals=np.array(capitals, float),
        damaged=np.array([_DAMAGED.search(text) is not None for text in texts], float),
        terms=wholes.sums(wholes.data) + wholes.oov,
        oov=wholes.oov,
    )


def observe(source: str, groups: Iterable[Group], bundle: Bundle) -> Sample:
    """Observe paragraphs.

    Parameters
    ----------
    source : str
        What they are, for people.
    groups : iterable of (name, texts)
        Paragraphs of the article with this name, of which there may be several groups.
    bundle : Bundle

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        Where there is no paragraph.

    """
    names: dict[str, int] = {}
    seen: Counter[str] = Counter()
    articles: list[int] = []
    foreign: dict[int, bool] = {}
    parts: list[Paragraphs] = []
    for batch in _batches(groups):
        for name, texts in batch:
            number = names.setdefault(name, len(names))
            articles += [number] * len(texts)
            found = [word for text in texts for word in words(text)]
            seen.update(set(found))
            foreign[number] = foreign.get(number, False) or _is_foreign(texts, len(found), bundle)
        parts.append(paragraph_facts(bundle.scorer, [text for _, texts in batch for text in texts]))
    if not articles:
        raise ValueError("no paragraphs")
    numbers = np.array(articles, np.intp)
    return Sample(source, _joined(parts), numbers, np.array([foreign[i] for i in range(len(names))]), seen)


def _letters(text: str) -> tuple[int, int]:
    """Count letters, and capitals among them: those of ASCII at once, as a request has thousands."""
    plain = text.encode("ascii", "ignore")
    capitals = len(plain) - len(plain.translate(None, _CAPITALS))
    letters = capitals + len(plain) - len(plain.translate(None, _SMALL))
    others = [] if text.isascii() else list(filter(str.isalpha, _NOT_ASCII.findall(text)))
    return letters + len(others), capitals + sum(map(str.isupper, others))


def _batches(groups: Iterable[Group]) -> Iterator[list[Group]]:
    named = groupby(groups, key=lambda group: group[0])  # rows of an article that follow each other are one group
    joined: Iterator[Group] = ((name, [text for _, texts in same for text in texts]) for name, same in named)
    filled = ((name, texts) for name, texts in joined if texts)
    while batch := list(islice(filled, _BATCH)):
        yield batch


def by_article(rows: Iterable[tuple[str, str]]) -> list[Group]:
    """Group paragraphs, each with the name of its article, in the order of first appearance."""
    groups: dict[str, list[str]] = {}
    for name, text in rows:
        groups.setdefault(name, []).append(text)
    return list(groups.items())


def _joined(parts: Sequence[Paragraphs]) -> Paragraphs:
    names = Paragraphs.__dataclass_fields__
    return Paragraphs(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _is_foreign(texts: Sequence[str], count: int, bundle: Bundle) -> bool:
    if count < _FEWEST_WORDS:
        return False
    language = with_language(Article("", "\n\n".join(texts)), bundle).language
    return language is not None and language not in bundle.languages
