"""Fold single characters for the tokeniser and for the kernel: the one place that asks Unicode's tables."""

import unicodedata
from array import array
from functools import cache

APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
ENDS = ".!?;:"
CLOSES = "\"'\u2018\u2019\u201c\u201d\u00bb)]"
PAGE = 256
_DROPPED, _SEPARATOR, _APOSTROPHE, _SEVERAL = 0, 1, 2, 1 << 31
_ENDS, _CLOSES, _SPACE = 1, 2, 4


class Folding(dict[int, str]):
    """Translation table for `str.translate`, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = fold(chr(code))
        return folded


def fold(character: str) -> str:
    """Give the letters and digits of a character, or "'" for an apostrophe, "" for a mark, " " for all else."""
    if character in APOSTROPHES:
        return "'"
    letters = "".join(c for c in unicodedata.normalize("NFKD", character.lower()) if c.isalnum())
    if letters:
        return letters.lower()
    return "" if unicodedata.category(character) in ("Mn", "Me", "Cf") else " "


@cache
def ascii_table() -> bytes:
    """Give the foldings of ASCII, each one character, as a table for `bytes.translate`."""
    return "".join(fold(chr(code)) for code in range(128)).encode().ljust(256)


def page(number: int) -> tuple[bytes, bytes, bytes]:
    """Give the foldings of 256 characters to the kernel; the numbers are explained in `kernel/fold.h`.

    They are: a uint32 a character, a byte a character with its role in the sentence rule, and the pool (uint32) of
    the foldings that are longer than one code point.
    """
    folds, pool = array("I"), array("I")
    roles = bytearray()
    for code in range(number * PAGE, (number + 1) * PAGE):
        folds.append(_number(fold(chr(code)), pool))
        roles.append(_role(chr(code)))
    return folds.tobytes(), bytes(roles), pool.tobytes()


def _number(folded: str, pool: "array[int]") -> int:
    if folded in ("", " ", "'"):
        return {"": _DROPPED, " ": _SEPARATOR, "'": _APOSTROPHE}[folded]
    if len(folded) == 1:
        return ord(folded)
    pool.extend(map(ord, folded))
    return _SEVERAL | len(folded) << 20 | (len(pool) - len(folded))


def _role(character: str) -> int:
    ends, closes, space = character in ENDS, character in CLOSES, character.isspace()
    return _ENDS * ends | _CLOSES * closes | _SPACE * space
