"""Lines with their places on pages to paragraphs: the layout of printed text, whatever library read it.

Running heads and page numbers go, columns are put in reading order, lines are joined to paragraphs, and a
paragraph that a column or a page divides is made whole. Lengths are in points, heights count from the page's top.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median, median_low

_CLOSING = "\"'\u201d\u2019\u00bb)\\]"
_STOPS = ".!?:;\u2026\u3002\uff01\uff1f\u061f\u06d4\u0589\u0964"  # also of Chinese, Arabic, Armenian and Hindi
_SENTENCE_END = re.compile(
    rf"[{_STOPS}][{_CLOSING}]*$|[^\W\d][.!?][{_CLOSING}]*\d{{1,3}}$"
)  # a note's number may follow
_OPENING = "\"'\u201c\u2018\u00ab\u201e(["
_BULLET = re.compile(
    r"[\u2022\u2023\u25e6\u25aa\u25ab\u25a0\u25a1\u25cf\u25cb\u25c6\u27a2\u27a4\u2713\u2714*\u00b7]\s"
)
_MARKER = re.compile(r"(?:[-\u2013\u2014]|\(?(?:\d{1,2}|[^\W\d_])[.)]|\[\d{1,3}\])\s|\d{1,3}(?=[^\W\d_]{2})")
_PAGE_WORD = (
    r"page|pp?|seite|s|p[aá]g(?:ina)?|str(?:ona)?|sayfa|s[əa]h(?:if[əe])?"
    r"|\u0441\u0442\u0440(?:\u0430\u043d\u0438\u0446\u0430)?|\u0441|\u03c3\u03b5\u03bb"  # Russian, Greek
)
_PAGE_NUMBER = re.compile(
    rf"\W*(?i:(?:{_PAGE_WORD})\.?\s*)?\d{{1,4}}(?:\s*(?:/|of|from|von|de|di|sur|\u0438\u0437|\u03b1\u03c0\u03cc)\s*\d{{1,4}})?\W*"
    r"|\W*[ivxlc]{1,6}\W*"
)
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_DIVIDED = re.compile(r"([^\W\d_]+)[-\u2010\u058a]$")
_HYPHEN = re.compile(r"\w[-\u2010\u058a]$")
_HYPHENS = re.compile(r"-\S*-$")
_LETTERS = re.compile(r"[^\W\d_]+")
_COMPOUNDS = frozenset(
    ["well", "self", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
)
_HYPHENATED = 0.02  # of the lines end in a hyphen: with fewer, these are the hyphens of compounds
_INDENT = 0.4  # of the font size
_WORD_SPACE = 0.6  # of the font size; the gutter between columns is wider
_FLUSH = 1.5  # points within which lines end together
_LOOSE = 1.5  # of the font size: lines farther apart are one paragraph only where a sentence shows it
_SMALL = 0.93  # of the size of the text: a note or a caption
_HEAD_WORDS = 7  # a sentence of more is no running head
_EDGE_ROWS = 3  # a running head or foot has no more rows
_GUTTER = 5.0  # points, at least
_SIDE_LINES = 4  # fewer lines beside each other are not columns
_SIDE_LETTERS = 18  # shorter rows beside each other are the cells of a table


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of text on one baseline.

    Parameters
    ----------
    text : str
    left, right : float
    y : float
        Of the baseline.
    size : float
        Of the font.
    bold : bool, default False

    """

    text: str
    left: float
    right: float
    y: float
    size: float
    bold: bool = False


Lines = list[Line]
_Limits = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Column:
    """Consecutive lines of one column with the edges and the usual distance of baselines that hold there."""

    lines: Lines
    margin: float
    edge: float
    pitch: dict[float, float]
    justified: bool


