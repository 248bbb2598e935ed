"""Read the main text of HTML pages, found by trafilatura among the page's blocks of text.

Trafilatura tells articles from menus on real sites, but loses what its rules do not foresee, and joins words and
cells. So its answer only marks blocks of the page (`pipeline.data.readers.blocks`). The article is the blocks
marked, what stands between them, and what stands in the same place of the template. Where that is less than half
of the running text outside menus, footers and the like, it is all of that text, and what stands between it.
"""

import json
import re
from collections.abc import Iterator, Sequence, Set
from typing import TYPE_CHECKING, Any

from pipeline.data.readers.blocks import HEADINGS, INLINE, Block, Page, joined, tag_set, walk, without_repeats
from pipeline.data.readers.charset import decoded
from pipeline.data.readers.facts import facts_of
from pipeline.errors import SourceError
from pipeline.schema import Article

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_ARCHIVE = re.compile(rb"\A(?:[^<\n]*\n){0,30}?MIME-Version:", re.I)
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0e-\x1f\ufffe\uffff]"
    r"|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]))\b;?"
)
_LONG_TAG = re.compile(r"<([a-zA-Z][\w:-]*)\s[^<>]{10000,}>")
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)[^<>]*>")
_NESTED = tag_set("body footer head html nav noscript script select style template textarea title")
_ORDINARY = (200, 20_000, 1_000_000)  # depth, elements, characters
_IN_SPAN = HEADINGS | tag_set("caption dt figcaption summary td th tr")
_WORD = re.compile(r"\w+")
_GRAM = 3
_ENOUGH = 0.5
_MUCH = 0.15
_MOST = 0.5
_CONSENT = re.compile(r"\b(?:cookies?|consent|personal data|privacy|GDPR)\b", re.I)
_TO_READER = re.compile(r"\b(?:we|our|us|you|your)\b", re.I)
_SCRIPT_NEEDED = re.compile(
    r"\b(?:disabled?|enabled?|needs?|requires?d?|turn on)\b.{0,40}\b(?:JavaScript|scripts?)\b"
    r"|\bJavaScript\b.{0,40}\b(?:disabled|enabled|needed|required)\b|\A(?:loading|please wait)\W*\Z",
    re.I,
)
_NOTICE_LENGTH = 200


def read_html(content: bytes, name: str) -> list[Article]:
    """Read the main text of a page, with its title, date, and address or site where it states them.

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
        Where it cannot be read, or has no text of its own but a consent notice or a call for scripts.

    """
    if _ARCHIVE.match(content[:4096]):
        raise SourceError(f"{name}: a web archive (MHTML), expected HTML; save the page as HTML")
    text, doubt = decoded(content)
    tree, is_whole = parsed(text)
    page = walk(tree)
    facts = facts_of(tree, page)
    body = _article_in_data(tree) if not page.prose else None
    kept = list(without_repeats(_without_headline(_article(tree, page), facts["title"])))
    if not kept and not body:
        raise SourceError(f"{name}: {_why_empty(page, text)}")
    too_much = None if is_whole and _is_ordinary(page) else "it is too deep or long to tell the article from menus"
    notes = tuple(note for note in (doubt, too_much, _loss(page, kept)) if note)
    return [Article(name, body or joined(kept), **facts, notes=notes)]


def parsed(text: str) -> "tuple[HtmlElement, bool]":
    """Parse HTML, in time linear in its length.

    Parameters
    ----------
    text : str

    Returns
    -------
    tree : lxml.html.HtmlElement
    is_whole : bool
        False where its elements nested deeper than the parser goes, and only its paragraphs were kept apart.

    """
    from lxml.etree import ParserError
    from lxml.html import HTMLParser, document_fromstring

    def parse(html: str) -> "tuple[HtmlElement, bool]":
        parser = HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
        try:
            tree = document_fromstring(html.encode("utf-8", "replace"), parser=parser)
        except ParserError:  # no element at all
            tree = document_fromstring("<html></html>")
        return tree, not any("xcessive depth" in error.message for error in parser.error_log)

    text = _CONTROL.sub("", text)  # trafilatura fails on them
    text = _LONG_TAG.sub(r"<\1>", text)  # libxml2 compares each attribute with all before it
    tree, is_whole = parse(text)
    return (tree, True) if is_whole else (parse(_TAG.sub(_flat, text))[0], False)


