"""Every format of a digest, opened with a reader that is not its writer: what it says, and that nothing runs."""

import csv
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import docx
import feedparser
import pytest
from axe_playwright_python.sync_playwright import Axe
from made_digests import CLEARED, FORMULA, STORIES, WORDS, made_digest
from markdown_it import MarkdownIt
from openpyxl import load_workbook
from playwright.sync_api import Browser, sync_playwright

from pipeline.archive.digest.atom import as_atom
from pipeline.archive.digest.delimited import as_csv, text_cell
from pipeline.archive.digest.excel import as_xlsx
from pipeline.archive.digest.formats import FORMATS, format_of_file
from pipeline.archive.digest.html import as_html, height
from pipeline.archive.digest.mail import as_eml, as_mail
from pipeline.archive.digest.markdown import as_markdown, escaped
from pipeline.archive.digest.payload import as_json
from pipeline.archive.digest.text import as_text
from pipeline.archive.digest.word import as_docx
from pipeline.data.readers.word import read_docx

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
TITLE = FORMULA.title
of_sparklines = pytest.mark.filterwarnings("ignore:Sparkline Group")  # which openpyxl does not read
HOSTILE = [
    "# no heading",
    "- no item",
    "+ no item",
    "1. no item",
    "2) no item",
    "> no quotation",
    "=== no rule",
    "*no* _stress_ `code` ~~cut~~",
    "[no](http://link.example) ![no](x)",
    "<script>alert(1)</script> &amp; <http://a.example>",
    "a | b \\| c \\",
    "$x$ #tag {a}",
]


@pytest.mark.parametrize("name", FORMATS)
def test_a_digest_makes_the_same_bytes_again(name: str) -> None:
    assert FORMATS[name].write(made_digest()) == FORMATS[name].write(made_digest())


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_digest_can_be_written(name: str) -> None:
    assert FORMATS[name].write(made_digest(())) != FORMATS[name].write(made_digest())


@pytest.mark.parametrize("name", ["text", "md", "html", "eml", "json"])
def test_an_empty_digest_says_so_in_a_line(name: str) -> None:
    assert b"Nothing new in this period." in FORMATS[name].write(made_digest(()))


@pytest.mark.parametrize("name", FORMATS)
def test_characters_that_cannot_be_written_do_not_stop_it(name: str) -> None:
    hostile = "\x00\x08\x1b[2J\ud83d\ufffe]]>\u2028"
    story = replace(
        WORDS,
        title=hostile,
        articles=(replace(WORDS.articles[0], outlet=hostile, title=hostile, source=f"/a/{hostile}"),),
        quotations=(replace(WORDS.quotations[0], text=hostile * 50),),
    )
    assert FORMATS[name].write(made_digest((story,), title=hostile))


@pytest.mark.parametrize(
    ("file", "name"),
    [("a.HTM", "html"), ("a.docx", "docx"), ("a.xml", "atom"), ("brief", None), ("a.b.eml", "eml")],
)
def test_a_file_ending_names_its_format(file: str, name: str | None) -> None:
    assert format_of_file(Path(file)) == name


def test_an_ending_of_no_format_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no digest is written to \.pdf; use \.txt, "):
        format_of_file(Path("a.pdf"))


def test_plain_text_has_each_story_once_with_its_outlets() -> None:
    lines = as_text(made_digest()).decode().splitlines()
    assert lines.count("* Sappers clear a field") == 2  # once with its quotations, once as a pointer
    assert "  Morning Post, Evening Echo; 4 to 5 March 2026" in lines
    assert "▁▁▁▁▁▁▁▁▁▁▁▃█▁  20 February 2026 to 5 March 2026" in lines
    assert "/home/anna" not in "".join(lines)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_every_text_as_it_is(text: str) -> None:
    shown = MarkdownIt("commonmark").enable("table").enable("strikethrough")
    for before in ("", "> ", "#### ", "- "):
        page = shown.render(f"{before}{escaped(text)}\n")
        words = Words()
        words.feed(page)
        assert "".join(words.texts).strip() == text.strip()
        assert not words.tags & {"script", "em", "code", "s", "a", "img", "h1", "ol"}


