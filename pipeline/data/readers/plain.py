"""Read plain text and Markdown."""

import re

from pipeline.data.encoding import advice, unicode_encoding
from pipeline.errors import SourceError
from pipeline.schema import Article

_START = 1 << 19  # bytes that tell the encoding
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
        Where it cannot be read, or has no text.

    """
    codec = unicode_encoding(content[:_START], more=len(content) > _START) or "utf-8-sig"
    if b"\0" in content and codec == "utf-8-sig":
        raise SourceError(f"{name}: binary, expected text in UTF-8, HTML, PDF, DOCX or a feed")
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        encoding = codec.removesuffix("-sig").upper()
        raise SourceError(f"{name}: not {encoding} at byte {error.start + 1}; {advice(content)}") from None
    heading = _MARKDOWN_TITLE.match(text) if name.lower().endswith(".md") else None
    return [Article(name, text, title=heading[1] if heading else None)]
