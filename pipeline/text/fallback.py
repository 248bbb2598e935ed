"""Count terms with Python and numpy: the answer where the kernel could not be compiled, many texts at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from itertools import count as counting
from operator import itemgetter
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pipeline.text.tokenizer import Analyzer, CountedTexts, Counts, sentences

Integers = NDArray[np.int64]
_NONE, _SEVERAL = -1, -2  # in a hash table
_MET = 200_000  # words that are kept, some tens of MB


@dataclass(frozen=True)
class NGrams:
    """The known n-grams of one length above 1, as paths of word numbers.

    A path's key is the number of the path without its last word, times `width`, plus the last word's number.
    `keys` is sorted; a path's own number is its place there. `terms` holds the index of its term, -1 for none.
    """

    keys: Integers
    terms: Integers
    width: int

    @cached_property
    def hashed(self) -> NDArray[np.int32]:
        """A hash table, which spares most searches: at the place of a key the number of its path, or _SEVERAL."""
        found = np.full(1 << (len(self.keys).bit_length() + 3), _NONE, np.int32)
        places = _place(self.keys, found)
        found[places] = np.arange(len(self.keys))
        found[places[found[places] != np.arange(len(self.keys))]] = _SEVERAL
        return found

    def find(self, paths: Integers, last: Integers) -> Integers:
        """Give the number of every path extended by a word, -1 where there is none."""
        if not len(self.keys):
            return np.full(len(paths), -1)
        wanted = paths * self.width + last
        found = self.hashed[_place(wanted, self.hashed)].astype(np.int64)
        several = np.flatnonzero(found == _SEVERAL)
        found[several] = np.minimum(np.searchsorted(self.keys, wanted[several]), len(self.keys) - 1)
        right = (self.keys[found] == wanted) & (paths >= 0) & (last >= 0)
        return np.where(right, found, -1)

    def term_of(self, paths: Integers) -> Integers:
        """Give the index of the term of every path, -1 where there is none."""
        return np.where(paths >= 0, self.terms[paths], -1) if len(self.terms) else paths


class FallbackVocabulary:
    """The known terms of an analyzer, ready to count; `strings` are the m terms in the order of their indices."""

    def __init__(self, strings: Iterable[str], analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.index = {term: index for index, term in enumerate(strings)}
        grams = [(term.split(" "), index) for term, index in self.index.items() if " " in term]
        self.numbers = {word: number for number, word in enumerate(dict.fromkeys(chain(*(g for g, _ in grams))))}
        self.met: defaultdict[str, int] = defaultdict(counting().__next__)
        self.lock = Lock()  # of the two, which threads share
        self.known = np.zeros((0, 3), np.int64)
        self.levels = self._levels([([self.numbers[word] for word in gram], index) for gram, index in grams])

    def count(self, texts: Sequence[str]) -> CountedTexts:
        """Count the known terms of each text and of each of its sentences."""
        words, lengths, starts = _words(texts)
        rows, terms = self._occurrences(words, np.repeat(np.arange(len(lengths)), lengths))
        texts_of = np.repeat(np.arange(len(texts)), np.diff(starts))
        m = len(self.index)
        by_sentence = _counts(rows, terms, len(lengths), m)
        return CountedTexts(by_sentence, _counts(texts_of[rows], terms, len(texts), m), starts)

    def _occurrences(self, words: list[str], sentence: Integers) -> tuple[Integers, Integers]:
        """List the sentence and the term (-1: out of vocabulary) of every term occurrence in a run of words."""
        rows, words_known = [sentence, sentence], self._known(words)
        terms = [words_known[:, 0], words_known[:, 1]]
        numbers = paths = words_known[:, 2]
        if not self.analyzer.prefix_length:
            del rows[1], terms[1]
        for n, level in enumerate(self.levels, 1):
            inside = sentence[n:] == sentence[:-n]
            paths = level.find(paths[:-1], numbers[n:])
            rows.append(sentence[n:][inside])
            terms.append(level.term_of(paths)[inside])
        return np.concatenate(rows), np.concatenate(terms)

    def _known(self, words: list[str]) -> Integers:
        """Give each word's term, its prefix's term and its number in n-grams, -1 for none: int64 [w, 3].

        What is found of a word is kept for the next texts.
        """
        with self.lock:
            if len(self.met) > _MET:
                self.met, self.known = defaultdict(counting().__next__), self.known[:0]
            found = itemgetter("", "", *words)(self.met)  # a tuple, which it gives of two keys or more
            places = np.fromiter(found, np.int64, len(found))[2:]
            new = list(islice(reversed(self.met), len(self.met) - len(self.known)))[::-1]
            prefixes = [word[: self.analyzer.prefix_length] + "*" for word in new]
            columns = [_numbers(self.index, new), _numbers(self.index, prefixes), _numbers(self.numbers, new)]
            self.known = np.concatenate([self.known, np.column_stack(columns)])
            return self.known.take(places, axis=0)

    def _levels(self, grams: list[tuple[list[int], int]]) -> list[NGrams]:
        levels, width = [], max(len(self.numbers), 1)
        paths = np.array([gram[0] for gram, _ in grams], np.int64)
        for n in range(2, self.analyzer.max_ngram + 1):
            long = np.array([len(gram) >= n for gram, _ in grams], bool)
            grams, paths = [gram for gram in grams if len(gram[0]) >= n], paths[long]
            keys = paths * width + np.array([gram[n - 1] for gram, _ in grams], np.int64)
            distinct, paths = np.unique(keys, return_inverse=True)
            terms = np.full(len(distinct), -1, np.int64)
            ends = np.array([len(gram) == n for gram, _ in grams], bool)
            terms[paths[ends]] = np.array([index for _, index in grams], np.int64)[ends]
            levels.append(NGrams(distinct, terms, width))
        return levels


def learn_vocabulary(texts: Iterable[str], analyzer: Analyzer, min_df: int) -> list[str]:
    """List the terms that are in at least `min_df` texts, in alphabetical order."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update({term for sentence in sentences(text) for term in analyzer.terms(sentence)})
    return sorted(term for term, texts_with in found.items() if texts_with >= min_df)


