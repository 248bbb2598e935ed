"""A digest as plain text, for mail programs that show nothing else."""

import textwrap
from collections.abc import Iterator

from pipeline.archive.digest.rows import (
    Digest,
    Entry,
    Section,
    enclosed,
    further_topics,
    place,
    source_of,
    sparkline,
    words_of_period,
)

_WIDTH = 76


def as_text(digest: Digest) -> bytes:
    """Write a digest as plain text.

    Parameters
    ----------
    digest : Digest

    Returns
    -------
    bytes

    """
    return ("\n".join(_lines(digest)) + "\n").encode()


def _lines(digest: Digest) -> Iterator[str]:
    yield from _wrapped(digest.title)
    yield "=" * min(max(len(digest.title), 3), _WIDTH)
    yield from _wrapped(digest.period)
    yield from _wrapped(digest.summary)
    for section in digest.sections:
        yield from ("", "", section.topic.title.upper())
        if section.days:
            yield f"{sparkline(section.days)}  {words_of_period(section.days[0][0], section.days[-1][0])}"
        for heading, entries in section.groups:
            yield from ("", f"{heading}:")
            for entry in entries:
                yield from _story(digest, section, entry)
        if section.elsewhere:
            yield from ("", "On this topic, too:")
            for entry in section.elsewhere:
                yield from _wrapped(f"* {entry.story.title}", "", "  ")
    yield from ("", "-- ", digest.footer)


def _story(digest: Digest, section: Section, entry: Entry) -> Iterator[str]:
    yield ""
    yield from _wrapped(f"* {entry.story.title}", "", "  ")
    yield from _wrapped(f"{', '.join(map(enclosed, entry.story.outlets))}; {entry.days}", "  ")
    for article in entry.story.articles:
        yield f"  {place(article)}"
    if topics := further_topics(digest, section, entry):
        yield from _wrapped(f"Also: {', '.join(topics)}", "  ")
    for quotation in entry.quotations:
        yield ""
        yield from _wrapped(f"“{quotation.text}”", "    ")
        yield from _wrapped(f"({source_of(entry, quotation)})", "    ")
    if entry.more:
        yield from ("", f"    and {entry.more} more of its paragraphs")


def _wrapped(text: str, first: str = "", further: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if further is None else further,
        break_long_words=False,
        break_on_hyphens=False,
    )
