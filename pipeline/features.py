"""Text to counted terms, in training and in prediction alike: the first step from paragraph to score.

The tokeniser. Every character is folded: decomposed (NFKD), freed of combining marks, lower-cased. Letters
and digits of any script make words; everything else separates them. Apostrophes, straight or typographic,
vanish ("don't" is `dont`), and a possessive "'s" at the end of a word is cut ("Baku's" is `baku`). Hyphens
separate; the bigram keeps "de-mining" together. Formatting characters such as soft hyphens are dropped.

Sentences. White space after one of . ! ? ; : (and closing quotes or brackets) ends a sentence once it has
six words; a shorter rest belongs to the sentence before. A clause on a topic is looked for in sentences, because
in a long paragraph it drowns. N-grams do not cross sentences, so a paragraph's terms are those of its sentences.

The terms of a sentence are its words, its word n-grams (joined by a space), and, where `prefix` is set, the first
letters of every word with an asterisk ("clearance" and "cleared" share `clear*`).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_POSSESSIVE = re.compile(r"'s(?= |'|$)")
_APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
_SENTENCE_END = re.compile(r"(?<=[.!?;:])[\"'\u2018\u2019\u201c\u201d\u00bb)\]]*\s+")
_SENTENCE_WORDS = 6


class _Folding(dict[int, str]):
    """Translation table for `str.translate`, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


def _fold(character: str) -> str:
    if character in _APOSTROPHES:
        return "'"
    letters = "".join(c for c in unicodedata.normalize("NFKD", character.lower()) if c.isalnum())
    if letters:
        return letters.lower()
    return "" if unicodedata.category(character) in ("Mn", "Me", "Cf") else " "


_FOLDING = _Folding()


def words(text: str) -> list[str]:
    """Split a text into folded words, as the module's description says."""
    return _POSSESSIVE.sub(" ", text.translate(_FOLDING)).replace("'", "").split()


def sentences(text: str) -> list[list[str]]:
    """Split a text into sentences of folded words; a text without words is one empty sentence."""
    found: list[list[str]] = [[]]
    for piece in _SENTENCE_END.split(text):
        if len(found[-1]) >= _SENTENCE_WORDS:
            found.append([])
        found[-1] += words(piece)
    if len(found) > 1 and len(found[-1]) < _SENTENCE_WORDS:
        rest = found.pop()
        found[-1] += rest
    return found


@dataclass(frozen=True)
class Analyzer:
    """Which terms a sentence has: n-grams of up to `ngrams` words, and prefixes of `prefix` letters (0: none)."""

    ngrams: int = 2
    prefix: int = 5

    def terms(self, sentence: list[str]) -> list[str]:
        """List the terms of a sentence of words, each as often as it occurs."""
        found = list(sentence)
        for n in range(2, self.ngrams + 1):
            found += [" ".join(sentence[i : i + n]) for i in range(len(sentence) - n + 1)]
        if self.prefix:
            found += [word[: self.prefix] + "*" for word in sentence]
        return found


@dataclass(frozen=True)
class Counts:
    """Term counts of r rows in compressed sparse form: row i has `data[indptr[i]:indptr[i + 1]]`.

    `indices` are term indices, ascending in a row. `unknown` is the number of term occurrences of a row that are
    not in the vocabulary, float64 [r].
    """

    data: NDArray[np.float64]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]
    unknown: NDArray[np.float64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of every entry of `data`."""
        return np.repeat(np.arange(len(self.unknown)), np.diff(self.indptr))


@dataclass(frozen=True)
class CountedTexts:
    """The counts of n texts by sentence and as wholes; text i has the sentences `starts[i]` to `starts[i + 1]`."""

    sentences: Counts
    wholes: Counts
    starts: NDArray[np.int64]


def learn_vocabulary(texts: Iterable[str], analyzer: Analyzer) -> dict[str, int]:
    """Give every term of the texts an index, in alphabetical order."""
    found = {term for text in texts for sentence in sentences(text) for term in analyzer.terms(sentence)}
    return {term: index for index, term in enumerate(sorted(found))}


def count(texts: Iterable[str], analyzer: Analyzer, vocabulary: dict[str, int]) -> CountedTexts:
    """Count the known terms of each text and of each of its sentences."""
    parts: list[Counter[int]] = []
    wholes: list[Counter[int]] = []
    starts = [0]
    for text in texts:
        counted = [
            Counter(vocabulary.get(term, -1) for term in analyzer.terms(sentence)) for sentence in sentences(text)
        ]
        parts += counted
        wholes.append(sum(counted[1:], counted[0]))
        starts.append(len(parts))
    return CountedTexts(_counts(parts), _counts(wholes), np.array(starts, np.int64))


def _counts(rows: list[Counter[int]]) -> Counts:
    unknown = np.array([row.get(-1, 0) for row in rows], np.float64)
    ordered = [sorted(index for index in row if index >= 0) for row in rows]
    indptr = np.concatenate([[0], np.cumsum([len(indices) for indices in ordered])]).astype(np.int32)
    indices = np.array([index for indices in ordered for index in indices], np.int32)
    data = np.array([row[i] for row, indices in zip(rows, ordered, strict=True) for i in indices], np.float64)
    return Counts(data, indices, indptr, unknown)
