"""Read the lines of a PDF with pdfium, as a program of its own: PDF on standard input, JSON on standard output.

A damaged or hostile file can stop the library, hold it for hours or fill the memory; here that ends this process
only, whose time and memory are limited. The program imports nothing of this package, so that it starts fast.
"""

import ctypes
import json
import math
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import groupby, pairwise
from statistics import median
from typing import Any, NamedTuple

import pypdfium2
from pypdfium2 import raw

CPU_SECONDS = 120
MEMORY = 2 * 1024**3
PASSWORD, DAMAGED = "password", "damaged"
_BOLD = re.compile(rb"bold|black|heavy|demi|cmbx|sfbx", re.I)
_UNKNOWN = re.compile(r"[\0-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]")
_UNKNOWN_BULLET = re.compile(rf"^{_UNKNOWN.pattern}(?= |$)")
_LINE_END_HYPHENS = ("\ufffe", "\x02")  # what pdfium makes of a hyphen that divides a word
_WORD_GAP = 0.15  # of the font size, beyond the usual distance of letters
_SEEN_GAP = 0.02  # the same where a space is written or pdfium sees one
_ROW = 0.6  # of the font size: raised letters are still on the line
_LINE_GAP = 2.0  # of the font size: what is farther apart is another column or cell
_OBLIQUE = 10  # degrees off the edges of the page: a watermark
_PAGE = re.compile(rb"(\d+ \d+) obj\s*<<(?:(?!endobj).)*?/Type\s*/Page\b", re.DOTALL)
_PAGES = re.compile(rb"/Pages (\d+ \d+) R")

Line = tuple[str, float, float, float, float, bool]


class _Glyph(NamedTuple):
    """A letter, its extent along the line, the height of its baseline downwards, and its number on the page."""

    text: str
    left: float
    right: float
    y: float
    size: float
    spaced: bool
    number: int


def main() -> None:
    """Answer with the pages' lines and the document's properties, or with an error."""
    _limit()
    sys.stdout.write(json.dumps(read(sys.stdin.buffer.read())))


def _limit() -> None:
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limits; the caller's clock still ends this process
        return
    for kind, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def read(content: bytes) -> dict[str, Any]:
    """Read a PDF.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    dict
        "pages", each null where it is damaged, else with "blank" (nothing is drawn on it) and "lines" (their text,
        left, right, baseline, font size, bold), "title" and "date"; or "error" alone.

    """
    try:
        found = _read(content)
        return found if any(found["pages"]) else _read(_with_page_tree(content))
    except pypdfium2.PdfiumError as error:
        return {"error": PASSWORD if error.err_code == raw.FPDF_ERR_PASSWORD else DAMAGED}


def _read(content: bytes) -> dict[str, Any]:
    with pypdfium2.PdfDocument(content) as document:
        return {
            "pages": [_page(document, number) for number in range(len(document))],
            "title": document.get_metadata_value("Title"),
            "date": document.get_metadata_value("CreationDate"),
        }


def _with_page_tree(content: bytes) -> bytes:
    """Append a list of the pages that can be found, where the document's own does not lead to them."""
    root, pages = _PAGES.search(content), _PAGE.findall(content)
    if not root or not pages:
        return content
    kids = b" ".join(b"%s R" % page for page in pages)
    tree = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), kids)
    return content + b"\n%s obj\n%s\nendobj\nstartxref\n0\n%%%%EOF" % (
        root[1],
        tree,
    )  # 0: look for objects yourself


def _page(document: pypdfium2.PdfDocument, number: int) -> dict[str, Any] | None:
    try:
        page = document[number]
        letters = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    lines = [line for turned in _glyphs(letters).values() for line in _lines(turned, letters)]
    blank = raw.FPDFPage_CountObjects(page) == 0
    letters.close()
    page.close()
    return {"lines": lines, "blank": blank}


