"""Text to counted terms, in training and in prediction alike: the specification, in plain Python.

`vocabulary.Vocabulary` counts by it, compiled where a compiler was available; the tests hold both to this module.

The tokenizer. Every character is folded: decomposed (NFKD), stripped of combining marks, lower-cased. Letters
and digits of any script make words; everything else separates them. Apostrophes, straight or typographic,
vanish ("don't" is `dont`), and a possessive "'s" at the end of a word is cut ("Baku's" is `baku`). Hyphens
separate; the bigram keeps "de-mining" together. Formatting characters such as soft hyphens are dropped.

Sentences. White space after one of . ! ? ; : (and closing quotes or brackets) ends a sentence once it has
six words; a shorter rest belongs to the sentence before. A clause on a topic is looked for in sentences, because
in a long paragraph it would be diluted. N-grams do not cross sentences, so a paragraph's terms are those of its
sentences.

The terms of a sentence are its words, its word n-grams (joined by a space), and, where `prefix_length` is set, the
first letters of every word with an asterisk ("clearance" and "cleared" share `clear*`).
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.text.folding import CLOSES, ENDS, Folding, ascii_table
from pipeline.text.validation import MAX_NGRAM, MAX_PREFIX, check_number

SENTENCE_WORDS = 6
_POSSESSIVE = re.compile(r"'s(?= |'|$)")
_SENTENCE_END = re.compile(rf"[{re.escape(ENDS)}][{re.escape(CLOSES)}]*\s+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_FOLDING = Folding()


def words(text: str) -> list[str]:
    """Return the folded words of a text, as the module's description says."""
    folded = _folded(text)
    if "'" in folded:
        folded = _POSSESSIVE.sub(" ", folded).replace("'", "")
    return folded.split()


def sentences(text: str) -> list[list[str]]:
    """Return the sentences of a text as lists of folded words; a text without words is one empty sentence."""
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
    """Which terms a sentence has.

    Parameters
    ----------
    max_ngram : int, default 2
        Longest word n-gram, 1 to 4.
    prefix_length : int, default 5
        Letters of the word prefixes, 0 to 255; 0 for none.

    Raises
    ------
    ValueError
        Where a parameter is out of its range.

    """

    max_ngram: int = 2
    prefix_length: int = 5

    def __post_init__(self) -> None:
        check_number("max_ngram", self.max_ngram, low=1, high=MAX_NGRAM, whole=True)
        check_number("prefix_length", self.prefix_length, low=0, high=MAX_PREFIX, whole=True)

    def terms(self, sentence: list[str]) -> list[str]:
        """Return the terms of a sentence of words, each as often as it occurs."""
        found = list(sentence)
        for n in range(2, self.max_ngram + 1):
            found += [" ".join(sentence[i : i + n]) for i in range(len(sentence) - n + 1)]
        if self.prefix_length:
            found += [word[: self.prefix_length] + "*" for word in sentence]
        return found


@dataclass(frozen=True)
class Counts:
    """Term counts of r rows in compressed sparse form: row i has `data[indptr[i]:indptr[i + 1]]`.

    `indices` are term indices, ascending in a row. `oov` is the number of term occurrences of a row that are out
    of the vocabulary, float64 [r].
    """

    data: NDArray[np.float64]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]
    oov: NDArray[np.float64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of every entry of `data`."""
        return np.repeat(np.arange(len(self.oov)), np.diff(self.indptr))

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the row sums, float64 [r], of values that are aligned with `data`."""
        found = np.zeros(len(self.oov))
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
