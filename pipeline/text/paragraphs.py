"""Split an article's text into paragraphs, each an exact slice of it: the unit that is classified.

Blank lines separate paragraphs; a line of invisible characters alone is blank. Within a block, lines are one
hard-wrapped paragraph or one paragraph each: lines count as wrapped when they fit a terminal and most of them stop
in the middle of a sentence. In a wrapped block a paragraph starts with

- an item of a list, or a name or "Q:" before what it says, as `pipeline.text.items` finds them;
- an indented line, unless it goes on under an item;
- the line after a short one that ends a sentence, or after one where the next word had ample room: a headline;
- a line in capitals after one that is not, or the reverse, and the line after a Markdown heading.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from pipeline.text.items import item_starts

_NEWLINE = r"(?>\r\n|[\r\n\x85\u2028])"
_INVISIBLE = (
    r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_LINE = re.compile(r"[^\r\n\v\f\x85\u2028\u2029]+")
_SPACE = r" \t\v\f\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_BLANK = re.compile(rf"{_NEWLINE}[{_SPACE}{_INVISIBLE}]*{_NEWLINE}|[\f\u2029]")
_VISIBLE = re.compile(rf"[^\s{_INVISIBLE}]")
_ENDS = (
    ".!?:;\u2026"  # Latin, Greek, Cyrillic and others
    "\u037e\u0387"  # Greek
    "\u0589"  # Armenian
    "\u05c3"  # Hebrew
    "\u061b\u061d-\u061f\u06d4"  # Arabic, Urdu
    "\u0700-\u0702"  # Syriac
    "\u07f9"  # N'Ko
    "\u0964\u0965"  # Hindi, Bengali and others of India
    "\u0df4"  # Sinhala
    "\u0e5a\u0e5b"  # Thai
    "\u0f08\u0f0d-\u0f12"  # Tibetan
    "\u104a\u104b"  # Burmese
    "\u10fb"  # Georgian
    "\u1362\u1364-\u1368"  # Amharic, Tigrinya
    "\u166e"  # Canadian Aboriginal
    "\u17d4-\u17d6\u17da"  # Khmer
    "\u1803\u1804\u1809"  # Mongolian
    "\u1944\u1945"  # Limbu
    "\u1aa8-\u1aab"  # Tai Tham
    "\u1b5a\u1b5b\u1b5e\u1b5f"  # Balinese
    "\u1c3b\u1c3c\u1c7e\u1c7f"  # Lepcha, Ol Chiki
    "\u203c\u203d\u2047-\u2049\u2e2e"  # doubled and joined signs
    "\u3002\uff01\uff0e\uff1a\uff1b\uff1f\uff61\ufe12\ufe52\ufe54-\ufe57"  # Chinese, Japanese, Korean
    "\ua4ff\ua60e\ua60f\ua6f3-\ua6f7\ua876\ua877\ua8ce\ua8cf\ua92f\ua9c8\ua9c9\uaa5d-\uaa5f\uaaf0\uabeb"
)
_CLOSES = "\"'\u201c\u201d\u2018\u2019\u00bb\u203a)\\]}\u3009\u300b\u300d\u300f\u3011\uff02\uff09\uff3d\uff63"
_SENTENCE_END = re.compile(rf"[{_ENDS}][{_CLOSES}{_INVISIBLE}]*$")
_ADDRESS = re.compile(r"<?(?:https?://|www\.)\S+$")
_HEADING = re.compile(r"#{1,6}[ \t]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uff00-\uff60]")
FRAGMENT_WORDS = 12
_WRAP_WIDTH = 100
_SHORT = 0.7
_INDENT = 2
_UNSPACED_ROOM = 12

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


class _Cells(dict[int, str]):
    """Translation table to a letter for each column that a character takes on a terminal."""

    def __missing__(self, code: int) -> str:
        wide = unicodedata.east_asian_width(chr(code)) in ("W", "F")
        self[code] = cells = "" if unicodedata.category(chr(code)) in ("Mn", "Me", "Cf") else "xx" if wide else "x"
        return cells


_CELLS = _Cells()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a block without the white space around it, and the column of a terminal where it ends."""

    span: Span
    text: str
    indent: int
    columns: int

    @property
    def ends_sentence(self) -> bool:
        return _SENTENCE_END.search(self.text) is not None

    @property
    def is_address(self) -> bool:
        return _ADDRESS.match(self.text) is not None

    @property
    def begins_small(self) -> bool:
        first = next(filter(str.isalnum, self.text), "")
        return first != first.title()

    def room(self, width: int, line: "_Line") -> int:
        """Return the columns that are left to a width once the first word of the next line stands in this one."""
        word = 1 if _UNSPACED.match(line.text) else _columns(line.text.split(maxsplit=1)[0])
        return width - self.columns - 1 - word