def _glyphs(letters: pypdfium2.PdfTextPage) -> dict[int, list[_Glyph]]:
    """Place the letters of a page, by the direction they are read in (in quarter turns)."""
    box, matrix = raw.FS_RECTF(), raw.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    found: dict[int, list[_Glyph]] = defaultdict(list)
    spaced = False
    for index in range(letters.count_chars()):
        text = chr(raw.FPDFText_GetUnicode(letters, index))
        if text.isspace() or raw.FPDFText_IsGenerated(letters, index) == 1:
            spaced = spaced or text not in "\r\n"
            continue
        raw.FPDFText_GetLooseCharBox(letters, index, box)
        raw.FPDFText_GetCharOrigin(letters, index, x, y)
        raw.FPDFText_GetMatrix(letters, index, matrix)
        angle = math.degrees(math.atan2(matrix.b, matrix.a))
        turns = round(angle / 90)
        if abs(angle - 90 * turns) > _OBLIQUE:
            continue
        size = raw.FPDFText_GetFontSize(letters, index) * math.hypot(matrix.c, matrix.d)
        left, right, height = _turned(box, x.value, y.value, turns % 4)
        text = "-" if text in _LINE_END_HYPHENS else text
        found[turns % 4].append(_Glyph(text, left, right, height, abs(size), spaced, index))
        spaced = False
    return found


def _turned(box: raw.FS_RECTF, x: float, y: float, turns: int) -> tuple[float, float, float]:
    """Return a letter's start, end and height as its line runs."""
    return (
        (box.left, box.right, -y),
        (box.bottom, box.top, x),
        (-box.right, -box.left, y),
        (-box.top, -box.bottom, -x),
    )[turns]


def _lines(glyphs: list[_Glyph], letters: pypdfium2.PdfTextPage) -> Iterator[Line]:
    """Group letters that follow each other on one baseline."""
    run: list[_Glyph] = []
    for glyph in glyphs:
        if run and _is_apart(run[-1], glyph):
            yield _line(run, letters)
            run = []
        run.append(glyph)
    if run:
        yield _line(run, letters)


def _is_apart(last: _Glyph, glyph: _Glyph) -> bool:
    size = max(last.size, glyph.size)
    if abs(glyph.y - last.y) > _ROW * size or _gap(last, glyph) > _LINE_GAP * size:
        return True
    return glyph.right < last.left - size and not _is_backwards(last) and not _is_backwards(glyph)


def _is_backwards(glyph: _Glyph) -> bool:
    return unicodedata.bidirectional(glyph.text[0]) in ("R", "AL")


def _gap(last: _Glyph, glyph: _Glyph) -> float:
    """Measure the room between two letters of a line, whichever way it is written."""
    return max(glyph.left - last.right, last.left - glyph.right)


def _in_reading_order(run: list[_Glyph]) -> list[_Glyph]:
    """Order a line of a script from right to left so, but for the numbers and Latin words in it."""
    kinds = Counter(unicodedata.bidirectional(glyph.text[0]) for glyph in run)
    if kinds["R"] + kinds["AL"] <= kinds["L"]:
        return run
    ordered: list[_Glyph] = []
    for forwards, group in groupby(sorted(run, key=lambda glyph: -glyph.right), key=_is_forwards):
        part = list(group)
        ordered += part[::-1] if forwards else part
    return ordered


def _is_forwards(glyph: _Glyph) -> bool:
    return unicodedata.bidirectional(glyph.text[0]) in ("L", "EN", "AN")


def _line(run: list[_Glyph], letters: pypdfium2.PdfTextPage) -> Line:
    run = _in_reading_order(run)
    size = _most_common([glyph.size for glyph in run])
    gaps = [_gap(last, glyph) for last, glyph in pairwise(run)]
    usual = max(0.0, median(gaps)) if gaps else 0.0
    text = run[0].text
    for gap, glyph in zip(gaps, run[1:], strict=True):
        wide = gap - usual > (_SEEN_GAP if glyph.spaced else _WORD_GAP) * size
        text += f" {glyph.text}" if wide else glyph.text
    return (
        _cleaned(text),
        min(glyph.left for glyph in run),
        max(glyph.right for glyph in run),
        _most_common([glyph.y for glyph in run if abs(glyph.size - size) < 0.1 * size]),
        size,
        all(_is_bold(letters, glyph.number) for glyph in (run[0], run[len(run) // 2], run[-1])),
    )


def _cleaned(text: str) -> str:
    """Join surrogates, and mark glyphs that no letter is known for: alone before a text it is a bullet."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNKNOWN.sub("\ufffd", _UNKNOWN_BULLET.sub("•", whole))


def _most_common(values: list[float]) -> float:
    return Counter(round(value, 1) for value in values).most_common(1)[0][0]


def _is_bold(letters: pypdfium2.PdfTextPage, index: int) -> bool:
    font, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(letters, index, font, len(font), flags)
    return _BOLD.search(font.value) is not None


if __name__ == "__main__":
    main()
