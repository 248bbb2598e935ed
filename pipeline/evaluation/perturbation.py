"""Change what must not matter in a text: a name, a number, a dateline, capitals, quotation marks."""

import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

_OPENING = re.compile(r"(?<![^\s(\[\u2014-])\"")
_TYPOGRAPHIC = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


@dataclass(frozen=True)
class Perturbation:
    """One way to change a text without changing what it says of any topic.

    `swap` puts another of `values` in place of whatever `pattern` finds (or its group that matches; default: the
    values themselves). `prefix` puts one of `values` in front. `upper` writes all in capitals, `quotes` turns
    straight quotation marks typographic, or typographic ones straight. Rows with a topic in `unless` are left
    out, because there the change does matter.
    """

    name: str
    how: Literal["swap", "prefix", "upper", "quotes"]
    values: tuple[str, ...] = ()
    pattern: str | None = None
    unless: tuple[str, ...] = ()

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """What `swap` replaces."""
        longest_first = sorted(self.values, key=len, reverse=True)
        return re.compile(self.pattern or rf"\b({'|'.join(map(re.escape, longest_first))})\b")


def perturbed(text: str, change: Perturbation) -> str:
    """Change a text, always in the same way; it comes back as it is where there is nothing to change."""
    if change.how == "upper":
        return text.upper()
    if change.how == "quotes":
        straight = text.translate(_TYPOGRAPHIC)
        return straight if straight != text else _typographic(text)
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


def _typographic(text: str) -> str:
    return _OPENING.sub("\u201c", text).replace('"', "\u201d").replace("'", "\u2019")
