"""Read the entries of RSS and Atom feeds, parsed by feedparser."""

from typing import Any

from pipeline.data.readers.html import separated
from pipeline.errors import SourceError
from pipeline.schema import Article


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


def _entry_text(entry: Any) -> str:
    """Choose the entry's content, else its summary, as text; a short fragment has no "main" text, so take all."""
    import trafilatura

    html = entry.content[0].value if entry.get("content") else entry.get("summary", "")
    if "<" not in html:
        return separated(html)
    page = f"<html><body><article>{html}</article></body></html>"
    text = trafilatura.extract(page, include_comments=False, favor_recall=True) or trafilatura.html2txt(page)
    return separated(text)
