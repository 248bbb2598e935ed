"""Web pages and feeds to articles: main text by trafilatura, entries by feedparser."""

import re
from typing import Any

from pipeline.errors import SourceError
from pipeline.schema import Article

_LINES = re.compile(r"\s*\n\s*")


def read_html(content: bytes, name: str) -> list[Article]:
    """Take the main text of a page, with its title, date, and address or site where it names them."""
    import trafilatura

    try:
        page = trafilatura.bare_extraction(content, with_metadata=True, include_comments=False)
    except (ValueError, TypeError, LookupError) as error:
        raise SourceError(f"{name}: not readable as HTML: {error}") from None
    if page is None or isinstance(page, dict) or not page.text:
        raise SourceError(f"{name}: no main text found in this page")
    text = _apart(page.text).removeprefix(f"{page.title}\n\n")  # the headline is kept as the title
    return [Article(name, text, page.title, page.date, page.url or page.sitename)]


def read_feed(content: bytes, name: str) -> list[Article]:
    """Take each entry of an RSS or Atom feed that has a text as an article, its link as the origin."""
    import feedparser

    feed = feedparser.parse(content, sanitize_html=True, resolve_relative_uris=False)
    if feed.bozo and not feed.entries:
        raise SourceError(f"{name}: not readable as a feed: {feed.bozo_exception}")
    found = []
    for number, entry in enumerate(feed.entries, 1):
        text = _entry_text(entry)
        if text:
            date = entry.get("published") or entry.get("updated")
            found.append(Article(f"{name}#{number}", text, entry.get("title"), date, entry.get("link")))
    return found


def _entry_text(entry: Any) -> str:
    """Choose the entry's content, else its summary, as text; a short fragment has no "main" text, so take all."""
    import trafilatura

    html = entry.content[0].value if entry.get("content") else entry.get("summary", "")
    if "<" not in html:
        return _apart(html)
    page = f"<html><body><article>{html}</article></body></html>"
    text = trafilatura.extract(page, include_comments=False, favor_recall=True) or trafilatura.html2txt(page)
    return _apart(text)


def _apart(text: str) -> str:
    """Put a blank line between lines, which are a paragraph each here."""
    return _LINES.sub("\n\n", text.strip())
