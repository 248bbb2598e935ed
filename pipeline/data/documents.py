"""Bytes to articles: plain text, Markdown, HTML, feeds, mail, PDF and DOCX, told apart by name or first bytes.

`pipeline.data.readers` has a reader for each format; those of HTML, feeds and PDF need the extra `documents`.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pipeline.errors import MissingExtraError, SourceError
from pipeline.schema import Article

_BY_SUFFIX = {
    ".txt": "text",
    ".md": "text",
    ".html": "HTML",
    ".htm": "HTML",
    ".xhtml": "HTML",
    ".pdf": "PDF",
    ".docx": "DOCX",
    ".rss": "RSS or Atom",
    ".atom": "RSS or Atom",
    ".eml": "mail",
    ".mbox": "a mailbox",
}
SUFFIXES = tuple(_BY_SUFFIX)
_PROLOGUE = r"(?>(?:<\?[^>]*>|<!--.*?-->)\s*)*+"  # never taken back, or many comments would take exponential time
_FEED_START = re.compile(
    _PROLOGUE + rf"(?:<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>\s*{_PROLOGUE})?<(?:[\w-]+:)?(?:rss|feed|RDF)[\s>]",
    re.DOTALL,
)
_JSON_FEED_START = re.compile(r"\{.*\"https?:(?:\\?/){2}jsonfeed\.org(?:\\?/)version", re.DOTALL)
_MAIL_START = re.compile(  # a text may begin with From: and Subject:, but not with what mail servers write
    r"(?:[A-Za-z][\w-]*:[^\n]*\n(?:[ \t][^\n]*\n)*+){0,50}?(?:Received|Return-Path|Message-ID|MIME-Version):\s*\S",
    re.I,
)
_MAILBOX_START = re.compile(r"From \S+ .*\n[A-Za-z][\w-]*: ")
_HTML_START = re.compile(_PROLOGUE + r"<(?:!doctype\s+html|html|head|body)\b", re.I | re.DOTALL)


def articles_in(content: bytes, name: str, *, form: str | None = None) -> list[Article | SourceError]:
    """Read the articles that a file or an address holds.

    Parameters
    ----------
    content : bytes
    name : str
        The file's name or the address; its ending tells the format, else the first bytes do.
    form : str, optional
        The format, one of `sniffed`, where it is known from elsewhere.

    Returns
    -------
    list of Article or SourceError
        One article, or for a feed one for each entry that has a text; paragraphs are separated by blank lines. A
        part that cannot be read is an error in its place; at least one article could be read.

    Raises
    ------
    SourceError
        Where the content is empty, damaged, of an unknown format, or without a text.

    """
    if not content.strip():
        raise SourceError(f"{name}: empty")
    kind = form or _kind(content, name)
    try:
        found = _reader(kind)(content, name)
    except SourceError:
        raise
    except ModuleNotFoundError:
        raise SourceError(f"{name}: {MissingExtraError(f'reading {kind}', 'documents')}") from None
    except Exception as error:  # whatever a reader's library meets in a damaged file costs this file alone
        raise SourceError(f"{name}: not valid {kind}: {_in_one_line(error)}") from None
    if not any(isinstance(part, Article) for part in found):
        errors = [part for part in found if isinstance(part, SourceError)]
        raise errors[0] if errors else SourceError(f"{name}: no entry of this feed has a text")
    return list(found)


def _in_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:200]


def _kind(content: bytes, name: str) -> str:
    path = urlsplit(name).path if name.startswith(("http://", "https://")) else name
    known = _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())
    found = sniffed(content)
    certain = found in ("PDF", "DOCX") or (known == "HTML" and found == "RSS or Atom")
    return known if known and not certain else found


def sniffed(content: bytes) -> str:
    """Tell a format by the first bytes: `PDF`, `DOCX`, `RSS or Atom`, `HTML`, `mail`, `a mailbox`, else `text`."""
    start = _start(content)
    if start.startswith("%PDF-"):
        return "PDF"
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):  # the latter came before DOCX: its reader says so
        return "DOCX"
    if _FEED_START.match(start) or _JSON_FEED_START.match(start):
        return "RSS or Atom"
    if _HTML_START.match(start):
        return "HTML"
    lines = start.replace("\r\n", "\n")
    if _MAILBOX_START.match(lines):
        return "a mailbox"
    return "mail" if _MAIL_START.match(lines) else "text"


def _start(content: bytes) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content[:4096].decode("utf-16" if utf16 else "utf-8-sig", "replace").lstrip()


_READERS = {
    "text": "plain.read_text",
    "HTML": "html.read_html",
    "PDF": "pdf.read_pdf",
    "DOCX": "word.read_docx",
    "RSS or Atom": "feed.read_feed",
    "mail": "mail.read_mail",
    "a mailbox": "mail.read_mailbox",
}


def _reader(kind: str) -> Callable[[bytes, str], Sequence[Article | SourceError]]:
    """Import the reader of a format, and no other: that takes longer than to predict on an article."""
    module, _, function = _READERS[kind].partition(".")
    found: Callable[[bytes, str], Sequence[Article | SourceError]] = getattr(
        import_module(f"pipeline.data.readers.{module}"), function
    )
    return found