def paragraphs(pages: Sequence[Sequence[Line]]) -> list[str]:
    """Join the lines of a document to paragraphs.

    Parameters
    ----------
    pages : sequence of sequence of Line
        The lines of each page, from top to bottom.

    Returns
    -------
    list of str
        Each paragraph, heading and list item once, in reading order, without line breaks.

    """
    columns = _columns(pages)
    body = _most_common((line.size, len(line.text)) for column in columns for line in column.lines)
    found = _rejoined([(column, _divided(column)) for column in columns], body)
    hyphens = _Hyphens([line for lines in found for line in lines])
    return [_joined(lines, hyphens) for lines in found]


def without_running_heads(pages: Sequence[Sequence[Line]]) -> list[Lines]:
    """Drop running heads and feet, which repeat over pages but for numbers, and page numbers.

    Parameters
    ----------
    pages : sequence of sequence of Line
        The lines of each page, in any order.

    Returns
    -------
    list of list of Line
        The other lines of each page, from top to bottom.

    """
    rows = [_rows(page) for page in _left_to_right(pages)]
    seen: dict[str, list[float]] = defaultdict(list)
    for page in rows:
        for row in {id(row): row for row in [*page[:_EDGE_ROWS], *page[-_EDGE_ROWS:]]}.values():
            seen[_pattern(row)].append(row[0].y)
    for heights in seen.values():
        heights.sort()
    return [[line for row in _inner(page, seen) for line in row] for page in rows]


def _left_to_right(pages: Sequence[Sequence[Line]]) -> Sequence[Sequence[Line]]:
    """Mirror a document that is written from right to left."""
    letters = Counter(unicodedata.bidirectional(letter) for page in pages for line in page for letter in line.text)
    if letters["L"] >= letters["R"] + letters["AL"]:
        return pages
    return [[replace(line, left=-line.right, right=-line.left) for line in page] for page in pages]


def _rows(page: Sequence[Line]) -> list[Lines]:
    """Group the lines that stand on one baseline."""
    rows: list[Lines] = []
    for line in sorted(page, key=lambda line: line.y):
        if rows and line.y - rows[-1][0].y < 0.3 * min(line.size, rows[-1][0].size):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_in_pieces(sorted(row, key=lambda line: line.left)) for row in rows]


def _in_pieces(row: Lines) -> Lines:
    """Join what is only a word's space apart: some programs write the words of a line in any order."""
    pieces: list[Lines] = []
    for line in row:
        if pieces and line.left - pieces[-1][-1].right < _WORD_SPACE * line.size:
            pieces[-1].append(line)
        else:
            pieces.append([line])
    return [_merged(piece) for piece in pieces]


def _pattern(row: Lines) -> str:
    return _NUMBER.sub("#", " ".join(line.text for line in row).lower())


def _inner(rows: list[Lines], seen: dict[str, list[float]]) -> list[Lines]:
    """Cut the outer rows that are running heads."""
    gaps = [after[0].y - before[0].y for before, after in pairwise(rows)]
    apart = 1.25 * median(gaps) if gaps else 0.0
    body = _most_common((line.size, len(line.text)) for row in rows for line in row)
    prose = {id(row) for row in rows if row[0].size > _SMALL * body and _is_sentence(row)}
    for before, after in pairwise(rows):
        if (
            after[0].y - before[0].y <= apart
            and _same_font(before[-1], after[0])
            and _goes_on(before[-1], after[0])
        ):
            prose |= {id(before), id(after)}
    running = [id(row) not in prose and _is_running(row, seen) for row in rows]
    top = _count_set_off(rows, running, apart)
    bottom = _count_set_off(rows[top:][::-1], running[top:][::-1], apart)
    return rows[top : len(rows) - bottom]


def _count_set_off(rows: list[Lines], running: list[bool], apart: float) -> int:
    """Count the running rows from the edge of the page to a distance from the text, or to a page number."""
    count = 0
    for number, row in enumerate(rows[:_EDGE_ROWS], 1):
        if not running[number - 1]:
            break
        if number == len(rows) or _is_number(row) or abs(rows[number][0].y - row[0].y) > apart:
            count = number
    return count


