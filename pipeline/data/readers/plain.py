"""Read plain text and Markdown."""

import codecs
import re

from pipeline.errors import SourceError
from pipeline.schema import Article

_MARKS = (  # of UTF-32 first, whose mark starts with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FIRST_LINE = re.compile(r"\s*([^\r\n]*)")
_HEADING = re.compile(r"#[ \t]")


def read_text(content: bytes, name: str) -> list[Article]:
    """Read plain text or Markdown; a Markdown file's first heading is its title.

    Parameters
    ----------
    content : bytes
        In UTF-8, or in UTF-16 or UTF-32 with a byte order mark.
    name : str

    Returns
    -------
    list of Article

    Raises
    ------
    SourceError
        Where it cannot be read, or has no text.

    """
    if content.startswith(b"{\\rtf"):
        raise SourceError(f"{name}: this is RTF; save it as text or DOCX")
    text = _decoded(content, name)
    return [Article(name, text, title=_title(text) if name.lower().endswith(".md") else None)]


def _decoded(content: bytes, name: str) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "utf-8-sig")
    if encoding == "utf-8-sig" and b"\0" in content:
        raise SourceError(f"{name}: {_binary(content)}")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        wanted = "UTF-8" if encoding == "utf-8-sig" else encoding.upper()
        raise SourceError(f"{name}: not {wanted} at byte {error.start + 1}; convert it to UTF-8") from None


def _binary(content: bytes) -> str:
    """Tell UTF-16 without a mark, of which every second byte is 0 in Latin letters, from what is no text."""
    even, odd = content[:4096:2], content[1:4096:2]
    if len(content) % 2 == 0 and abs(even.count(0) - odd.count(0)) > len(odd) / 2:
        return "UTF-16 without a byte order mark; convert it to UTF-8"
    return "binary, expected text in UTF-8, HTML, PDF, DOCX or a feed"


def _title(text: str) -> str | None:
    line = _FIRST_LINE.match(text)
    heading = line[1] if line else ""
    return (heading[1:].strip(" \t#") or None) if _HEADING.match(heading) else None
