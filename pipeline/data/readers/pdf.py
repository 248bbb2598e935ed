"""Read the text of PDF documents: a program of its own finds their lines, `layout` makes paragraphs of them."""

import json
import re
import subprocess
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.data.readers.layout import Line, paragraphs, without_running_heads
from pipeline.errors import SourceError
from pipeline.schema import Article

_DATE = re.compile(r"(?:D:)?(\d{4})(\d{2})(\d{2})")
_NO_TITLE = re.compile(
    r"\W*(?:untitled|anonymous|unspecified|title|document|about:blank|(?:powerpoint )?presentation)\W*\d*\W*"
    r"|microsoft (?:word|excel|powerpoint)\b.*"
    r"|(?:https?|file)://.*|.*\.(?:docx?|odt|rtf|txt|tex|dvi|indd|qxd|pages|pdf|html?|pptx?|xlsx?|tmp)",
    re.I | re.DOTALL,
)
_PROGRAM = Path(__file__).with_name("pdf_lines.py")
_SECONDS = 300  # by the clock; the program limits its own processor time and memory further
_ERRORS = {
    "password": "PDF is protected by a password; save it without one first",
    "damaged": "not a valid PDF: damaged or not complete",
}


def read_pdf(content: bytes, name: str) -> list[Article]:
    """Read the paragraphs of a PDF in reading order, without running heads and page numbers.

    Parameters
    ----------
    content : bytes
    name : str

    Returns
    -------
    list of Article

    Raises
    ------
    SourceError
        Where it is damaged, needs a password or takes too much, has no text, or none whose letters are known.

    """
    found = _answer(content, name)
    pages = [page for page in found["pages"] if page]
    lines, notes = _readable([[Line(*line) for line in page["lines"]] for page in pages], name)
    bodies = without_running_heads(lines)
    scans = sum(not body and not page["blank"] for body, page in zip(bodies, pages, strict=True))
    text = "\n\n".join(paragraphs(bodies))
    if not text:
        raise SourceError(
            f"{name}: PDF has no text; "
            + ("run OCR on a scan first" if scans else "its pages are empty or damaged")
        )
    total = len(found["pages"])
    if scans:
        notes.append(f"{scans} of {total} pages have no text; run OCR on a scan first.")
    if len(pages) < total:
        notes.append(f"{total - len(pages)} of {total} pages are damaged and were left out.")
    return [Article(name, text, _title(found["title"]), _date(found["date"]), notes=tuple(notes))]


def _answer(content: bytes, name: str) -> dict[str, Any]:
    """Run the program that reads lines; whatever happens to it costs this file only."""
    if find_spec("pypdfium2") is None:
        raise ModuleNotFoundError("pypdfium2")
    try:
        done = subprocess.run(
            [sys.executable, "-P", _PROGRAM], input=content, capture_output=True, timeout=_SECONDS, check=True
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise SourceError(f"{name}: not a valid PDF: reading it takes too much time or memory") from None
    found: dict[str, Any] = json.loads(done.stdout)
    if "error" in found or not any(found["pages"]):
        raise SourceError(f"{name}: {_ERRORS[found.get('error', 'damaged')]}")
    return found


def _readable(pages: list[list[Line]], name: str) -> tuple[list[list[Line]], list[str]]:
    """Leave out lines in fonts that do not say which letters their glyphs are."""
    kept = [[line for line in page if not _is_unknown(line.text)] for page in pages]
    all_letters, letters = (sum(len(line.text) for page in some for line in page) for some in (pages, kept))
    if 2 * letters < all_letters:
        raise SourceError(f"{name}: PDF has fonts that do not say which letters they show; run OCR on it first")
    left_out = sum(map(len, pages)) - sum(map(len, kept))
    note = f"{left_out} lines in fonts that do not say which letters they show were left out."
    return kept, [note] if left_out else []


def _is_unknown(text: str) -> bool:
    return len(text) > 1 and 2 * text.count("\ufffd") > len(text)


def _title(text: str) -> str | None:
    title = " ".join(text.split())
    return None if not title or _NO_TITLE.fullmatch(title) else title


def _date(text: str) -> str | None:
    found = _DATE.match(text)
    try:
        return date(*map(int, found.groups())).isoformat() if found else None
    except ValueError:
        return None