def _is_sentence(row: Lines) -> bool:
    return (
        _SENTENCE_END.search(row[-1].text) is not None
        and sum(len(line.text.split()) for line in row) > _HEAD_WORDS
    )


def _is_running(row: Lines, seen: dict[str, list[float]]) -> bool:
    heights = seen[_pattern(row)]
    near = 0.7 * row[0].size
    return _is_number(row) or bisect_left(heights, row[0].y + near) - bisect_left(heights, row[0].y - near) > 1


def _is_number(row: Lines) -> bool:
    return len(row) == 1 and _PAGE_NUMBER.fullmatch(row[0].text) is not None


def _columns(pages: Sequence[Sequence[Line]]) -> list[_Column]:
    """Cut pages into columns in reading order, each with the measures it shares with its like on other pages."""
    usual = _usual_gutter(pages)
    pieces = [piece for page in pages for piece in _ordered(list(page), float("-inf"), float("inf"), usual)]
    alike: dict[_Limits, Lines] = defaultdict(list)
    for limits, lines in pieces:
        alike[limits] += lines
    everywhere = _pitches([lines for _, lines in pieces])
    columns = []
    for limits, lines in pieces:
        rights = sorted(line.right for line in alike[limits])
        edge = rights[int(0.9 * (len(rights) - 1))]
        full = sum(abs(right - edge) < _FLUSH for right in rights)
        pitch = everywhere | _pitches([lines], least=3)
        margin = _most_common((round(line.left), 1) for line in lines)
        columns.append(_Column(lines, margin, edge, pitch, justified=2 * full > len(rights)))
    return columns


def _usual_gutter(pages: Sequence[Sequence[Line]]) -> float | None:
    """Find the gutter of most pages, for one whose last column has too few lines to show it."""
    gutters = [_gutter(list(page)) for page in pages if page]
    known = [gutter for gutter in gutters if gutter is not None]
    return median_low(known) if 2 * len(known) > len(gutters) else None


def _ordered(lines: Lines, low: float, high: float, usual: float | None = None) -> list[tuple[_Limits, Lines]]:
    """Put lines between two gutters in reading order: bands of columns between what spans them."""
    gutter = _gutter(lines)
    if gutter is None and usual is not None and not any(line.left < usual < line.right for line in lines):
        gutter = usual
    if gutter is None:
        return [((round(low, -1), round(high, -1)), [_merged(row) for row in _rows(lines)])] if lines else []
    found = []
    for spans, band in groupby(lines, key=lambda line: line.left < gutter < line.right):
        piece = list(band)
        if spans:
            found.append(((round(low, -1), round(high, -1)), [_merged(row) for row in _rows(piece)]))
        else:
            found += _ordered([line for line in piece if line.right <= gutter], low, gutter)
            found += _ordered([line for line in piece if line.right > gutter], gutter, high)
    return found


def _gutter(lines: Lines) -> float | None:
    """Find where most lines end before and start after, with text on both sides at the same heights."""
    if len(lines) < 2 * _SIDE_LINES:
        return None
    best, place = 0, None
    for start in sorted({round(line.left) for line in lines}):
        at = start - _GUTTER
        before = [line for line in lines if line.right <= at]
        after = [line for line in lines if line.left >= at]
        worth = min(len(before), len(after)) - (len(lines) - len(before) - len(after))
        if worth > best and _side_by_side(before, after):
            best, place = worth, at
    return place


def _side_by_side(before: Lines, after: Lines) -> bool:
    top = max(before[0].y, after[0].y)
    bottom = min(before[-1].y, after[-1].y)
    sides = [[line for line in side if top - 1 <= line.y <= bottom + 1] for side in (before, after)]
    return all(len(side) >= _SIDE_LINES and _letters_in_a_row(side) >= _SIDE_LETTERS for side in sides)


def _letters_in_a_row(lines: Lines) -> float:
    return sum(len(line.text) for line in lines) / len({round(line.y) for line in lines})


