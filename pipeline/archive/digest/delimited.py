"""A digest as CSV for people who open it in Excel: a row a quotation, with a byte-order mark, and no formulas."""

import csv
import io
from collections.abc import Iterator

from pipeline.archive.digest.rows import Digest, further_topics, place

COLUMNS = (
    "topic",
    "kind",
    "story",
    "outlet",
    "date",
    "title",
    "paragraph",
    "quotation",
    "score",
    "other_topics",
    "address",
    "outlets",
    "articles",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four in full width


def as_csv(digest: Digest) -> bytes:
    """Write the quotations of a digest as CSV, in UTF-8 with a byte-order mark, as Excel takes it.

    Parameters
    ----------
    digest : Digest

    Returns
    -------
    bytes
        A text that a spreadsheet would take for a formula begins with an apostrophe.

    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in quotation_rows(digest):
        writer.writerow([text_cell(value) if isinstance(value, str) else value for value in row])
    return file.getvalue().encode("utf-8-sig")


def text_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        With an apostrophe before `=`, `+`, `-` or `@` at its start, in full width too, as they are live formulas.

    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def quotation_rows(digest: Digest) -> Iterator[tuple[str | int | float | None, ...]]:
    """Return the values of COLUMNS for each quotation; a story without one has a row all the same.

    Parameters
    ----------
    digest : Digest

    Yields
    ------
    tuple

    """
    for section, entry in digest.entries:
        first = entry.first
        kind = "about" if entry in section.about else "mentioned" if section.topic.id else "words"
        topics = ", ".join(further_topics(digest, section, entry))
        outlets, articles = ", ".join(entry.story.outlets), len(entry.story.articles)
        for quotation in entry.quotations or (None,):
            yield (
                section.topic.title,
                kind,
                entry.story.title,
                first.outlet,
                first.day,
                first.title,
                quotation.number + 1 if quotation else None,
                quotation.text if quotation else "",
                round(quotation.scores[section.topic.id], 4)
                if quotation and section.topic.id in quotation.scores
                else None,
                topics,
                place(first),
                outlets,
                articles,
            )
