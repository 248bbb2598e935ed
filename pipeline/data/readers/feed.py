"""Read the entries of RSS and Atom feeds, parsed by feedparser, and of JSON feeds."""

import codecs
import html
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

from pipeline.data.readers.blocks import NOT_SHOWN, Block, joined, walk
from pipeline.data.readers.html import parsed
from pipeline.errors import SourceError
from pipeline.schema import Article

_ENCODING = re.compile(rb"\A(\s*<\?xml[^>]{0,100}?)\sencoding\s*=\s*[\"'][^\"'>]*[\"']")
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*\[(.*?)\]\s*>", re.DOTALL)
_ENTITY = re.compile(rb"""<!ENTITY\s+([\w.-]+)\s+(?:"([^"]*)"|'([^']*)'|[^>]*)""")
_REFERENCE = re.compile(rb"&([\w.-]+);")
_ENTITY_DEPTH = 10
_ENTITY_BYTES = 100_000
_EXPANDED_BYTES = 1_000_000
_LONG_TAG = re.compile(rb"<([a-zA-Z][\w:-]*)\s[^<>]{10000,}>")
_AUTHOR = re.compile(rb"(</?(?:\w+:)?)(author|contributor|creator|managingEditor|owner|publisher|webMaster)\b")
_CHARACTER = re.compile(rb"&#([xX][0-9a-fA-F]+|\d+);")
_CHARACTERS = ((0x9, 0xA), (0xD, 0xD), (0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
_DIGITS = 9  # leading zeros are allowed
_OPENED = re.compile(rb"<(?:\w+:)?(?:item|entry)(?:\s[^<>]*)?(?<!/)>")
_CLOSED = re.compile(rb"</(?:\w+:)?(?:item|entry)\s*>")
_ENDED = re.compile(rb"</(?:\w+:)?(?:rss|feed|RDF)\s*>", re.I)
_ESCAPED_TAG = re.compile(
    r"&(?:amp;){0,2}lt;/?(?:p|br|div|ul|ol|li|h[1-6]|blockquote|table|a|b|i|em|strong|span|img)\b"
    r"[^<>]{0,500}?&(?:amp;){0,2}gt;"
)
_TAG = re.compile(r"</?[a-zA-Z]")
_BLOCK_TAG = re.compile(r"<(?:p|br|div|ul|ol|li|h[1-6]|blockquote|table|pre|section|article)\b", re.I)
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_ESCAPED_TIMES = 3
_APPEARED = re.compile(r"The post .{1,300} (?:appeared first|first appeared) on .{1,100}\.?")
_LINK_WORDS = 4


def read_feed(content: bytes, name: str) -> list[Article | SourceError]:
    """Read each entry of an RSS, Atom or JSON feed that has a text as an article, its link as the origin.

    Parameters
    ----------
    content : bytes
    name : str

    Returns
    -------
    list of Article or SourceError
        An error after the last whole entry of a feed that is cut off.

    Raises
    ------
    SourceError
        Where it cannot be read, or has no text.

    """
    if content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return list(_json_entries(content, name))
    import feedparser

    content = _in_utf8(content)
    base = name if name.startswith(("http://", "https://")) else ""
    feed = feedparser.parse(  # a file object: bytes could be taken for a file's name
        io.BytesIO(_cleaned(content, name)),
        response_headers={"content-location": base} if base else {},
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    if not feed.entries and (feed.bozo or not feed.version):
        problem = " ".join(str(feed.get("bozo_exception", "neither RSS nor Atom")).split())
        raise SourceError(f"{name}: not a valid feed: {problem}")
    entries, cut = _whole(feed.entries, content) if feed.bozo else (feed.entries, False)
    found: list[Article | SourceError] = []
    outlet = _in_one_line(feed.feed.get("title"))
    for number, entry in enumerate(entries, 1):
        if text := _entry_text(entry):
            date = entry.get("published") or entry.get("updated")
            link = _absolute(entry.get("link"), feed.feed.get("link") or base)
            title = _in_one_line(entry.get("title"))
            told = (
                _in_one_line(entry.get("source", {}).get("title")) or outlet
            )  # a feed may gather those of others
            found.append(Article(f"{name}#{number}", text, title, date, link, outlet=told))
    if cut:
        found.append(
            SourceError(f"{name}: the feed is cut off after entry {len(entries)}; what follows is missing")
        )
    return found


def _json_entries(content: bytes, name: str) -> Iterator[Article]:
    try:
        feed = json.loads(content.decode("utf-8-sig"))
        items, outlet = feed["items"], feed.get("title")
        entries = [item for item in items if isinstance(item, dict)]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise SourceError(f"{name}: not a valid JSON feed: {type(error).__name__} {error}") from None
    for number, entry in enumerate(entries, 1):
        stated = {key: value for key, value in entry.items() if isinstance(value, str) and value.strip()}
        plain = stated.get("content_text") or stated.get("summary") or ""
        if text := fragment_text(stated.get("content_html") or "") or _paragraphs(plain):
            date = stated.get("date_published") or stated.get("date_modified")
            origin = stated.get("url") or stated.get("external_url")
            told = outlet if isinstance(outlet, str) else None
            yield Article(f"{name}#{number}", text, stated.get("title"), date, origin, outlet=told)


def _in_utf8(content: bytes) -> bytes:
    """Encode UTF-16 anew, in which no pattern of bytes would be found."""
    if not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content
    return _ENCODING.sub(rb"\1", content.decode("utf-16", "replace").encode("utf-8", "replace"))


def _cleaned(content: bytes, name: str) -> bytes:
    """Take away what feedparser fails on, or spends quadratic time on: long tags, addresses of authors."""
    content = _LONG_TAG.sub(rb"<\1>", _expanded(content, name))
    content = _CHARACTER.sub(lambda one: one[0] if _is_character(one[1]) else b"&#xFFFD;", content)
    return _AUTHOR.sub(rb"\1not-read-\2", content)


def _is_character(number: bytes) -> bool:
    """Tell whether XML allows the character of this number."""
    code = int(number[1:][:_DIGITS], 16) if number[:1] in b"xX" else int(number[:_DIGITS])
    return any(low <= code <= high for low, high in _CHARACTERS)


def _expanded(content: bytes, name: str) -> bytes:
    """Put the text of the entities that the feed declares in their place; those outside the feed have none."""
    doctype = _DOCTYPE.match(content, max(content.find(b"<!DOCTYPE"), 0))
    if not doctype:
        return content
    values = {found[1]: found[2] or found[3] or b"" for found in _ENTITY.finditer(doctype[1])}
    for _ in range(_ENTITY_DEPTH):
        values = {entity: _filled(value, values) for entity, value in values.items()}
        if sum(map(len, values.values())) > _ENTITY_BYTES:
            raise SourceError(f"{name}: its DTD declares entities that grow too large")
    rest = content[doctype.end() :]
    if sum(len(values.get(one[1], b"")) for one in _REFERENCE.finditer(rest)) > _EXPANDED_BYTES:
        raise SourceError(f"{name}: its DTD declares entities that grow too large")
    return content[: doctype.start()] + _filled(rest, values)


def _filled(text: bytes, values: Mapping[bytes, bytes]) -> bytes:
    return _REFERENCE.sub(lambda one: values.get(one[1], one[0]), text)


def _whole(entries: Sequence[Any], content: bytes) -> tuple[Sequence[Any], bool]:
    """Tell a feed that is cut off, and leave out the entry in which it is."""
    closed = max((found.end() for found in _CLOSED.finditer(content)), default=0)
    if _ENDED.search(content, closed):
        return entries, False
    return entries[:-1] if _OPENED.search(content, closed) else entries, True


def _entry_text(entry: Any) -> str:
    for detail in (*entry.get("content", ()), entry.get("summary_detail")):
        text = _detail_text(detail) if detail else ""
        if text:
            return text
    return ""


def _detail_text(detail: Any) -> str:
    value = detail.get("value") or ""
    return (
        _paragraphs(value)
        if detail.get("type") == "text/plain" and not _TAG.search(value)
        else fragment_text(value)
    )


def fragment_text(markup: str) -> str:
    """Read a fragment of HTML, all of it but a closing link to the page."""
    for _ in range(_ESCAPED_TIMES):
        if _TAG.search(markup) or not _ESCAPED_TAG.search(markup):
            break
        markup = html.unescape(markup)
    if not _TAG.search(markup):
        return _paragraphs(html.unescape(markup))
    if not _BLOCK_TAG.search(markup):
        markup = _BLANK_LINE.sub("<br><br>", markup)
    blocks = walk(parsed(f"<div>{markup}</div>")[0]).blocks
    while len(blocks) > 1 and _leads_on(blocks[-1]):
        blocks.pop()
    return joined(blocks)


def _leads_on(block: Block) -> bool:
    return bool(_APPEARED.fullmatch(block.text)) or (block.is_link and len(block.text.split()) <= _LINK_WORDS)


def _paragraphs(text: str) -> str:
    lines = [" ".join(NOT_SHOWN.sub("", line).split()) for line in text.splitlines()]
    return re.sub("\n\n+", "\n\n", "\n".join(lines)).strip()


def _in_one_line(title: str | None) -> str | None:
    return " ".join(fragment_text(title or "").split()) or None


def _absolute(link: str | None, base: str) -> str | None:
    try:
        return urljoin(base, link) if link else None
    except ValueError:  # an address that is none, such as http://[
        return link
