"""Find where terms stand in a text: from the folded words that are counted back to character offsets."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

from pipeline.text.folding import ENDS, Folding
from pipeline.text.tokenizer import words

Span = tuple[int, int]
_SENTENCE_END = re.compile(rf"[{re.escape(ENDS)}](?=\s)")
_FOLDING = Folding()


class WordOffsets:
    """The words of one text as `features.words` gives them, each with its (start, end) in the text."""

    def __init__(self, text: str) -> None:
        """Locate every word once; each term is then looked up without reading the text again."""
        found = [(word, span) for span in _runs(text) for word in words(text[slice(*span)])]
        self.text = text
        self.words = [word for word, _ in found]
        self.spans = [span for _, span in found]
        self._places: dict[str, list[int]] = {}
        for index, word in enumerate(self.words):
            self._places.setdefault(word, []).append(index)
        self._sorted = sorted(self._places)

    def find(self, term: str, *, times: int) -> tuple[Span, ...]:
        """Give the spans of a term: a word, words joined by a space, or the first letters of words and `*`.

        `times` is how often the model counted it: where neighbouring words make it more often than that, those
        that a sentence's end divides are left out, as in counting.
        """
        if term.endswith("*"):
            return tuple(self.spans[index] for index in self._starting(term[:-1]))
        parts = term.split(" ")
        places = [i for i in self._places.get(parts[0], []) if self.words[i : i + len(parts)] == parts]
        found = [(self.spans[i][0], self.spans[i + len(parts) - 1][1]) for i in places]
        if len(parts) > 1 and len(found) > times:
            found = [span for span in found if not self._divided(*span)]
        return tuple(found)

    @cached_property
    def _ends(self) -> list[int]:
        return [match.start() for match in _SENTENCE_END.finditer(self.text)]

    def _divided(self, start: int, end: int) -> bool:
        """Tell whether a sentence ends, before white space, within a span."""
        return bisect_left(self._ends, start) < bisect_left(self._ends, end - 1)

    def _starting(self, letters: str) -> list[int]:
        found: list[int] = []
        for word in self._sorted[bisect_left(self._sorted, letters) :]:
            if not word.startswith(letters):
                break
            found += self._places[word]
        return sorted(found)


def _runs(text: str) -> Iterator[Span]:
    """Give the stretches of a text between separators, without apostrophes and possessive endings around them."""
    start = None
    for index, character in enumerate(text):
        if _FOLDING[ord(character)] == " ":
            if start is not None:
                yield _trimmed(text, start, index)
            start = None
        elif start is None:
            start = index
    if start is not None:
        yield _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Span:
    """Leave out what changes no word at the ends of a run, each character of which is looked at a few times.

    That is dropped characters and apostrophes, and a possessive ending, as the tokeniser's rule finds it: an "s"
    between an apostrophe and another or the end.
    """
    if text[start:end].isalnum():
        return start, end
    while end - 1 > start and _ends_in_vain(text, start, end):
        end -= 1
    while start + 1 < end and _starts_in_vain(text, start, end):
        start += 1
    return start, end


def _ends_in_vain(text: str, start: int, end: int) -> bool:
    last = _FOLDING[ord(text[end - 1])]
    return last in ("", "'") or (last == "s" and _next(text, range(end - 2, start - 1, -1)) == "'")


def _starts_in_vain(text: str, start: int, end: int) -> bool:
    first = _FOLDING[ord(text[start])]
    return first == "" or (first == "'" and not _is_possessive(text, start + 1, end))


def _is_possessive(text: str, start: int, end: int) -> bool:
    following = (letters for index in range(start, end) if (letters := _FOLDING[ord(text[index])]))
    return next(following, "") == "s" and next(following, "'") == "'"


def _next(text: str, places: range) -> str:
    """Return the first folding at these places that is not empty."""
    return next((letters for index in places if (letters := _FOLDING[ord(text[index])])), "")
