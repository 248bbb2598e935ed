"""A digest as Markdown, in which every text stands as it is: what would be markup is escaped."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from pipeline.archive.digest.rows import (
    Digest,
    Entry,
    Section,
    counted,
    day_of,
    enclosed,
    further_topics,
    link,
    source_of,
    sparkline,
    timeline_words,
)
from pipeline.archive.queries import StoryArticle

_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$^#{}]")
_AT_START = re.compile(r"^([-+=>]|\d{1,9}(?=[.)]))")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])")


def as_markdown(digest: Digest) -> bytes:
    """Write a digest as Markdown (CommonMark, with a table as GitHub has them).

    Parameters
    ----------
    digest : Digest

    Returns
    -------
    bytes

    """
    return ("\n".join(_lines(digest)) + "\n").encode()


def escaped(text: str) -> str:
    """Escape what Markdown takes for markup.

    Parameters
    ----------
    text : str
        One line.

    Returns
    -------
    str

    """
    kept = _MARKUP.sub(r"\\\g<0>", text)
    return _NUMBERED.sub(r"\1\\\2", kept) if _NUMBERED.match(kept) else _AT_START.sub(r"\\\1", kept)


def _lines(digest: Digest) -> Iterator[str]:
    yield from (f"# {escaped(digest.title)}", "", f"*{escaped(digest.period)}*", "", escaped(digest.summary), "")
    yield from _table(digest)
    for section in digest.sections:
        yield from (f"## {escaped(section.topic.title)}", "")
        if section.days:
            yield from (f"{escaped(timeline_words(section))}.", "")
        for heading, entries in section.groups:
            yield from (f"### {heading}", "")
            for entry in entries:
                yield from _story(digest, section, entry)
        if section.elsewhere:
            yield from ("### On this topic, too", "")
            yield from (f"- {_linked(entry.story.title, entry.first)}" for entry in section.elsewhere)
            yield ""
    yield from ("---", "", escaped(digest.footer))


def _table(digest: Digest) -> Iterator[str]:
    if not digest.sections:
        return
    yield from ("| Topic | Stories | Articles | Paragraphs | Last days |", "|:--|--:|--:|--:|:--|")
    for section in digest.sections:
        count = section.count
        numbers = f"{count.stories} | {count.articles} | {count.paragraphs}"
        yield f"| {escaped(section.topic.title)} | {numbers} | {sparkline(section.days)} |"
    yield ""


def _story(digest: Digest, section: Section, entry: Entry) -> Iterator[str]:
    yield from (f"#### {escaped(entry.story.title)}", "")
    for article in entry.story.articles:
        yield f"- {_linked(enclosed(article.outlet), article)}, {day_of(article)}"
    yield ""
    if topics := further_topics(digest, section, entry):
        yield from (f"Also: {escaped(', '.join(topics))}", "")
    for quotation in entry.quotations:
        yield from (f"> {escaped(quotation.text)}", ">", f"> — {escaped(source_of(entry, quotation))}", "")
    if entry.more:
        yield from (f"And {counted(entry.more, 'more paragraph')}.", "")


def _linked(text: str, article: StoryArticle) -> str:
    address = link(article)
    return f"[{escaped(text)}](<{quote(address, safe=_IN_ADDRESS)}>)" if address else escaped(text)


_IN_ADDRESS = "%/:?#[]@!$&'()*+,;=~-._"
