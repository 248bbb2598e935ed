"""The page of `topics today` in a real browser, as a file; and the tray of quotations, there and on the pages."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import support
from archiving import LUNCH, MINES, PEACE
from axe_playwright_python.sync_playwright import Axe
from docx import Document
from openpyxl import load_workbook
from playwright.sync_api import Browser, Locator, Page, expect
from reading import FIELD, TALKS, reading
from serving import Service
from test_page_in_browser import LOOKS, browser, pytestmark  # noqa: F401

from pipeline.data.documents import articles_in

MINE, TALK = MINES.format(place="field"), PEACE.format(place="capital")
DOUBTFUL = "The sappers went home."
FORMULA = f"=SUM(A1) & <b>\a. {TALK}"


@pytest.fixture(scope="module")
def made(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("today")
    inbox = folder / "inbox"
    inbox.mkdir()
    (inbox / "a.txt").write_text(f"{MINE}\n\n{LUNCH.format(place='park')}\n\n{DOUBTFUL}")
    (inbox / "b.txt").write_text(f"{FORMULA}\n\n{MINES.format(place='orchard')}")
    assert support.run("today", inbox, "--model", small_model, cwd=folder).returncode == 0
    return folder / "today.html"


@pytest.fixture
def page(browser: Browser, made: Path) -> Iterator[Page]:  # noqa: F811
    """Open the page as a file; whatever the console tells, or the network refuses, fails the test."""
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        opened = context.new_page()
        told: list[str] = []
        opened.on("pageerror", lambda error: told.append(str(error)))
        opened.on("console", lambda message: told.append(message.text))
        opened.goto(made.as_uri())
        yield opened
        assert told == []


def paragraph(page: Page, text: str, within: str = "main") -> Locator:
    """Find a paragraph by its own text, not by its context."""
    return page.locator(f"{within} .paragraph").filter(has=page.locator(".text", has_text=text)).first


def quoted(page: Page, text: str) -> None:
    paragraph(page, text).get_by_role("button", name="Quote").click()


def saved(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_keys_lead_through_the_page_and_quote(page: Page) -> None:
    texts = page.locator(".paragraph .text").all_text_contents()
    assert len(texts) > 3
    for text in texts:
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.querySelector('.text').textContent") == text
    page.keyboard.press("q")
    expect(page.locator("#tray summary")).to_have_text("1 quotation")
    expect(page.locator("#tray ol li")).to_contain_text(texts[-1])
    page.keyboard.press("q")
    expect(page.locator("#tray")).to_be_hidden()
    quoted(page, MINE)
    paragraph(page, MINE, "article.story").get_by_role("button", name="Mine action").click()
    assert page.evaluate("JSON.parse(localStorage.getItem('quotations'))[0].topics") == []


def test_the_tray_becomes_word_excel_text_and_a_copy(page: Page, tmp_path: Path) -> None:
    for text in (MINE, "=SUM"):
        quoted(page, text)
    cleaned = FORMULA.replace("\a", "\ufffd")
    word = [paragraph.text for paragraph in Document(str(saved(page, "Word", tmp_path))).paragraphs]
    (article,) = page.locator("article.story").filter(has_text=MINE).all()
    day = article.get_attribute("data-day")
    title = article.get_attribute("data-title")
    assert word == [
        "Quotations",
        f"“{MINE}”",
        f"inbox, “{title}”, {day}, paragraph 1, a.txt",
        f"“{cleaned}”",
        word[4],
    ]
    assert word[4].endswith("paragraph 1, b.txt")
    sheet = load_workbook(saved(page, "Excel", tmp_path)).active
    assert sheet is not None
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:G3")
    assert {cell.data_type for row in sheet.rows for cell in row} <= {"inlineStr", "s"}  # none is a formula
    rows = list(sheet.values)
    assert rows[0] == ("Quotation", "Topics", "Title", "Outlet", "Date", "Paragraph", "Address")
    assert rows[1] == (MINE, "Mine action", title, "inbox", day, "1", "a.txt")
    assert rows[2][0] == cleaned
    text = saved(page, "Text", tmp_path).read_text(encoding="utf-8-sig")
    assert text.startswith(f"“{MINE}”\n— inbox, “{title}”, {day}, paragraph 1, a.txt\n\n“{cleaned}”")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#tray-status")).to_have_text("Copied.")
    copied = page.evaluate(
        "navigator.clipboard.read().then(([one]) => one.getType('text/html')).then((found) => found.text())"
    )
    assert f"<blockquote>“{MINE}”</blockquote>" in copied
    assert "&lt;b&gt;" in copied


def test_quotations_are_there_when_the_page_is_opened_again(page: Page) -> None:
    quoted(page, MINE)
    page.reload()
    expect(page.locator("#tray summary")).to_have_text("1 quotation")
    expect(page.locator(".quote[aria-pressed=true]")).to_have_count(1)
    page.locator("#tray summary").click()
    page.get_by_role("button", name="Remove paragraph 1").click()
    expect(page.locator("#tray")).to_be_hidden()


def test_filters_leave_the_stories_of_a_topic_and_of_words(page: Page) -> None:
    stories = page.locator("article.story:visible")
    expect(stories).to_have_count(2)
    topic = page.get_by_role("button", name="Peace process", exact=True).first
    topic.click()
    expect(stories).to_have_count(1)
    expect(page.locator("#status")).to_have_text("1 story.")
    topic.click()
    page.get_by_label("Words").fill("FIELD sappers")
    expect(stories).to_have_count(1)
    expect(stories).to_contain_text(MINE)
    expect(page.locator("h3.kind:visible")).to_have_count(1)
    for words in ("nowhere", "quote"):  # the second stands on every button
        page.get_by_label("Words").fill(words)
        expect(page.locator("main section:visible")).to_have_count(0)
    expect(page.locator("#status")).to_have_text("0 stories.")
    page.get_by_label("Words").fill("")
    expect(stories).to_have_count(2)


def test_corrections_come_back_as_annotations(page: Page, small_model: Path, tmp_path: Path) -> None:
    paragraph(page, DOUBTFUL, "[aria-labelledby=unsure]").focus()
    page.keyboard.press("x")  # yes
    paragraph(page, MINE, "article.story").focus()
    page.keyboard.press("x")  # no
    page.keyboard.press("x")  # not so
    expect(page.locator("#corrected")).to_have_text("1")
    page.keyboard.press("x")  # no again, which is what is right then
    page.keyboard.press("y")
    expect(paragraph(page, MINE, "article.story").locator(".state")).to_have_text("corrected")
    page.keyboard.press("x")
    page.keyboard.press("y")  # right
    talks = paragraph(page, TALK, "article.story")
    talks.get_by_role("button", name="Peace process").click()
    expect(talks.locator(".state")).to_have_text("corrected")
    page.reload()
    expect(talks.locator(".state")).to_have_text("corrected")
    page.get_by_role("button", name="Save corrections").click()
    expect(page.locator("#status")).to_have_text("Your name is needed: corrections say whose they are.")
    page.keyboard.type("Ada")
    file = saved(page, "Save corrections", tmp_path)
    away = support.run("import", file, "--model", small_model, "--output", "away.jsonl", cwd=tmp_path)
    assert away.returncode == 0, away.stderr  # without a config, by the model's own label set
    done = support.run("import", file, "--model", small_model, "--output", tmp_path / "tasks.jsonl")
    assert done.returncode == 0, done.stderr
    tasks = {row["text"]: row for row in support.json_lines((tmp_path / "tasks.jsonl").read_text())}
    said = {text: [(one["annotator"], one["topics"]) for one in row["annotations"]] for text, row in tasks.items()}
    assert said == {
        DOUBTFUL: [("Ada", ["mine_action"])],
        MINE: [("Ada", ["mine_action"])],
        page.locator("article.story .text").filter(has_text=TALK).text_content(): [("Ada", [])],
    }
    assert json.loads(file.read_text().splitlines()[0])["source"] == "a.txt"
    assert tasks[MINE]["annotations"][0]["model"] == "run-one"
    assert "date" not in tasks[MINE]  # the file has none of its own
    again = page.context.new_page()
    again.goto(page.url)
    expect(again.locator("#annotator")).to_have_value("Ada")
    paragraph(again, "orchard", "article.story").get_by_role("button", name="Mine action").click()
    expect(page.locator("#corrected")).to_have_text("4")  # of all tabs


@pytest.mark.parametrize("look", LOOKS)
def test_the_page_is_accessible_and_fits(browser: Browser, made: Path, look: tuple[str, int]) -> None:  # noqa: F811
    scheme, width = look
    with browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    ) as context:
        page = context.new_page()
        page.goto(made.as_uri())
        quoted(page, MINE)
        for details in page.locator("details").all():
            details.evaluate("element => element.open = true")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_is_read_and_printed_without_its_tools(browser: Browser, made: Path) -> None:  # noqa: F811
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(made.as_uri())
        expect(page.get_by_text(MINE).first).to_be_visible()
        expect(page.get_by_role("button", name="Quote")).to_have_count(0)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(made.as_uri())
        quoted(page, MINE)
        (printed,) = articles_in(page.pdf(), "printed.pdf")
        text = " ".join(printed.text.split())  # type: ignore[union-attr]
        assert "Sappers cleared landmines" in text
        assert "Save corrections" not in text
        assert "Excel" not in text


@pytest.fixture
def served(small_model: Path, tmp_path: Path) -> Iterator[Service]:
    with reading(small_model, tmp_path) as running:
        yield running


def test_the_tray_goes_from_page_to_page_of_the_service(
    browser: Browser,  # noqa: F811
    served: Service,
    tmp_path: Path,
) -> None:
    with browser.new_context(base_url=served.url) as context:
        page = context.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.goto("/today?since=&until=")
        field = FIELD.split("\n\n")[0]
        quoted(page, field)
        page.goto("/article/3")
        page.keyboard.press("j")
        page.keyboard.press("q")
        expect(page.locator("#tray summary")).to_have_text("2 quotations")
        talks = TALKS.split("\n\n")[0]
        rows = list(load_workbook(saved(page, "Excel", tmp_path)).active.values)  # type: ignore[union-attr]
        assert rows[1:] == [
            (field, "Mine action", "A field is cleared", "Courier", "2026-03-03", "1", "https://courier.example/field?a=1&b=2"),
            (talks, "Peace process", "Talks in the capital", "Evening Post", "2026-03-04", "1", "3"),
        ]  # fmt: skip
        link = Document(str(saved(page, "Word", tmp_path))).paragraphs[2].hyperlinks[0]
        assert link.address == "https://courier.example/field?a=1&b=2"
        page.goto("/search?words=capital")
        expect(page.locator(".quote[aria-pressed=true]")).to_have_count(1)
        assert told == []
