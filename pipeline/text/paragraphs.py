"""Split an article's text into paragraphs, each an exact slice of it: the unit that is classified.

Blank lines separate paragraphs. Within a block, lines are one hard-wrapped paragraph or one paragraph each:
lines count as wrapped when they fit a terminal and most of them stop in the middle of a sentence. In a wrapped
block an indented line, or the line after a short one that ends a sentence, starts the next paragraph.
"""

import re
from itertools import pairwise

_LINE = re.compile(r"[^\r\n\v\f\x85\u2028\u2029]+")
_BLANK = re.compile(r"(?:\r\n|[\r\n\x85\u2028])[^\S\r\n]*(?:\r\n|[\r\n\x85\u2028])|[\f\u2029]")
_SENTENCE_END = re.compile(r"[.!?:;\u2026][\"'\u201d\u2019\u00bb)\]]*$")
FRAGMENT_WORDS = 12
_WRAP_WIDTH = 100
_SHORT = 0.7

Span = tuple[int, int]


def is_fragment(text: str) -> bool:
    """Tell a heading, byline, date or caption from a paragraph of text: it has fewer than 12 words."""
    return len(text.split(maxsplit=FRAGMENT_WORDS)) < FRAGMENT_WORDS


def split(text: str) -> list[Span]:
    """List the (start, end) character offsets of the paragraphs of a text, without surrounding white space."""
    spans: list[Span] = []
    start = 0
    for blank in [*_BLANK.finditer(text), None]:
        stop = blank.start() if blank else len(text)
        spans += _block(text, start, stop)
        start = blank.end() if blank else stop
    return spans


def _block(text: str, start: int, stop: int) -> list[Span]:
    found = (match.span() for match in _LINE.finditer(text, start, stop))
    lines = [line for line in (_trim(text, *span) for span in found) if line[0] < line[1]]
    if not _is_wrapped(text, lines):
        return lines
    joined = [lines[0]]
    width = max(end - begin for begin, end in lines)
    for before, line in pairwise(lines):
        if _starts_paragraph(text, before, line, width):
            joined.append(line)
        else:
            joined[-1] = (joined[-1][0], line[1])
    return joined


def _is_wrapped(text: str, lines: list[Span]) -> bool:
    if len(lines) < 2 or max(end - begin for begin, end in lines) > _WRAP_WIDTH:  # noqa: PLR2004
        return False
    broken = sum(not _ends_sentence(text, line) for line in lines[:-1])
    return 2 * broken > len(lines) - 1


def _starts_paragraph(text: str, before: Span, line: Span, width: int) -> bool:
    if _indent(text, line) >= _indent(text, before) + 2:
        return True
    return _ends_sentence(text, before) and before[1] - before[0] < _SHORT * width


def _ends_sentence(text: str, line: Span) -> bool:
    return _SENTENCE_END.search(text, *line) is not None


def _indent(text: str, line: Span) -> int:
    before = text[max(0, line[0] - 16) : line[0]]
    return len(before) - len(before.rstrip(" \t\u3000\u00a0"))


def _trim(text: str, start: int, stop: int) -> Span:
    piece = text[start:stop]
    return start + len(piece) - len(piece.lstrip()), stop - len(piece) + len(piece.rstrip())
