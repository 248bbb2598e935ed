"""Read plain text and Markdown."""

import re

from pipeline.data.encoding import advice, unicode_encoding
from pipeline.data.tabular import table_kind
from pipeline.errors import SourceError
from pipeline.schema import Article

_START = 1 << 16  # bytes that tell the encoding, characters that tell a table
_FIRST_LINE = re.compile(r"\s*([^\r\n]*)")
_BZIP2 = (b"BZh%d1AY&SY" % level for level in range(1, 10))
_COMPRESSED = (*_BZIP2, b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")  # the others: gzip, xz, zstd
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
        Where it cannot be read, has no text, or is a table.

    """
    if content.startswith(b"{\\rtf"):
        raise SourceError(f"{name}: this is RTF; save it as text or DOCX")
    if content.startswith(_COMPRESSED):
        raise SourceError(f"{name}: compressed; unpack it, or if it is a table, predict on it alone")
    text = _decoded(content, name)
    if table := table_kind(text[:_START]):
        raise SourceError(f"{name}: {table}, which is a table: predict on it alone, with --text-column")
    return [Article(name, text, title=_title(text) if name.lower().endswith(".md") else None)]


def _decoded(content: bytes, name: str) -> str:
    codec = unicode_encoding(content[:_START], more=len(content) > _START) or "utf-8-sig"
    if b"\0" in content and codec == "utf-8-sig":
        raise SourceError(f"{name}: binary, expected text in UTF-8, HTML, PDF, DOCX, mail or a feed")
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        encoding = codec.removesuffix("-sig").upper()
        raise SourceError(f"{name}: not {encoding} at byte {error.start + 1}; {advice(content)}") from None


def _title(text: str) -> str | None:
    line = _FIRST_LINE.match(text)
    heading = line[1] if line else ""
    return (heading[1:].strip(" \t#") or None) if _HEADING.match(heading) else None
