"""Read plain text and Markdown."""

import re

from pipeline.data.encoding import advice, unicode_encoding
from pipeline.data.tabular import table_kind
from pipeline.errors import SourceError
from pipeline.schema import Article

_START = 1 << 16  # bytes that tell the encoding, characters that tell a table
_MARKDOWN_TITLE = re.compile(r"\s*#[ \t]+([^\r\n]+?)[ \t#]*(?:[\r\n]|$)")


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
        Where it cannot be read, has no text, or is a table.

    """
    codec = unicode_encoding(content[:_START], more=len(content) > _START) or "utf-8-sig"
    if b"\0" in content and codec == "utf-8-sig":
        raise SourceError(f"{name}: binary, expected text in UTF-8, HTML, PDF, DOCX or a feed")
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        encoding = codec.removesuffix("-sig").upper()
        raise SourceError(f"{name}: not {encoding} at byte {error.start + 1}; {advice(content)}") from None
    if table := table_kind(text[:_START]):
        raise SourceError(f"{name}: {table}, which is a table: predict on it alone, with --text-column")
    heading = _MARKDOWN_TITLE.match(text) if name.lower().endswith(".md") else None
    return [Article(name, text, title=heading[1] if heading else None)]