def _merged(row: Lines) -> Line:
    """Make one line of what stands on one baseline."""
    if len(row) == 1:
        return row[0]
    longest = max(row, key=lambda line: len(line.text))
    text = " ".join(line.text for line in row)
    return replace(longest, text=text, left=row[0].left, right=row[-1].right, bold=all(line.bold for line in row))


def _pitches(columns: Iterable[Lines], *, least: int = 1) -> dict[float, float]:
    """Measure the usual distance of baselines by font size, from lines that go on in the middle of a sentence."""
    sure: dict[float, list[float]] = defaultdict(list)
    other: dict[float, list[float]] = defaultdict(list)
    for lines in columns:
        for a, b in pairwise(lines):
            if _same_font(a, b) and 0 < b.y - a.y < 4 * a.size:
                (sure if _goes_on(a, b) else other)[_step(a.size)].append(b.y - a.y)
    usual = {} if least > 1 else {size: min(*gaps, _LOOSE * size) for size, gaps in other.items()}
    return usual | {size: median(gaps) for size, gaps in sure.items() if len(gaps) >= least}


def _step(size: float) -> float:
    return round(2 * size) / 2


def _same_font(a: Line, b: Line) -> bool:
    return abs(a.size - b.size) <= 0.08 * max(a.size, b.size)


def _goes_on(a: Line, b: Line) -> bool:
    """Tell whether a sentence goes on from one line to the next."""
    if _DIVIDED.search(a.text):
        return True
    first = b.text.lstrip(_OPENING)[:1]
    return first.isalpha() and not first.isupper() and not first.istitle() and not _SENTENCE_END.search(a.text)


def _divided(column: _Column) -> list[Lines]:
    """Divide the lines of a column into paragraphs."""
    found: list[Lines] = []
    for number, line in enumerate(column.lines):
        if found and not _starts(found[-1], line, column, number):
            found[-1].append(line)
        else:
            found.append([line])
    return found


def _starts(before: Lines, line: Line, column: _Column, number: int) -> bool:
    """Tell whether a line starts a paragraph after the lines of the one before."""
    last = before[-1]
    if not _same_font(last, line) or _BULLET.match(line.text):
        return True
    goes_on = _goes_on(last, line)
    short = _is_short(column, number - 1, line)
    extra = _extra(before, line, column)
    if extra > 0.35 * line.size:
        return not goes_on or short
    if goes_on:
        return False
    ended = short or _SENTENCE_END.search(last.text) is not None
    if ended and (extra > 0.12 * line.size or last.bold != line.bold or _MARKER.match(line.text)):
        return True
    return short or (ended and _starts_by_indent(before, column, number))


def _extra(before: Lines, line: Line, column: _Column) -> float:
    last = before[-1]
    usual = column.pitch.get(_step(line.size), _LOOSE * line.size)
    if len(before) > 1:
        usual = min(usual, last.y - before[-2].y)
    return line.y - last.y - usual


def _is_short(column: _Column, number: int, after: Line) -> bool:
    """Tell whether the first word of the line after had found room on a line, so that its end was meant."""
    line = column.lines[number]
    near = max(other.right for other in column.lines[max(0, number - 4) : number + 6])
    room = min(column.edge, near) - line.right
    if column.justified:
        return room > line.size
    letter = (after.right - after.left) / max(len(after.text), 1)
    return room > letter * (len(after.text.split(maxsplit=1)[0]) + 1) + 0.5 * line.size


def _starts_by_indent(before: Lines, column: _Column, number: int) -> bool:
    """Tell whether the place of a line at the left says that it starts a paragraph, if a sentence ended before."""
    last, line = before[-1], column.lines[number]
    indent = _INDENT * line.size
    listed = _BULLET.match(before[0].text) or _MARKER.match(before[0].text)
    shift, off = line.left - last.left, abs(line.left - column.margin) > indent
    if abs(shift) <= indent:
        below = column.lines[number + 1] if number + 1 < len(column.lines) else line
        return off and abs(below.left - column.margin) <= indent and len(before) == 1 and not listed
    if _is_centred(last, line):
        return False
    if listed:
        return shift < 0
    return off or len(before) > 1


