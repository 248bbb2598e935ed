"""Text to counted terms, in training and in prediction alike: the specification, in plain Python.

`terms.Terms` counts by it, compiled where a compiler was there; the tests hold both to this module.

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
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.text.folding import CLOSES, ENDS, Folding, ascii_table

SENTENCE_WORDS = 6
_POSSESSIVE = re.compile(r"'s(?= |'|$)")
_SENTENCE_END = re.compile(rf"[{re.escape(ENDS)}][{re.escape(CLOSES)}]*\s+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_FOLDING = Folding()


def words(text: str) -> list[str]:
    """Split a text into folded words, as the module's description says."""
    folded = _folded(text)
    if "'" in folded:
        folded = _POSSESSIVE.sub(" ", folded).replace("'", "")
    return folded.split()


def sentences(text: str) -> list[list[str]]:
    """Split a text into sentences of folded words; a text without words is one empty sentence."""
    found: list[list[str]] = [[]]
    for piece in _SENTENCE_END.split(text):
        if len(found[-1]) >= SENTENCE_WORDS:
            found.append([])
        found[-1] += words(piece)
    if len(found) > 1 and len(found[-1]) < SENTENCE_WORDS:
        rest = found.pop()
        found[-1] += rest
    return found


def _folded(text: str) -> str:
    if not text.isascii():
        for character in set(_NOT_ASCII.findall(text)):
            letters = _FOLDING[ord(character)]
            if not letters.isascii():
                return text.translate(_FOLDING)
            text = text.replace(character, letters)
    return str(text.encode().translate(ascii_table()), "ascii")


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

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add up by rows values that are aligned with `data`, float64 [r]."""
        found = np.zeros(len(self.unknown))
        filled = np.flatnonzero(np.diff(self.indptr))
        if len(filled):
            found[filled] = np.add.reduceat(values, self.indptr[filled])
        return found


@dataclass(frozen=True)
class CountedTexts:
    """The counts of n texts by sentence and as wholes; text i has the sentences `starts[i]` to `starts[i + 1]`."""

    sentences: Counts
    wholes: Counts
    starts: NDArray[np.int64]
