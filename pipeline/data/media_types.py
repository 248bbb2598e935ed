"""The format of what a server sent: its `Content-Type` before the ending of the address, and its charset."""

import codecs
import json
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pipeline.data.documents import sniffed
from pipeline.errors import SourceError

_FORMATS = {
    "text/html": "HTML",
    "application/xhtml+xml": "HTML",
    "application/pdf": "PDF",
    "application/x-pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
    "application/rss+xml": "RSS or Atom",
    "application/atom+xml": "RSS or Atom",
    "application/rdf+xml": "RSS or Atom",
    "application/feed+json": "RSS or Atom",
    "message/rfc822": "mail",
    "application/mbox": "a mailbox",
}
_TEXT = ("text/plain", "text/markdown", "text/x-markdown")
_XML = ("application/xml", "text/xml")
_UNKNOWN = ("", "application/octet-stream", "binary/octet-stream", "application/download", "text/plain")
_TABLES = (
    "text/csv",
    "text/tab-separated-values",
    "application/csv",
    "application/json",
    "application/jsonl",
    "application/jsonlines",
    "application/json-lines",
    "application/x-jsonlines",
    "application/ndjson",
    "application/x-ndjson",
    "application/x-json-stream",
    "application/json-seq",
    "application/parquet",
    "application/x-parquet",
    "application/vnd.apache.parquet",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.spreadsheet",
)
_TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".xls", ".ods")
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_NO_ARTICLE = ("image/", "audio/", "video/", "font/", "text/css", "text/javascript", "application/javascript")
_WESTERN = ("ascii", "iso8859-1")  # as browsers read them: both names stand for Windows-1252


def format_of(content: bytes, url: str, media_type: str) -> str | None:
    """Choose the format to read what came from an address as.

    Parameters
    ----------
    content : bytes
    url : str
    media_type : str
        As the server says, in lower case; empty where it does not.

    Returns
    -------
    str or None
        None where the address and the content tell, as they do for a file.

    Raises
    ------
    SourceError
        For a table, and for what is no article, such as an image.

    """
    if media_type.startswith(_NO_ARTICLE):
        raise SourceError(f"{url}: the server sent {media_type}, expected a page, document or feed")
    found = sniffed(content)
    if found in ("PDF", "RSS or Atom"):
        return found  # its first bytes leave no doubt, whatever the server says
    if _is_table(content, url, media_type):
        said = f" ({media_type})" if media_type else ""
        raise SourceError(f"{url}: a table{said}; download it, and name the file as SOURCE")
    if media_type in _XML and found == "text":
        raise SourceError(f"{url}: XML that is neither a page nor a feed")
    if media_type in (*_TEXT, *_XML) or found == "DOCX":
        return found
    if media_type in _UNKNOWN and found != "text":
        return found
    return _FORMATS.get(media_type)


def as_utf8(content: bytes, url: str, charset: str, form: str | None) -> bytes:
    """Turn text in the charset that the server names into UTF-8, with the mark that says so.

    Parameters
    ----------
    content : bytes
    url : str
    charset : str
        Such as `windows-1251`; empty or unknown for what the content says itself.
    form : str or None
        As `format_of` returns it; only text and HTML are changed, as other formats name their encoding.

    Returns
    -------
    bytes

    Raises
    ------
    SourceError
        For text that is not in that charset. A page's own declaration then decides.

    """
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
        encoding = "cp1252" if name in _WESTERN else name
        if form not in ("text", "HTML") or content.startswith(codecs.BOM_UTF8) or encoding == "utf-8":
            return content
        return codecs.BOM_UTF8 + content.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        if form == "HTML":
            return content
        raise SourceError(f"{url}: not {charset} at byte {error.start + 1}, though the server says so") from None
    except (LookupError, UnicodeError):  # no such charset, or one of Python's own that is not for text
        return content


def _is_table(content: bytes, url: str, media_type: str) -> bool:
    if media_type in _TABLES or media_type.endswith("+json"):
        return True
    if media_type not in _UNKNOWN:
        return False
    path = PurePosixPath(urlsplit(url).path.lower())
    suffix = PurePosixPath(path.stem).suffix if path.suffix in _PACKED else path.suffix
    start = content.removeprefix(codecs.BOM_UTF8).lstrip()
    return (
        suffix in _TABLE_SUFFIXES or content.startswith(b"PAR1") or (start[:1] in (b"{", b"[") and _is_json(start))
    )


def _is_json(content: bytes) -> bool:
    """Whether it is one JSON value, or lines that begin with one."""
    for candidate in (content, content.partition(b"\n")[0]):
        try:
            return isinstance(json.loads(candidate), dict | list)
        except (ValueError, RecursionError):
            continue
    return False
