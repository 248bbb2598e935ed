"""List the blocks of text of an HTML tree in order: what a browser shows as a paragraph, a heading or a cell."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lxml.html import HtmlElement


def tag_set(*names: str) -> frozenset[str]:
    """Make a set of tags, given as words."""
    return frozenset(" ".join(names).split())


HEADINGS = tag_set("h1 h2 h3 h4 h5 h6")
INLINE = tag_set(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q s samp small span",
    "strike strong sub sup time tt u var wbr",
)
_BLOCKS = HEADINGS | tag_set(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption",
    "figure footer form header hgroup hr html legend li listing main menu nav ol p plaintext pre search section",
    "summary table tbody td tfoot th thead tr ul xmp",
)
_IN_FLOW = HEADINGS | tag_set(  # they hold or part the text of what is around them
    "aside blockquote dd details dl dt figcaption figure header hgroup li ol p pre summary ul"
)
_NO_TEXT = tag_set(
    "audio button canvas datalist embed frameset head iframe input map math meter noembed noframes noscript",
    "object option progress rp rt script select style svg template textarea title video",
)
_CHROME_TAGS = tag_set("nav footer menu dialog")
_CHROME_ROLES = tag_set("navigation banner contentinfo search dialog alertdialog menu")
_CONTAINERS = tag_set("aside div dl form li ol section table td ul")
_CHROME_WORDS = re.compile(
    r"(?:\A|[\s_-])(?:ads?|advert\w*|breadcrumbs?|comments|comment-?list|disqus\w*|footer|login|menu|modal|most-read"
    r"|nav|navbar|navigation|newsletter|pager|pagination|popup|promo|recommend\w*|related|respond|share|sharing"
    r"|sidebar|signup|social|sponsor\w*|subscribe|subscription|tags|teasers?|trending|widget)(?=\Z|[\s_-])"
)
_CONSENT_WORDS = re.compile(r"(?:\A|[\s_-])(?:cmp|consent\w*|cookies?\w*|gdpr\w*|onetrust\w*)(?=\Z|[\s_-])")
_HIDDEN = re.compile(r"(?:\A|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
_FOOTNOTE = re.compile(r"\s*(?:\[?\d{1,3}\]?|[*\u2020\u2021])\s*")
_UNIT_LENGTH = 3  # km2, but agency1
_BLANKS = re.compile(r"[ \t\r\n\f\u200b]+")  # \u200b divides words without a visible blank
NOT_SHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u2060\ufeff]+")
_LEGAL = re.compile(r"\W*(?:\u00a9|\(c\)|copyright\b|all rights reserved\b)", re.I)
_CLOCK = re.compile(r"\d{1,2}[:.]\d\d")
_DATED = re.compile(r"date|time|publish|posted|byline", re.I)
_NAME_LENGTH = 200
_WRAPPED = 0.6
_PROSE_LENGTH = 50
_PROSE_LENGTH_WITHOUT_BLANKS = 20  # Chinese, Japanese, Thai


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """An element that seems to hold no article text by its tag or role (chrome, box) or class (named, consent)."""

    kind: Literal["chrome", "box", "named", "consent"]


@dataclass(slots=True, eq=False)
class Block:
    """A line of text on a page.

    `place` numbers the path of tags and classes to what holds its paragraph or heading: blocks of one place stand
    in the same part of a template. `linked` counts the characters of links and of times, which are about the text.
    `follows` is true of the lines after the first that only a line break divides.
    """

    text: str
    tag: str
    place: int
    region: Region | None
    linked: int
    follows: bool = False

    @property
    def is_link(self) -> bool:
        """Tell a block of which more than half is links or times."""
        return 2 * self.linked > len(self.text)

    @property
    def is_legal(self) -> bool:
        """Tell a copyright line."""
        return _LEGAL.match(self.text) is not None

    @property
    def is_prose(self) -> bool:
        """Tell running text from headings, labels and links."""
        least = _PROSE_LENGTH if " " in self.text else _PROSE_LENGTH_WITHOUT_BLANKS
        is_label = self.tag in HEADINGS or self.is_link or self.is_legal
        return not is_label and len(self.text) - self.linked >= least


@dataclass(slots=True)
class Page:
    """What a walk over a tree found: the blocks, the elements without text, and those that may state a date."""

    blocks: list[Block] = field(default_factory=list)
    textless: "list[HtmlElement]" = field(default_factory=list)
    dated: "list[HtmlElement]" = field(default_factory=list)
    depth: int = 0
    elements: int = 0
    characters: int = 0

    @property
    def prose(self) -> list[Block]:
        """List the blocks of running text."""
        return [block for block in self.blocks if block.is_prose]


@dataclass(frozen=True, slots=True)
class _Open:
    tag: str
    place: int
    region: Region | None
    in_article: bool
    in_link: bool
    in_pre: bool
    first_block: int
    first_table: int


_OUTSIDE = _Open("", 0, None, in_article=False, in_link=False, in_pre=False, first_block=0, first_table=0)


def walk(root: "HtmlElement") -> Page:
    """List the blocks of text below an element, in time linear in its size.

    Parameters
    ----------
    root : lxml.html.HtmlElement

    Returns
    -------
    Page

    """
    from lxml.etree import iterwalk

    walker = _Walker()
    events = iterwalk(root, events=("start", "end"))
    for event, element in events:
        if event == "start" and not walker.start(element):
            events.skip_subtree()
        elif event == "end":
            walker.end(element)
    walker.end_block()
    return walker.page


def joined(blocks: Iterable[Block]) -> str:
    """Join blocks to a text: blank lines between them, but none between lines that were wrapped by hand."""
    runs: list[list[str]] = []
    for block in blocks:
        if block.follows and runs:
            runs[-1].append(block.text)
        else:
            runs.append([block.text])
    return "\n\n".join(("\n" if _is_wrapped(lines) else "\n\n").join(lines) for lines in runs)


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Tell lines wrapped at a width, of about one length but the last, from a heading above a text."""
    lengths = [len(line) for line in lines]
    return min(lengths[:-1], default=0) >= _WRAPPED * max(lengths)


