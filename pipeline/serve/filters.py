"""What a reader asks for in an address: days, topics, outlets, words, a threshold and a page, read and written."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query

from pipeline.archive.selection import Selection
from pipeline.archive.words import full_text_query
from pipeline.errors import ArchiveError
from pipeline.serve.refusal import RefusedError

LONGEST_WORDS, MOST_NAMES, LAST_PAGE = 200, 200, 1_000_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filters:
    """A selection as an address states it.

    Parameters
    ----------
    selection : Selection
    days_named : bool
        Whether the address says anything of days, be it that all are wanted.
    page : int
        From 1.

    """

    selection: Selection
    days_named: bool = False
    page: int = 1

    def query(self, **changes: Any) -> str:
        """Write the query of an address that asks for the same, but for some fields of the selection.

        Parameters
        ----------
        **changes
            Fields of the selection, or `page`.

        Returns
        -------
        str
            With its question mark.

        """
        page = changes.pop("page", 1)
        chosen = replace(self.selection, **changes)
        fields: dict[str, object] = {
            "since": chosen.since or "",
            "until": chosen.until or "",
            "topic": chosen.topics,
            "outlet": chosen.outlets,
        }
        if chosen.words:
            fields["words"] = chosen.words
        if chosen.threshold is not None:
            fields["threshold"] = f"{chosen.threshold:g}"
        if page != 1:
            fields["page"] = page
        return f"?{urlencode(fields, doseq=True)}"

    def toggled(self, topic: str) -> str:
        """Write the query that asks for a topic as well, or no longer."""
        chosen = self.selection.topics
        others = tuple(other for other in chosen if other != topic)
        return self.query(topics=others if topic in chosen else (*chosen, topic))

    def last_days(self, newest: str, count: int) -> str:
        """Write the query that asks for some days up to the newest."""
        return self.query(since=days_before(newest, count - 1), until=newest)


def days_before(day: str, count: int) -> str:
    """Return the day so many days before another; the first of the calendar where there is none.

    Parameters
    ----------
    day : str
        YYYY-MM-DD.
    count : int

    Returns
    -------
    str

    """
    try:
        return (date.fromisoformat(day) - timedelta(days=count)).isoformat()
    except OverflowError:
        return date.min.isoformat()


def filters_of(
    *,
    since: Annotated[str | None, Query(description="First day.", json_schema_extra={"format": "date"})] = None,
    until: Annotated[str | None, Query(description="Last day.", json_schema_extra={"format": "date"})] = None,
    topic: Annotated[Sequence[str], Query(description="Topics, any of them.")] = (),
    outlet: Annotated[Sequence[str], Query(description="Outlets, any of them.")] = (),
    words: str = "",
    threshold: str = "",
    page: str = "",
) -> Filters:
    """Read the filters of a request's query.

    Parameters
    ----------
    since, until, topic, outlet, words, threshold, page
        As the address has them; empty ones, which a form sends, are none.

    Returns
    -------
    Filters

    Raises
    ------
    RefusedError
        With status 422 where one is not as expected.

    """
    selection = selection_of(
        since=since or "", until=until or "", topics=topic, outlets=outlet, words=words, threshold=threshold
    )
    return Filters(selection, since is not None or until is not None, page_of(page))


def selection_of(
    *, since: str, until: str, topics: Sequence[str], outlets: Sequence[str], words: str, threshold: str
) -> Selection:
    """Read a selection from the fields of a form or an address.

    Parameters
    ----------
    since, until, words, threshold : str
        Empty for none.
    topics, outlets : sequence of str

    Returns
    -------
    Selection

    Raises
    ------
    RefusedError
        With status 422 where one is not as expected.

    """
    first, last = _day("since", since), _day("until", until)
    if first and last and first > last:
        raise RefusedError(422, f"since: {first} is after until: {last}")
    return Selection(
        first, last, _names("topic", topics), _names("outlet", outlets), _words(words), _threshold(threshold)
    )


def page_of(text: str) -> int:
    """Read the number of a page, 1 where there is none."""
    if not text.strip():
        return 1
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text) or int(text) > LAST_PAGE:
        raise RefusedError(422, f"page: {text!r:.80} is no page, expected a number from 1 to {LAST_PAGE}")
    return int(text)


def _day(name: str, text: str) -> str | None:
    text = text.strip()
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise RefusedError(422, f"{name}: {text!r:.80} is no day, expected one such as 2025-03-31")


def _names(name: str, given: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(found for found in given if found))
    if len(names) > MOST_NAMES:
        raise RefusedError(422, f"{name}: {len(names)} of them, expected at most {MOST_NAMES}")
    return names


def _words(text: str) -> str:
    text = " ".join(text.replace("\0", " ").split())
    if not text:
        return ""
    if len(text) > LONGEST_WORDS:
        raise RefusedError(422, f"words: {len(text)} characters, expected at most {LONGEST_WORDS}")
    try:
        full_text_query(text)
    except ArchiveError as error:
        raise RefusedError(422, str(error)) from None
    return text


def _threshold(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise RefusedError(422, f"threshold: {text!r:.80} is no score, expected a number from 0 to 1")
    return number
