"""Find the lines that start an item of a list, or what somebody says: "- ", "1. ", "a) ", "Q: ", "Mr Smith: ".

A hard-wrapped line of prose can start like one by chance ("in May" / "5. The ..."), so kinds that occur in prose
count where the lines before them leave off: where a sentence ends, or where the next word had room.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

_BULLET = re.compile(
    r"(?:[\u2022\u2023\u2043\u204c\u204d\u2219\u25a0\u25a1\u25aa\u25ab\u25ae\u25b6\u25b8\u25ba\u25c6\u25c7\u25cb"
    r"\u25cf\u25e6\u2605\u2606\u2610-\u2612\u2713-\u2718\u2756\u2794\u2799-\u27a4\u27a2\u2b25\u2b27\u30fb\uf0b7]"
    r"|[*\u00b7\u2192\u203a\u00bb\u203b]\s)\s*\S"
)
_DASH = re.compile(r"([-+\u2010-\u2015\u2212])\s+\S")
_NUMBER = re.compile(
    r"[(\[\uff08]?(?:\d{1,3}(?:\.\d{1,3}){0,3}|[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]{1,3})"
    r"(?:[.)\]]\s|[\u3001\uff09\uff0e])\s*\S|[\u2460-\u249b\u2776-\u2793]\s*\S"
)
_LETTER = re.compile(r"\(?(?:[^\W\d_]|[ivxIVX]{1,5})[.)]\s+\S")
_SAYING = re.compile(
    r"([^\W\d_][\w.'\u2019-]{0,29}(?: [\w.'\u2019-]{1,30}){0,3})"
    r"(?: ?[(\[\uff08][^()\[\]]{1,40}[)\]\uff09])?(?: ?:\s+|\uff1a\s*)\S"
)
_PARTICLES = frozenset(["al", "bin", "da", "de", "del", "der", "di", "el", "la", "le", "ter", "van", "von"])


def item_starts(lines: Sequence[str], loose: Sequence[bool]) -> set[int]:
    """List the lines of a block that start an item.

    Parameters
    ----------
    lines : sequence of str
        Without white space around them.
    loose : sequence of bool
        Whether each need not go on from the line before: it is the first, or the one before ends a sentence or has
        room for its first word.

    Returns
    -------
    set of int
        Indices of lines.

    """
    found: set[int] = set()
    kinds: defaultdict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        kinds[_kind(line)].append(index)
    for kind, places in kinds.items():
        sure = [index for index in places if loose[index]]
        if kind == "bullet" or (kind and len(places) == len(lines)):
            found.update(places)
        elif kind in ("number", "letter", "saying"):
            found.update(places if len(places) > 1 and _mostly(sure, places, strict=kind == "saying") else ())
        elif kind:
            found.update(places if _mostly(sure, places) else sure)
    return found


def _mostly(sure: list[int], places: list[int], *, strict: bool = False) -> bool:
    return 2 * len(sure) >= len(places) + strict


def _kind(line: str) -> str:
    """Name the kind of item that a line could start, "" for none; each dash is a kind of its own."""
    dash = _DASH.match(line)
    if dash:
        return dash[1]
    saying = _SAYING.match(line)
    if saying and all(map(_is_name, saying[1].split())):
        return "saying"
    return next((kind for kind, pattern in _KINDS.items() if pattern.match(line)), "")


def _is_name(word: str) -> bool:
    return word in _PARTICLES or word[0] == word[0].title()


_KINDS = {"bullet": _BULLET, "number": _NUMBER, "letter": _LETTER}
