"""Take phrases out of a text, however they are written: to see what a model knows beyond a topic's name."""

import re
from collections.abc import Iterable, Sequence

from pipeline.text.tokenizer import words

_TOKEN = re.compile(r"[^\W_]+")
_MASK = "\u2014"
Phrases = dict[str, list[tuple[str, ...]]]


def phrase_index(phrases: Iterable[str]) -> Phrases:
    """Fold phrases and file them under their first word, longest first."""
    index: Phrases = {}
    for phrase in {tuple(_folded(token) for token in _TOKEN.findall(phrase)) for phrase in phrases}:
        if phrase:
            index.setdefault(phrase[0], []).append(phrase)
    return {first: sorted(owned, key=len, reverse=True) for first, owned in index.items()}


def mask(text: str, phrases: Phrases) -> str:
    """Put a dash, which is no word, in place of every phrase; case, accents, hyphens and spacing do not matter."""
    tokens = [(match.start(), match.end(), _folded(match[0])) for match in _TOKEN.finditer(text)]
    pieces, kept, place = [], 0, 0
    while place < len(tokens):
        length = _matched([folded for _, _, folded in tokens[place : place + 12]], phrases)
        if length:
            pieces += [text[kept : tokens[place][0]], _MASK]
            kept = tokens[place + length - 1][1]
        place += max(length, 1)
    return "".join(pieces) + text[kept:]


def _matched(ahead: Sequence[str], phrases: Phrases) -> int:
    fitting = (p for p in phrases.get(ahead[0], ()) if tuple(ahead[: len(p)]) == p)
    return len(next(fitting, ()))


def _folded(token: str) -> str:
    return " ".join(words(token))