def _flat(tag: re.Match[str]) -> str:
    name = tag[2].lower()
    if name in _NESTED:
        return f"<{tag[1]}{name}>"
    return "" if name in INLINE else "<p>"


def _article(tree: "HtmlElement", page: Page) -> Sequence[Block]:
    marked = _marked(tree, page)
    open_regions = {block.region for block in marked if block.is_prose and _may_open(block)}
    usable = [block for block in page.blocks if block.region is None or block.region in open_regions]
    prose = [block for block in usable if block.is_prose]
    if not prose and not (prose := [block for block in page.prose if not _is_consent(block)]):
        return [] if page.prose else [block for block in usable if _is_short_text(block)]
    shown = {*usable, *prose}
    candidates = [block for block in page.blocks if block in shown or _is_box(block)]
    links = {block for block in marked if block.is_link}
    kept = _around(candidates, [block for block in usable if block in marked and block not in links], links)
    if _length(kept) < _ENOUGH * _length(prose):
        kept = _around(candidates, prose)
    return [] if all(_is_notice(block) for block in kept if block.is_prose) else kept


def _is_short_text(block: Block) -> bool:
    return not (block.is_link or block.tag in HEADINGS or _is_notice(block))


def _may_open(block: Block) -> bool:
    """Tell whether trafilatura is believed when it finds text there: class names mislead, tags seldom do."""
    return block.region is not None and block.region.kind in ("named", "box")


def _around(
    candidates: Sequence[Block], anchors: Sequence[Block], links: Set[Block] = frozenset()
) -> Sequence[Block]:
    """List the anchors, what stands between them, these links too, and what stands in the place of their prose."""
    chosen, places = set(anchors), {block.place for block in anchors if block.is_prose}
    numbers = [number for number, block in enumerate(candidates) if block in chosen]
    first, last = (numbers[0], numbers[-1]) if numbers else (0, -1)
    first = _with_headings(candidates, first)

    def belongs(number: int, block: Block) -> bool:
        between = first <= number < last
        if block.is_link and block.tag not in HEADINGS:
            return between and block in links
        if block.place in places and not _is_box(block) and (block.is_prose or first <= number):
            return True
        return between and (block.is_prose or block.tag in _IN_SPAN)

    return _trimmed(
        [block for number, block in enumerate(candidates) if block in chosen or belongs(number, block)]
    )


def _trimmed(blocks: Sequence[Block]) -> Sequence[Block]:
    """Leave out what stands at an edge: a menu in a cell of its own, a notice, a heading with nothing below it."""
    start, stop = 0, len(blocks)
    while start < stop and _is_beside(blocks[start]) and not (start + 1 < stop and blocks[start + 1].follows):
        start += 1
    while start < stop and (_is_beside(blocks[stop - 1]) or blocks[stop - 1].tag in HEADINGS):
        stop -= 1
    return blocks[start:stop]


def _with_headings(candidates: Sequence[Block], first: int) -> int:
    """Find the sub-headings and lines right above a block, past links and times."""
    for number in range(first - 1, -1, -1):
        if candidates[number].tag in HEADINGS - {"h1"} or candidates[number + 1].follows:
            first = number
        elif not candidates[number].is_link:
            break
    return first


def _is_box(block: Block) -> bool:
    return block.region is not None and block.region.kind == "box"


def _is_beside(block: Block) -> bool:
    is_lone_cell = block.tag in ("td", "th") and not block.is_prose and not block.follows
    return is_lone_cell or block.is_legal or _is_notice(block)


