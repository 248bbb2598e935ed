"""Bytes to articles: plain text, Markdown, HTML, PDF, DOCX and feeds, told apart by name or first bytes."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pipeline.data.documents import read_docx, read_pdf
from pipeline.data.markup import read_feed, read_html
from pipeline.errors import SourceError
from pipeline.schema import Article

_BY_SUFFIX = {
    ".txt": "text",
    ".md": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".rss": "feed",
    ".atom": "feed",
}
SUFFIXES = tuple(_BY_SUFFIX)
PAGE_SUFFIXES = tuple(suffix for suffix, kind in _BY_SUFFIX.items() if kind in ("text", "html"))
_MARKDOWN_TITLE = re.compile(r"\s*#[ \t]+([^\r\n]+?)[ \t#]*(?:[\r\n]|$)")
_FEED_START = re.compile(rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<\?[^>]*>\s*)*<(?:rss|feed|rdf:RDF)\b", re.DOTALL)
_HTML_START = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.DOTALL
)


def articles_in(content: bytes, name: str) -> list[Article]:
    """Read what a file or an address holds, as articles with their paragraphs parted by blank lines.

    Raises SourceError for what is empty, damaged, of an unknown kind, or without a text.
    """
    if not content.strip():
        raise SourceError(f"{name}: empty")
    found = _READERS[_kind(content, name)](content, name)
    if not found:
        raise SourceError(f"{name}: a feed without entries that have a text")
    return found


def read_text(content: bytes, name: str) -> list[Article]:
    """Take plain text or Markdown as it is; a Markdown file's first heading is its title."""
    if b"\0" in content:
        raise SourceError(f"{name}: binary, expected text in UTF-8, HTML, PDF, DOCX or a feed")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: not UTF-8 at byte {error.start + 1}; convert it to UTF-8") from None
    heading = _MARKDOWN_TITLE.match(text) if name.lower().endswith(".md") else None
    return [Article(name, text, title=heading[1] if heading else None)]


def _kind(content: bytes, name: str) -> str:
    path = urlsplit(name).path if name.startswith(("http://", "https://")) else name
    known = _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())
    start = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if known and not (known == "html" and _FEED_START.match(start)):
        return known
    if start.startswith(b"%PDF-"):
        return "pdf"
    if start.startswith(b"PK\x03\x04"):
        return "docx"
    if _FEED_START.match(start):
        return "feed"
    return "html" if _HTML_START.match(start) else "text"


_READERS: dict[str, Callable[[bytes, str], list[Article]]] = {
    "text": read_text,
    "html": read_html,
    "pdf": read_pdf,
    "docx": read_docx,
    "feed": read_feed,
}
