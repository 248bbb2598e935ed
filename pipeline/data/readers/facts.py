"""Read what an HTML page states of itself: title, date and origin, found by trafilatura and htmldate.

Both search the whole page, and take a copyright line, a number or a day that the text tells of for its date. So
they are given what may state these facts, and nothing else.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.data.readers.blocks import NOT_SHOWN, Page

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_DATE_NAME = re.compile(r"date|time|publi|issued|created|modified", re.I)
_NO_DATE_NAME = re.compile(r"copyright|image|description|title|url|expir", re.I)
_DATE_LENGTH = 100


def facts_of(tree: "HtmlElement", page: Page) -> dict[str, str | None]:
    """Read the title, date, origin and outlet that a page states.

    Parameters
    ----------
    tree : lxml.html.HtmlElement
    page : Page
        Of the same tree: it knows the elements that may hold a date.

    Returns
    -------
    dict of str to str or None
        `title`, `date`, `origin`, which is the address, else the site, and `outlet`, the name of the site.

    """
    import trafilatura

    found = trafilatura.extract_metadata(_skeleton(tree), date_config={"extensive_search": False})
    date = _stated_date(_skeleton(tree, dated=page.dated), found.url)
    origin = found.url or found.sitename
    return {"title": found.title, "date": date, "origin": origin, "outlet": found.sitename}


def _stated_date(skeleton: "HtmlElement", url: str | None) -> str | None:
    """Find the date. The search that knows the months of many languages also guesses: its day must stand there."""
    from htmldate import find_date

    date: str | None = find_date(skeleton, extensive_search=False, original_date=True, url=url)
    if date:
        return date
    guess = find_date(skeleton, extensive_search=True, original_date=True)
    numbers = {number.lstrip("0") for number in re.findall(r"\d+", skeleton.text_content())}
    year, _, day = (guess or "--").split("-")
    return guess if {year, day.lstrip("0")} <= numbers else None


def _skeleton(tree: "HtmlElement", dated: "Sequence[HtmlElement] | None" = None) -> "HtmlElement":
    from lxml.html import document_fromstring

    skeleton = document_fromstring("<html><head></head><body></body></html>")
    head, body = skeleton.find("head"), skeleton.find("body")
    for element in tree.iter("meta", "title", "link", "script"):
        if element.tag == "script" and "ld+json" not in element.get("type", ""):
            continue
        names = " ".join(element.get(key, "") for key in ("name", "property", "itemprop", "http-equiv"))
        if (
            dated is None
            or element.tag == "script"
            or (_DATE_NAME.search(names) and not _NO_DATE_NAME.search(names))
        ):
            head.append(_copy(element, element.text))
    for element in tree.iter("h1", "h2") if dated is None else dated:
        text = " ".join(element.text_content().split())
        if len(text) <= _DATE_LENGTH or dated is None:
            body.append(_copy(element, text))
    return skeleton


def _copy(element: "HtmlElement", text: str | None) -> "HtmlElement":
    clean = {key: NOT_SHOWN.sub("", value) for key, value in element.attrib.items() if key.isprintable()}
    copied = element.makeelement(element.tag, clean)
    copied.text = NOT_SHOWN.sub("", text or "")
    return copied
