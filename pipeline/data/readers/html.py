"""Read the main text of HTML pages, found by trafilatura."""

import re

from pipeline.errors import SourceError
from pipeline.schema import Article

_LINES = re.compile(r"\s*\n\s*")


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
    import trafilatura

    try:
        page = trafilatura.bare_extraction(content, with_metadata=True, include_comments=False)
    except (ValueError, TypeError, LookupError) as error:
        raise SourceError(f"{name}: not valid HTML: {error}") from None
    if page is None or isinstance(page, dict) or not page.text:
        raise SourceError(f"{name}: no main text in this page")
    text = separated(page.text).removeprefix(f"{page.title}\n\n")  # the headline is kept as the title
    return [Article(name, text, page.title, page.date, page.url or page.sitename)]


def separated(text: str) -> str:
    """Put a blank line between lines, which are a paragraph each here."""
    return _LINES.sub("\n\n", text.strip())