def _place(keys: Integers, table: NDArray[np.int32]) -> Integers:
    return (keys ^ (keys >> 17)) & (len(table) - 1)


def _numbers(known: dict[str, int], strings: Iterable[str]) -> Integers:
    return np.array([known.get(string, -1) for string in strings], np.int64)


def _words(texts: Sequence[str]) -> tuple[list[str], Integers, Integers]:
    """Give all words, the length of every sentence and, as in `CountedTexts`, the sentences where texts start."""
    words: list[str] = []
    ends, starts = [0], [0]
    for text in texts:
        for sentence in sentences(text):
            words += sentence
            ends.append(len(words))
        starts.append(len(ends) - 1)
    return words, np.diff(ends), np.array(starts)


def _ascending(keys: Integers, bits: int) -> Integers:
    """Sort numbers of so many bits, 16 at a time: numpy has a radix sort for these, several times as fast."""
    for shift in range(0, bits, 16):
        keys = keys[np.argsort((keys >> shift).astype(np.uint16), kind="stable")]
    return keys


def _counts(rows: Integers, terms: Integers, n: int, m: int) -> Counts:
    known = terms >= 0
    oov = np.bincount(rows[~known], minlength=n).astype(np.float64)
    bits = m.bit_length()
    keys = _ascending(rows[known] << bits | terms[known], bits + n.bit_length())
    first = np.flatnonzero(np.concatenate([keys[:1] >= 0, keys[1:] != keys[:-1]]))
    counts = np.diff(first, append=len(keys))
    row, index = keys[first] >> bits, keys[first] & ((1 << bits) - 1)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int32)
    return Counts(counts.astype(np.float64), index.astype(np.int32), indptr, oov)
