"""Change a text to see what a model goes by.

A perturbation changes what must not matter: a name, a number, a dateline, capitals, quotation marks. Masking takes
out the topic's own names, to see what the model knows beside them.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pipeline.text.tokenizer import words

_OPENING = re.compile(r"(?<![^\s(\[\u2014-])\"")
_TYPOGRAPHIC = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
_TOKEN = re.compile(r"[^\W_]+")
_MASK = "\u2014"  # a dash is no word
_DASH = r"\s?[-\u2013]\s?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)(?:[a-z]*|\.)"
_DAYS = rf"\d{{1,2}}(?:(?:{_DASH}|\sto\s|\sand\s|,\s)\d{{1,2}})*"
_FIGURE = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_QUANTITY = re.compile(  # what stands before the group is kept: another number there would make no sense
    rf"\b{_MONTH}\s{_DAYS}(?![\w:%]|[.,]\d)|\b{_DAYS}\s(?:of\s)?{_MONTH}"  # 3 March
    r"|\b\d+(?:[.:]\d+)?\s?(?:[ap]\.?m\b|o'clock|GMT)"  # 7 p.m.
    rf"|\b{_FIGURE}(?:{_DASH}|\s(?:to|and|or|of|out\sof|in)\s){_FIGURE}(?!\w)"  # 3 to 5, 1 of 3
    r"|\b[A-Z]{2,}\s\d+\b"  # COP 29
    r"|\A\d+\.\s"  # the number of a paragraph
    r"|\b1\d\d(?:\.\d+)?\s?(?:%|per\s?cent)"
    r"|\b(?:19|20)\d\d\b"
    rf"|(?<![\w.,:/\u2013-])({_FIGURE})(?![\w\u2013-]|[.,:/]\d)"
)
_YEAR = re.compile(
    r"\b29\s(?:of\s)?Feb\w*\.?,?\s\d{4}|\bFeb\w*\.?\s29,?\s\d{4}"
    r"|(?<![\w.,:/])(?<!\D[-\u2013])((?:19|20)\d\d)(?![\w/]|[.,]\d|[-\u2013](?!(?:19|20)\d\d\b))"
)
_MOST_YEARS = 9
Phrases = dict[str, list[tuple[str, ...]]]


@dataclass(frozen=True)
class Perturbation:
    """One way to change a text without changing what it says of any topic.

    Parameters
    ----------
    name : str
    how : {"swap", "numbers", "years", "prefix", "upper", "quotes"}
        `swap` puts another of `values` in place of whatever `pattern` finds. `numbers` writes each quantity with
        other digits, and keeps dates, years, times, ordinals, ranges and numbered names. `years` moves all years
        of a text by the same 1 to 9 back, so that their order and distance stay. `prefix` puts one of `values`
        in front. `upper` writes all in capitals. `quotes` turns straight quotation marks typographic, or
        typographic ones straight.
    values : tuple of str, optional
    pattern : str, optional
        A regular expression; only its group that matches is replaced, if it has one. Default: the values.
    unless : tuple of str, optional
        Topics whose rows are left out, because there the change does matter.

    """

    name: str
    how: Literal["swap", "numbers", "years", "prefix", "upper", "quotes"]
    values: tuple[str, ...] = ()
    pattern: str | None = None
    unless: tuple[str, ...] = ()

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """What `swap` replaces."""
        longest_first = sorted(self.values, key=len, reverse=True)
        return re.compile(self.pattern or rf"\b({'|'.join(map(re.escape, longest_first))})\b")


def perturbed(text: str, change: Perturbation) -> str:
    """Change a text, always in the same way; return it as it is where there is nothing to change."""
    if change.how == "upper":
        return text.upper()
    if change.how == "quotes":
        straight = text.translate(_TYPOGRAPHIC)
        return straight if straight != text else _typographic(text)
    if change.how == "numbers":
        return _QUANTITY.sub(lambda match: _other_number(match, zlib.crc32(text.encode())), text)
    if change.how == "years":
        back = 1 + zlib.crc32(text.encode()) % _MOST_YEARS
        return _YEAR.sub(lambda match: str(int(match[1]) - back) if match[1] else match[0], text)
    if change.how == "prefix":
        return change.values[zlib.crc32(text.encode()) % len(change.values)] + text
    return change.regex.sub(lambda match: _swapped(match, change, text), text)


def _swapped(match: re.Match[str], change: Perturbation, text: str) -> str:
    group = match.lastindex or 0
    found, n = match[group], len(change.values)
    step = 1 + zlib.crc32(text.encode()) % (n - 1)
    if found in change.values:
        other = change.values[(change.values.index(found) + step) % n]
    else:
        other = change.values[(zlib.crc32(found.encode()) + step) % n]
    before, after = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:before] + other + match[0][after:]


def _other_number(match: re.Match[str], seed: int) -> str:
    """Write a number with other digits than 0; one of a single digit stays a plural."""
    found = match[1]
    if found is None or found in ("0", "1"):
        return match[0]
    if len(found) == 1:
        return str(2 + (int(found) - 2 + 1 + seed % 7) % 8)
    return re.sub("[1-9]", lambda digit: str(1 + (int(digit[0]) - 1 + 1 + seed % 8) % 9), found)


def _typographic(text: str) -> str:
    return _OPENING.sub("\u201c", text).replace('"', "\u201d").replace("'", "\u2019")


def phrase_index(phrases: Iterable[str]) -> Phrases:
    """Fold phrases and index them by their first word, longest first."""
    index: Phrases = {}
    for phrase in {tuple(_folded(token) for token in _TOKEN.findall(phrase)) for phrase in phrases}:
        if phrase:
            index.setdefault(phrase[0], []).append(phrase)
    return {first: sorted(owned, key=len, reverse=True) for first, owned in index.items()}


def mask(text: str, phrases: Phrases) -> str:
    """Put a dash in place of every phrase; case, accents, hyphens and spacing do not matter."""
    tokens = list(_TOKEN.finditer(text))
    folded = [_folded(token[0]) for token in tokens]
    pieces, kept, place = [], 0, 0
    while place < len(tokens):
        length = _matched(folded, place, phrases)
        if length:
            pieces += [text[kept : tokens[place].start()], _MASK]
            kept = tokens[place + length - 1].end()
        place += max(length, 1)
    return "".join(pieces) + text[kept:]


def _matched(folded: Sequence[str], place: int, phrases: Phrases) -> int:
    """Return the length of the longest phrase that begins at a place, 0 without one."""
    fitting = (p for p in phrases.get(folded[place], ()) if tuple(folded[place : place + len(p)]) == p)
    return len(next(fitting, ()))


def _folded(token: str) -> str:
    return " ".join(words(token))