def _is_centred(a: Line, b: Line) -> bool:
    return abs((a.left + a.right) - (b.left + b.right)) < 0.5 * a.size


def _rejoined(columns: list[tuple[_Column, list[Lines]]], body: float) -> list[Lines]:
    """Make the paragraphs whole that a column or page divides; notes below them come after."""
    several = [lines for _, found in columns for lines in found if len(lines) > 1]
    indents = 2 * sum(_is_indented(lines) for lines in several) > len(several)
    whole: list[Lines] = []
    previous, tail = None, None
    for column, found in columns:
        start = len(whole)
        head = next((i for i, lines in enumerate(found) if not _is_small(lines, body)), None)
        if (
            previous
            and tail is not None
            and head is not None
            and _goes_on_over(previous, whole[tail], column, found[head], indents=indents)
        ):
            whole[tail] += found.pop(head)
            start = tail
        whole += found
        tail = next((i for i in range(len(whole) - 1, start - 1, -1) if not _is_small(whole[i], body)), None)
        previous = column
    return whole


def _goes_on_over(column: _Column, before: Lines, next_column: _Column, after: Lines, *, indents: bool) -> bool:
    """Tell whether the last paragraph of a column goes on in the next one."""
    a, b = before[-1], after[0]
    if not _same_font(a, b) or a.bold != b.bold or _BULLET.match(b.text):
        return False
    if _goes_on(a, b):
        return True
    indented = indents and b.left - next_column.margin > _INDENT * b.size
    if indented or _MARKER.match(b.text) or _is_short(column, column.lines.index(a), b):
        return False
    sure = indents or column.justified  # else as often a last line that happens to be full
    return not _SENTENCE_END.search(a.text) or (sure and len(before) + len(after) > 2)  # noqa: PLR2004


def _is_small(lines: Lines, body: float) -> bool:
    return lines[0].size < _SMALL * body


def _is_indented(lines: Lines) -> bool:
    return lines[0].left - lines[1].left > _INDENT * lines[0].size


def _most_common(weighted: Iterable[tuple[float, int]]) -> float:
    counts: Counter[float] = Counter()
    for value, weight in weighted:
        counts[value] += weight
    return counts.most_common(1)[0][0] if counts else 0.0


class _Hyphens:
    """Decides which hyphens at line ends divide a word, by the words that the document writes elsewhere."""

    def __init__(self, lines: Lines) -> None:
        texts = [line.text for line in lines]
        self.words = frozenset(
            word.strip(_STOPS + _OPENING + _CLOSING + ",").lower() for text in texts for word in text.split()
        )
        self.rare = sum(map(bool, map(_DIVIDED.search, texts))) < _HYPHENATED * len(texts)

    def divides(self, before: str, after: str) -> bool:
        """Tell whether the hyphen between two lines goes when they are joined."""
        start = _DIVIDED.search(before)
        if not start or not after[0].isalpha() or after[0].isupper() or _HYPHENS.search(before):
            return False
        parts = start[1].lower(), (_LETTERS.match(after) or [""])[0].lower()
        if "-".join(parts) in self.words:
            return False
        return "".join(parts) in self.words or not (self.rare or parts[0] in _COMPOUNDS)


def _joined(lines: Lines, hyphens: _Hyphens) -> str:
    text = ""
    for line in lines:
        text = _join(text, " ".join(line.text.split()), hyphens)
    return text.replace("\u00ad", "")


def _join(text: str, more: str, hyphens: _Hyphens) -> str:
    if text.endswith("\u00ad"):
        return text[:-1] + more
    if _HYPHEN.search(text):
        return (text[:-1] if hyphens.divides(text, more) else text) + more
    apart = text and not (_is_ideographic(text[-1]) and _is_ideographic(more[0]))
    return f"{text} {more}" if apart else text + more


def _is_ideographic(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF" and not "\uac00" <= letter <= "\ud7a3"