def test_markdown_links_articles_and_quotes_paragraphs() -> None:
    page = MarkdownIt("commonmark").enable("table").render(as_markdown(made_digest()).decode())
    assert '<li><a href="https://morning.example/field?a=1&amp;b=2">Morning Post</a>, 4 March 2026</li>' in page
    assert "<blockquote>\n<p>Sappers cleared a field of mines.</p>\n<p>— Morning Post, " in page
    assert '<td style="text-align:right">3</td>' in page
    assert "javascript:" not in page


@pytest.mark.parametrize("address", ["https://a.example/)>[x]", "https://a.example/<b>", "https://a.example/ä"])
def test_markdown_keeps_an_address_in_its_link(address: str) -> None:
    story = replace(WORDS, articles=(replace(WORDS.articles[0], address=address),))
    page = MarkdownIt("commonmark").render(as_markdown(made_digest((story,))).decode())
    words = Words()
    words.feed(page)
    assert len(words.links) == 1
    assert words.links[0].startswith("https://a.example/")


class Words(HTMLParser):
    """What a page says, and what it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_has_nothing_that_mail_programs_drop() -> None:
    words = Words()
    words.feed(as_html(made_digest()).decode())
    assert not words.tags & {"script", "img", "svg", "iframe", "form", "link", "b"}
    assert all(link.startswith(("https://", "#topic-")) for link in words.links)
    assert "Mines were found near the <well> & the road." in words.texts
    coloured = [attributes for _, attributes in words.attributes if "color:" in (attributes.get("style") or "")]
    assert all(
        attributes["class"] for attributes in coloured if re.search(r"(^|;)color:", attributes["style"] or "")
    )


def test_the_page_says_its_timeline_in_words() -> None:
    page = as_html(made_digest()).decode()
    assert 'role="img" aria-label="Paragraphs a day: 1 on 3 March 2026, 4 on 4 March 2026"' in page
    assert [height(count, (("a", 0), ("b", 1), ("c", 4))) for count in (0, 1, 4)] == [1, 8, 32]


def test_a_quotation_says_its_language() -> None:
    quoted = re.findall(r'<blockquote lang="(\w+)"', as_html(made_digest()).decode())
    assert quoted == ["en", "en", "en", "ar", "uk"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "CI needs a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="no browser: apt-get install chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("stories", [STORIES, ()], ids=["full", "empty"])
def test_the_page_is_accessible_in_light_and_dark(
    scheme: Any, stories: Any, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "digest.html"
    file.write_bytes(as_html(made_digest(stories)))
    page = browser.new_page(color_scheme=scheme, viewport={"width": 360, "height": 800})
    page.goto(file.as_uri())
    found = Axe().run(page)
    assert [violation["id"] for violation in found.response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


def test_a_word_document_has_headings_that_a_reader_can_go_by() -> None:
    document = docx.Document(io.BytesIO(as_docx(made_digest())))
    headings = [(p.style.name, p.text) for p in document.paragraphs if p.style.name.startswith(("Head", "Title"))]
    assert headings[:5] == [
        ("Title", "Mines, Kharkiv"),
        ("Heading 1", "Mines & duds"),
        ("Heading 2", "About"),
        ("Heading 3", "Sappers clear a field"),
        ("Heading 1", "Schools"),
    ]


def test_a_word_document_says_what_it_is() -> None:
    properties = docx.Document(io.BytesIO(as_docx(made_digest()))).core_properties
    assert (properties.title, properties.subject, properties.language, properties.author) == (
        "Mines, Kharkiv",
        "4 to 5 March 2026",
        "en-GB",
        "paragraph-topics",
    )
    assert properties.created == datetime(2026, 3, 5, 9, 30, tzinfo=properties.created.tzinfo)


def test_a_word_document_has_a_footnote_for_each_quotation() -> None:
    [article] = read_docx(as_docx(made_digest()), "digest.docx")
    paragraphs = article.text.split("\n\n")
    assert "Sappers cleared a field of mines." in paragraphs
    assert (
        "Morning Post, “Sappers clear a field”, 4 March 2026, paragraph 2. https://morning.example/field?a=1&b=2"
        in paragraphs
    )
    parts = zipfile.ZipFile(io.BytesIO(as_docx(made_digest())))
    body, notes = (ET.fromstring(parts.read(f"word/{name}.xml")) for name in ("document", "footnotes"))
    referred = [found.get(f"{WORD}id") for found in body.iter(f"{WORD}footnoteReference")]
    written = [found.get(f"{WORD}id") for found in notes]
    assert referred == ["1", "2", "3", "4", "5", "6"]
    assert written == ["-1", "0", *referred]


def test_a_word_document_s_links_go_to_the_web_alone() -> None:
    parts = zipfile.ZipFile(io.BytesIO(as_docx(made_digest())))
    relations = [
        found
        for name in ("document", "footnotes")
        for found in ET.fromstring(parts.read(f"word/_rels/{name}.xml.rels"))
        if found.get("TargetMode") == "External"
    ]
    assert {found.get("Target") for found in relations} == {
        "https://morning.example/field?a=1&b=2",
        "https://at.example/1",
    }
    assert "docProps/thumbnail.jpeg" not in parts.namelist()


def test_a_word_document_s_pages_are_numbered_and_its_arabic_runs_from_the_right() -> None:
    parts = zipfile.ZipFile(io.BytesIO(as_docx(made_digest())))
    footer = next(name for name in parts.namelist() if name.startswith("word/footer"))
    fields = [found.get(f"{WORD}instr") for found in ET.fromstring(parts.read(footer)).iter(f"{WORD}fldSimple")]
    assert fields == ["PAGE", "NUMPAGES"]
    body = ET.fromstring(parts.read("word/document.xml"))
    from_right = [p for p in body.iter(f"{WORD}p") if p.find(f"{WORD}pPr/{WORD}bidi") is not None]
    assert ["".join(found.itertext()) for found in from_right] == ["افتتحت مدرسة جديدة."]


@of_sparklines
def test_a_workbook_has_filters_dates_links_and_no_formula() -> None:
    book = load_workbook(io.BytesIO(as_xlsx(made_digest())))
    assert book.sheetnames == ["Quotations", "Articles", "Counts", "Days"]
    sheet = book["Quotations"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:M7")
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert rows[0][:8] == (
        "Mines & duds",
        "about",
        "Sappers clear a field",
        "Morning Post",
        datetime(2026, 3, 4),
        "Sappers clear a field",
        2,
        "Sappers cleared a field of mines.",
    )
    assert rows[4][2] == TITLE
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s", "n", "d"}
    assert sheet["K2"].hyperlink.target == "https://morning.example/field?a=1&b=2"
    assert sheet["K5"].hyperlink is None
    assert sheet["K5"].value == "a.html"


@of_sparklines
def test_a_workbook_has_the_articles_and_the_days() -> None:
    book = load_workbook(io.BytesIO(as_xlsx(made_digest())))
    articles = [(row[3], row[6]) for row in book["Articles"].iter_rows(min_row=2, values_only=True)]
    assert ("Evening Echo", "echo.docx") in articles
    days = list(book["Days"].iter_rows(values_only=True))
    assert days[0] == ("Day", "Mines & duds", "Schools")
    assert days[-2:] == [(datetime(2026, 3, 4), 4, 0), (datetime(2026, 3, 5), 0, 2)]


def test_what_a_cell_cannot_hold_is_cut_and_a_long_address_is_no_link() -> None:
    address = f"https://a.example/{'x' * 2100}"
    story = replace(
        WORDS,
        articles=(replace(WORDS.articles[0], address=address),),
        quotations=(replace(WORDS.quotations[0], text="😀" * 20_000),),
    )
    sheet = load_workbook(io.BytesIO(as_xlsx(made_digest((story,)))))["Quotations"]
    assert sheet["H2"].value == "😀" * 16_383 + "…"
    assert (sheet["K2"].value, sheet["K2"].hyperlink) == (address, None)


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_csv_has_a_mark_for_excel_and_a_row_a_quotation() -> None:
    content = as_csv(made_digest())
    assert content.startswith(b"\xef\xbb\xbftopic,kind,story,")
    first = csv_rows(content)[0]
    assert (first["topic"], first["date"], first["paragraph"], first["score"], first["outlets"]) == (
        "Mines & duds",
        "2026-03-04",
        "2",
        "0.91",
        "Morning Post, Evening Echo",
    )


def test_no_cell_of_a_csv_is_a_formula() -> None:
    content = as_csv(made_digest())
    row = csv_rows(content)[4]
    assert (row["story"], row["title"], row["outlet"]) == (f"'{TITLE}", "'+1 for schools", "'@Outlet")
    assert row["quotation"] == "'-2+3 шкіл відкрито 😀"
    cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_what_begins_a_formula_is_kept_behind_an_apostrophe(start: str) -> None:
    assert text_cell(f"{start}1") == f"'{start}1"
    assert text_cell(f"1{start}") == f"1{start}"


def test_a_mail_is_a_draft_in_two_forms() -> None:
    content = as_eml(made_digest(title="Міни: Харків"))
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    message = message_from_bytes(content, policy=default)
    assert message["Subject"] == "Міни: Харків: 4 to 5 March 2026"
    assert (message["Date"], message["X-Unsent"], message["To"]) == ("Thu, 05 Mar 2026 09:30:00 +0000", "1", None)
    assert message.get_content_type() == "multipart/alternative"
    plain, page = message.iter_parts()  # type: ignore[attr-defined]
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert "Sappers cleared a field of mines." in plain.get_content()
    assert "افتتحت مدرسة جديدة." in page.get_content()
    assert [defect for part in message.walk() for defect in part.defects] == []


def test_a_mail_s_header_takes_no_line_of_a_title() -> None:
    message = message_from_bytes(as_eml(made_digest(title="a\r\nBcc: b@example.org")), policy=default)
    assert message["Bcc"] is None
    assert message["Subject"] == "a Bcc: b@example.org: 4 to 5 March 2026"


def test_a_mail_to_somebody_has_an_id_that_stays() -> None:
    message = as_mail(
        made_digest(),
        sender="News <news@example.org>",
        recipients=("a@example.org",),
        message_id="<1@example.org>",
    )
    assert (message["To"], message["From"], message["Message-ID"]) == (
        "a@example.org",
        "News <news@example.org>",
        "<1@example.org>",
    )


def test_a_feed_is_valid_and_its_ids_stay() -> None:
    feed = feedparser.parse(as_atom(made_digest()))
    assert (feed.bozo, feed.version, feed.feed.title) == (False, "atom10", "Mines, Kharkiv")
    assert [entry.title for entry in feed.entries] == ["Sappers clear a field", "مدرسة جديدة", TITLE, "Weather"]
    later = feedparser.parse(as_atom(made_digest(STORIES[:2], made=made_digest().made.replace(day=6))))
    assert [entry.id for entry in later.entries] == [feed.entries[0].id, feed.entries[2].id]
    assert (feed.feed.id, feed.entries[0].id) == (
        "urn:uuid:a198ec82-bdac-58be-bc66-7dbc1f6206f7",
        "urn:uuid:f95ae2be-bd66-5e4c-9259-a990f80aa30c",
    )


def test_a_feed_s_entry_has_its_outlets_topics_and_quotations() -> None:
    entry = feedparser.parse(as_atom(made_digest((CLEARED,)))).entries[0]
    assert [author["name"] for author in entry.authors] == ["Morning Post", "Evening Echo"]
    assert [tag["term"] for tag in entry.tags] == ["Mines & duds", "Schools"]
    assert (entry.link, entry.updated) == ("https://morning.example/field?a=1&b=2", "2026-03-05T00:00:00Z")
    assert "<blockquote><p>Mines were found near the &lt;well&gt; &amp; the road.</p>" in entry.content[0]["value"]


def test_json_has_what_the_documentation_says() -> None:
    found = json.loads(as_json(made_digest()))
    assert list(found) == [
        "version",
        "title",
        "key",
        "period",
        "made",
        "model",
        "summary",
        "more",
        "topics",
        "stories",
    ]
    assert (found["made"], found["topics"][0]["days"]["2026-03-04"]) == ("2026-03-05T09:30:00+00:00", 4)
    story = found["stories"][0]
    assert (story["topic"], story["about"], story["outlets"]) == (
        "mines",
        ["mines"],
        ["Morning Post", "Evening Echo"],
    )
    assert story["articles"][1]["place"] == "echo.docx"
    assert story["quotations"][0] == {
        "paragraph": 1,  # counted from 0, as predictions are
        "text": "Sappers cleared a field of mines.",
        "scores": {"mines": 0.91},
    }
