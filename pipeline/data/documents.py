"""Bytes to articles: plain text, Markdown, HTML, feeds, PDF and DOCX, told apart by name or first bytes.

The main text of pages is found by trafilatura, entries of feeds by feedparser; PDF and DOCX need the extra
`documents`.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zipfile import BadZipFile

from pipeline.errors import MissingExtraError, SourceError
from pipeline.schema import Article

if TYPE_CHECKING:
    from docx.document import Document

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
_LINES = re.compile(r"\s*\n\s*")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-\n(?=[a-z])")
_PDF_DATE = re.compile(r"(?:D:)?(\d{4})(\d{2})(\d{2})")
_MARKDOWN_TITLE = re.compile(r"\s*#[ \t]+([^\r\n]+?)[ \t#]*(?:[\r\n]|$)")
_FEED_START = re.compile(rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<\?[^>]*>\s*)*<(?:rss|feed|rdf:RDF)\b", re.DOTALL)
_HTML_START = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.DOTALL
)


def articles_in(content: bytes, name: str) -> list[Article]:
    """Read the articles that a file or an address holds.

    Parameters
    ----------
    content : bytes
    name : str
        The file's name or the address; its ending tells the format, else the first bytes do.

    Returns
    -------
    list of Article
        One, or for a feed one for each entry that has a text; paragraphs are separated by blank lines.

    Raises
    ------
    SourceError
        Where the content is empty, damaged, of an unknown format, or without a text.

    """
    if not content.strip():
        raise SourceError(f"{name}: empty")
    found = _READERS[_kind(content, name)](content, name)
    if not found:
        raise SourceError(f"{name}: no entry of this feed has a text")
    return found


def read_text(content: bytes, name: str) -> list[Article]:
    """Read plain text or Markdown; a Markdown file's first heading is its title.

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
        Where it cannot be read, or has no text.

    """
    if b"\0" in content:
        raise SourceError(f"{name}: binary, expected text in UTF-8, HTML, PDF, DOCX or a feed")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: not UTF-8 at byte {error.start + 1}; convert it to UTF-8") from None
    heading = _MARKDOWN_TITLE.match(text) if name.lower().endswith(".md") else None
    return [Article(name, text, title=heading[1] if heading else None)]


def read_html(content: bytes, name: str) -> list[Article]:
    """Read the main text of a page, with its title, date, and address or site where it names them.

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
        Where it cannot be read, or has no text.

    """
    with _extra(name, "HTML"):
        import trafilatura
    try:
        page = trafilatura.bare_extraction(content, with_metadata=True, include_comments=False)
    except (ValueError, TypeError, LookupError) as error:
        raise SourceError(f"{name}: not valid HTML: {error}") from None
    if page is None or isinstance(page, dict) or not page.text:
        raise SourceError(f"{name}: no main text in this page")
    text = _separated(page.text).removeprefix(f"{page.title}\n\n")  # the headline is kept as the title
    return [Article(name, text, page.title, page.date, page.url or page.sitename)]


def read_feed(content: bytes, name: str) -> list[Article]:
    """Read each entry of an RSS or Atom feed that has a text as an article, its link as the origin.

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
        Where it cannot be read, or has no text.

    """
    with _extra(name, "feeds"):
        import feedparser

        feed = feedparser.parse(content, sanitize_html=True, resolve_relative_uris=False)
        texts = [_entry_text(entry) for entry in feed.entries]
    if feed.bozo and not feed.entries:
        raise SourceError(f"{name}: not a valid feed: {feed.bozo_exception}")
    found = []
    for number, (entry, text) in enumerate(zip(feed.entries, texts, strict=True), 1):
        if text:
            date = entry.get("published") or entry.get("updated")
            found.append(Article(f"{name}#{number}", text, entry.get("title"), date, entry.get("link")))
    return found


def read_pdf(content: bytes, name: str) -> list[Article]:
    """Read the text of a PDF by its blocks; words hyphenated at the end of a line are joined.

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
        Where it cannot be read, or has no text.

    """
    with _extra(name, "PDF"):
        from pdfminer.high_level import extract_text
        from pdfminer.pdfdocument import PDFDocument
        from pdfminer.pdfexceptions import PDFException
        from pdfminer.pdfparser import PDFParser
        from pdfminer.psexceptions import PSException
        from pdfminer.utils import decode_text
    try:
        text = extract_text(io.BytesIO(content))
        properties = next(iter(PDFDocument(PDFParser(io.BytesIO(content))).info), {})
    except (PDFException, PSException, ValueError, TypeError, KeyError, IndexError, AssertionError) as error:
        raise SourceError(f"{name}: not a valid PDF: {type(error).__name__} {error}") from None
    if not text.strip():
        raise SourceError(f"{name}: PDF has no text; run OCR on a scan first")
    info = {
        key: decode_text(properties[key])
        for key in ("Title", "CreationDate")
        if isinstance(properties.get(key), bytes)
    }
    day = _PDF_DATE.match(info.get("CreationDate", ""))
    return [
        Article(
            name,
            _HYPHEN.sub("", text),
            title=info.get("Title") or None,
            date="-".join(day.groups()) if day else None,
        )
    ]


def read_docx(content: bytes, name: str) -> list[Article]:
    """Read the paragraphs and table cells of a Word document, in order.

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
        Where it cannot be read, or has no text.

    """
    with _extra(name, "DOCX"):
        import docx
        from docx.opc.exceptions import OpcError
    try:
        document = docx.Document(io.BytesIO(content))
        text = "\n\n".join(_blocks(document))
        properties = document.core_properties
    except (OpcError, BadZipFile, KeyError, ValueError) as error:
        raise SourceError(f"{name}: not a valid DOCX: {error}") from None
    if not text.strip():
        raise SourceError(f"{name}: DOCX has no text")
    day = properties.modified or properties.created
    return [Article(name, text, title=properties.title or None, date=day.date().isoformat() if day else None)]


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


def _entry_text(entry: Any) -> str:
    """Choose the entry's content, else its summary, as text; a short fragment has no "main" text, so take all."""
    import trafilatura

    html = entry.content[0].value if entry.get("content") else entry.get("summary", "")
    if "<" not in html:
        return _separated(html)
    page = f"<html><body><article>{html}</article></body></html>"
    text = trafilatura.extract(page, include_comments=False, favor_recall=True) or trafilatura.html2txt(page)
    return _separated(text)


def _separated(text: str) -> str:
    """Put a blank line between lines, which are a paragraph each here."""
    return _LINES.sub("\n\n", text.strip())


def _blocks(document: "Document") -> Iterator[str]:
    from docx.table import Table

    for block in document.iter_inner_content():
        texts = (
            [cell.text for row in block.rows for cell in row.cells] if isinstance(block, Table) else [block.text]
        )
        yield from (" ".join(text.split()) for text in texts if text.strip())


@contextmanager
def _extra(name: str, kind: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError:
        needed = MissingExtraError(f"reading {kind}", "documents")
        raise SourceError(f"{name}: {needed}") from None


_READERS: dict[str, Callable[[bytes, str], list[Article]]] = {
    "text": read_text,
    "html": read_html,
    "pdf": read_pdf,
    "docx": read_docx,
    "feed": read_feed,
}
