"""The pages on the archive in a real browser: keys, corrections, phones, without JavaScript, printed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from reading import FIELD, TALKS, reading
from serving import Service
from test_page_in_browser import CHROMIUM, LOOKS, browser  # noqa: F401  # a fixture

from pipeline.data.documents import articles_in

pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="no browser: apt-get install chromium, or name one in CHROMIUM"
)


@pytest.fixture(scope="module")
def served(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with reading(small_model, tmp_path_factory.mktemp("browser")) as running:
        running.ask("/views", b"name=Mines&topic=mine_action", content_type="application/x-www-form-urlencoded")
        yield running


@pytest.fixture
def page(browser: Browser, served: Service) -> Iterator[Page]:  # noqa: F811
    """Give a page; whatever the console tells, or the network refuses, fails the test."""
    with browser.new_context(base_url=served.url) as context:
        opened = context.new_page()
        told: list[str] = []
        opened.on("console", lambda message: told.append(message.text))
        opened.on("pageerror", lambda error: told.append(str(error)))
        yield opened
        assert told == []


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.querySelector('.text')?.textContent ?? ''"))


def test_keys_lead_from_one_relevant_paragraph_to_the_next(page: Page) -> None:
    page.goto("/article/3")
    first, _, _, second, _ = TALKS.split("\n\n")
    for key, text in (("j", first), ("j", second), ("j", second), ("k", first)):
        page.keyboard.press(key)
        assert focused(page) == text
    page.goto("/today?since=&until=")
    quotations = page.locator(".paragraph.tinted .text").all_text_contents()
    for text in quotations:
        page.keyboard.press("j")
        assert focused(page) == text
    assert len(quotations) == 4


def test_a_link_to_a_paragraph_shows_it(page: Page) -> None:
    page.goto("/today?since=&until=&topic=peace_process")
    page.get_by_role("link", name="Paragraph 4 of Talks in the capital").click()
    expect(page).to_have_url(page.url.partition("/article")[0] + "/article/3#p4")
    expect(page.locator(".paragraph:target .text")).to_have_text(TALKS.split("\n\n")[3])


def test_a_topic_can_be_added_and_taken_away(page: Page, served: Service) -> None:
    page.goto("/article/1")
    last = page.locator(".paragraph").nth(2)
    last.hover()
    last.get_by_role("button", name="Mine action").click()
    expect(page.locator("#status")).to_have_text("Saved for paragraph 3: mine_action.")
    expect(last).to_have_class("paragraph tinted t0")
    kept = served.ask("/v1/corrections").json()[0]
    text = FIELD.split("\n\n")[2]
    assert (kept["text"], kept["model_topics"], kept["person_topics"]) == (text, [], ["mine_action"])
    page.goto("/search?topic=mine_action")
    quoted = page.locator(".paragraph").first
    quoted.get_by_role("button", name="Mine action").click()
    expect(page.locator("#status")).to_have_text("Saved for paragraph 1: no topic.")
    newer = served.ask("/v1/corrections").json()[0]
    assert (newer["text"], newer["person_topics"]) == (FIELD.split("\n\n")[0], [])
    assert newer["article"] == kept["article"]  # of one article, whichever page it was made on


@pytest.mark.parametrize("path", ["/article/3", "/search?words=mountains"])
def test_a_correction_has_a_name_and_can_be_taken_back(page: Page, served: Service, path: str) -> None:
    page.context.add_cookies([{"name": "annotator", "value": "Ada%20L.", "url": served.url}])
    page.goto(path)
    text = TALKS.split("\n\n")[3]
    paragraph = page.locator(".paragraph").filter(has_text=text)
    chip = paragraph.get_by_role("button", name="Peace process", exact=False).first
    for _ in range(2):  # the second time after a look at the page anew
        expect(chip).to_have_attribute("aria-pressed", "true")
        expect(paragraph.get_by_role("button", name="Undo")).to_be_hidden()
        chip.click()
        expect(paragraph.locator(".state")).to_have_text("corrected by Ada L.")
        page.reload()
        expect(paragraph.locator(".state")).to_have_text("corrected by Ada L.")
        expect(chip).to_have_attribute("aria-pressed", "false")
        with page.expect_navigation():
            paragraph.get_by_role("button", name="Undo").click()
    assert text not in {kept["text"] for kept in served.ask("/v1/corrections").json()}


def test_a_correction_that_cannot_be_saved_is_taken_back(browser: Browser, served: Service) -> None:  # noqa: F811
    with browser.new_context(base_url=served.url) as context:  # whose console tells of the failure
        page = context.new_page()
        page.route(
            "**/v1/corrections", lambda route: route.fulfill(status=503, json={"detail": "the disk is full"})
        )
        page.goto("/article/1")
        chip = page.locator(".paragraph").nth(1).get_by_role("button", name="Mine action")
        chip.click()
        expect(page.locator("#status")).to_have_text("Not saved: the disk is full")
        expect(chip).to_have_attribute("aria-pressed", "true")


def test_a_view_is_made_by_keyboard_alone(page: Page) -> None:
    page.goto("/search?words=ceasefire")
    page.get_by_role("link", name="Save as a view").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").focus()
    page.keyboard.type("Ceasefires")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ceasefires")
    expect(page.locator("mark").first).to_have_text("ceasefire")
    page.get_by_text("Change this view").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Delete this view").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete Ceasefires").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Saved views")


def test_reading_works_without_javascript(browser: Browser, served: Service) -> None:  # noqa: F811
    with browser.new_context(base_url=served.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/today")
        page.get_by_role("link", name="All", exact=True).click()
        page.get_by_label("Words").fill("landmines")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("mark").first).to_have_text("landmines")
        page.get_by_role("link", name="A field is cleared").first.click()
        expect(page.locator(".paragraph")).to_have_count(3)
        page.get_by_role("link", name="Paragraph 2").click()
        expect(page.locator(".paragraph:target")).to_have_count(1)


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_accessible_and_fit(browser: Browser, served: Service, look: tuple[str, int]) -> None:  # noqa: F811
    scheme, width = look
    paths = [
        "/today?since=&until=",
        "/search",
        "/search?words=orchestra",
        "/today?since=2020-01-01&until=2020-01-01",
    ]
    paths += ["/timeline", "/article/1", "/article/4", "/views", "/view/mines"]
    with browser.new_context(
        base_url=served.url, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    ) as context:
        page = context.new_page()
        for path in paths:
            page.goto(path)
            for details in page.locator("details").all():
                details.evaluate("element => element.open = true")
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_printed_pages_have_the_stories_and_no_forms(page: Page) -> None:
    page.goto("/today?since=&until=")
    (printed,) = articles_in(page.pdf(), "printed.pdf")
    text = " ".join(printed.text.split())  # type: ignore[union-attr]
    assert "A field is cleared" in text
    assert "Sappers cleared landmines" in text
    assert "Least score" not in text
    assert "Save as a view" not in text


def test_the_page_of_a_missing_archive_is_accessible(browser: Browser, service: Service) -> None:  # noqa: F811
    with browser.new_context(base_url=service.url, bypass_csp=True) as context:
        page = context.new_page()
        page.goto("/today")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
