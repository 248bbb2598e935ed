"""Find where terms stand in a text: from the folded words that are counted back to character offsets."""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from pipeline.text.tokenizer import words

Span = tuple[int, int]
_SENTENCE_END = frozenset(".!?;:")


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
            found = [span for span in found if not _divided(self.text[slice(*span)])]
        return tuple(found)

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
        if _separates(character):
            if start is not None:
                yield _trimmed(text, start, index)
            start = None
        elif start is None:
            start = index
    if start is not None:
        yield _trimmed(text, start, len(text))


@lru_cache(maxsize=4096)
def _separates(character: str) -> bool:
    return len(words(f"a{character}b")) > 1


def _trimmed(text: str, start: int, end: int) -> Span:
    if text[start:end].isalnum():
        return start, end
    meant = words(text[start:end])
    while end - 1 > start and words(text[start : end - 1]) == meant:
        end -= 1
    while start + 1 < end and words(text[start + 1 : end]) == meant:
        start += 1
    return start, end


def _divided(text: str) -> bool:
    return any(sign in _SENTENCE_END and text[i + 1 : i + 2].isspace() for i, sign in enumerate(text))