def _marked(tree: "HtmlElement", page: Page) -> set[Block]:
    """Find the blocks that trafilatura takes; none of a page so long or deep that it would take too long."""
    import trafilatura

    if not _is_ordinary(page):
        return set()
    for element in page.textless:
        if element.getparent() is not None:
            element.drop_tree()
    found = trafilatura.bare_extraction(tree, fast=True, include_comments=False)
    text = "" if found is None or isinstance(found, dict) else found.text or ""
    lines = {tuple(_words(line)) for row in text.splitlines() for line in (row, *row.split("|"))}
    grams = {gram for row in text.splitlines() for gram in _grams(_words(row))}
    return {block for block in page.blocks if _is_among(block, lines, grams)}


def _is_ordinary(page: Page) -> bool:
    sizes = (page.depth, page.elements, page.characters)
    return all(size <= limit for size, limit in zip(sizes, _ORDINARY, strict=True))


def _is_among(block: Block, lines: set[tuple[str, ...]], grams: set[int]) -> bool:
    words = _words(block.text)
    if len(words) < 2 * _GRAM:
        return tuple(words) in lines
    own = _grams(words)
    return 2 * sum(gram in grams for gram in own) >= len(own)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _grams(words: Sequence[str]) -> list[int]:
    return [hash(gram) for gram in zip(*(words[start:] for start in range(_GRAM)), strict=False)]


def _without_headline(blocks: Sequence[Block], title: str | None) -> Iterator[Block]:
    """Leave out the headline, which is kept as the title."""
    headline = _words(title or "")
    seen = False
    for number, block in enumerate(blocks):
        is_first = not seen and (number == 0 or block.tag in HEADINGS) and _words(block.text) == headline
        if not is_first:
            yield block
        seen = seen or is_first


def _length(blocks: Sequence[Block]) -> int:
    return sum(len(block.text) for block in blocks if block.is_prose)


def _is_notice(block: Block) -> bool:
    asks_for_script = len(block.text) < _NOTICE_LENGTH and _SCRIPT_NEEDED.search(block.text)
    return _is_consent(block) or bool(asks_for_script)


def _is_consent(block: Block) -> bool:
    if block.region and block.region.kind == "consent":
        return True
    return len(_CONSENT.findall(block.text)) > 1 and _TO_READER.search(block.text) is not None


def _loss(page: Page, kept: Sequence[Block]) -> str | None:
    """Tell of a seventh of the running text that is left out, or of half with what by its class is no article."""
    every = [block for block in page.prose if not _is_consent(block) and not _is_chrome(block)]
    said = {block.text for block in kept}
    left = [block for block in every if block.text not in said]
    unnamed = [block for block in left if block.region is None]
    if _length(unnamed) <= _MUCH * _length(every) and _length(left) <= _MOST * _length(every):
        return None
    count = f"{len(every) - len(left)} of {len(every)}"
    return f"kept {count} paragraphs of text; the others look like no part of the article"


def _is_chrome(block: Block) -> bool:
    return block.region is not None and block.region.kind == "chrome"


def _why_empty(page: Page, text: str) -> str:
    if any(_is_consent(block) for block in page.blocks):
        return "the page holds a consent notice; no article text"
    if "<script" in text.lower():
        return "the page needs a script; no article text"
    return "no main text in this page"


def _article_in_data(tree: "HtmlElement") -> str | None:
    """Find the `articleBody` of schema.org data, where a page that needs a script states its text."""
    for script in tree.iter("script"):
        if "ld+json" in script.get("type", ""):
            try:
                body = _article_body(json.loads(script.text or ""))
            except (ValueError, RecursionError):
                continue
            if body:
                return body
    return None


def _article_body(data: Any) -> str | None:
    if isinstance(data, dict):
        body = data.get("articleBody")
        return body.strip() if isinstance(body, str) else _article_body(list(data.values()))
    bodies = map(_article_body, data if isinstance(data, list) else ())
    return next((body for body in bodies if body), None)
