"""Read plain text and Markdown."""

import re

from pipeline.errors import SourceError
from pipeline.schema import Article

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
    if b"\0" in content:
        raise SourceError(f"{name}: binary, expected text in UTF-8, HTML, PDF, DOCX or a feed")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: not UTF-8 at byte {error.start + 1}; convert it to UTF-8") from None
    heading = _MARKDOWN_TITLE.match(text) if name.lower().endswith(".md") else None
    return [Article(name, text, title=heading[1] if heading else None)]