class _Walker:
    def __init__(self) -> None:
        self.page = Page()
        self._open: list[_Open] = []
        self._places: dict[tuple[int, str, str], int] = {}
        self._line: list[str] = []
        self._linked = 0
        self._follows = False
        self._tables = 0

    def start(self, element: "HtmlElement") -> bool:
        """Open an element; false where its text is not shown."""
        tag = element.tag
        if tag in _NO_TEXT or _HIDDEN.search(element.get("style", "")) or self._is_footnote(element):
            self.page.textless.append(element)
            return False
        if tag == "br":
            self._end_line(blank_ends_block=True)
        elif tag in _BLOCKS:
            self.end_block()
        self._open.append(self._opened(element))
        self.page.elements += 1
        self.page.depth = max(self.page.depth, len(self._open))
        self._note_date(element)
        self._add(element.text)
        return True

    def end(self, element: "HtmlElement") -> None:
        """Close an element and take the text after it, which belongs to the one around it."""
        if not (self.page.textless and self.page.textless[-1] is element):
            if element.tag in _BLOCKS:
                self.end_block()
            closed = self._open.pop()
            if element.tag == "tr" and closed.first_table == self._tables:  # a table in a cell lays out the page
                self._join_cells(closed.first_block)
        if self._open:
            self._add(element.tail)

    def end_block(self) -> None:
        self._end_line()
        self._follows = False

    def _opened(self, element: "HtmlElement") -> _Open:
        tag, around = element.tag, self._open[-1] if self._open else _OUTSIDE
        classes = element.get("class", "").lower()[:_NAME_LENGTH]
        place = around.place
        if tag in _BLOCKS and tag not in _IN_FLOW:
            first = re.sub(r"\d+", "", classes.split()[0]) if classes.strip() else ""
            place = self._places.setdefault((place, tag, first), len(self._places) + 1)
        in_article = around.in_article or tag in ("article", "main") or element.get("role") == "main"
        self._tables += tag == "table"
        return _Open(
            tag if tag in _BLOCKS else around.tag,
            place,
            _region(element, classes, in_article=in_article) or around.region,
            in_article,
            around.in_link or tag == "time" or (tag == "a" and element.get("href") is not None),
            around.in_pre or tag in ("pre", "listing", "xmp", "plaintext"),
            len(self.page.blocks),
            self._tables,
        )

    def _is_footnote(self, element: "HtmlElement") -> bool:
        if element.tag != "sup" or not _FOOTNOTE.fullmatch("".join(element.itertext())[:10]):
            return False
        before = re.search(r"[^\W\d_]*\Z", "".join(self._line[-1:])[-20:])
        letters = len(before[0]) if before else 0
        return letters > _UNIT_LENGTH or element.find(".//a") is not None

    def _note_date(self, element: "HtmlElement") -> None:
        if self._open[-1].region is None and (
            element.tag == "time"
            or _DATED.search(f"{element.get('class', '')[:_NAME_LENGTH]} {element.get('itemprop', '')}")
        ):
            self.page.dated.append(element)

    def _add(self, text: str | None) -> None:
        if not text:
            return
        around = self._open[-1]
        if not around.in_pre:
            self._append(_BLANKS.sub(" ", text))
            return
        first, *others = text.splitlines() or [""]
        self._append(first)
        for line in others:
            self._end_line(blank_ends_block=True)
            self._append(line)

    def _append(self, text: str) -> None:
        self._line.append(text)
        if self._open[-1].in_link:
            self._linked += len(text.strip())

    def _end_line(self, *, blank_ends_block: bool = False) -> None:
        text = " ".join(NOT_SHOWN.sub("", "".join(self._line)).split())
        if text.strip("\ufffd ") and not _CLOCK.fullmatch(text):
            around = self._open[-1]
            block = Block(text, around.tag, around.place, around.region, self._linked, self._follows)
            self.page.blocks.append(block)
            self.page.characters += len(text)
        self._follows = bool(text) if blank_ends_block else False
        self._line, self._linked = [], 0

    def _join_cells(self, start: int) -> None:
        cells = self.page.blocks[start:]
        if len(cells) > 1 and not any(cell.is_prose or cell.follows for cell in cells):
            text, linked = ", ".join(cell.text for cell in cells), sum(cell.linked for cell in cells)
            self.page.blocks[start:] = [Block(text, "tr", cells[0].place, cells[0].region, linked)]


def _region(element: "HtmlElement", classes: str, *, in_article: bool) -> Region | None:
    tag, role = element.tag, element.get("role", "")
    names = f"{classes} {element.get('id', '').lower()[:_NAME_LENGTH]}" if tag in _CONTAINERS else ""
    if _CONSENT_WORDS.search(names):
        return Region("consent")
    if tag in _CHROME_TAGS or role in _CHROME_ROLES or (tag == "header" and not in_article):
        return Region("chrome")
    if _CHROME_WORDS.search(names):
        return Region("named")
    return Region("box") if tag == "aside" and not in_article else None


def without_repeats(blocks: Iterable[Block]) -> Iterator[Block]:
    """Leave out a block that says what the one before it says."""
    return (next(same) for _, same in groupby(blocks, key=lambda block: block.text))
