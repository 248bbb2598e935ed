"""A digest as an Atom feed (RFC 4287): an entry a story, whose id stays whenever the feed is made."""

import uuid
from datetime import datetime
from html import escape
from xml.etree import ElementTree as ET

from pipeline.archive.digest.rows import Digest, Entry, Section, further_topics, link, place, source_of

_ATOM = "http://www.w3.org/2005/Atom"


def as_atom(digest: Digest, *, address: str | None = None) -> bytes:
    """Write a digest as an Atom feed.

    Parameters
    ----------
    digest : Digest
    address : str or None
        Where the feed itself is found.

    Returns
    -------
    bytes

    """
    ET.register_namespace("", _ATOM)
    feed = ET.Element(f"{{{_ATOM}}}feed")
    _add(feed, "id", _id(f"digest {digest.key}"))
    _add(feed, "title", digest.title)
    _add(feed, "subtitle", f"{digest.period}. {digest.summary}")
    _add(feed, "updated", _time(digest.made))
    _add(feed, "generator", "paragraph-topics")
    if address:
        _add(feed, "link", rel="self", href=address)
    for section, entry in digest.entries:
        _add_entry(feed, digest, section, entry)
    content: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _add_entry(feed: ET.Element, digest: Digest, section: Section, entry: Entry) -> None:
    made = ET.SubElement(feed, f"{{{_ATOM}}}entry")
    earliest = min(entry.story.articles, key=lambda article: article.id)  # what comes later leaves the id as it is
    _add(made, "id", _id(earliest.address or earliest.source))
    _add(made, "title", entry.story.title)
    _add(made, "updated", f"{max(article.day for article in entry.story.articles)}T00:00:00Z")
    for outlet in entry.story.outlets:
        author = ET.SubElement(made, f"{{{_ATOM}}}author")
        _add(author, "name", outlet)
    if address := link(entry.first):
        _add(made, "link", rel="alternate", href=address)
    for title in (section.topic.title, *further_topics(digest, section, entry)):
        _add(made, "category", term=title)
    _add(made, "content", _content(entry), type="html")


def _content(entry: Entry) -> str:
    quoted = (
        f"<blockquote><p>{escape(quotation.text)}</p></blockquote><p>{escape(source_of(entry, quotation))}</p>"
        for quotation in entry.quotations
    )
    found = "".join(
        f"<li>{escape(article.outlet)}, {escape(place(article))}</li>" for article in entry.story.articles
    )
    return f"{''.join(quoted)}<ul>{found}</ul>"


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes).text = text


def _id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"paragraph-topics {name}").urn


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
