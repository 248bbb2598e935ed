"""From articles as they are read to entries of the archive: what each is recognised by, its outlet and its day."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.archive.write import Entry
from pipeline.data.addresses import parse
from pipeline.files import STDIN
from pipeline.schema import Article

NO_OUTLET = "unknown"
_LONGEST_OUTLET = 80
_ISO = re.compile(r"\s*(\d{4})(-?)(\d\d)\2(\d\d)(?!\d)")
_FIRST_YEAR = 1800
_NO_DATES = (date(1970, 1, 1),)  # what programs write where they know none


@dataclass(frozen=True, slots=True)
class Place:
    """Where articles were read.

    Parameters
    ----------
    name : str
        A file's absolute path, an address, or `-` for standard input.
    outlet : str or None
        What the user calls the outlet of all that is read here.
    today : datetime.date
        The day on which they were collected.

    """

    name: str
    outlet: str | None
    today: date

    @property
    def is_web(self) -> bool:
        """Whether it is an address."""
        return self.name.startswith(("http://", "https://"))


def entries(articles: Sequence[Article], place: Place) -> list[Entry]:
    """Describe the articles that one place holds.

    An article alone in its place is recognised by that, an entry of a feed or a row of a table by its link. A link
    that several share, or that leads to the front page of a site, tells no article: its title is added.

    Parameters
    ----------
    articles : sequence of Article
        The source of each part of a feed or table is the place, `#`, and its number or id.
    place : Place

    Returns
    -------
    list of Entry

    """
    links = Counter(article.origin for article in articles)
    return [_entry(_storable(article), place, is_shared=links[article.origin] > 1) for article in articles]


def day_of(stated: str | None, today: date) -> str | None:
    """Read the day of a date, as it was where the date was written.

    Parameters
    ----------
    stated : str or None
        As ISO 8601 or RFC 5322 spell it.
    today : datetime.date

    Returns
    -------
    str or None
        YYYY-MM-DD; None where it is no date, one of a month or year alone, or one that no article has, such as
        1970-01-01 or the day after tomorrow.

    """
    found = _date(stated or "")
    plausible = found and found.year >= _FIRST_YEAR and found not in _NO_DATES and found <= today + timedelta(1)
    return found.isoformat() if found and plausible else None


def web_address(text: str | None) -> str | None:
    """Return an address that can be linked to, None for what is none.

    Parameters
    ----------
    text : str or None

    Returns
    -------
    str or None

    """
    with suppress(ValueError):
        if text and parse(text):
            return text.strip()
    return None


def host_of(address: str) -> str:
    """Name the outlet of an address by its host.

    Parameters
    ----------
    address : str
        http or https.

    Returns
    -------
    str

    """
    return (urlsplit(address).hostname or NO_OUTLET).removeprefix("www.")


def storable(text: str) -> str:
    """Write out what is no character, such as half of a surrogate pair: a database takes no such text.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    """
    return text.encode("utf-8", "backslashreplace").decode()


def _storable(article: Article) -> Article:
    fields = ("source", "text", "title", "date", "origin", "outlet")
    found = {name: getattr(article, name) for name in fields}
    clean: dict[str, Any] = {name: storable(value) for name, value in found.items() if value is not None}
    return replace(article, **clean)


def _entry(article: Article, place: Place, *, is_shared: bool) -> Entry:
    is_part = article.source.startswith(f"{place.name}#")
    link = web_address(article.origin)
    address = link if is_part or not place.is_web else place.name
    day = day_of(article.date, place.today)
    return Entry(
        replace(article, source=place.name),
        _key(article, place, link, is_part=is_part, is_shared=is_shared),
        _outlet(article, place, address),
        day or place.today.isoformat(),
        day is not None,
        address,
    )


def _key(article: Article, place: Place, link: str | None, *, is_part: bool, is_shared: bool) -> str:
    if not is_part:
        return f"-#{_digest(article.text)}" if place.name == STDIN else place.name
    if link and not is_shared and urlsplit(link).path.strip("/"):
        return link
    number = article.source.removeprefix(f"{place.name}#")
    told = number[1:] if number.startswith("=") else _digest(article.title or article.text)
    return f"{link or place.name}#{told}"


def _outlet(article: Article, place: Place, address: str | None) -> str:
    if place.outlet or article.outlet:
        return storable(" ".join((place.outlet or article.outlet or "").split())[:_LONGEST_OUTLET])
    if address:
        return host_of(address)
    return NO_OUTLET if place.name == STDIN else Path(place.name).parent.name or NO_OUTLET


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _date(stated: str) -> date | None:
    with suppress(ValueError, TypeError, OverflowError):
        if found := _ISO.match(stated):
            return date(int(found[1]), int(found[3]), int(found[4]))
        return parsedate_to_datetime(stated).date()
    return None