def _block(text: str, start: int, stop: int) -> list[Span]:
    found = (match.span() for match in _LINE.finditer(text, start, stop))
    spans = [_trim(text, *span) for span in found if _VISIBLE.search(text, *span)]
    if len(spans) < 2:  # noqa: PLR2004
        return spans
    lines = [_line(text, span) for span in spans]
    width = max((line.columns for line in lines if not line.is_address), default=_WRAP_WIDTH + 1)
    return spans if width > _WRAP_WIDTH else _wrapped(lines, width)


def _line(text: str, span: Span) -> _Line:
    line, indent = text[slice(*span)], _indent(text, span)
    return _Line(span, line, indent, indent + _columns(line))


def _wrapped(lines: list[_Line], width: int) -> list[Span]:
    """Join the lines of each paragraph of a block that fits a terminal, if it is wrapped at all."""
    loose = [True, *(before.ends_sentence or before.room(width, line) >= 0 for before, line in pairwise(lines))]
    items = item_starts([line.text for line in lines], loose)
    broken = [_breaks(*pair, width) for index, pair in enumerate(pairwise(lines), 1) if index not in items]
    if 2 * sum(broken) <= len(broken):
        return [line.span for line in lines]
    joined = [lines[0].span]
    for line, starts in zip(lines[1:], _starts(lines, items, loose, width), strict=True):
        if starts:
            joined.append(line.span)
        else:
            joined[-1] = (joined[-1][0], line.span[1])
    return joined


def _starts(lines: list[_Line], items: set[int], loose: list[bool], width: int) -> Iterator[bool]:
    """Tell for each line but the first whether a paragraph starts; lines indented under an item belong to it."""
    margin = min(line.indent for line in lines)
    item_indent = lines[0].indent if 0 in items else None
    for index, (before, line) in enumerate(pairwise(lines), 1):
        if index in items:
            item_indent = line.indent
            yield True
        elif item_indent is not None and line.indent > item_indent:
            yield False
        else:
            item_indent = None
            indented = _is_indented(before, line, margin, loose=loose[index])
            yield indented or _starts_paragraph(before, line, width)


def _breaks(before: _Line, line: _Line, width: int) -> bool:
    """Tell whether a line stops in the middle of a sentence, be it at a semicolon or an abbreviation."""
    return not before.ends_sentence or (line.begins_small and before.room(width, line) < 0)


def _is_indented(before: _Line, line: _Line, margin: int, *, loose: bool) -> bool:
    again = loose and line.indent == before.indent >= margin + _INDENT
    return again or line.indent >= before.indent + _INDENT


def _starts_paragraph(before: _Line, line: _Line, width: int) -> bool:
    if _HEADING.match(before.text) or _HEADING.match(line.text):
        return True
    if before.ends_sentence:
        return before.columns < _SHORT * width or _turns(line.text, before.text)
    return _turns(before.text, line.text) or _is_headline(before, line, width)


def _turns(capitals: str, other: str) -> bool:
    """Tell whether one line is in capitals and the other is not; a word alone may be a name."""
    return capitals.isupper() and " " in capitals and any(map(str.islower, other))


def _is_headline(before: _Line, line: _Line, width: int) -> bool:
    ample = _UNSPACED_ROOM if _UNSPACED.match(line.text) else (1 - _SHORT) * width
    return not line.begins_small and before.room(width, line) > ample


def _columns(text: str) -> int:
    return len(text) if text.isascii() else len(text.translate(_CELLS))


def _indent(text: str, line: Span) -> int:
    before = text[max(0, line[0] - 16) : line[0]]
    return len(before) - len(before.rstrip(" \t\u3000\u00a0"))


def _trim(text: str, start: int, stop: int) -> Span:
    piece = text[start:stop]
    return start + len(piece) - len(piece.lstrip()), stop - len(piece) + len(piece.rstrip())
